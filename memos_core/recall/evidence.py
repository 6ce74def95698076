"""Steps that any memory allows: its words, the words before it, its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos_core.recall.question import Question
    from memos_core.recall.table import Table
    from memos_core.recall.weights import Weights

    Column = NDArray[np.float32]


def words(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """BM25 of the memory."""
    return None if table.words is None else table.words * np.float32(weights.words)


def context(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """A short turn is read with the turn before it: the words of either count."""
    if table.words is None:
        return None
    both = table.words.copy()
    both[table.reply] += table.words[table.before]
    top = both.max()
    return both * np.float32(weights.context * float(table.words.max()) / float(top))


def meaning(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """The query's vector against the memory's: alone and with context, their mean. What has no vector yet stands by its words."""
    if not table.has_vectors:
        return None
    dense = table.rows.dense
    if not table.rows.embedded.all():
        without = np.flatnonzero(~table.rows.embedded)
        dense = dense.copy()
        dense[without] = 0 if table.words is None else table.words[without] * dense.max()
    return dense * np.float32(weights.meaning)
