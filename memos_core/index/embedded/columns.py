"""The fields that filters ask for, by path: each value once, each row a number; so a condition is tried once a value."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.model.filter import MISSING, TIMES, Filter, Join, Leaf, Path, passes

Mask = NDArray[np.bool_]
Fetch = Callable[[Path, int], Sequence[tuple[int, str | None]]]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = 64
_ORDERED: dict[str, Any] = {"gt": np.greater, "gte": np.greater_equal, "lt": np.less, "lte": np.less_equal}
_EXACT = 1 << 53


class FieldColumn:
    """The values at one path. Value 0 is MISSING."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._codes = np.zeros(0, np.int32)
        self._values: list[Any] = [MISSING]
        self._known: dict[Any, int] = {}
        self._truths: dict[tuple[str, str], Mask] = {}
        self._masks: dict[tuple[str, str], tuple[int, Mask]] = {}
        self._numbers = np.full(1, np.nan)
        self._exact = True

    def extend(self, values: Sequence[str | None]) -> None:
        """The values of the next rows, as JSON; None where there is none."""
        codes: dict[str | None, int] = {text: 0 if text is None else self._code(json.loads(text)) for text in set(values)}
        if self.size + len(values) > len(self._codes):
            wider = np.zeros(max(self.size + len(values), len(self._codes) * 5 // 4), np.int32)
            wider[: self.size] = self._codes[: self.size]
            self._codes = wider
        self._codes[self.size : self.size + len(values)] = [codes[value] for value in values]
        self.size += len(values)

    def _code(self, value: Any) -> int:
        key = _key(value)
        code = self._known.get(key)
        if code is None:
            code = self._known[key] = len(self._values)
            if self.path[0] in TIMES and isinstance(value, int) and not isinstance(value, bool):
                value = _EPOCH + timedelta(microseconds=value)
            self._values.append(value)
        return code

    def mask(self, leaf: Leaf, size: int) -> Mask:
        """Which of the first `size` rows pass."""
        key = (leaf.op, repr(leaf.value))
        kept = self._masks.get(key)
        if kept is not None and kept[0] == size:
            return kept[1]
        codes = self._codes[:size]
        wanted = self._wanted(leaf)
        if wanted is None:
            mask = self._truth(leaf, key)[codes]
        elif len(wanted) == 1:
            mask = codes == wanted[0]
        else:
            mask = np.isin(codes, wanted)
        if len(self._masks) >= _KEPT:
            self._masks.clear()
        self._masks[key] = (size, mask)
        return mask

    def _wanted(self, leaf: Leaf) -> list[int] | None:
        """For equality with plain values: their numbers, found without trying every value."""
        values = [leaf.value] if leaf.op == "eq" else list(leaf.value) if leaf.op == "in" else None
        if values is None or not all(value is None or isinstance(value, (str, int, float, bool, datetime)) for value in values):
            return None
        return [self._known.get(_key(_stored(value)), -1) for value in values]

    def _truth(self, leaf: Leaf, key: tuple[str, str]) -> Mask:
        """By value whether it passes; only values that are new since are tried."""
        known = self._truths.get(key, np.zeros(0, np.bool_))
        if len(known) < len(self._values):
            new = self._values[len(known) :]
            ordered = self._compared(leaf, len(known))
            tried = np.fromiter((passes(value, leaf.op, leaf.value) for value in new), np.bool_, len(new)) if ordered is None else ordered
            if len(self._truths) >= _KEPT:
                self._truths.clear()
            known = self._truths[key] = np.concatenate([known, tried])
        return known

    def _compared(self, leaf: Leaf, start: int) -> Mask | None:
        """Numbers and times in order, all at once; None where floats would not be exact."""
        wanted = _stored(leaf.value)
        if leaf.op not in _ORDERED or isinstance(wanted, bool) or not isinstance(wanted, (int, float)) or abs(wanted) >= _EXACT:
            return None
        if len(self._numbers) < len(self._values):
            fresh = [_stored(value) for value in self._values[len(self._numbers) :]]
            plain = [float(v) if isinstance(v, (int, float)) and not isinstance(v, bool) else np.nan for v in fresh]
            self._exact = self._exact and all(not isinstance(v, int) or abs(v) < _EXACT for v in fresh)
            self._numbers = np.concatenate([self._numbers, plain])
        if not self._exact or isinstance(leaf.value, datetime) != (self.path[0] in TIMES):
            return None
        return np.asarray(_ORDERED[leaf.op](self._numbers[start:], wanted))

    @property
    def nbytes(self) -> int:
        return self._codes.nbytes + 120 * len(self._values) + sum(mask.nbytes for _, mask in self._masks.values())


class FieldColumns:
    """The columns that were asked for."""

    def __init__(self) -> None:
        self._columns: dict[Path, FieldColumn] = {}
        self._lock = threading.Lock()

    def mask(self, where: Filter, size: int, eids: NDArray[np.int64], fetch: Fetch) -> Mask:
        """Which of the first `size` rows pass. `fetch` gives (eid, JSON or None) at a path of the rows from one on, perhaps of more."""
        with self._lock:
            self._complete(_paths(where.root), size, eids, fetch)
            return self._evaluate(where.root, size)

    def _complete(self, paths: set[Path], size: int, eids: NDArray[np.int64], fetch: Fetch) -> None:
        for path in paths:
            column = self._columns.setdefault(path, FieldColumn(path))
            if column.size < size:
                values = dict(fetch(path, column.size))
                column.extend([values.get(eid) for eid in eids[column.size : size].tolist()])

    def _evaluate(self, node: Leaf | Join, size: int) -> Mask:
        if isinstance(node, Leaf):
            return self._columns[node.path].mask(node, size)
        masks = [self._evaluate(part, size) for part in node.parts]
        if node.op == "not":
            return ~masks[0]
        join = np.logical_and if node.op == "and" else np.logical_or
        joined = masks[0]
        for mask in masks[1:]:
            joined = join(joined, mask)
        return joined

    @property
    def nbytes(self) -> int:
        return sum(column.nbytes for column in list(self._columns.values()))


def _paths(node: Leaf | Join) -> set[Path]:
    return {node.path} if isinstance(node, Leaf) else set().union(*(_paths(part) for part in node.parts))


def _stored(value: Any) -> Any:
    """A time as fields hold it: microseconds since the epoch."""
    return (value - _EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value


def _key(value: Any) -> Any:
    """Equal for values that are the same, and only for these."""
    if isinstance(value, bool) or value is None:
        return ("bool", value)
    if isinstance(value, (int, float)):
        return value
    return value if isinstance(value, str) else ("json", json.dumps(value, sort_keys=True))
