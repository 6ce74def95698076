"""From a question to candidates: the best by words, the best by meaning, and their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from memos_core.index.base import Candidates, Probe
from memos_core.index.embedded.kernels import Floats, largest
from memos_core.index.embedded.matrix import Query, Stored
from memos_core.index.embedded.schema import ASKS, TIMED
from memos_core.index.embedded.scoring import Lexical, score
from memos_core.index.embedded.state import Counts, Mask, State
from memos_core.text.words import code

WHOLE = 2000
"""Up to how many memories come back whole."""


@dataclass(slots=True)
class Cosines:
    """The rows' cosines, computed for those that are asked for: by part its first position, its rows, and itself."""

    query: Query
    parts: Sequence[tuple[int, NDArray[np.intp] | slice, Part]]
    size: int

    def __getitem__(self, places: Any) -> NDArray[np.float32]:
        if len(self.parts) == 1 and self.parts[0][2].matrix is not None:
            _, rows, part = self.parts[0]
            return cast(Floats, part.matrix.relevance(self.query, _rows(rows, places), part.stored))
        at = np.arange(self.size)[places]
        cosines = np.zeros(len(at), np.float32)
        ends = [start for start, _, _ in self.parts[1:]] + [self.size]
        for (start, rows, part), end in zip(self.parts, ends, strict=True):
            mine = np.flatnonzero((at >= start) & (at < end))
            if part.matrix is not None and len(mine):
                cosines[mine] = part.matrix.relevance(self.query, _rows(rows, at[mine] - start), part.stored)
        return cosines


def _rows(rows: NDArray[np.intp] | slice, places: Any) -> Any:
    """The rows at some positions; a slice of rows begins with the first."""
    if isinstance(rows, slice):
        return rows if isinstance(places, slice) and places == slice(None) else places
    return rows[places]


@dataclass(slots=True)
class Part:
    """A scope's share in one cube, with what passes the filter (None: all that is alive)."""

    cube: int
    state: State
    alive: Counts
    passing: Mask | None
    count: int
    matrix: Any
    stored: Stored


def gather(parts: Sequence[Part], probe: Probe, query: Query | None) -> Candidates:
    """The candidates of several cubes, ranked as one; of no cube, none."""
    if not parts:
        return _nothing()
    codes = np.array(sorted({code(term) for term in probe.terms}), np.uint32)
    lexical = score([part.state for part in parts], [part.alive for part in parts], codes)
    whole = sum(part.count for part in parts) <= WHOLE
    tables, offset, sessions = [], 0, 0
    asked: list[tuple[int, NDArray[np.intp] | slice, Part]] = []
    speakers: dict[str, int] = {}
    here: list[int] = []
    for part, words in zip(parts, lexical, strict=True):
        rows, dense = (_whole(part), None) if whole else _chosen(part, words, query, probe.limit)
        table = _table(part, words, query, rows, dense)
        if len(parts) > 1:
            _shift(table, offset, sessions, np.array([speakers.setdefault(s, len(speakers)) for s in part.state.speakers] + [-1], np.int32))
        asked.append((offset, rows, part))
        if probe.session in part.state.sessions:
            here.append(part.state.sessions[probe.session] + sessions)
        offset, sessions = offset + len(table["nr"]), sessions + len(part.alive.session_size)
        tables.append(table)
    joined = tables[0] if len(tables) == 1 else {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    names = parts[0].state.speakers if len(parts) == 1 else tuple(speakers)
    relevance = np.zeros(offset, np.float32) if query is None else Cosines(query, asked, offset)
    kept = parts[0].state.kept if len(parts) == 1 and isinstance(asked[0][1], slice) else {}
    return Candidates(**joined, relevance=relevance, speakers=names, here=tuple(here), degraded=_degraded(parts, probe), kept=kept)


def _nothing() -> Candidates:
    long, wide, real = np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    return Candidates(
        nr=long, cube=long, lexical=real, matched=np.zeros(0, np.int16), dense=real, embedded=np.zeros(0, np.bool_), relevance=real,
        said=long, length=wide, speaker=wide, session=wide, session_score=real, session_size=wide, previous=wide, following=wide,
        timed=np.zeros(0, np.bool_), asks=np.zeros(0, np.bool_),
    )  # fmt: skip


def _whole(part: Part) -> NDArray[np.intp] | slice:
    return slice(0, part.state.size) if part.passing is None else np.flatnonzero(part.passing)


def _chosen(part: Part, words: Lexical, query: Query | None, limit: int) -> tuple[NDArray[np.intp], Any]:
    """The best by words and by meaning, and those beside them; and the dense scores of all rows where they were computed."""
    if part.count <= limit:
        return np.flatnonzero(part.passing) if part.passing is not None else np.arange(part.state.size), None
    picked = np.zeros(part.state.size + 1, np.bool_)
    picked[_worded(words.score, part.passing, limit)] = True
    dense, written = None, part.matrix.written if part.matrix is not None else 0
    if query is not None and part.matrix is not None:
        nearest, dense = part.matrix.best(query, limit, part.state.size, part.passing)
        picked[nearest] = True
        dense = dense if part.matrix.written == written else None
    best = np.flatnonzero(picked)
    for name in ("previous", "following"):
        picked[_inside(part.state.rows[name][best], part.state.size)] = True
    picked = picked[:-1]
    return np.flatnonzero(picked if part.passing is None else picked & part.passing), dense


def _worded(score: NDArray[Any], passing: Mask | None, limit: int) -> NDArray[np.intp]:
    """The best by words, of those that have any."""
    rows = np.flatnonzero(score > 0)
    if passing is not None:
        rows = rows[passing[rows]]
    return rows if len(rows) <= limit else rows[largest(score[rows], limit)]


def _table(part: Part, words: Lexical, query: Query | None, rows: NDArray[np.intp] | slice, dense: Any) -> dict[str, NDArray[Any]]:
    taken = _all(part) if isinstance(rows, slice) else _some(part, rows)
    count = len(taken["nr"])
    taken["lexical"] = words.score[rows].astype(np.float32)
    taken["matched"] = words.matched[rows].astype(np.int16)
    if query is not None and part.matrix is not None:
        embedded = taken["embedded"] = part.matrix.has[rows].copy()
        if dense is None and not isinstance(rows, slice) and 2 * len(rows) > part.state.size:
            dense = part.matrix.dense(query, slice(0, part.state.size))
        taken["dense"] = part.matrix.dense(query, rows) if dense is None else dense[rows]
        if not embedded.all():
            taken["dense"] = np.where(embedded, taken["dense"], np.float32(0))
    else:
        taken["dense"], taken["embedded"] = np.zeros(count, np.float32), np.zeros(count, np.bool_)
    taken["session_score"] = words.session.astype(np.float32)[taken["session"]]
    taken["session_size"] = part.alive.sizes[taken["session"]]
    return taken


_COPIED = ("nr", "said", "length", "speaker", "session", "previous", "following", "timed")


def _all(part: Part) -> dict[str, NDArray[Any]]:
    """The columns of a whole state, which stay as they are from question to question."""
    kept = part.state.whole
    if not kept:
        size = part.state.size
        found = _described(part, {name: part.state.column(name) for name in _COPIED})
        kept |= found | {name: _inside(found[name], size) for name in ("previous", "following")}
    return dict(kept)


def _some(part: Part, rows: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
    """The columns of some rows, with neighbours as positions among them."""
    taken = _described(part, {name: part.state.rows[name][rows] for name in _COPIED})
    size = part.state.size
    position = np.full(size + 1, -1, np.int32)
    position[rows] = np.arange(len(rows), dtype=np.int32)
    for name in ("previous", "following"):
        taken[name] = position[_inside(taken[name], size)]
    return taken


def _described(part: Part, taken: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    kind = taken["timed"]
    taken["timed"], taken["asks"] = (kind & TIMED).view(np.bool_), kind >= ASKS
    taken["cube"] = np.full(len(kind), part.cube, np.int64)
    return taken


def _inside(rows: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """Rows, with -1 for those that this state doesn't have yet."""
    return np.where(rows < size, rows, np.int32(-1)) if len(rows) and rows.max() >= size else rows


def _shift(table: dict[str, NDArray[Any]], offset: int, sessions: int, speakers: NDArray[np.int32]) -> None:
    """The numbers of one cube's rows, sessions and speakers among those of all."""
    for name, step in (("previous", offset), ("following", offset), ("session", sessions)):
        column = table[name]
        table[name] = np.where(column >= 0, column + np.int32(step), column)
    table["speaker"] = speakers[table["speaker"]]


def _embedded(part: Part) -> int:
    """How many of those alive have a vector. The count is of all rows, the dead ones' too."""
    if part.alive.mask is None:
        return min(int(part.matrix.count), part.alive.rows)
    return int(np.count_nonzero(part.matrix.has[: part.state.size] & part.alive.mask))


def _degraded(parts: Sequence[Part], probe: Probe) -> tuple[str, ...]:
    """What could not be compared by meaning."""
    if probe.vector is None:
        return ()
    total = sum(part.alive.rows for part in parts)
    have = sum(_embedded(part) for part in parts if part.matrix is not None)
    return () if have >= total else (f"vectors: {total - have} of {total} memories have none of this model yet",)
