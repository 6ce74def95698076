"""Inner products of one vector with many: numkong where it is there and knows the processor, numpy otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def _numkong() -> Any:
    """The library, or None where it is missing or would run without the processor's vector units."""
    try:
        import numkong
    except ImportError:
        return None
    able = numkong.get_capabilities()
    return numkong if any(able.get(unit) for unit in ("haswell", "skylake", "neon", "sve", "rvv")) else None


_nk = _numkong()
_BLOCK = 4096


def dot16(matrix: NDArray[np.float16], vector: NDArray[np.float16]) -> Floats:
    """(n,) inner products of float16 rows with a float16 vector, summed in float32 or better."""
    if not len(matrix):
        return np.zeros(0, np.float32)
    if _nk is not None:
        return _row(_nk.cdist(vector[None], matrix, "dot"))
    wide = vector.astype(np.float32)
    return np.concatenate([matrix[i : i + _BLOCK].astype(np.float32) @ wide for i in range(0, len(matrix), _BLOCK)])


def dot8(matrix: NDArray[np.int8], vector: NDArray[np.int8], steps: Floats) -> Floats:
    """(n,) exact inner products of int8 rows with an int8 vector, each in units of its row's step."""
    products = np.asarray(_nk.cdist(vector[None], matrix, "dot")).ravel()
    scaled: Floats = np.multiply(products, steps, dtype=np.float32, casting="unsafe")
    return scaled


def widened(half: NDArray[np.float16]) -> Floats:
    """The same numbers as float32; numpy's own conversion takes ten times as long."""
    return half.astype(np.float32) if _nk is None else np.asarray(_nk.astype(half, "float32"))


def middle(one: NDArray[np.float16], other: NDArray[np.float16]) -> NDArray[np.float16]:
    """The mean of each two numbers, rounded once."""
    if _nk is not None:
        return np.asarray(_nk.blend(one.ravel(), other.ravel(), alpha=0.5, beta=0.5)).reshape(one.shape)
    wide = one.astype(np.float32)
    wide += other
    wide *= np.float32(0.5)
    return wide.astype(np.float16)


def _row(tensor: Any) -> Floats:
    found: Floats = np.asarray(tensor).ravel().astype(np.float32, copy=False)
    return found


def scans_bytes() -> bool:
    """Whether a scan of int8 is faster than one of float16."""
    return _nk is not None


def largest(scores: Floats, count: int) -> NDArray[np.intp]:
    """Positions of the `count` largest, in no order; ties at the edge fall as they may. Rows of -inf never are."""
    floor = threshold(scores, count)
    found = np.flatnonzero(scores >= floor) if floor > -np.inf else np.flatnonzero(scores > -np.inf)
    if len(found) > count:
        found = found[np.argpartition(scores[found], len(found) - count)[len(found) - count :]]
    return found


def threshold(scores: Floats, count: int) -> float:
    """The `count`-th largest score, -inf where there are fewer; a sample narrows down what has to be sorted."""
    size = len(scores)
    if size <= count:
        return -np.inf
    likely = guess(scores, count)
    if likely > -np.inf:
        above = scores[scores >= likely]
        if count <= len(above) < size:
            scores, size = above, len(above)
    return float(np.partition(scores, size - count)[size - count])


def guess(scores: Floats, count: int) -> float:
    """By a sample, a score that somewhat more than `count` are likely to reach; -inf where a sample does not pay."""
    size = len(scores)
    if size <= 8192 or size <= 16 * count:
        return -np.inf
    sample = scores[:: size // 2048]
    place = max(len(sample) - 1 - int(count * len(sample) / size * 1.5 + 16), 0)
    return float(np.partition(sample, place)[place])
