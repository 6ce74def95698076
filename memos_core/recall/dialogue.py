"""Steps that need a dialogue: people with names, sessions of several turns, neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memos_core.recall.table import askers, people

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos_core.recall.question import Question
    from memos_core.recall.table import Table
    from memos_core.recall.weights import Weights

    Column = NDArray[np.float32]


MANY = 1 << 16
"""Session numbers above this are numbered anew rather than used as positions."""


def who(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """What was said by the one speaker whom the query names, or by who asks where it says "I"."""
    wanted = question.speaker
    if not wanted:
        return None
    theirs = [*(name.casefold() in wanted for name in table.rows.speakers), "" in wanted]
    if not any(theirs) or all(theirs):
        return None
    return np.array(theirs)[table.rows.speaker] * np.float32(weights.who if question.names else weights.asker)


def session(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """A whole session's BM25 lends to its turns. A message alone in its session has the mean of the others, not its own."""
    rows = table.rows
    if table.words is None:
        return None
    several = rows.session_size > 1
    count, top = int(np.count_nonzero(several)), float(rows.session_score.max())
    if not count or top <= 0:
        return None
    lent = rows.session_score * np.float32(weights.session * float(table.words.max()) / top)
    if count < len(lent):
        lent[~several] = lent[several].mean()
    return lent


def here(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """Of two that are as good, the one from the session in which the asker stands."""
    rows = table.rows
    return np.isin(rows.session, rows.here) * np.float32(weights.here) if rows.here else None


def asks(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """A turn that asks tells little itself: what it asks stands in the answer, which has its words for context."""
    rows = table.rows
    theirs = askers(rows.speakers)
    if not theirs.any() or not rows.asks.any():
        return None
    return (rows.asks & theirs[rows.speaker]) * np.float32(-weights.asks)


def talk(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """An answer tells what it was about: a turn has a part of the next turn's score, and a part of its session's best.

    Only between people with names and short turns: an assistant's essay, code or a tool's trace tells nothing of what stood before.
    """
    rows, reply, before = table.rows, table.reply, table.before
    known = people(rows.speakers)
    if not len(reply) or not known.any():
        return None
    named = known[rows.speaker]
    between = named[reply] & named[before]
    reply, before = reply[between], before[between]
    lent = np.zeros(len(scores), np.float32)
    lent[before] = scores[reply] * np.float32(weights.talk_next)
    turns = np.zeros(len(scores), np.bool_)
    turns[reply] = turns[before] = True
    number = rows.session
    if int(number.max()) > MANY:
        number = np.unique(number, return_inverse=True)[1].astype(np.int32)
    best = np.zeros(int(number.max()) + 2, np.float32)
    np.maximum.at(best, number, np.where(turns, scores, np.float32(0)))
    lent[turns] += best[number[turns]] * np.float32(weights.talk_session)
    return lent
