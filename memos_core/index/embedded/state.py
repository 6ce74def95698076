"""One moment of a segment: what readers see while the segment goes on growing behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.index.embedded.postings import Postings

Mask = NDArray[np.bool_]

ROW_COLUMNS: dict[str, type] = {
    "eid": np.int64, "nr": np.int64, "tx": np.int64, "said": np.int64, "expires": np.int64, "context": np.int64, "version": np.int32,
    "session": np.int32, "speaker": np.int32, "length": np.int32, "previous": np.int32, "following": np.int32, "first": np.int32,
    "parts": np.int32, "timed": np.uint8,
}  # fmt: skip
"""`first` is a row's first passage, `parts` how many it has; `previous` and `following` are rows, -1 for none."""
PASSAGE_COLUMNS: dict[str, type] = {"row": np.int32, "words": np.int32}
PAIR_COLUMNS: dict[str, type] = {"code": np.uint32, "doc": np.int32, "tf": np.uint16}


class Columns:
    """Arrays of equal length that grow together. What was written is not changed by growing: readers keep their own length."""

    def __init__(self, kinds: dict[str, type]) -> None:
        self.size = 0
        self._room = 0
        self.arrays: dict[str, NDArray[Any]] = {name: np.zeros(0, kind) for name, kind in kinds.items()}

    def grow(self, count: int) -> slice:
        """Room for `count` more, and where it is."""
        start, self.size = self.size, self.size + count
        if self.size > self._room:
            self._room = max(self.size, self._room + self._room // 4, 256)
            for name, array in self.arrays.items():
                wider = np.zeros(self._room, array.dtype)
                wider[:start] = array[:start]
                self.arrays[name] = wider
        return slice(start, self.size)

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


@dataclass(slots=True)
class Counts:
    """The statistics of what is alive."""

    passages: int
    words: int
    session_words: NDArray[np.int64]
    session_size: NDArray[np.int32]
    rows: int
    mask: Mask | None = None
    """Which rows are alive; None where all are."""
    speakers: frozenset[str] | None = None
    sessions: int = field(init=False)
    """How many sessions there are of which something is alive."""
    spoken: int = field(init=False)
    """How many words were said in them."""
    outside: int = field(init=False)
    """How many rows are of no session."""
    sizes: NDArray[np.int32] = field(init=False)
    """`session_size` with a last 0 for no session."""

    def __post_init__(self) -> None:
        self.sessions, self.spoken = int(np.count_nonzero(self.session_size)), int(self.session_words.sum())
        self.outside = self.rows - int(self.session_size.sum())
        self.sizes = np.append(self.session_size, np.int32(0))


@dataclass(slots=True)
class State:
    """`size` rows and `passages` passages of columns that may go on growing; postings of most, pairs (the tail) of the newest."""

    size: int
    passages: int
    rows: dict[str, NDArray[Any]]
    passage: dict[str, NDArray[Any]]
    main: Postings
    tail: dict[str, NDArray[Any]]
    counts: Counts
    first_expiry: int
    speakers: tuple[str, ...]
    matrices: dict[str, Any]
    sessions: dict[str, int]
    """Numbers by name; it grows behind the state, by names that none of its rows has."""
    expired: dict[int, Counts] = field(default_factory=dict)
    whole: dict[str, NDArray[Any]] = field(default_factory=dict)
    """What `gather` made of all rows, for the next question."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What follows from these columns (see `Candidates.kept`)."""

    def column(self, name: str) -> NDArray[Any]:
        return self.rows[name][: self.size]

    def alive(self, now: int) -> Counts:
        """The statistics of what is alive and not expired at `now`."""
        if self.first_expiry > now:
            return self.counts
        gone = self.column("expires") <= now
        count = int(np.count_nonzero(gone))
        known = self.expired.get(count)
        if known is None:
            mask = ~gone if self.counts.mask is None else self.counts.mask & ~gone
            known = self.expired[count] = counted(self.rows, self.size, mask, len(self.counts.session_size))
        return known


    def speaking(self, counts: Counts) -> frozenset[str]:
        """Who said what is alive."""
        if counts.speakers is None:
            if counts.mask is None:
                counts.speakers = frozenset(self.speakers)
            else:
                used = np.flatnonzero(np.bincount(self.column("speaker")[counts.mask] + 1, minlength=1)[1:])
                counts.speakers = frozenset(self.speakers[i] for i in used.tolist())
        return counts.speakers


def counted(rows: dict[str, NDArray[Any]], size: int, mask: Mask, sessions: int) -> Counts:
    """Statistics from scratch, over the rows in `mask`."""
    length, session = rows["length"][:size][mask], rows["session"][:size][mask]
    inside = session >= 0
    words = np.bincount(session[inside], weights=length[inside], minlength=sessions).astype(np.int64)
    sizes = np.bincount(session[inside], minlength=sessions).astype(np.int32)
    return Counts(int(rows["parts"][:size][mask].sum()), int(length.sum()), words, sizes, len(length), mask)


NOTHING = Counts(0, 0, np.zeros(0, np.int64), np.zeros(0, np.int32), 0)
