"""Hand-made tables of candidates, and a view over one, for the tests of recall."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from memos_core.index.base import Candidates, Probe, View

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = 86_400_000_000
TODAY = round(NOW.timestamp() * 1_000_000)

_COLUMNS: dict[str, tuple[Any, Any]] = {
    "cube": (np.int64, 1),
    "lexical": (np.float32, 0),
    "matched": (np.int16, 0),
    "dense": (np.float32, 0),
    "relevance": (np.float32, 0),
    "said": (np.int64, TODAY - 90 * DAY),
    "length": (np.int32, 8),
    "speaker": (np.int32, -1),
    "session": (np.int32, -1),
    "session_score": (np.float32, 0),
    "session_size": (np.int32, 1),
    "previous": (np.int32, -1),
    "following": (np.int32, -1),
    "timed": (np.bool_, False),
    "asks": (np.bool_, False),
}


def rows(
    n: int, *, speakers: tuple[str, ...] = (), nr: Sequence[int] | None = None, here: tuple[int, ...] = (), **columns: Sequence[Any]
) -> Candidates:
    """A table of n rows; columns that are not given hold nothing."""
    filled = {
        name: np.array(columns[name], kind) if name in columns else np.full(n, empty, kind) for name, (kind, empty) in _COLUMNS.items()
    }
    filled["embedded"] = filled["relevance"] != 0
    return Candidates(nr=np.array(range(1, n + 1) if nr is None else nr, np.int64), speakers=speakers, here=here, **filled)


class TableView(View):
    """A view that gathers one table whatever is asked, and keeps what was asked."""

    def __init__(self, table: Candidates, vectors: Sequence[Sequence[float]] | None = None) -> None:
        self.table, self.asked = table, list[Probe]()
        found = np.zeros((len(table), 2), np.float32) if vectors is None else np.array(vectors, np.float32)
        self._vectors = dict(zip(table.nr.tolist(), found, strict=True))

    @property
    def speakers(self) -> frozenset[str]:
        return frozenset(self.table.speakers)

    @property
    def size(self) -> int:
        return len(self.table)

    def gather(self, probe: Probe) -> Candidates:
        self.asked.append(probe)
        return self.table

    def vectors(self, nrs: Sequence[int], model: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.stack([self._vectors[nr] for nr in nrs])
