"""What stands above a passage of a document: it says what the passage is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memos_core.model.memory import Trust

_BETWEEN = " \u203a "


def headings(trust: str, info: Mapping[str, Any]) -> str:
    """The headings above a passage, the outermost first; "" for what is not from a document, or stands under none."""
    found = info.get("headings") if trust == Trust.DOCUMENT else None
    return _BETWEEN.join(map(str, found)) if isinstance(found, (list, tuple)) else ""


def place(trust: str, info: Mapping[str, Any]) -> str:
    """Where a passage stands: the document's name, and the headings above it."""
    name = info.get("document") if trust == Trust.DOCUMENT else None
    return _BETWEEN.join(part for part in (str(name) if name else "", headings(trust, info)) if part)
