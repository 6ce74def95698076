"""The candidates of one question, with the columns that several steps share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from memos_core.recall.roles import MACHINES, ROLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memos_core.index.base import Candidates
    from memos_core.recall.question import Question

SHORT_TERMS = 30
"""A turn of dialogue has at most this many analysed terms, about sixty words."""
MANY = 1 << 16
"""Session numbers above this are numbered anew rather than used as positions."""
FULL_MATCH = 4
"""A best match by words that holds this many of the query's terms counts in full; one alone of so many is held by chance."""

BY_CHANCE = 3
"""The power of that share where words find by chance."""


@dataclass(frozen=True, slots=True)
class Table:
    """`words` is BM25 in 0..1, None where nothing matches. `turns` are the short turns that follow one another."""

    rows: Candidates
    words: NDArray[np.float32] | None
    has_vectors: bool
    turns: Turns


@dataclass(frozen=True, slots=True)
class Turns:
    """Rows that are short turns with a short one before them, and, place by place, the rows before."""

    reply: NDArray[np.intp]
    before: NDArray[np.intp]


def tabulate(question: Question, rows: Candidates, *, has_vectors: bool) -> Table:
    """The table of one question."""
    turns = rows.kept.get("turns")
    if turns is None:
        turns = rows.kept["turns"] = _turns(rows)
    return Table(rows, scaled(question, rows), has_vectors, turns)


def _turns(rows: Candidates) -> Turns:
    short = rows.length <= SHORT_TERMS
    reply = np.flatnonzero((rows.previous >= 0) & short & short[rows.previous])
    return Turns(reply, rows.previous[reply].astype(np.intp))


@dataclass(frozen=True, slots=True)
class Talk:
    """The turns between people with names; which rows they are; by row the place of its session, and how many of these there are."""

    turns: Turns
    among: NDArray[np.bool_]
    place: NDArray[np.int32]
    sessions: int


def talking(rows: Candidates, turns: Turns) -> Talk | None:
    """The talk in these rows; None where there is none."""
    if "talk" not in rows.kept:
        rows.kept["talk"] = _talk(rows, turns)
    found: Talk | None = rows.kept["talk"]
    return found


def _talk(rows: Candidates, turns: Turns) -> Talk | None:
    known = people(rows.speakers)
    if not len(turns.reply) or not known.any():
        return None
    named = known[rows.speaker]
    between = named[turns.reply] & named[turns.before]
    reply, before = turns.reply[between], turns.before[between]
    among = np.zeros(len(rows), np.bool_)
    among[reply] = among[before] = True
    place = rows.session
    if int(place.max()) > MANY:
        place = np.unique(place, return_inverse=True)[1].astype(np.int32)
    return Talk(Turns(reply, before), among, place, int(place.max()) + 2)


@lru_cache(maxsize=256)
def people(speakers: tuple[str, ...]) -> NDArray[np.bool_]:
    """By a row's speaker (-1 included): whether they are somebody with a name, not a role in a chat with a machine."""
    return np.array([*(name.casefold() not in ROLES for name in speakers), False])


@lru_cache(maxsize=256)
def askers(speakers: tuple[str, ...]) -> NDArray[np.bool_]:
    """By a row's speaker (-1 included): whose questions tell little. Machines'; where none speaks, those of people among each
    other. Never a user's to a machine, or notes of one's own: into requests people put what they want known."""
    machines = [name.casefold() in MACHINES for name in speakers]
    named = people(speakers)
    return np.array([*machines, False]) if any(machines) or np.count_nonzero(named) < 2 else named


def scaled(question: Question, rows: Candidates) -> NDArray[np.float32] | None:
    """BM25 in units of its best row, and that row in units of how much of the query it holds.

    Scaled by the maximum alone some row has 1.0 however little it matches. The best row counts for the share of the query's
    terms that it holds; FULL_MATCH terms count in full, so that a long query is not asked to be held whole. The share counts
    to a power where words find by chance: one term alone of many, or a request for advice, which does not name what it is about.
    """
    if not len(rows) or not question.terms:
        return None
    top = float(rows.lexical.max())
    if top <= 0:
        return None
    held, asked = int(rows.matched[rows.lexical == top].max()), len(question.terms)
    share = min(1.0, held / min(asked, FULL_MATCH))
    if question.advice or (held == 1 and asked >= FULL_MATCH):
        share **= BY_CHANCE
    return rows.lexical * np.float32(share / top)
