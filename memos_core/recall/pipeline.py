"""From a query to ranked, explained memories: interpret, embed, gather, the steps in order, the cut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from memos_core.errors import EmbedderUnavailable
from memos_core.index.base import Candidates, Probe, View
from memos_core.inference.base import UnsoundVectors, sound_query
from memos_core.recall import dialogue, evidence, moments, newest
from memos_core.recall.cut import allowed, best, explain, relevances
from memos_core.recall.question import Question, interpret, spoken
from memos_core.recall.ranking import Ranking
from memos_core.recall.table import Table, tabulate
from memos_core.recall.weights import DEFAULT, WORDS_ALONE, Weights
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
    ("here", dialogue.here),
    ("when", moments.when),
    ("date", moments.date),
    ("asks", dialogue.asks),
    ("echo", dialogue.echo),
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
    steps: tuple[tuple[str, Step], ...] = STEPS,
    weights: Weights | None = None,
    reorder: bool = True,
) -> Ranking:
    """The best memories of a view for a query, at most `top_k`.

    `asker_names` are the names under which the asker speaks ("user", their own). Filter and scope apply in the index, before
    anything is cut. `session` is where the asker stands. `steps`, `weights` and `reorder` are there to measure what each is worth.
    """
    clock = [perf_counter()]
    question = interpret(query, view.speakers, asker_names, now)
    clock.append(perf_counter())
    vector, degraded = embed(question, embedder)
    model = embedder.digest if embedder is not None and vector is not None else None
    clock.append(perf_counter())
    rows = view.gather(Probe(question.terms, vector, model, where, max(GATHER, 3 * top_k), session))
    clock.append(perf_counter())
    has_vectors = model is not None and bool(rows.embedded.any())
    scores, lent, used = score(question, rows, steps, weights, has_vectors)
    order = best(rows, scores, max(top_k, newest.FIRST), allowed(question, rows, scores, min_relevance))
    shown = newest.first(question, rows, order, scores, view, model) if reorder and has_vectors else order
    order, shown, total = order[:top_k], shown[:top_k], used.total
    why, relevance = explain(lent, scores, order, shown, total), relevances(question, rows, shown)
    clock.append(perf_counter())
    return Ranking(
        nrs=tuple(rows.nr[shown].tolist()),
        scores=tuple((scores[order] / np.float32(total)).clip(0, 1).tolist()),
        relevances=tuple(relevance.tolist()),
        whys=why,
        degraded=tuple(dict.fromkeys((*degraded, *rows.degraded))),
        took={name: round((b - a) * 1000, 4) for name, a, b in zip(CLOCKED, clock, clock[1:], strict=False)},
    )


CLOCKED = ("interpret", "embed", "gather", "rank")


def embed(question: Question, embedder: Embedder | None) -> tuple[Column | None, tuple[str, ...]]:
    """The query's vector, and what could not be used. A query that names one speaker is embedded as they would put it."""
    if embedder is None:
        return None, ("no embedder: found by words alone",)
    if embedder.languages and is_cjk(question.text) and embedder.languages.isdisjoint({"zh", "ja", "ko"}):
        return None, (f"{embedder.name} does not know the query's language: found by words alone",)
    try:
        return sound_query(embedder, spoken(question.text, question.names) or question.text), ()
    except UnsoundVectors as exc:
        return None, (f"{exc}, found by words alone",)
    except EmbedderUnavailable as exc:
        return None, (f"embedder unavailable, found by words alone: {exc}",)


def score(
    question: Question, rows: Candidates, steps: tuple[tuple[str, Step], ...], weights: Weights | None, has_vectors: bool
) -> tuple[Column, list[tuple[str, Column]], Weights]:
    """The sum of what the steps lend, in units of a cosine; what each lent; and the weights used."""
    used = weights or (DEFAULT if has_vectors else WORDS_ALONE)
    scores = np.zeros(len(rows), np.float32)
    lent: list[tuple[str, Column]] = []
    if not len(rows):
        return scores, lent, used
    table = tabulate(question, rows, has_vectors=has_vectors)
    for name, step in steps:
        column = step(question, table, scores, used)
        if column is not None:
            scores = scores + column
            lent.append((name, column))
    return scores, lent, used
