"""One scope at one moment, in memory or, while a large segment is being built, streamed from the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.index.base import Candidates, Probe, View
from memos_core.index.embedded.gathering import Part, gather
from memos_core.index.embedded.loading import add_model, build
from memos_core.index.embedded.matrix import F16, Query
from memos_core.index.embedded.reading import Readers
from memos_core.index.embedded.segment import Segment
from memos_core.index.embedded.state import State
from memos_core.model.filter import Filter, Path
from memos_core.text.words import code


@dataclass(slots=True)
class Share:
    """A cube's share in a view. A cold one has no segment: it is read anew for each question, up to `until`."""

    readers: Readers
    cube: int
    until: int
    segment: Segment | None
    state: State | None


class EmbeddedView(View):
    """A scope over the segments of its cubes."""

    def __init__(self, shares: Sequence[Share], now: int) -> None:
        self._shares, self._now = shares, now
        self._cold: dict[int, dict[str, int]] = {}

    @property
    def speakers(self) -> frozenset[str]:
        names: set[str] = set()
        for share in self._shares:
            if share.state is not None:
                names |= share.state.speaking(share.state.alive(self._now))
            else:
                names |= {name for name in self._spoken(share) if name}
        return frozenset(names)

    @property
    def size(self) -> int:
        return sum(
            share.state.alive(self._now).rows if share.state is not None else sum(self._spoken(share).values()) for share in self._shares
        )

    def gather(self, probe: Probe) -> Candidates:
        query = Query(probe.vector) if probe.vector is not None and probe.model is not None else None
        parts = [self._part(share, probe, query) for share in self._shares]
        return gather(parts, probe, query)

    def beside(self, other: View) -> View:
        if not isinstance(other, EmbeddedView):
            return super().beside(other)
        return EmbeddedView([*self._shares, *other._shares], self._now)

    def vectors(self, nrs: Sequence[int], model: str) -> NDArray[np.float32]:
        found = {nr: vector for nr in nrs if (vector := self._vector(nr, model)) is not None}
        dim = len(next(iter(found.values()))) if found else 0
        stacked = np.zeros((len(nrs), dim), np.float32)
        for i, nr in enumerate(nrs):
            if nr in found and len(found[nr]) == dim:
                stacked[i] = found[nr]
        return stacked / np.maximum(np.linalg.norm(stacked, axis=1, keepdims=True), 1e-9) if dim else stacked

    def _vector(self, nr: int, model: str) -> NDArray[np.float16] | None:
        for share in self._shares:
            vector = share.segment.alone(model, nr) if share.segment is not None else None
            if vector is not None:
                return vector
        for share in self._shares:
            with share.readers.lend() as reader:
                row = reader.visible("vector", share.cube, share.until, nr=nr, model=model).fetchone()
            if row is not None:
                return np.frombuffer(row[1][: 2 * row[0]], F16)
        return None

    def _part(self, share: Share, probe: Probe, query: Query | None) -> Part:
        segment, state = (share.segment, share.state) if share.segment is not None else (None, None)
        if segment is None or state is None:
            segment = self._streamed(share, probe, query)
            state = segment.state
        matrix = self._matrix(share, segment, state, probe) if query is not None else None
        alive = state.alive(self._now)
        passing, count = alive.mask, alive.rows
        if probe.where is not None:
            mask = self._filtered(share, segment, state, probe.where)
            passing = mask if passing is None else mask & passing
            count = int(np.count_nonzero(passing))
            passing = passing if count < state.size else None
        return Part(share.cube, state, alive, passing, count, matrix, partial(self._stored, share, state, probe))

    def _matrix(self, share: Share, segment: Segment, state: State, probe: Probe) -> Any:
        model, vector = probe.model, probe.vector
        if model is None or vector is None:
            return None
        matrix = state.matrices.get(model)
        if matrix is None:
            with share.readers.lend() as reader:
                add_model(reader, segment, model, len(vector))
            matrix = segment.matrices[model]
        return matrix if matrix.dim == len(vector) and len(matrix.has) >= state.size else None

    def _stored(self, share: Share, state: State, probe: Probe, rows: Any) -> NDArray[np.float16]:
        """The vectors alone of some rows, from the file; zeros for what is not there any more."""
        nrs, versions = state.column("nr")[rows].tolist(), state.column("version")[rows].tolist()
        with share.readers.lend() as reader:
            known = {(nr, version): emb for nr, version, emb in reader.run("alone", nrs=json.dumps(nrs), model=probe.model)}
        dim = 0 if probe.vector is None else len(probe.vector)
        empty = bytes(2 * dim)
        read = [known.get(key, empty)[: 2 * dim] for key in zip(nrs, versions, strict=True)]
        return np.frombuffer(b"".join(emb if len(emb) == 2 * dim else empty for emb in read), F16).reshape(-1, dim)

    def _filtered(self, share: Share, segment: Segment, state: State, where: Filter) -> NDArray[np.bool_]:
        def fetch(path: Path, start: int) -> Sequence[tuple[int, str | None]]:
            txs = state.column("tx")
            with share.readers.lend() as reader:
                return reader.values(path, segment.cube, int(txs[start]), int(txs.max()))

        return segment.fields.mask(where, state.size, state.column("eid"), fetch)

    def _streamed(self, share: Share, probe: Probe, query: Query | None) -> Segment:
        """A segment of nothing but what this question needs, thrown away after it."""
        codes = np.array(sorted({code(term) for term in probe.terms}), np.uint32)
        with share.readers.lend() as reader:
            segment = build(reader, share.cube, share.until, None, codes)
            if query is not None and probe.model is not None and probe.vector is not None:
                add_model(reader, segment, probe.model, len(probe.vector), query)
        return segment

    def _spoken(self, share: Share) -> dict[str, int]:
        """Of a cold cube: who speaks, and how many memories there are of each."""
        if share.cube not in self._cold:
            with share.readers.lend() as reader:
                rows = reader.visible("speakers", share.cube, share.until, now=self._now).fetchall()
            self._cold[share.cube] = dict(rows)
        return self._cold[share.cube]

