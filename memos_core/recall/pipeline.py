"""From a query to ranked, explained memories: interpret, embed, gather, the steps in order, the cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from memos_core.errors import EmbedderUnavailable
from memos_core.index.base import Candidates, Probe, View
from memos_core.recall import dialogue, evidence, moments, newest
from memos_core.recall.question import Question, interpret, spoken
from memos_core.recall.ranking import Ranking
from memos_core.recall.table import Table, tabulate
from memos_core.recall.weights import DEFAULT, Weights
from memos_core.text.words import is_cjk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos_core.inference.base import Embedder
    from memos_core.model.filter import Filter

    Column = NDArray[np.float32]

Step = Callable[[Question, Table, "Column", Weights], "Column | None"]
STEPS: tuple[tuple[str, Step], ...] = (
    ("words", evidence.words),
    ("context", evidence.context),
    ("meaning", evidence.meaning),
    ("who", dialogue.who),
    ("session", dialogue.session),
    ("when", moments.when),
    ("date", moments.date),
    ("talk", dialogue.talk),
)
"""Each gives a column to add to the scores, or None where its source lacks what it needs. Order matters: talk looks at the sum."""

GATHER = 300


def recall(
    query: str,
    view: View,
    *,
    embedder: Embedder | None,
    where: Filter | None,
    now: datetime,
    top_k: int,
    asker_names: frozenset[str] = frozenset(),
    session: str | None = None,
    min_relevance: float | None = None,
    weights: Weights = DEFAULT,
    steps: tuple[tuple[str, Step], ...] = STEPS,
    reorder: bool = True,
) -> Ranking:
    """The best memories of a view for a query, at most `top_k`.

    `asker_names` are the names under which the asker speaks. Filter and scope apply in the index, before anything is cut.
    """
    started = perf_counter()
    question = interpret(query, view.speakers, asker_names, now)
    interpreted = perf_counter()
    vector, degraded = _vector(question, embedder)
    embedded = perf_counter()
    model = embedder.digest if embedder is not None and vector is not None else None
    rows = view.gather(Probe(question.terms, vector, model, where, max(GATHER, 3 * top_k)))
    gathered = perf_counter()
    ranked = _rank(question, rows, view, model, top_k, min_relevance, weights, steps, reorder)
    took = {
        "interpret": interpreted - started,
        "embed": embedded - interpreted,
        "gather": gathered - embedded,
        "rank": perf_counter() - gathered,
    }
    return Ranking(*ranked, tuple(dict.fromkeys((*degraded, *rows.degraded))), {step: round(s * 1000, 4) for step, s in took.items()})


def _vector(question: Question, embedder: Embedder | None) -> tuple[Column | None, tuple[str, ...]]:
    """The query's vector, of unit length: of the query, and of it as the speaker it names would put it."""
    if embedder is None:
        return None, ("no embedder: found by words alone",)
    if embedder.languages and is_cjk(question.text) and embedder.languages.isdisjoint({"zh", "ja", "ko"}):
        return None, (f"{embedder.name} does not know the query's language: found by words alone",)
    try:
        own = spoken(question.text, question.names)
        vector = embedder.query(question.text if own is None else own)
    except EmbedderUnavailable as exc:
        return None, (f"embedder unavailable: {exc}",)
    return vector, ()


def _rank(
    question: Question,
    rows: Candidates,
    view: View,
    model: str | None,
    top_k: int,
    min_relevance: float | None,
    weights: Weights,
    steps: tuple[tuple[str, Step], ...],
    reorder: bool,
) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...], tuple[Mapping[str, float], ...]]:
    if not len(rows) or top_k < 1:
        return (), (), (), ()
    table = tabulate(question, rows, has_vectors=model is not None)
    scores = np.zeros(len(rows), np.float32)
    lent: list[tuple[str, Column]] = []
    for name, step in steps:
        column = step(question, table, scores, weights)
        if column is not None:
            scores = scores + column
            lent.append((name, column))
    relevance = relevances(question, rows)
    order = best(rows, scores, max(top_k, newest.FIRST), None if min_relevance is None else relevance >= min_relevance)
    head = order[: newest.FIRST]
    moved: list[int] | None = None
    if reorder and model is not None and len(head) > 1 and (question.present or question.past):
        vectors = view.vectors(rows.nr[head].tolist(), model)
        moved = newest.reorder(question, table, head, scores[head], vectors @ vectors.T)
        shown = np.concatenate([head[moved], order[newest.FIRST :]])
    else:
        shown = order
    order, shown = order[:top_k], shown[:top_k]
    total = np.float32(weights.total)
    final = np.clip(scores[order] / total, 0, 1).tolist()
    parts = {name: (column[shown] / total).tolist() for name, column in lent}
    whys = [{name: round(values[i], 4) for name, values in parts.items() if values[i]} for i in range(len(shown))]
    if moved is not None:
        delta = ((scores[order] - scores[shown]) / total).tolist()
        for why, change in zip(whys, delta, strict=True):
            if change:
                why["newest"] = round(change, 4)
    return tuple(rows.nr[shown].tolist()), tuple(final), tuple(relevance[shown].tolist()), tuple(whys)


def relevances(question: Question, rows: Candidates) -> Column:
    """Cosine, cut to 0..1; where there is no vector, the share of the query's terms."""
    share = rows.matched / np.float32(max(1, len(question.terms)))
    return np.clip(np.where(rows.relevance == 0, share, rows.relevance), 0, 1).astype(np.float32)


def best(rows: Candidates, scores: Column, count: int, allowed: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """The positions of the best, in order; ties by newest, then by the ledger's number."""
    keys = -scores if allowed is None else np.where(allowed, -scores, np.inf).astype(np.float32)
    if count < len(keys):
        worst = np.partition(keys, count - 1)[count - 1]
        among = np.flatnonzero(keys <= worst)
    else:
        among = np.arange(len(keys))
    among = among[np.isfinite(keys[among])]
    return among[np.lexsort((rows.nr[among], -rows.said[among], keys[among]))][:count]
