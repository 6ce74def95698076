"""Steps that need a dialogue: people with names, sessions of several turns, neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    is_them = np.array([*(name.casefold() in wanted for name in table.rows.speakers), "" in wanted])[table.rows.speaker]
    if not is_them.any() or is_them.all():
        return None
    return is_them * np.float32(weights.who if question.names else weights.asker)


def session(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """A whole session's BM25 lends to its turns. A message alone in its session has the mean of the others, not its own."""
    rows = table.rows
    top = float(rows.session_score.max())
    several = rows.session_size > 1
    if top <= 0 or not several.any() or table.words is None:
        return None
    lent = rows.session_score * np.float32(weights.session * float(table.words.max()) / top)
    if not several.all():
        lent[~several] = lent[several].mean()
    return lent


def talk(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """An answer tells what it was about: a turn has a part of the next turn's score, and a part of its session's best.

    Only between people with names and short turns: an assistant's essay, code or a tool's trace tells nothing of what stood before.
    """
    rows = table.rows
    if not len(table.reply) or not table.named.any():
        return None
    between = table.named[table.reply] & table.named[table.before]
    reply, before = table.reply[between], table.before[between]
    if not len(reply):
        return None
    lent = np.zeros(len(scores), np.float32)
    lent[before] = scores[reply] * np.float32(weights.talk_next)
    in_talk = np.zeros(len(scores), np.bool_)
    in_talk[reply] = in_talk[before] = True
    member = np.flatnonzero(in_talk & (rows.session >= 0))
    number = rows.session[member]
    if int(number.max()) > MANY:
        number = np.unique(number, return_inverse=True)[1].astype(np.int32)
    best = np.zeros(int(number.max()) + 1, np.float32)
    np.maximum.at(best, number, scores[member])
    lent[member] += best[number] * np.float32(weights.talk_session)
    return lent
