"""Steps that need a dialogue: people with names, sessions of several turns, neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memos_core.recall.table import askers, talking
from memos_core.text.asking import ends_asking

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos_core.recall.question import Question
    from memos_core.recall.table import Table
    from memos_core.recall.weights import Weights

    Column = NDArray[np.float32]


ECHO = 0.9
"""What is taken of an echo's score. The rest is there for where nothing else is."""


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


def echo(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """A stored question that holds no word but those of this one tells nothing, however alike it is: it comes after what tells
    something. Keywords are no question: they may look for one."""
    rows = table.rows
    if not rows.asks.any() or not ends_asking(question.text):
        return None
    same = rows.asks & (rows.matched >= rows.length) & (rows.length > 0)
    return scores * same * np.float32(-ECHO) if same.any() else None


def talk(question: Question, table: Table, scores: Column, weights: Weights) -> Column | None:
    """An answer tells what it was about: a turn has a part of the next turn's score, and a part of its session's best.

    Only between people with names and short turns: an assistant's essay, code or a tool's trace tells nothing of what stood before.
    """
    talk = talking(table.rows, table.turns)
    if talk is None:
        return None
    lent = np.zeros(len(scores), np.float32)
    lent[talk.turns.before] = scores[talk.turns.reply] * np.float32(weights.talk_next)
    best = np.zeros(talk.sessions, np.float32)
    np.maximum.at(best, talk.place, scores * talk.among)
    best *= np.float32(weights.talk_session)
    lent += best[talk.place] * talk.among
    return lent
