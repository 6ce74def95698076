"""The last steps: relevance, the threshold, the best in order, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos_core.index.base import Candidates
    from memos_core.recall.question import Question

    Column = NDArray[np.float32]
    Places = NDArray[np.intp]


ALL = slice(None)


def relevances(question: Question, rows: Candidates, places: Places | slice = ALL) -> Column:
    """Of these rows: the cosine, cut to 0..1; where there is no vector, the share of the query's terms that the memory holds."""
    cosine = np.minimum(np.maximum(rows.relevance[places], np.float32(0)), np.float32(1))
    embedded = rows.embedded[places]
    if not embedded.all():
        held = np.minimum(rows.matched[places] / np.float32(max(1, len(question.terms))), np.float32(1))
        cosine = np.where(embedded, cosine, held)
    return cosine


def allowed(question: Question, rows: Candidates, scores: Column, least: float | None) -> NDArray[np.bool_] | None:
    """Which rows pass the threshold, and have something that speaks for them: a vector to compare, a word of the query, or a
    neighbour. None for all, which is also the answer where nothing speaks for any: then the newest come."""
    spoken_for = None if rows.embedded.all() else rows.embedded | (scores > 0)
    if spoken_for is not None and not spoken_for.any():
        spoken_for = None
    if least is None:
        return spoken_for
    near = relevances(question, rows) >= least
    return near if spoken_for is None else near & spoken_for


def best(rows: Candidates, scores: Column, count: int, among: NDArray[np.bool_] | None = None) -> Places:
    """The positions of the best, in order; ties by newest, then by the ledger's number."""
    places, keys = (None, -scores) if among is None else (np.flatnonzero(among), -scores[among])
    if count < len(keys):
        near = np.flatnonzero(keys <= np.partition(keys, count - 1)[count - 1])
        places, keys = near if places is None else places[near], keys[near]
    elif places is None:
        places = np.arange(len(keys))
    return places[np.lexsort((rows.nr[places], -rows.said[places], keys))][:count]


def explain(lent: list[tuple[str, Column]], scores: Column, order: Places, shown: Places, total: float) -> tuple[Mapping[str, float], ...]:
    """For each memory shown, what each step lent, in units of the score. `newest` is what changing places gave or took."""
    names = [*(name for name, _ in lent), "newest"]
    parts = np.empty((len(names), len(shown)))
    for part, (_, column) in zip(parts, lent, strict=False):
        part[:] = column[shown]
    parts[-1] = scores[order] - scores[shown]
    whys = (parts / total).round(4).T.tolist()
    return tuple({name: value for name, value in zip(names, why, strict=True) if value} for why in whys)
