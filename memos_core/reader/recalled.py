"""Recalled text that comes back in a conversation is taken out again, so that it is never learnt twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from memos_core.model.render import HEAD, OPEN

_NAME = re.escape(OPEN.strip("<>"))
_TAG = re.compile(rf"(?:<|&lt;)(/?){_NAME}(?:>|&gt;)", re.IGNORECASE)
_LINE = re.compile(r"^[ \t>|]*- (.+)$", re.MULTILINE)
_DAY = re.compile(r"^[ \t>|]*\d{1,2} [A-Z][a-z]+ \d{4}:\s*$", re.MULTILINE)
_MOST_LINES = 100
_EDGE = " \t>|*`'\""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What is left of a text: `pieces` as spans of it, and how many recalled passages were taken out."""

    pieces: tuple[tuple[int, int], ...]
    taken: int


def fresh(text: str, own: Callable[[str], bool] | None = None) -> Fresh | None:
    """The spans that are new in a text; None where nothing in it was recalled, which is nearly always.

    What stands in the renderer's fence goes, quoted, indented or escaped. So does a rendered line without a fence if
    `own`, which is told the line's words, knows them as a memory: people write lists too.
    """
    if "- " not in text and "memories" not in text.lower():
        return None
    gone = sorted([*_fences(text), *_lines(text, own)])
    if not gone:
        return None
    pieces: list[tuple[int, int]] = []
    start = 0
    for left, right in [*gone, (len(text), len(text))]:
        if left > start:
            pieces.extend(_trimmed(text, start, left))
        start = max(start, right)
    return Fresh(tuple(pieces), len(gone))


def _fences(text: str) -> list[tuple[int, int]]:
    """One pass over the tags, so that many open ones cost no more than few. A fence never closed ends with its lines."""
    found: list[tuple[int, int]] = []
    opened: re.Match[str] | None = None
    for tag in _TAG.finditer(text):
        if tag[1]:
            found.append((opened.start() if opened else tag.start(), tag.end()))
            opened = None
        elif opened is None:
            opened = tag
    if opened:
        found.append((opened.start(), _end_of_lines(text, opened.end())))
    return found


def _end_of_lines(text: str, end: int) -> int:
    """Where the rendered lines end that follow a tag whose fence was cut off."""
    while end < len(text):
        stop = text.find("\n", end) + 1 or len(text)
        line = text[end:stop].strip(_EDGE + "\r\n")
        if line and line != HEAD and not _LINE.match(line) and not _DAY.match(line):
            break
        end = stop
    return end


def _lines(text: str, own: Callable[[str], bool] | None) -> list[tuple[int, int]]:
    if own is None or "- " not in text:
        return []
    lines = islice(_LINE.finditer(text), _MOST_LINES)
    return [found.span() for found in lines if _is_own(found[1], own)]


def _is_own(body: str, own: Callable[[str], bool]) -> bool:
    return own(body.strip())


def _trimmed(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The span without blank edges and without what quoting leaves round a fence."""
    piece = text[start:end]
    if start > 0:
        start += len(piece) - len(piece.lstrip())
    else:
        start += len(piece) - len(piece.lstrip("\n"))
    last = text.rfind("\n", start, end) + 1
    if last > 0 and end < len(text) and not text[last:end].strip(_EDGE):
        end = last
    end = start + len(text[start:end].rstrip()) if end > start else end
    return [(start, end)] if end > start and any(c.isalnum() for c in text[start:end]) else []
