"""What people say in the sets: phrasings by hand, in TOML files beside this one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


def phrases(name: str) -> dict[str, Any]:
    """The phrasings of one set by their keys."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))
