"""Scanning vectors: exact on every path."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from memos_core.index.embedded import kernels, matrix
from memos_core.index.embedded.matrix import Matrix, Query

DIM = 48


def stored(count: int, seed: int = 0) -> tuple[list[bytes], NDArray[np.float32]]:
    """Vectors as stored, some with context, and what a dense score multiplies with."""
    rng = np.random.default_rng(seed)
    both = rng.standard_normal((count, 2, DIM)).astype(np.float32) + rng.standard_normal((1, 1, DIM)).astype(np.float32)
    half = (both / np.linalg.norm(both, axis=2, keepdims=True)).astype("<f2")
    embs = [half[i].tobytes() if i % 3 else half[i, 0].tobytes() for i in range(count)]
    wide = half.astype(np.float32)
    mean = np.where((np.arange(count) % 3 > 0)[:, None], wide.mean(axis=1), wide[:, 0])
    return embs, mean


@pytest.mark.parametrize("with_numkong", [True, False])
@pytest.mark.parametrize("count", [50, 9000])
def test_the_best_by_bytes_are_the_best_of_the_exact_scan(count: int, with_numkong: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if with_numkong and kernels._nk is None:
        pytest.skip("numkong does not know this processor")
    if not with_numkong:
        monkeypatch.setattr(kernels, "_nk", None)
    monkeypatch.setattr(matrix, "BYTES_FROM", 4096)
    embs, mean = stored(count)
    held = Matrix(DIM)
    held.reserve(count)
    held.put(list(range(count)), embs)
    assert bool(len(held.bytes)) == (with_numkong and count >= matrix.BYTES_FROM)
    mask = np.arange(count) % 7 > 0
    for seed in range(5):
        query = Query(np.random.default_rng(seed).standard_normal(DIM).astype(np.float32))
        scores = mean @ query.half.astype(np.float32)
        np.testing.assert_allclose(held.dense(query, slice(0, count)), scores, atol=5e-3)
        exact = np.where(mask, held.dense(query, slice(0, count)), -np.inf)
        for limit in (1, 20, 40):
            found, _ = held.best(query, limit, count, mask)
            assert len(found) == limit
            assert exact[found].min() >= np.sort(exact)[-limit] - 1e-6


def test_growing_row_by_row_is_the_same_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "BYTES_FROM", 4096)
    embs, _ = stored(5000)
    at_once, bit_by_bit = Matrix(DIM), Matrix(DIM)
    at_once.reserve(5000)
    at_once.put(list(range(5000)), embs)
    for start in range(0, 5000, 700):
        bit_by_bit.reserve(min(start + 700, 5000))
        bit_by_bit.put(list(range(start, min(start + 700, 5000))), embs[start : start + 700])
    query = Query(np.ones(DIM, np.float32))
    assert at_once.alone is None and bit_by_bit.alone is None, "what is so large leaves them in the file"
    np.testing.assert_array_equal(at_once.dense(query, slice(0, 5000)), bit_by_bit.dense(query, slice(0, 5000)))
    assert set(at_once.best(query, 30, 5000, None)[0]) == set(bit_by_bit.best(query, 30, 5000, None)[0])


def test_a_vector_of_another_length_is_left_out() -> None:
    held = Matrix(DIM)
    held.reserve(3)
    held.put([0, 2], [np.ones(DIM, "<f2").tobytes(), np.ones(7, "<f2").tobytes()])
    assert held.has.tolist()[:3] == [True, False, False] and held.count == 1


@pytest.mark.parametrize("count", [1, 300, 5000])
@pytest.mark.parametrize("size", [100, 9000, 100_000])
def test_the_largest_are_found_whatever_the_sample_says(size: int, count: int) -> None:
    rng = np.random.default_rng(size + count)
    spread = rng.standard_normal(size).astype(np.float32)
    tied = np.round(spread)
    few = np.where(rng.random(size) < 0.001, spread, np.float32(-np.inf))
    last = np.arange(size, dtype=np.float32)
    for scores in (spread, tied, few, last, last[::-1].copy(), np.zeros(size, np.float32)):
        found = kernels.largest(scores, count)
        there = min(count, int((scores > -np.inf).sum()))
        assert len(found) == len(set(found.tolist())) == there
        np.testing.assert_array_equal(np.sort(scores[found]), np.sort(scores)[len(scores) - there :])
