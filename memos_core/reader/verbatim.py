"""The caller's own JSON, checked and frozen: what `Message.raw` holds."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from memos_core.errors import InvalidInput
from memos_core.model.frozen import FrozenDict, FrozenList

MAX_TEXT = 1 << 20
"""Bytes of UTF-8 that the text of one message may have."""
MAX_RAW = 8 << 20
"""About how many bytes the whole JSON of one message may have, inline images and all."""
MAX_DEPTH = 64
_MAX_BITS = 10_000


def checked_text(field: str, text: str, limit: int = MAX_TEXT) -> str:
    """The text itself, if it can be stored everywhere: no NUL, no lone surrogates, at most `limit` bytes of UTF-8."""
    if len(text) > limit:
        raise InvalidInput(field, f"is longer than {limit:,} bytes.", "Cut it into several messages.")
    if "\0" in text:
        raise InvalidInput(field, "holds a NUL character.", "Take it out first.")
    if not text.isascii():
        try:
            size = len(text.encode())
        except UnicodeEncodeError as exc:
            hint = "Decode it with errors='replace' first."
            raise InvalidInput(field, f"holds a lone surrogate at character {exc.start}.", hint) from exc
        if size > limit:
            raise InvalidInput(field, f"is longer than {limit:,} bytes.", "Cut it into several messages.")
    return text if type(text) is str else str.__str__(text)


def frozen_json(field: str, raw: Mapping[Any, Any]) -> FrozenDict:
    """A frozen copy of a JSON object; what JSON can't say is refused by its path."""
    return _mapping(field, raw, 0, [MAX_RAW])


def _take(field: str, size: int, room: list[int]) -> None:
    room[0] -= size
    if room[0] < 0:
        raise InvalidInput(field, f"is larger than {MAX_RAW:,} bytes.", "Pass images and files by URL.")


def _mapping(field: str, raw: Mapping[Any, Any], depth: int, room: list[int]) -> FrozenDict:
    frozen: dict[str, Any] = {}
    for key, value in raw.items():
        if not isinstance(key, str):
            raise InvalidInput(field, f"has the key {key!r:.60}, which is not a string.")
        kept = checked_text(f"{field} (a key)", key, MAX_RAW)
        _take(field, len(kept) + 4, room)
        frozen[kept] = _json(field, kept, value, depth, room)
    return FrozenDict(frozen)


def _json(field: str, key: object, value: Any, depth: int, room: list[int]) -> Any:
    if isinstance(value, str):
        _take(field, len(value), room)
        if type(value) is str and value.isascii() and "\0" not in value:
            return value
        return checked_text(_at(field, key), value, MAX_RAW)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return _number(_at(field, key), value)
    if depth >= MAX_DEPTH:
        raise InvalidInput(field, f"is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, Mapping):
        return _mapping(_at(field, key), value, depth + 1, room)
    if isinstance(value, (list, tuple)):
        inner = _at(field, key)
        _take(inner, 2 * len(value), room)
        return FrozenList([_json(inner, nr, part, depth + 1, room) for nr, part in enumerate(value)])
    raise InvalidInput(_at(field, key), f"is a {type(value).__name__}, which JSON can't hold.", "Convert it to a string first.")


def _number(field: str, value: int | float) -> int | float:
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise InvalidInput(field, "is too large a number.", "Write it as a string.")
        return value if type(value) is int else int(value)
    if not isfinite(value):
        raise InvalidInput(field, f"is {value}, which JSON can't hold.", "Use null, or a string.")
    return value if type(value) is float else float(value)


def _at(field: str, key: object) -> str:
    if isinstance(key, int):
        return f"{field}[{key}]"
    name = str(key)
    return f"{field}.{name[:60].encode(errors='replace').decode()}"
