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
    both[table.turns.reply] += table.words[table.turns.before]
    top = both.max()
    return both * np.float32(weights.context * float(table.words.max()) / float(top))


READ_TERMS = 100
"""A vector is made of a text's first 256 tokens, about so many analysed terms."""


def meaning(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """The query's vector against the memory's: alone and with context, their mean. What was not read for the vector stands by
    its words: the rest of a long text, and all of one that has no vector yet."""
    if not table.has_vectors:
        return None
    rows, dense = table.rows, table.rows.dense
    if not rows.embedded.all() or rows.length.max() > READ_TERMS:
        partly = np.flatnonzero(~rows.embedded | (rows.length > READ_TERMS))
        read = rows.embedded[partly] * (np.float32(READ_TERMS) / np.maximum(rows.length[partly], READ_TERMS))
        by_words = np.float32(0) if table.words is None else table.words[partly] * dense.max()
        dense = dense.copy()
        dense[partly] = dense[partly] * read + by_words * (1 - read)
    return dense * np.float32(weights.meaning)
