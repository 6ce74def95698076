"""The one filter grammar, as a typed tree.

    {"info.city": "Lisbon"}                          a leaf: equals
    {"created_at": {"gte": "2026-01-01T00:00:00Z"}}  a leaf with an operator; several are joined by and
    {"and": [...]}, {"or": [...]}, {"not": {...}}    nest
    {"path": ["info", "a.b", "c"], "eq": 1}          a leaf whose key is a path

Fields are the columns of `Memory`, but for its sources, and `info.<key>`; on the raw lane those of `Record`, but for its score, and
`value.<key>`. A missing key matches only `ne`, `nin`, `empty` and `not` (and `exists: false`); a value of another type matches nothing.
What is not understood is refused with `InvalidInput`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from memos_core.errors import InvalidInput

COLUMNS = frozenset(
    """id version text memory_type state user_id agent_id session_id cube_id speaker tags info trust
    created_at updated_at valid_from valid_to expires_at merged_to""".split()
)
TIMES = frozenset({"created_at", "updated_at", "valid_from", "valid_to", "expires_at"})
RECORD_COLUMNS = frozenset({"key", "namespace", "value", "version", "created_at", "updated_at", "expires_at"})
OPERATORS = ("eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "contains", "any", "all", "prefix", "text", "itext", "exists", "empty")
MAX_KEY, MAX_DEPTH, MAX_LEAVES = 256, 32, 1000

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING", "__bool__": lambda self: False})()
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """What may be asked for: columns, and which of them hold keys of the callers' own."""

    columns: frozenset[str]
    nested: frozenset[str]


MEMORY, RECORD = Names(COLUMNS, frozenset({"info"})), Names(RECORD_COLUMNS, frozenset({"value"}))
ANY = Names(MEMORY.columns | RECORD.columns, MEMORY.nested | RECORD.nested)
"""Of a filter that is being built, nobody knows yet where it will be used."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition on one field."""

    path: Path
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Join:
    """Several conditions: `op` is and, or, not (not has one)."""

    op: Literal["and", "or", "not"]
    parts: tuple[Leaf | Join, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter."""

    root: Leaf | Join

    @staticmethod
    def parse(raw: Mapping[str, Any] | Filter, names: Names | None = None) -> Filter:
        """A filter, from JSON or built, on memories or on what has these names. `InvalidInput` names what is not understood."""
        if isinstance(raw, Filter):
            _check(raw.root, 0, [0], names or MEMORY)
            return raw
        return Filter(_node(raw, 0, [0], names or MEMORY))

    @staticmethod
    def where(field: str | Sequence[str], op: str = "eq", value: Any = None) -> Filter:
        """One condition: `Filter.where("tags", "any", ["work"])`; a path is a list."""
        if not isinstance(field, Sequence):
            raise InvalidInput("filter", f"a field's name is a string or a list of keys, not {type(field).__name__}.")
        path = _path(field, ANY) if isinstance(field, str) else _checked(tuple(field), ANY)
        return Filter(_leaf(path, op, value))

    def __and__(self, other: Filter | Mapping[str, Any]) -> Filter:
        return _joined("and", self, other)

    def __or__(self, other: Filter | Mapping[str, Any]) -> Filter:
        return _joined("or", self, other)

    def __invert__(self) -> Filter:
        return Filter(Join("not", (self.root,)))

    def matches(self, fields: Mapping[str, Any]) -> bool:
        """Whether a memory passes, given its fields under the names of `Memory`'s columns."""
        return _matches(self.root, lambda path: resolve(fields, path))


def resolve(fields: Mapping[str, Any], path: Path) -> Any:
    """What stands at a path, MISSING where nothing does."""
    value: Any = fields
    for step in path:
        if not isinstance(value, Mapping) or step not in value:
            return MISSING
        value = value[step]
    return value


def _joined(op: Literal["and", "or"], left: Filter, right: Filter | Mapping[str, Any]) -> Filter:
    """Both in one list, so that a long chain is not deep."""
    roots = (left.root, right.root if isinstance(right, Filter) else Filter.parse(right, ANY).root)
    return Filter(Join(op, tuple(part for root in roots for part in (root.parts if isinstance(root, Join) and root.op == op else (root,)))))


def _check(node: Any, depth: int, leaves: list[int], names: Names) -> None:
    """Refuse in what was built all that JSON would be refused for. A level of JSON can be two of a tree."""
    if isinstance(node, Leaf):
        _checked(node.path, names)
        _count(leaves, 1)
    elif isinstance(node, Join):
        if depth > 2 * MAX_DEPTH:
            raise InvalidInput("filter", f"is nested deeper than {MAX_DEPTH}.")
        for part in node.parts:
            _check(part, depth + 1, leaves, names)
    else:
        raise InvalidInput("filter", f"can't be made of a {type(node).__name__}.", "Use Filter.where or Filter.parse.")


def _count(leaves: list[int], more: int) -> None:
    leaves[0] += more
    if leaves[0] > MAX_LEAVES:
        raise InvalidInput("filter", f"has more than {MAX_LEAVES} conditions.")


def _node(raw: Any, depth: int, leaves: list[int], names: Names) -> Leaf | Join:
    if not isinstance(raw, Mapping):
        raise InvalidInput("filter", f"a mapping is needed, not {type(raw).__name__}.", 'Write {"field": {"op": value}}.')
    if not raw:
        raise InvalidInput("filter", "is empty.", "Leave it out, or name a condition.")
    if depth > MAX_DEPTH:
        raise InvalidInput("filter", f"is nested deeper than {MAX_DEPTH}.")
    if "path" in raw and isinstance(raw["path"], (list, tuple)):
        path = _checked(tuple(raw["path"]), names)
        parts = _conditions(path, {key: value for key, value in raw.items() if key != "path"}, leaves)
    else:
        parts = [part for key, value in raw.items() for part in _entry(key, value, depth, leaves, names)]
    return parts[0] if len(parts) == 1 else Join("and", tuple(parts))


def _entry(key: Any, value: Any, depth: int, leaves: list[int], names: Names) -> Sequence[Leaf | Join]:
    if key in ("and", "or"):
        if not isinstance(value, (list, tuple)) or not value:
            raise InvalidInput("filter", f"'{key}' takes a list of at least one condition.")
        return [Join(key, tuple(_node(part, depth + 1, leaves, names) for part in value))]
    if key == "not":
        return [Join("not", (_node(value, depth + 1, leaves, names),))]
    if not isinstance(key, str):
        raise InvalidInput("filter", f"a field's name is a string, not {type(key).__name__}.")
    path = _path(key, names)
    if isinstance(value, Mapping):
        return _conditions(path, value, leaves)
    return _conditions(path, {"eq": value}, leaves)


def _conditions(path: Path, raw: Mapping[Any, Any], leaves: list[int]) -> list[Leaf | Join]:
    if not raw:
        raise InvalidInput("filter", f"'{'.'.join(path)}' has no operator.", "Known: " + ", ".join(OPERATORS) + ".")
    _count(leaves, len(raw))
    return [_leaf(path, op, value) for op, value in raw.items()]


def _path(key: str, names: Names) -> Path:
    column, dot, inner = key.partition(".")
    return _checked((column, inner) if dot and column in names.nested else (key,), names)


def _checked(path: tuple[Any, ...], names: Names) -> Path:
    if not path or not all(isinstance(step, str) and 0 < len(step) <= MAX_KEY for step in path):
        raise InvalidInput("filter", f"a key is 1 to {MAX_KEY} characters.")
    if path[0] not in names.columns or (len(path) > 1 and path[0] not in names.nested):
        known = f"Known: {', '.join(sorted(names.columns))} and {', '.join(f'{one}.<key>' for one in sorted(names.nested))}."
        raise InvalidInput("filter", f"unknown field '{'.'.join(path)[:80]}'.", known)
    return path


def _leaf(path: Path, op: Any, value: Any) -> Leaf:
    if op not in OPERATORS:
        raise InvalidInput(
            "filter", f"unknown operator '{str(op)[:80]}' on '{'.'.join(path)[:80]}'.", "Known: " + ", ".join(OPERATORS) + "."
        )
    name = ".".join(path)[:80]
    if op in ("in", "nin", "any", "all"):
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise InvalidInput("filter", f"'{op}' on '{name}' takes a list.")
        value = tuple(_operand(path, item, name) for item in value)
    elif op in ("exists", "empty"):
        if not isinstance(value, bool):
            raise InvalidInput("filter", f"'{op}' on '{name}' takes true or false.")
    elif op in ("prefix", "text", "itext"):
        if not isinstance(value, str):
            raise InvalidInput("filter", f"'{op}' on '{name}' takes a string.")
    else:
        value = _operand(path, value, name)
        if op in ("gt", "gte", "lt", "lte") and (value is None or isinstance(value, (bool, tuple, Mapping))):
            raise InvalidInput("filter", f"'{op}' on '{name}' takes a number, a string or a time.")
    return Leaf(path, op, value)


def _operand(path: Path, value: Any, name: str) -> Any:
    """A value to compare with; times as aware datetimes."""
    if path[0] in TIMES and value is not None:
        return as_time(value, f"filter '{name}'")
    if isinstance(value, datetime):
        return as_time(value, f"filter '{name}'").isoformat()
    if isinstance(value, (list, tuple, Mapping)) and deeper_than(MAX_DEPTH, value):
        raise InvalidInput("filter", f"'{name}' is compared with a value nested deeper than {MAX_DEPTH}.")
    if isinstance(value, list):
        return tuple(value)
    if value is None or isinstance(value, (str, int, float, bool, tuple, Mapping)):
        return str(value) if isinstance(value, str) else value
    raise InvalidInput("filter", f"'{name}' can't be compared with a {type(value).__name__}.")


def deeper_than(most: int, value: Any) -> bool:
    """Whether lists and mappings stand in each other deeper than that: what is deeper is kept nowhere, for reading it back could fail."""
    level = [value]
    for _ in range(most):
        level = [
            part
            for whole in level
            if isinstance(whole, (list, tuple, Mapping))
            for part in (whole.values() if isinstance(whole, Mapping) else whole)
        ]
        if not level:
            return False
    return any(isinstance(part, (list, tuple, Mapping)) for part in level)


def as_time(value: Any, field: str) -> datetime:
    """An aware UTC datetime from a datetime, an ISO 8601 string or seconds since the epoch; naive means UTC."""
    try:
        if isinstance(value, datetime):
            when = value
        elif isinstance(value, str):
            when = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            when = datetime.fromtimestamp(value, UTC)
        else:
            raise InvalidInput(field, f"a time is needed, not {type(value).__name__}.")
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as exc:
        if isinstance(exc, InvalidInput):
            raise
        raise InvalidInput(field, f"'{str(value)[:60]}' is not a time.", "Use ISO 8601, like 2026-11-21T09:30:00Z.") from exc


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, datetime):
        return "time"
    if isinstance(value, (list, tuple)):
        return "list"
    return "null" if value is None else "map"


def _same(left: Any, right: Any) -> bool:
    if _kind(left) != _kind(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def passes(value: Any, op: str, wanted: Any) -> bool:
    """Whether one value passes one condition. This is the meaning of every operator; back ends must agree with it."""
    if op == "exists":
        return (value is not MISSING and value is not None) is wanted
    if op == "empty":
        return (value is MISSING or value is None or value == "" or (isinstance(value, (list, tuple, dict)) and not value)) is wanted
    if value is MISSING:
        return op in ("ne", "nin")
    if op == "eq":
        return _same(value, wanted)
    if op == "ne":
        return (_kind(value) == _kind(wanted) or value is None) and not _same(value, wanted)
    if op == "in":
        return any(_same(value, item) for item in wanted)
    if op == "nin":
        return (value is None or not wanted or any(_kind(value) == _kind(item) for item in wanted)) and not any(
            _same(value, i) for i in wanted
        )
    if op in _ORDER:
        return _kind(value) == _kind(wanted) and _kind(value) in ("number", "string", "time") and _ORDER[op](value, wanted)
    if isinstance(value, (list, tuple)):
        if op == "contains":
            return any(_same(item, wanted) for item in value)
        if op == "any":
            return any(_same(item, w) for item in value for w in wanted)
        return op == "all" and all(any(_same(item, w) for item in value) for w in wanted)
    if not isinstance(value, str) or not isinstance(wanted, str):
        return False
    if op == "prefix":
        return value.startswith(wanted)
    return wanted.casefold() in value.casefold() if op == "itext" else wanted in value


def _matches(node: Leaf | Join, get: Callable[[Path], Any]) -> bool:
    if isinstance(node, Leaf):
        return passes(get(node.path), node.op, node.value)
    if node.op == "not":
        return not _matches(node.parts[0], get)
    joined = all if node.op == "and" else any
    return joined(_matches(part, get) for part in node.parts)
