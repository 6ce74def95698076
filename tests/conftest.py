"""A memory to test with: in a folder of its own, by words alone, with its key beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, Settings


@pytest.fixture
def open_mos(tmp_path: Path) -> Iterator[Callable[..., MOS]]:
    """Opens memories by name; the same name is the same folder. They are closed after the test."""
    opened: list[MOS] = []

    def make(name: str = "memory", *, settings: dict[str, Any] | None = None, **given: Any) -> MOS:
        chosen = {"embedder": "none", "durability": "normal", "config_dir": str(tmp_path / "config"), "cache_dir": str(tmp_path / "cache")}
        opened.append(MOS(str(tmp_path / name), settings=Settings(**{**chosen, **(settings or {})}), **given))
        return opened[-1]

    yield make
    for mos in opened:
        mos.close()


@pytest.fixture
def mos(open_mos: Callable[..., MOS]) -> MOS:
    return open_mos()
