"""Documents as passages: where each stands in the text, and of Markdown the headings above it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from memos_core.model.memory import Trust
from memos_core.model.message import Draft
from memos_core.text.passages import passages


@dataclass(frozen=True, slots=True)
class Document:
    """A document, its text as read and its passages; the drafts' spans are characters of `text`."""

    name: str
    text: str
    drafts: tuple[Draft, ...]
    notes: tuple[str, ...] = ()


def plain(name: str, text: str, notes: tuple[str, ...] = ()) -> Document:
    """A plain text."""
    return Document(name, text, tuple(_drafts(name, text, [((), 0, len(text))])), notes)


def markdown(name: str, text: str, notes: tuple[str, ...] = ()) -> Document:
    """A Markdown text: no passage runs over a heading."""
    found = tuple(_drafts(name, text, _sections(text)))
    return Document(name, text, found, notes) if found else plain(name, text, notes)


_Section = tuple[tuple[str, ...], int, int]


def _drafts(name: str, text: str, sections: list[_Section]) -> Iterator[Draft]:
    for headings, start, end in sections:
        for left, right in passages(text[start:end]):
            span = (start + left, start + right)
            info: dict[str, Any] = {"document": name, **({"headings": list(headings)} if headings else {})}
            yield Draft(text[slice(*span)], 0, span, trust=Trust.DOCUMENT, info=info)


def _sections(text: str) -> list[_Section]:
    """(headings above, start, end) of what stands between headings; a heading in a code block is none."""
    from markdown_it import MarkdownIt

    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    starts[-1] = len(text)
    body = _after_front_matter(text)
    first = text.count("\n", 0, body)
    tokens = MarkdownIt("zero").enable(["heading", "lheading", "fence", "code", "html_block", "blockquote", "list"]).parse(text[body:])
    path: list[tuple[int, str]] = []
    sections: list[_Section] = []
    start = body
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open" or opening.map is None or opening.level:
            continue
        sections.append((tuple(name for _, name in path), start, starts[opening.map[0] + first]))
        rank = int(opening.tag[1])
        path = [*((level, name) for level, name in path if level < rank), (rank, inline.content[:200])]
        start = starts[opening.map[1] + first]
    return [*sections, (tuple(name for _, name in path), start, len(text))]


def _after_front_matter(text: str) -> int:
    """Where the text begins after a block of settings between two lines of three dashes."""
    if not text.startswith("---\n"):
        return 0
    end = text.find("\n---\n", 3, 20_000)
    return end + 5 if end >= 0 else 0
