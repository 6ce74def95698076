"""From stored rows to columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.index.embedded.reading import TERMS

U32 = np.dtype("<u4")


@dataclass(slots=True)
class Terms:
    """The terms of some rows: of each passage, which terms it holds and how often."""

    codes: NDArray[np.uint32]
    passage: NDArray[Any]
    tf: NDArray[np.uint16]
    row: NDArray[np.int32]
    """Of each passage, its row."""
    length: NDArray[np.int32]
    """Of each passage, its length in terms."""
    total: NDArray[np.int32]
    """Of each row, its length in terms."""


def terms_of(rows: Sequence[Any]) -> Terms:
    """The terms of rows, passages and rows counted from 0."""
    blobs = [row[TERMS] for row in rows]
    flat = np.frombuffer(b"".join(blobs), U32)
    sizes = np.fromiter(map(len, blobs), np.int64, len(blobs)) >> 2
    owner = np.repeat(np.arange(len(rows), dtype=np.int32), sizes)
    cuts = flat == 0
    if cuts.any():
        passage: NDArray[Any] = np.cumsum(cuts) + owner
        first = np.zeros(len(rows), np.int64)
        np.cumsum(np.bincount(owner[cuts], minlength=len(rows))[:-1] + 1, out=first[1:])
        count = int(first[-1] + 1 + np.count_nonzero(cuts & (owner == len(rows) - 1)))
        row = np.searchsorted(first, np.arange(count), side="right").astype(np.int32) - 1
        kept = ~cuts
        flat, passage, owner = flat[kept], passage[kept], owner[kept]
    else:
        passage, count, row = owner, len(rows), np.arange(len(rows), dtype=np.int32)
    length = np.bincount(passage, minlength=count).astype(np.int32)
    total = length if count == len(rows) else np.bincount(owner, minlength=len(rows)).astype(np.int32)
    codes, passage, tf = _counted(flat, passage)
    return Terms(codes, passage, tf, row, length, total)


def _counted(flat: NDArray[np.uint32], passage: NDArray[Any]) -> tuple[NDArray[np.uint32], NDArray[Any], NDArray[np.uint16]]:
    """Equal terms stand next to each other in a passage: each once, with its count."""
    if not len(flat):
        return flat, passage, np.zeros(0, np.uint16)
    new = np.ones(len(flat), np.bool_)
    new[1:] = (flat[1:] != flat[:-1]) | (passage[1:] != passage[:-1])
    at = np.flatnonzero(new)
    tf = np.diff(at, append=len(flat))
    return flat[at], passage[at], np.minimum(tf, 65535).astype(np.uint16)
