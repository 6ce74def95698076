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


def relevances(question: Question, rows: Candidates) -> Column:
    """Cosine, cut to 0..1; where there is no vector, the share of the query's terms that the memory holds."""
    cosine = np.minimum(np.maximum(rows.relevance, np.float32(0)), np.float32(1))
    without = np.flatnonzero(rows.relevance == 0)
    if len(without):
        cosine[without] = np.minimum(rows.matched[without] / np.float32(max(1, len(question.terms))), np.float32(1))
    return cosine


def allowed(relevance: Column, least: float | None) -> NDArray[np.bool_] | None:
    """Which rows pass the threshold; None for all."""
    return None if least is None else relevance >= least


def best(rows: Candidates, scores: Column, count: int, among: NDArray[np.bool_] | None = None) -> Places:
    """The positions of the best, in order; ties by newest, then by the ledger's number."""
    places = np.arange(len(scores)) if among is None else np.flatnonzero(among)
    keys = -scores[places]
    if count < len(places):
        worst = np.partition(keys, count - 1)[count - 1]
        places, keys = places[keys <= worst], keys[keys <= worst]
    return places[np.lexsort((rows.nr[places], -rows.said[places], keys))][:count]


def explain(lent: list[tuple[str, Column]], scores: Column, order: Places, shown: Places, total: float) -> tuple[Mapping[str, float], ...]:
    """For each memory shown, what each step lent, in units of the score. `newest` is what changing places gave or took."""
    names = [*(name for name, _ in lent), "newest"]
    parts = np.stack([*(column[shown] for _, column in lent), scores[order] - scores[shown]])
    whys = (parts.T / np.float32(total)).astype(np.float64).round(4).tolist()
    return tuple({name: value for name, value in zip(names, why, strict=True) if value} for why in whys)
