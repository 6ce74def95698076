"""Old and new statements of one thing change places: newest first for how things are now, oldest first for how they were.

Among the first hits, two short statements of one speaker, said in different sessions, that are each other's likeliest
counterpart and of nearly one score, are taken for a statement and its update. Being each other's likeliest is what spares
the many pairs that are merely alike; a bare threshold costs several times as much in other questions. The wanted one of a
pair moves up to stand before the other; only the first few change places, so that what is found stays found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from memos_core.recall.cut import relevances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos_core.index.base import Candidates, View
    from memos_core.recall.question import Question

    Column = NDArray[np.float32]
    Places = NDArray[np.intp]

FIRST = 10
"""How many hits are looked at. Among few, two that have nothing to do with each other are soon each other's likeliest."""
SHORT_TERMS = 30
ALIKE = 0.2
"""Cosine from which two statements may be about one thing. Low: likeliness decides, this only shuts out what is unrelated."""
FEW_TERMS = 3
"""A question of more terms than this tells of one occasion, not of how a thing stands."""
ANSWERS_NOW, ANSWERS_BEFORE = 0.65, 0.5
"""What moves up has at least this share of the relevance of what it passes: it answers the same question. How it was before is
allowed less: the news of a change is the better match."""
SAME = 0.6
"""Cosine from which two statements are of one thing, whatever words of the question they hold."""
APART = 0.8
"""How far two scores may lie apart, in units of a cosine."""
MATTERS = 1.0
"""What a statement's score counts beside its likeness: a counterpart answers the question too."""
SESSION_GAP = 6 * 3600 * 1_000_000
"""Said this long after one another (microseconds), two statements count as of different sessions."""


def first(question: Question, rows: Candidates, order: Places, scores: Column, view: View, model: str | None) -> Places:
    """`order` with statements and their updates in the order that the question asks for; `order` itself where nothing moves."""
    if model is None or not (question.present or question.past) or len(question.terms) > FEW_TERMS:
        return order
    head = order[:FIRST]
    cosines = likenesses(rows, head, scores, view, model) if len(head) > 1 else {}
    score = scores[head].tolist()
    pairs = mutual(len(head), {(i, j): cosine + MATTERS * (score[i] + score[j]) for (i, j), cosine in cosines.items()})
    if not pairs:
        return order
    said, places = rows.said[head].tolist(), list(range(len(head)))
    passes = _passing(question, rows, head)
    for a, b in pairs:
        newer, older = (a, b) if said[a] > said[b] else (b, a)
        wanted, other = (newer, older) if question.present else (older, newer)
        from_, to = places.index(wanted), places.index(other)
        if from_ > to and passes(wanted, other, cosines[a, b]):
            places.insert(to, places.pop(from_))
    return np.concatenate([head[places], order[len(head) :]])


def _passing(question: Question, rows: Candidates, head: Places) -> Callable[[int, int, float], bool]:
    """Whether one statement may pass another: it answers the question nearly as well; the other does not hold all of the
    question's words while it holds only some (unless the question says which state it means, or they are much alike); and the other
    is not from where the asker stands while it is from elsewhere."""
    relevance, matched = relevances(question, rows, head).tolist(), rows.matched[head].tolist()
    here = np.isin(rows.session[head], rows.here).tolist()
    least, asked = ANSWERS_NOW if question.present else ANSWERS_BEFORE, len(question.terms)
    outright = question.past or question.current or asked < 2

    def passes(wanted: int, other: int, cosine: float) -> bool:
        worse = matched[wanted] < asked <= matched[other]
        return (
            relevance[wanted] >= least * relevance[other]
            and (outright or not worse or cosine >= SAME)
            and (here[wanted] or not here[other])
        )

    return passes


def likenesses(rows: Candidates, head: Places, scores: Column, view: View, model: str) -> dict[tuple[int, int], float]:
    """Pairs of places that may be a statement and its update -> their cosine."""
    speaker, session, said = rows.speaker[head].tolist(), rows.session[head].tolist(), rows.said[head].tolist()
    length, score = rows.length[head].tolist(), scores[head].tolist()
    short = [i for i in range(len(head)) if length[i] <= SHORT_TERMS]
    may = [
        (i, j)
        for i in short
        for j in short
        if i < j
        and speaker[i] == speaker[j]
        and abs(score[i] - score[j]) <= APART
        and said[i] != said[j]
        and (session[i] != session[j] or session[i] < 0 or abs(said[i] - said[j]) >= SESSION_GAP)
    ]
    if not may:
        return {}
    vectors = view.vectors(rows.nr[head].tolist(), model)
    cosines = (vectors @ vectors.T).tolist()
    return {(i, j): cosines[i][j] for i, j in may if cosines[i][j] >= ALIKE}


def mutual(count: int, likelihood: Mapping[tuple[int, int], float]) -> list[tuple[int, int]]:
    """The pairs that are each other's likeliest counterpart, in order."""
    best: list[tuple[float, int]] = [(0.0, -1)] * count
    for (i, j), likely in likelihood.items():
        best[i] = max(best[i], (likely, -j))
        best[j] = max(best[j], (likely, -i))
    return [(i, j) for i, j in likelihood if -best[i][1] == j and -best[j][1] == i]
