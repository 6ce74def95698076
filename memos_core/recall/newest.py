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

    from memos_core.recall.question import Question
    from memos_core.recall.table import Table

FIRST = 10
ALIKE, COPY = 0.4, 0.75
APART = 0.4
"""How far two scores may lie apart, in units of a cosine."""
SESSION_GAP = 6 * 3600 * 1_000_000
"""Said this long after one another (microseconds), two statements count as of different sessions."""


def reorder(question: Question, table: Table, order: NDArray[np.intp], scores: NDArray[np.float32], cosines: NDArray[np.float32]) -> list[int]:
    """The places of `order` (at most FIRST rows, best first) anew: position -> position in `order`.

    `cosines` (n, n) are those of the rows in `order`; `scores` theirs, in units of a cosine.
    """
    places = list(range(len(order)))
    if not (question.present or question.past):
        return places
    newer_first = question.present
    rows = table.rows
    said, matched = rows.said[order], rows.matched[order]
    for a, b in mutual(_counterparts(table, order, scores, cosines)):
        new, old = (a, b) if said[a] > said[b] else (b, a)
        wanted, other = (new, old) if newer_first else (old, new)
        if places.index(wanted) > places.index(other) and (matched[wanted] >= matched[other] or cosines[a, b] >= COPY):
            i, j = places.index(wanted), places.index(other)
            places[i], places[j] = places[j], places[i]
    return places


def _counterparts(
    table: Table, order: NDArray[np.intp], scores: NDArray[np.float32], cosines: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Cosines of those pairs that may be a statement and its update, 0 for all others."""
    rows = table.rows
    speaker, session, said = rows.speaker[order], rows.session[order], rows.said[order]
    short = rows.length[order] <= 30
    apart = np.abs(said[:, None] - said[None, :])
    other = (session[:, None] != session[None, :]) | (session[:, None] < 0) | (apart >= SESSION_GAP)
    near = np.abs(scores[:, None] - scores[None, :]) <= APART
    may = short[:, None] & short[None, :] & (speaker[:, None] == speaker[None, :]) & other & near & (apart > 0) & (cosines >= ALIKE)
    np.fill_diagonal(may, False)
    return np.where(may, cosines, np.float32(0))


def mutual(alike: NDArray[np.float32]) -> list[tuple[int, int]]:
    """The pairs that are each other's likeliest counterpart."""
    if not len(alike):
        return []
    best = alike.argmax(axis=1)
    return [(i, int(j)) for i, j in enumerate(best) if i < j and best[j] == i and alike[i, j] > 0]
