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
FULL_MATCH = 4
"""A best match by words that holds this many of the query's terms counts in full; one alone of so many is held by chance."""

BY_CHANCE = 3
"""The power of that share where words find by chance."""


@dataclass(frozen=True, slots=True)
class Table:
    """`words` is BM25 in 0..1, None where nothing matches. `reply` the rows that are short turns
    with a short one before them, and `before` those rows."""

    rows: Candidates
    words: NDArray[np.float32] | None
    has_vectors: bool
    reply: NDArray[np.intp]
    before: NDArray[np.int32]


def tabulate(question: Question, rows: Candidates, *, has_vectors: bool) -> Table:
    """The table of one question."""
    short = rows.length <= SHORT_TERMS
    reply = np.flatnonzero((rows.previous >= 0) & short & short[rows.previous])
    return Table(rows, scaled(question, rows), has_vectors, reply, rows.previous[reply])


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
