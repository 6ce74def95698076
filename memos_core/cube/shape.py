"""What stands in a dumped cube: five files of JSON lines, and exactly which fields each line has.

Lines name each other by memory ids and by positions in their files, never by a ledger's own numbers. Times are
microseconds since the epoch, UTC. `claims.jsonl` holds what a reader can't check and `load` does not believe: how far
the writing memory trusted a memory, and who it says wrote it. There are no vectors: foreign ones could make any text
be found for any question, so they are made anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from memos_core.errors import CubeCorrupt, InvalidInput
from memos_core.model.memory import MemoryState, MemoryType, Trust
from memos_core.reader.verbatim import frozen_json

FORMAT = 1
MANIFEST = "manifest.json"
FILES = ("sessions.jsonl", "messages.jsonl", "versions.jsonl", "sources.jsonl", "claims.jsonl")
MAX_LINE = 24 << 20
MAX_NAME, MAX_TEXT = 512, 1 << 20
MAX_LINES = 500_000
"""Lines that one file may have: a cube is loaded in one transaction."""
_LATEST = 253_402_300_799_999_999
_EARLIEST = -62_135_596_800_000_000
_STATES = frozenset(state.value for state in MemoryState) - {"erased"}
_ROLES = frozenset(("user", "assistant", "system", "developer", "tool"))
_KINDS = frozenset(("message", "document", "memory", "trace"))

Check = Callable[[Any], bool]


def _text(limit: int, least: int = 0) -> Check:
    return lambda v: isinstance(v, str) and least <= len(v) <= limit and "\x00" not in v and _encodes(v, limit)


def _encodes(text: str, limit: int) -> bool:
    try:
        return text.isascii() or len(text.encode()) <= limit
    except UnicodeEncodeError:
        return False


def _or_none(check: Check) -> Check:
    return lambda v: v is None or check(v)


def _whole(low: int, high: int) -> Check:
    return lambda v: type(v) is int and low <= v <= high


def _one_of(values: frozenset[str]) -> Check:
    return lambda v: isinstance(v, str) and v in values


def _json(value: Any) -> bool:
    try:
        return isinstance(value, Mapping) and frozen_json("line", value) is not None
    except InvalidInput:
        return False


def _extra(value: Any) -> bool:
    """Tool calls and what belongs to them, as a message keeps them."""
    if not _json(value) or set(value) != {"tool_calls", "tool_call_id", "unread"}:
        return False
    calls, unread = value["tool_calls"], value["unread"]
    text = _text(MAX_TEXT)
    return (
        isinstance(calls, list)
        and all(isinstance(c, dict) and set(c) == {"id", "name", "arguments"} and all(map(text, c.values())) for c in calls)
        and isinstance(unread, list)
        and all(map(text, unread))
        and (value["tool_call_id"] is None or text(value["tool_call_id"]))
    )


def _tags(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 256 and all(map(_NAME, value))


_NAME, _BOOL = _text(MAX_NAME, 1), lambda v: isinstance(v, bool)
_TIME, _PLACE, _COUNT = _whole(_EARLIEST, _LATEST), _whole(0, MAX_LINES - 1), _whole(1, 1 << 31)
_SOME_NAME, _SOME_TIME, _SOME_PLACE = _or_none(_NAME), _or_none(_TIME), _or_none(_PLACE)

FIELDS: dict[str, dict[str, Check]] = {
    "sessions.jsonl": {"id": _NAME, "implicit": _BOOL, "last_memory": _SOME_NAME, "last_said": _TIME},
    "messages.jsonl": {
        "id": _NAME, "session": _SOME_PLACE, "version": _COUNT, "closed": _BOOL, "role": _one_of(_ROLES), "name": _SOME_NAME,
        "content": _text(MAX_TEXT), "extra": _or_none(_extra), "raw": _or_none(_json), "said": _TIME, "user_id": _SOME_NAME,
        "agent_id": _SOME_NAME,
    },
    "versions.jsonl": {
        "memory": _NAME, "version": _COUNT, "at": _TIME, "verb": _text(64, 1), "why": _text(4096), "text": _text(MAX_TEXT, 1),
        "speaker": _text(MAX_NAME), "memory_type": _one_of(frozenset(m.value for m in MemoryType)), "state": _one_of(_STATES),
        "user_id": _SOME_NAME, "agent_id": _SOME_NAME, "session": _SOME_PLACE, "context": _SOME_NAME, "tags": _tags, "info": _json,
        "said": _TIME, "valid_from": _SOME_TIME, "valid_to": _SOME_TIME, "expires": _SOME_TIME, "merged_to": _SOME_NAME,
    },
    "sources.jsonl": {
        "memory": _NAME, "message": _SOME_PLACE, "start": _or_none(_whole(0, 1 << 31)), "end": _or_none(_whole(0, 1 << 31)), "said": _TIME,
        "kind": _one_of(_KINDS), "label": _or_none(_text(MAX_NAME)),
    },
    "claims.jsonl": {
        "memory": _NAME, "version": _COUNT, "trust": _one_of(frozenset(m.value for m in Trust)), "by": _text(2 * MAX_NAME + 32),
    },
}  # fmt: skip


def line(record: Mapping[str, Any]) -> bytes:
    """A record as its line."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def parse(raw: bytes, where: str) -> Any:
    """Strict JSON: UTF-8, no NaN, no key twice, not too deep. CubeCorrupt says where."""
    try:
        return json.loads(raw.decode(), object_pairs_hook=_pairs, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise CubeCorrupt(f"{where} is not JSON: {str(exc)[:120]}. Nothing was loaded.") from exc


def record(name: str, raw: bytes, number: int) -> dict[str, Any]:
    """One line of a file, every field checked."""
    where = f"{name}, line {number + 1}"
    found = parse(raw, where)
    fields = FIELDS[name]
    if not isinstance(found, dict) or found.keys() != fields.keys():
        raise CubeCorrupt(f"{where} does not have the fields that it must have. Nothing was loaded.")
    for key, check in fields.items():
        if not check(found[key]):
            raise CubeCorrupt(f"{where}: '{key}' can't be {json.dumps(found[key])[:60]}. Nothing was loaded.")
    return found
