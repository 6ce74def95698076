"""Old and new statements of one thing change places: newest first for how things are now, oldest first for how they were.

Among the first hits, two short statements of one speaker, said in different sessions, that are each other's likeliest
counterpart and of nearly one score, are taken for a statement and its update. Being each other's likeliest is what spares
the many pairs that are merely alike; a bare threshold costs several times as much in other questions. The wanted one of a
pair moves up to stand before the other; only the first few change places, so that what is found stays found.
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

FIRST_NOW, FIRST_BEFORE = 5, 10
"""How many hits are looked at. How it was before reaches further: the news of a change is the better match and hides it."""
FIRST = max(FIRST_NOW, FIRST_BEFORE)
SHORT_TERMS = 30
ALIKE = 0.2
"""Cosine from which two statements may be about one thing. Low: likeliness decides, this only shuts out what is unrelated."""
APART_NOW, APART_BEFORE = 0.4, 0.8
"""How far two scores may lie apart, in units of a cosine."""
MATTERS = 0.5
"""What a statement's score counts beside its likeness: a counterpart answers the question too."""
SESSION_GAP = 6 * 3600 * 1_000_000
"""Said this long after one another (microseconds), two statements count as of different sessions."""


def first(question: Question, rows: Candidates, order: Places, scores: Column, view: View, model: str | None) -> Places:
    """`order` with statements and their updates in the order that the question asks for; `order` itself where nothing moves."""
    if model is None or not (question.present or question.past):
        return order
    head = order[: FIRST_NOW if question.present else FIRST_BEFORE]
    if len(head) < 2:
        return order
    vectors = view.vectors(rows.nr[head].tolist(), model)
    apart = APART_NOW if question.present else APART_BEFORE
    places = list(range(len(head)))
    for a, b in mutual(counterparts(rows, head, scores[head], vectors @ vectors.T, apart)):
        newer, older = (a, b) if rows.said[head[a]] > rows.said[head[b]] else (b, a)
        wanted, other = (newer, older) if question.present else (older, newer)
        from_, to = places.index(wanted), places.index(other)
        if from_ > to:
            places.insert(to, places.pop(from_))
    return np.concatenate([head[places], order[len(head) :]])


def counterparts(rows: Candidates, head: Places, scores: Column, cosines: Column, apart: float) -> Column:
    """How likely two are a statement and its update: their cosine and what they matter to the question; 0 where they can't be."""
    speaker, session, said = rows.speaker[head], rows.session[head], rows.said[head]
    short = rows.length[head] <= SHORT_TERMS
    gap = np.abs(said[:, None] - said)
    other = (gap > 0) & ((session[:, None] != session) | (session < 0) | (gap >= SESSION_GAP))
    near = np.abs(scores[:, None] - scores) <= apart
    may = short[:, None] & short & (speaker[:, None] == speaker) & other & near & (cosines >= ALIKE)
    return np.where(may, cosines + MATTERS * (scores[:, None] + scores), np.float32(0)).astype(np.float32)


def mutual(alike: Column) -> list[tuple[int, int]]:
    """The pairs that are each other's likeliest counterpart."""
    likeliest = alike.argmax(axis=1).tolist()
    return [(i, j) for i, j in enumerate(likeliest) if i < j and likeliest[j] == i and alike[i, j] > 0]
