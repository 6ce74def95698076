"""Entries for tests of indexes, and what it means that two answers are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.index.base import Candidates
from memos_core.model.change import Applied, Entry
from memos_core.model.scope import Asker, Scope

ASKER = Asker("test", "alice", None)
_EXACT = ("cube", "matched", "embedded", "said", "length", "session_size", "timed", "asks")
_NEAR = {"lexical": 1e-4, "session_score": 1e-4, "dense": 4e-3, "relevance": 4e-3}


def entry(nr: int, text: str, *, tx: int = 1, cube: int = 1, version: int = 1, speaker: str = "", session: str | None = None,
          context: int | None = None, said: int | None = None, **fields: Any) -> Entry:  # fmt: skip
    """An entry with the fields that are given."""
    return Entry(nr, version, cube, tx, text, speaker, session, context, nr * 1000 if said is None else said, fields)


def opened(*entries: Entry, closed: tuple[int, ...] = (), erased: tuple[int, ...] = (), tx: int | None = None) -> Applied:
    """One transaction."""
    number = tx if tx is not None else entries[0].tx
    return Applied(number, number, tuple(entries), closed, erased)


def scope(*cubes: int, until: int | None = None) -> Scope:
    """These cubes, now or then."""
    return Scope(ASKER, cubes or (1,), None, until)


def unit(*values: float) -> NDArray[np.float32]:
    """A vector of unit length."""
    vector = np.array(values, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def rows(found: Candidates) -> dict[int, int]:
    """Each memory's row."""
    return {int(nr): row for row, nr in enumerate(found.nr)}


def assert_same(found: Candidates, expected: Candidates, *, whole: bool = True) -> None:
    """Every row that was found is as expected, and, where `whole`, none is missing."""
    mine, theirs = rows(found), rows(expected)
    assert len(mine) == len(found), "a memory came back twice"
    assert mine.keys() == theirs.keys() if whole else mine.keys() <= theirs.keys()
    at = np.array([theirs[int(nr)] for nr in found.nr], np.intp)
    for name in _EXACT:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name)[at], name)
    for name, tolerance in _NEAR.items():
        np.testing.assert_allclose(getattr(found, name)[:], getattr(expected, name)[at], atol=tolerance, err_msg=name)
    half = np.arange(0, len(found), 2)
    np.testing.assert_array_equal(found.relevance[half], found.relevance[:][half])
    assert [_speaker(found, i) for i in range(len(found))] == [_speaker(expected, i) for i in at]
    for name in ("previous", "following"):
        links = [_linked(found, name, i) for i in range(len(found))]
        wanted = [_linked(expected, name, int(i)) for i in at]
        assert links == [nr if nr in mine else -1 for nr in wanted], name
    assert _partition(found.session, range(len(found))) == _partition(expected.session, at)


def _speaker(found: Candidates, row: int) -> str:
    return found.speakers[found.speaker[row]] if found.speaker[row] >= 0 else ""


def _linked(found: Candidates, name: str, row: int) -> int:
    other = int(getattr(found, name)[row])
    return int(found.nr[other]) if other >= 0 else -1


def _partition(numbers: NDArray[np.int32], at: Any) -> list[int]:
    """Which rows share a session, whatever its number: each session named by its first row."""
    first: dict[int, int] = {-1: -1}
    return [first.setdefault(int(numbers[row]), i) for i, row in enumerate(at)]
