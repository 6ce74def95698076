"""Steps about time: questions that ask when, and dates that the query names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memos_core.text.dates import DAY, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos_core.recall.question import Question
    from memos_core.recall.table import Table
    from memos_core.recall.weights import Weights

    Column = NDArray[np.float32]

AFTER_DAYS, BEFORE_DAYS = 14.0, 4.0
"""How long after a date people still speak of what was on it, and how long before: the days in which nearness falls to 1/e."""
_YEAR = 365.25 * DAY


def when(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """A question that asks when prefers what holds a time expression."""
    if not question.when or not table.rows.timed.any():
        return None
    return table.rows.timed * np.float32(weights.when)


def date(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """A date named in the query prefers what was said near it, sooner after than before."""
    if not question.dates:
        return None
    near = nearness(table.rows.said, question.dates[0])
    for span in question.dates[1:]:
        near = np.maximum(near, nearness(table.rows.said, span))
    return near * np.float32(weights.date)


def nearness(said: NDArray[np.int64], span: Span) -> Column:
    """1 within the span, falling to 0 away from it."""
    start, end = float(span.start), float(span.end)
    at = said.astype(np.float64)
    if span.yearly:
        middle = (start + end) / 2
        at -= np.round((at - middle) / _YEAR) * _YEAR
    late = np.maximum(at - end, 0.0) / (AFTER_DAYS * DAY)
    early = np.maximum(start - at, 0.0) / (BEFORE_DAYS * DAY)
    return np.exp(-(late + early)).astype(np.float32)
