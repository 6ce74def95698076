"""One cube in memory, at one end of time: built from its rows, and kept up by what is written after.

All writing here happens under the segment's lock and ends in a new `State`; readers hold the state they got.
Arrays only ever grow; what would change under a reader's eyes (who is alive, neighbours after a change) is copied first.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.index.embedded.columns import FieldColumns
from memos_core.index.embedded.postings import Postings
from memos_core.index.embedded.reading import CONTEXT, EID, EXPIRES, NR, SAID, SESSION, SPEAKER, TIMED, TX, UNTIL, VERSION
from memos_core.index.embedded.rows import terms_of
from memos_core.index.embedded.schema import FOREVER
from memos_core.index.embedded.state import NOTHING, PAIR_COLUMNS, PASSAGE_COLUMNS, ROW_COLUMNS, Columns, Counts, State

_RELINK_ALL = 64
TAIL, TAIL_SHARE, DEAD_SHARE = 1024, 8, 4


class Segment:
    """The entries of one cube that are visible at `until` (FOREVER: now)."""

    def __init__(self, cube: int, until: int = FOREVER, keep: NDArray[np.uint32] | None = None) -> None:
        self.cube, self.until = cube, until
        self.lock = threading.RLock()
        self.moment: int | None = None
        self.seen = self.seen_erased = self.epoch = self.stamp = 0
        self.fields = FieldColumns()
        self._keep = keep
        self._rows, self._passages, self._pairs = Columns(ROW_COLUMNS), Columns(PASSAGE_COLUMNS), Columns(PAIR_COLUMNS)
        self._main = Postings.none()
        self._row_of: dict[int, int] = {}
        self._sessions: dict[str, int] = {}
        self._speakers: dict[str, int] = {}
        self._live: NDArray[np.bool_] | None = None
        self._counts = NOTHING
        self._first_expiry = FOREVER
        self._newest = 0
        self.matrices: dict[str, Any] = {}
        self.state = self._publish()

    # -- what was written

    def load(self, batches: Iterable[Sequence[Any]]) -> None:
        """All rows of an empty segment."""
        for rows in batches:
            self._append(rows)
        self._link_all()
        self.merge()

    def change(self, opened: Sequence[Any], closed: Sequence[tuple[int, int, int]]) -> None:
        """Rows opened and (eid, nr, until) closed since; what was opened and closed meanwhile never shows."""
        dead = [self._row_of[nr] for eid, nr, _ in closed if self._has(nr, eid)]
        contexts = {int(self._rows.arrays["context"][row]) for row in dead} | {nr for _, nr, _ in closed}
        if dead:
            self._kill(dead)
        fresh = [row for row in opened if row[UNTIL] is None or row[UNTIL] > self.until]
        newest, start = self._newest, self._rows.size
        if fresh:
            self._append(fresh)
        contexts |= {nr for row in fresh if row[VERSION] > 1 or row[NR] <= newest for nr in (row[NR], row[CONTEXT])}
        if contexts - {-1, None}:
            self._relink({nr for nr in contexts if nr is not None and nr >= 0})
        self._link_new(start)

    def erase(self, nrs: Sequence[int]) -> None:
        """No trace stays: rows, postings, vectors, and vectors that these were the context of."""
        rows = np.flatnonzero(np.isin(self._column("nr"), nrs))
        around = np.flatnonzero(np.isin(self._column("context"), nrs))
        before = {nr for nr in self._column("context")[rows].tolist() if nr >= 0}
        for matrix in self.matrices.values():
            matrix.wipe([*rows.tolist(), *around.tolist()])
        alive = [row for row in rows.tolist() if self._row_of.get(int(self._column("nr")[row])) == row]
        if alive:
            self._kill(alive)
        self._relink(set(nrs) | before)
        passages = np.flatnonzero(np.isin(self._passages.arrays["row"][: self._passages.size], rows))
        self._fold(passages)
        for name, value in (("nr", -1), ("eid", -1), ("said", 0), ("context", -1), ("length", 0), ("timed", 0), ("expires", FOREVER)):
            copied = self._rows.arrays[name].copy()
            copied[rows] = value
            self._rows.arrays[name] = copied
        self.fields = FieldColumns()

    def vectors(self, model: str, rows: Sequence[Any]) -> None:
        """Stored vectors (nr, version, stamp, dim, emb) of one model."""
        if not rows or model not in self.matrices:
            return
        matrix, versions = self.matrices[model], self._rows.arrays["version"]
        matrix.reserve(self._rows.size)
        nrs, version, _, _, embs = zip(*rows, strict=True)
        at = np.fromiter((self._row_of.get(nr, -1) for nr in nrs), np.intp, len(nrs))
        kept = (at >= 0) & (versions[at] == np.array(version)) if len(versions) else np.zeros(len(nrs), np.bool_)
        if kept.any():
            matrix.put(at[kept], embs if kept.all() else [emb for emb, one in zip(embs, kept.tolist(), strict=True) if one])

    def alone(self, model: str, nr: int) -> NDArray[np.float16] | None:
        """The vector alone of a memory that is current, as stored; None where it has none, or it is not held in memory."""
        matrix, row = self.matrices.get(model), self._row_of.get(nr, -1)
        held = None if matrix is None else matrix.alone
        if matrix is None or held is None or row < 0 or row >= len(matrix.has) or not matrix.has[row]:
            return None
        vector: NDArray[np.float16] = held[row]
        return vector

    def newcomers(self, opened: Sequence[Any]) -> list[int]:
        """Those of the rows about to be opened that may have vectors from before: a version that is seen anew."""
        return [row[NR] for row in opened if row[VERSION] > 1 or row[NR] <= self._newest]

    def publish(self) -> State:
        """Let readers see what was written."""
        for matrix in self.matrices.values():
            matrix.reserve(self._rows.size)
        self.state = self._publish()
        return self.state

    # -- upkeep

    @property
    def wants_merge(self) -> bool:
        """Whether the tail has grown too long for a scan."""
        merged = len(self._main.docs)
        return self._pairs.size > max(TAIL * 16, merged // TAIL_SHARE)

    @property
    def wants_rebuild(self) -> bool:
        """Whether the dead take up too much room."""
        return self._rows.size - len(self._row_of) > max(TAIL, self._rows.size // DEAD_SHARE)

    def merge(self) -> None:
        """The tail's pairs go into the postings."""
        self._fold(np.zeros(0, np.int64))

    def holds(self, nrs: Sequence[int]) -> int:
        """How many rows are of these memories."""
        return int(np.count_nonzero(np.isin(self._column("nr"), nrs)))

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        maps = 120 * len(self._row_of) + 150 * (len(self._sessions) + len(self._speakers))
        arrays = self._rows.nbytes + self._passages.nbytes + self._pairs.nbytes + self._main.nbytes
        return maps + arrays + self.fields.nbytes + sum(int(matrix.nbytes) for matrix in self.matrices.values())

    # -- inside

    def _publish(self) -> State:
        pairs = {name: array[: self._pairs.size] for name, array in self._pairs.arrays.items()}
        counts = self._counts
        if self._live is not None:
            counts = replace(counts, mask=self._live[: self._rows.size], speakers=None)
        return State(
            self._rows.size, self._passages.size, dict(self._rows.arrays), dict(self._passages.arrays), self._main, pairs, counts,
            self._first_expiry, tuple(self._speakers), dict(self.matrices), self._sessions,
        )  # fmt: skip

    def _column(self, name: str) -> NDArray[Any]:
        return self._rows.arrays[name][: self._rows.size]

    def _has(self, nr: int, eid: int) -> bool:
        row = self._row_of.get(nr)
        return row is not None and self._rows.arrays["eid"][row] == eid

    def _append(self, rows: Sequence[Any]) -> None:
        terms, count = terms_of(rows), len(rows)
        at = self._rows.grow(count)
        under = self._passages.grow(len(terms.row))
        start, columns, given = at.start, self._rows.arrays, list(zip(*rows, strict=True))
        for name, field in (("eid", EID), ("nr", NR), ("tx", TX), ("said", SAID), ("version", VERSION), ("timed", TIMED)):
            columns[name][at] = given[field]
        columns["expires"][at] = _instead(given[EXPIRES], FOREVER)
        columns["context"][at] = _instead(given[CONTEXT], -1)
        columns["session"][at] = _numbered(self._sessions, given[SESSION])
        columns["speaker"][at] = _numbered(self._speakers, [name or None for name in given[SPEAKER]])
        columns["length"][at] = terms.total
        columns["previous"][at] = columns["following"][at] = -1
        parts = np.bincount(terms.row, minlength=count)
        columns["parts"][at] = parts
        columns["first"][at] = under.start + np.cumsum(parts) - parts
        self._passages.arrays["row"][under] = terms.row + start
        self._passages.arrays["words"][under] = terms.length
        self._add_pairs(terms.codes, terms.passage + under.start, terms.tf)
        self._row_of.update(zip(given[NR], range(start, at.stop), strict=True))
        self._newest = max(self._newest, int(columns["nr"][at].max()))
        self._first_expiry = min(self._first_expiry, int(columns["expires"][at].min()))
        if self._live is not None:
            self._live = np.append(self._live[:start], np.ones(count, np.bool_))
        self._recount(np.arange(start, at.stop), 1)

    def _add_pairs(self, codes: NDArray[np.uint32], docs: NDArray[Any], tf: NDArray[np.uint16]) -> None:
        if self._keep is not None:
            kept = np.isin(codes, self._keep)
            codes, docs, tf = codes[kept], docs[kept], tf[kept]
        pairs = self._pairs.grow(len(codes))
        for name, values in (("code", codes), ("doc", docs), ("tf", tf)):
            self._pairs.arrays[name][pairs] = values

    def _recount(self, rows: NDArray[Any], sign: int) -> None:
        """Statistics with (1) or without (-1) some rows; the arrays readers have are left alone."""
        columns, old, sessions = self._rows.arrays, self._counts, len(self._sessions)
        session, length = columns["session"][rows], columns["length"][rows]
        inside = session >= 0
        words, size = np.zeros(sessions, np.int64), np.zeros(sessions, np.int32)
        words[: len(old.session_words)], size[: len(old.session_size)] = old.session_words, old.session_size
        np.add.at(words, session[inside], sign * length[inside])
        np.add.at(size, session[inside], sign)
        parts, total = int(columns["parts"][rows].sum()), int(length.sum())
        self._counts = Counts(old.passages + sign * parts, old.words + sign * total, words, size, old.rows + sign * len(rows))

    def _kill(self, rows: list[int]) -> None:
        self._live = np.ones(self._rows.size, np.bool_) if self._live is None else self._live[: self._rows.size].copy()
        self._live[rows] = False
        for row in rows:
            del self._row_of[int(self._rows.arrays["nr"][row])]
        self._recount(np.asarray(rows), -1)

    def _link_new(self, start: int) -> None:
        """Neighbours of the newest rows. The only older row that this changes is one without a follower: old readers take
        a follower beyond their end for none."""
        columns = self._rows.arrays
        previous, following = columns["previous"], columns["following"]
        for row, context in enumerate(columns["context"][start : self._rows.size].tolist(), start):
            before = self._row_of.get(context, -1) if context >= 0 else -1
            previous[row] = before
            if before >= 0 and (following[before] < 0 or columns["nr"][following[before]] > columns["nr"][row]):
                following[before] = row

    def _relink(self, nrs: set[int]) -> None:
        """Neighbours around memories that came back, changed or went."""
        if len(nrs) > _RELINK_ALL:
            self._link_all()
            return
        columns = self._rows.arrays
        previous, following = columns["previous"].copy(), columns["following"].copy()
        context, live = self._column("context"), self._live
        for nr in nrs:
            rows = np.flatnonzero(context == nr)
            if live is not None:
                rows = rows[live[rows]]
            before = self._row_of.get(nr, -1)
            previous[rows] = before
            if before >= 0:
                following[before] = rows[columns["nr"][rows].argmin()] if len(rows) else -1
        columns["previous"], columns["following"] = previous, following

    def _link_all(self) -> None:
        columns, size = self._rows.arrays, self._rows.size
        alive = np.flatnonzero(self._live[:size]) if self._live is not None else np.arange(size)
        order = alive[np.argsort(columns["nr"][alive], kind="stable")]
        nrs, context = columns["nr"][order], columns["context"][order]
        previous, following = np.full_like(columns["previous"], -1), np.full_like(columns["following"], -1)
        if size and len(order):
            at = np.minimum(np.searchsorted(nrs, context), len(nrs) - 1)
            before = np.where(nrs[at] == context, order[at], -1)
            previous[order] = before
            linked = before >= 0
            following[before[linked][::-1]] = order[linked][::-1]
        columns["previous"], columns["following"] = previous, following

    def _fold(self, without: NDArray[Any]) -> None:
        """Postings from the old ones and the tail, without some passages."""
        codes, docs, tf = self._main.pairs()
        tail = {name: array[: self._pairs.size] for name, array in self._pairs.arrays.items()}
        codes, docs, tf = np.concatenate([codes, tail["code"]]), np.concatenate([docs, tail["doc"]]), np.concatenate([tf, tail["tf"]])
        if len(without):
            kept = ~np.isin(docs, without)
            codes, docs, tf = codes[kept], docs[kept], tf[kept]
        self._main = Postings.build(codes, docs, tf)
        self._pairs = Columns(PAIR_COLUMNS)


def _instead(values: Sequence[int | None], none: int) -> Any:
    """The values, with a number for None."""
    return [none if value is None else value for value in values] if any(value is not None for value in values) else none


def _numbered(known: dict[str, int], names: Sequence[str | None]) -> Any:
    """Numbers of names, -1 for none; new names get the next ones."""
    numbers = {name: known.setdefault(name, len(known)) if name is not None else -1 for name in dict.fromkeys(names)}
    return [numbers[name] for name in names] if len(numbers) > 1 else next(iter(numbers.values()))
