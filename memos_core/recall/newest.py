"""Old and new statements of one thing change places: newest first for how things are now, oldest first for how they were.

Among the first hits, two short statements of one speaker, said in different sessions, that are each other's likeliest
counterpart and of nearly one score, are taken for a statement and its update. Being each other's likeliest is what spares
the many pairs that are merely alike; a bare threshold costs several times as much in other questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos_core.index.base import Candidates, View
    from memos_core.recall.question import Question

    Column = NDArray[np.float32]
    Places = NDArray[np.intp]

FIRST = 10
SHORT_TERMS = 30
ALIKE, COPY = 0.4, 0.75
"""Cosines from which two statements may be about one thing, and from which they are near-copies."""
APART = 0.4
"""How far two scores may lie apart, in units of a cosine."""
SESSION_GAP = 6 * 3600 * 1_000_000
"""Said this long after one another (microseconds), two statements count as of different sessions."""


def first(question: Question, rows: Candidates, order: Places, scores: Column, view: View, model: str | None) -> Places:
    """`order` with statements and their updates in the order that the question asks for; `order` itself where nothing moves."""
    head = order[:FIRST]
    if model is None or len(head) < 2 or not (question.present or question.past):
        return order
    vectors = view.vectors(rows.nr[head].tolist(), model)
    alike = counterparts(rows, head, scores[head], vectors @ vectors.T)
    pairs = mutual(alike)
    if not pairs:
        return order
    places = list(range(len(head)))
    for a, b in pairs:
        _trade(places, question, rows, head, a, b, copies=bool(alike[a, b] >= COPY))
    return np.concatenate([head[places], order[FIRST:]])


def counterparts(rows: Candidates, head: Places, scores: Column, cosines: Column) -> Column:
    """Cosines of those pairs that may be a statement and its update, 0 for all others."""
    speaker, session, said = rows.speaker[head], rows.session[head], rows.said[head]
    short = rows.length[head] <= SHORT_TERMS
    gap = np.abs(said[:, None] - said)
    other = (gap > 0) & ((session[:, None] != session) | (session < 0) | (gap >= SESSION_GAP))
    near = np.abs(scores[:, None] - scores) <= APART
    may = short[:, None] & short & (speaker[:, None] == speaker) & other & near & (cosines >= ALIKE)
    return np.where(may, cosines, np.float32(0)).astype(np.float32)


def mutual(alike: Column) -> list[tuple[int, int]]:
    """The pairs that are each other's likeliest counterpart."""
    likeliest = alike.argmax(axis=1).tolist()
    return [(i, j) for i, j in enumerate(likeliest) if i < j and likeliest[j] == i and alike[i, j] > 0]


def _trade(places: list[int], question: Question, rows: Candidates, head: Places, a: int, b: int, *, copies: bool) -> None:
    """Put the one that is asked for first, where it says as many of the query's words as the other or is its near-copy."""
    newer, older = (a, b) if rows.said[head[a]] > rows.said[head[b]] else (b, a)
    wanted, other = (newer, older) if question.present else (older, newer)
    if places.index(wanted) > places.index(other) and (copies or rows.matched[head[wanted]] >= rows.matched[head[other]]):
        i, j = places.index(wanted), places.index(other)
        places[i], places[j] = places[j], places[i]
