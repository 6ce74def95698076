"""Long texts cut into passages: at sentences, about as long as a paragraph."""

from __future__ import annotations

import re

_SCRIPT = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_TOKENS = re.compile(rf"[{_SCRIPT}]|\S[^\s{_SCRIPT}]*")
_ENDS = re.compile(
    r"[.!?\u2026][\"')\]\u2019\u201d]*(?=\s)|[\u3002\uff01\uff1f][\u300d\u300f\u201d\u2019]*"
    r"|\n\s*\n|\n(?=\s*(?:[-*#>]|\d+[.)]\s))"
)
_CJK_WORD = 2
"""Two characters of Chinese or Japanese count as a word."""


def passages(text: str, words: int = 120) -> list[tuple[int, int]]:
    """The spans of a text's passages, in order, without the white space around them; [] for a blank text.

    A passage ends at the end of a sentence, a paragraph or a list item, and has about `words` words: a text of up to a
    third more stays whole, a last passage that would be shorter than a third joins the one before it, and a sentence
    that is too long is cut between words.
    """
    if len(text) <= words or (len(text) <= 2 * words and text.isascii()):
        return _trimmed(text, [(0, len(text))])
    weights = _weights(text)
    if weights[-1][1] <= words * 4 / 3:
        return _trimmed(text, [(0, len(text))])
    return _trimmed(text, _cut(text, weights, words))


def _weights(text: str) -> list[tuple[int, float]]:
    """Where each word starts, and how many words there are up to its end."""
    total, found = 0.0, [(0, 0.0)]
    for match in _TOKENS.finditer(text):
        total += 1 / _CJK_WORD if match.group()[0] >= "\u3040" else 1.0
        found.append((match.start(), total))
    return found


def _cut(text: str, weights: list[tuple[int, float]], words: int) -> list[tuple[int, int]]:
    """The spans: each takes words until it is full, then ends at its last sentence's end, or else right there."""
    ends = [match.end() for match in _ENDS.finditer(text)]
    spans: list[tuple[int, int]] = []
    start, base, upcoming, best = 0, 0.0, 0, -1
    best_weight, whole = 0.0, weights[-1][1]
    for position, weight in weights:
        while upcoming < len(ends) and ends[upcoming] <= position:
            if ends[upcoming] > start:
                best, best_weight = ends[upcoming], weight - 1
            upcoming += 1
        if weight - base <= words or whole - base <= words * 4 / 3:
            continue
        end, done = (best, best_weight) if best > start and best_weight - base >= words / 3 else (position, weight - 1)
        if end > start:
            spans.append((start, end))
            start, base, best = end, max(done, base), -1
    return [*spans, (start, len(text))]


def _trimmed(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    trimmed = []
    for start, end in spans:
        piece = text[start:end]
        bare = piece.strip()
        if bare:
            first = start + piece.index(bare[0]) if piece[0] != bare[0] else start
            trimmed.append((first, first + len(bare)))
    return trimmed
