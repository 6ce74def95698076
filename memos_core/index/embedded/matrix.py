"""The vectors of one model over the rows of a segment.

A memory's dense score is the mean of two cosines, alone and with its context; an inner product is linear, so it is one
inner product with the mean of the two vectors. Large segments are scanned as int8: what the rounding of a row and of
the question can make of a score is bounded (Cauchy-Schwarz), and all rows within that bound of the best are scored
again in float16. The result is exactly that of the float16 scan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.index.embedded.kernels import Floats, dot8, dot16, largest, middle, scans_bytes, threshold, widened

F16 = np.dtype("<f2")
Rows = NDArray[np.intp]
Stored = Callable[[Any], NDArray[np.float16]]
"""The vectors alone of some rows, read from the file."""
BYTES_FROM = 32_768
"""From how many rows on the int8 copy pays, and the vectors alone stay in the file: what is shown needs only a few of them."""
_BLOCK = 1024


def decoded(embs: Sequence[bytes], dim: int) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """(alone, mean) of stored vectors."""
    double = np.fromiter(map(len, embs), np.int64, len(embs)) == 4 * dim
    if double.all():
        both = np.frombuffer(b"".join(embs), F16).reshape(-1, 2, dim)
        alone = np.ascontiguousarray(both[:, 0])
        return alone, middle(alone, np.ascontiguousarray(both[:, 1]))
    if not double.any():
        alone = np.frombuffer(b"".join(embs), F16).reshape(-1, dim)
        return alone, alone
    alone, mean = np.empty((len(embs), dim), F16), np.empty((len(embs), dim), F16)
    for kind in (double, ~double):
        alone[kind], mean[kind] = decoded([emb for emb, wanted in zip(embs, kind, strict=True) if wanted], dim)
    return alone, mean


class Query:
    """A question's vector in the forms the scans need."""

    def __init__(self, vector: Floats) -> None:
        self.half = vector.astype(np.float16)

    @cached_property
    def norm(self) -> float:
        """The length."""
        wide = self.half.astype(np.float32)
        return math.sqrt(float(wide @ wide))

    @cached_property
    def rounded(self) -> tuple[NDArray[np.int8], float, float]:
        """As int8, in what units, and the length of what rounding took away."""
        wide = self.half.astype(np.float32)
        step = float(np.abs(wide).max(initial=0.0)) / 127 or 1.0
        whole = np.rint(wide / step).astype(np.int8)
        wide -= whole * np.float32(step)
        return whole, step, math.sqrt(float(wide @ wide))


class Matrix:
    """Rows of vectors, zeros where a memory has none (yet). Rows are written in place, `has` last; they grow by copies.

    `alone` is `mean` itself as long as no memory has a context, and None in large segments. `written` grows before rows are
    written: a scan that sees it changed may have met half a row.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.count = self.stamp = self.written = 0
        self._room = 0
        self.mean = np.zeros((0, dim), F16)
        self.alone: NDArray[np.float16] | None = self.mean
        self.bytes = np.zeros((0, dim), np.int8)
        self.step = np.zeros(0, np.float32)
        self.has = np.zeros(0, np.bool_)
        self.rest = self.longest = 0.0

    def reserve(self, rows: int) -> None:
        """Room for that many rows; the int8 copy begins where it pays."""
        if rows > self._room:
            self._room = max(rows, self._room + max(256, self._room // 4))
            one = self.alone is self.mean
            self.mean, self.has = _wider(self.mean, self._room), _wider(self.has, self._room)
            if self.alone is not None:
                self.alone = self.mean if one else None if self._large else _wider(self.alone, self._room)
            if len(self.bytes):
                self.bytes, self.step = _wider(self.bytes, self._room), _wider(self.step, self._room)
        if rows >= BYTES_FROM and not len(self.bytes) and scans_bytes():
            whole, step = np.zeros((self._room, self.dim), np.int8), np.zeros(self._room, np.float32)
            self._quantise(np.flatnonzero(self.has), whole, step)
            self.step, self.bytes = step, whole

    @property
    def _large(self) -> bool:
        return self._room >= BYTES_FROM

    def put(self, rows: Sequence[int] | Rows, embs: Sequence[bytes]) -> None:
        """The vectors of these rows, as stored."""
        for i in range(0, len(rows), _BLOCK):
            self._put(rows[i : i + _BLOCK], embs[i : i + _BLOCK])

    def _put(self, rows: Sequence[int] | Rows, embs: Sequence[bytes]) -> None:
        at = np.asarray(rows, np.intp)
        fits = np.fromiter((len(emb) in (2 * self.dim, 4 * self.dim) for emb in embs), np.bool_, len(embs))
        if not fits.all():
            at, embs = at[fits], [emb for emb, fit in zip(embs, fits, strict=True) if fit]
        if not len(at):
            return
        where: Any = slice(int(at[0]), int(at[-1]) + 1) if len(at) > 1 and (np.diff(at) == 1).all() else at
        alone, mean = decoded(embs, self.dim)
        self.written += 1
        if self.alone is self.mean and alone is not mean:
            self.alone = None if self._large else self.mean.copy()
        self.mean[where] = mean
        if self.alone is not None and self.alone is not self.mean:
            self.alone[where] = alone
        self.count += int(np.count_nonzero(~self.has[at]))
        self.has[at] = True
        if len(self.bytes):
            self._quantise(at, self.bytes, self.step)

    def _quantise(self, rows: Rows, whole: NDArray[np.int8], step: Floats) -> None:
        for i in range(0, len(rows), _BLOCK):
            some = rows[i : i + _BLOCK]
            wide = widened(self.mean[some])
            steps = np.maximum(wide.max(axis=1), -wide.min(axis=1)) / np.float32(127)
            steps[steps == 0] = 1
            scaled = wide / steps[:, None]
            rounded = np.rint(scaled)
            whole[some], step[some] = rounded, steps
            scaled -= rounded
            rest = np.sqrt(np.einsum("ij,ij->i", scaled, scaled)) * steps
            norm = np.sqrt(np.einsum("ij,ij->i", wide, wide))
            self.rest, self.longest = max(self.rest, float(rest.max())), max(self.longest, float(norm.max()))

    def wipe(self, rows: Sequence[int]) -> None:
        """Nothing is left of these rows' vectors."""
        known = [row for row in rows if row < self._room]
        self.count -= int(np.count_nonzero(self.has[known]))
        self.has[known] = False
        self.written += 1
        self.mean[known] = 0
        if self.alone is not None:
            self.alone[known] = 0
        if len(self.bytes):
            self.bytes[known] = 0

    def dense(self, query: Query, rows: Rows | slice) -> Floats:
        """Inner products with the mean vectors of some rows."""
        return dot16(self.mean[rows], query.half)

    def relevance(self, query: Query, rows: Rows | slice, stored: Stored) -> Floats:
        """Cosines with the vectors alone of some rows."""
        alone = self.alone
        return dot16(stored(rows) if alone is None else alone[rows], query.half) / np.float32(query.norm or 1.0)

    def best(self, query: Query, count: int, size: int, mask: NDArray[np.bool_] | None) -> tuple[Rows, Floats | None]:
        """The `count` best of the first `size` rows, of those in `mask`; and the scores of all rows where they were computed."""
        if len(self.bytes) >= size >= BYTES_FROM:
            whole, unit, rest = query.rounded
            near = dot8(self.bytes[:size], whole, self.step[:size])
            if mask is not None:
                near[~mask] = -np.inf
            slack = query.norm * self.rest + rest * (self.longest + self.rest)
            floor = threshold(near, count) - 2 * (slack * 1.001 + 1e-6) / unit
            rows = np.flatnonzero(near >= floor) if floor > -np.inf else np.flatnonzero(near > -np.inf)
            if len(rows) <= max(8 * count, size // 8):
                return rows[largest(self.dense(query, rows), count)], None
        scores = self.dense(query, slice(0, size))
        return largest(scores if mask is None else np.where(mask, scores, np.float32(-np.inf)), count), scores

    @property
    def nbytes(self) -> int:
        alone = 0 if self.alone is None or self.alone is self.mean else self.alone.nbytes
        return self.mean.nbytes + alone + self.bytes.nbytes + self.step.nbytes + self.has.nbytes


class Scores:
    """What a `Matrix` would say to one question, computed while vectors stream by and are not kept."""

    def __init__(self, dim: int, query: Query) -> None:
        self.dim, self._query = dim, query
        self.count = self.stamp = self.nbytes = self.written = 0
        self._dense = self._relevance = np.zeros(0, np.float32)
        self.has = np.zeros(0, np.bool_)

    def reserve(self, rows: int) -> None:
        if rows > len(self.has):
            self._dense, self._relevance, self.has = _wider(self._dense, rows), _wider(self._relevance, rows), _wider(self.has, rows)

    def put(self, rows: Sequence[int] | Rows, embs: Sequence[bytes]) -> None:
        pairs = [(row, emb) for row, emb in zip(rows, embs, strict=True) if len(emb) in (2 * self.dim, 4 * self.dim)]
        if pairs:
            at = [row for row, _ in pairs]
            alone, mean = decoded([emb for _, emb in pairs], self.dim)
            self._dense[at] = dot16(mean, self._query.half)
            self._relevance[at] = dot16(alone, self._query.half) / np.float32(self._query.norm or 1.0)
            self.count += int(np.count_nonzero(~self.has[at]))
            self.has[at] = True

    def wipe(self, rows: Sequence[int]) -> None:
        self.has[list(rows)] = False
        self._dense[list(rows)] = self._relevance[list(rows)] = 0

    def dense(self, query: Query, rows: Rows | slice) -> Floats:
        return self._dense[rows]

    def relevance(self, query: Query, rows: Rows | slice, stored: Stored) -> Floats:
        return self._relevance[rows]

    def best(self, query: Query, count: int, size: int, mask: NDArray[np.bool_] | None) -> tuple[Rows, Floats | None]:
        scores = self._dense[:size]
        return largest(scores if mask is None else np.where(mask, scores, np.float32(-np.inf)), count), scores


def _wider(array: NDArray[Any], rows: int) -> NDArray[Any]:
    wider = np.zeros((rows, *array.shape[1:]), array.dtype)
    wider[: len(array)] = array
    return wider
