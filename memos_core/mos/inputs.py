"""What callers pass, checked: each error names the field and says what to do. Nothing is stored when one is raised."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from memos_core.errors import InvalidInput
from memos_core.model.filter import MAX_DEPTH, Filter, as_time, deeper_than
from memos_core.model.memory import MemoryType

MAX_NAME, MAX_TAGS, MAX_INFO, MAX_TEXT, MAX_IDS = 512, 64, 65_536, 1 << 20, 10_000


def name(field: str, value: Any, *, needed: bool = False) -> str | None:
    """An id of the caller's: 1 to 512 bytes of text, without control characters."""
    if value is None:
        if needed:
            raise InvalidInput(field, "is missing.")
        return None
    if not isinstance(value, str):
        raise InvalidInput(field, f"a string is needed, not {type(value).__name__}.")
    if not value or value.isspace():
        raise InvalidInput(field, "is empty.")
    if not value.isprintable() and any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF or ord(c) == 127 for c in value):
        raise InvalidInput(field, "holds control characters or half characters.", "Use printable text.")
    if len(value) > MAX_NAME or len(value.encode()) > MAX_NAME:
        raise InvalidInput(field, f"is longer than {MAX_NAME} bytes.")
    return value


def path(field: str, value: Any) -> str:
    """A file's or folder's name."""
    plain = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(plain, str):
        raise InvalidInput(field, f"a path is needed, not {type(value).__name__}.", "Name a file or folder.")
    try:
        sound = bool(plain) and b"\x00" not in os.fsencode(plain)
    except UnicodeEncodeError:  # a lone surrogate; those that stand for bytes of a file's name are none
        sound = False
    if not sound:
        raise InvalidInput(field, "is empty, or holds what no name of a file can.", "Name a file or folder.")
    return plain


def embedder(value: Any) -> None:
    """An object that embeds. Only what costs nothing is looked at: its length of vectors may be learnt by asking a server."""
    from memos_core.inference.base import Embedder

    if value is None:
        return
    if not isinstance(value, Embedder):
        hint = "Name one by Settings(embedder=...) or MEMOS_EMBEDDER, or derive a class from memos_core.Embedder."
        given = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
        raise InvalidInput("embedder", f"an Embedder is needed, not {given}.", hint)
    for part in ("name", "digest"):
        if not isinstance(getattr(value, part, None), str) or not getattr(value, part):
            raise InvalidInput("embedder", f"its `{part}` is not a text.", "See memos_core.Embedder.")


def text(field: str, value: Any) -> str:
    """Some text to remember or to ask."""
    if not isinstance(value, str):
        raise InvalidInput(field, f"a string is needed, not {type(value).__name__}.")
    if not value.strip():
        raise InvalidInput(field, "is empty.", "Give some text.")
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError as exc:
        raise InvalidInput(field, "holds half characters (lone surrogates).", "Decode it as UTF-8 first.") from exc
    if size > MAX_TEXT:
        raise InvalidInput(field, f"is larger than {MAX_TEXT:,} bytes.", "Cut it into parts.")
    if "\x00" in value:
        raise InvalidInput(field, "holds a NUL character.", "Take it out.")
    return value


def tags(value: Any) -> tuple[str, ...]:
    """Tags: distinct, in the order given."""
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, (Sequence, set, frozenset)):
        raise InvalidInput("tags", "a list of strings is needed.", 'Write tags=["work"].')
    if len(value) > MAX_TAGS:
        raise InvalidInput("tags", f"has more than {MAX_TAGS}.")
    return tuple(dict.fromkeys(str(name(f"tags[{i}]", tag, needed=True)) for i, tag in enumerate(value)))


def info(value: Any) -> dict[str, Any]:
    """A mapping of JSON values."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidInput("info", "a mapping with strings as keys is needed.")
    if any(not key or len(key) > 256 for key in value):
        raise InvalidInput("info", "a key is 1 to 256 characters.")
    if deeper_than(MAX_DEPTH, value):
        raise InvalidInput("info", f"is nested deeper than {MAX_DEPTH}.")
    try:
        raw = json.dumps(dict(value), ensure_ascii=False, allow_nan=False)
        size = len(raw.encode())
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidInput("info", f"is not JSON: {exc}.", "Use strings, numbers, true, false, null, lists and mappings.") from exc
    if size > MAX_INFO:
        raise InvalidInput("info", f"is larger than {MAX_INFO:,} bytes as JSON.")
    kept: dict[str, Any] = json.loads(raw)
    if kept != value:
        string_keys("info", value)
    return kept


def string_keys(field: str, value: Any) -> None:
    """Refuse the keys that JSON would write as strings, wherever they stand."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, part in inner:
        if isinstance(value, Mapping) and not isinstance(key, str):
            raise InvalidInput(field[:200], f"has the key {key!r:.40}, which is not a string.")
        string_keys(f"{field}.{key}" if isinstance(key, str) else f"{field}[{key}]", part)


def when(field: str, value: Any) -> datetime | None:
    """A time; naive ones mean UTC."""
    return None if value is None else as_time(value, field)


def whole(field: str, value: Any, low: int, high: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput(field, f"a whole number from {low} to {high} is needed, not {value!r:.40}.")
    return value


def share(field: str, value: Any) -> float | None:
    """A number from 0 to 1."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise InvalidInput(field, f"a number from 0 to 1 is needed, not {value!r:.40}.")
    return float(value)


def seconds(field: str, value: Any) -> float | None:
    """A time to wait; None for as long as it takes."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1e9:
        raise InvalidInput(field, f"a number of seconds is needed, not {value!r:.40}.")
    return float(value)


def ids(field: str, value: Any) -> tuple[str, ...]:
    """One id or several, distinct."""
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, (Sequence, set, frozenset)) or isinstance(several, (bytes, bytearray)):
        raise InvalidInput(field, "an id or a list of ids is needed.")
    if not several or len(several) > MAX_IDS:
        raise InvalidInput(field, f"1 to {MAX_IDS:,} ids are needed.")
    return tuple(dict.fromkeys(str(name(f"{field}[{i}]", one, needed=True)) for i, one in enumerate(several)))


def conditions(filter: Any, memory_types: Any) -> Filter | None:
    """The filter and the types wanted, as one filter."""
    parsed = None if filter is None or filter == {} else Filter.parse(filter)
    if memory_types is None:
        return parsed
    several = [memory_types] if isinstance(memory_types, str) else memory_types
    if not isinstance(several, (Sequence, set, frozenset)) or isinstance(several, (bytes, bytearray)):
        raise InvalidInput("memory_types", "a type or a list of types is needed.")
    known = [member.value for member in MemoryType]
    for one in several:
        if one not in known:
            raise InvalidInput("memory_types", f"'{str(one)[:60]}' is not known.", f"Known: {', '.join(sorted(known))}.")
    typed = Filter.where("memory_type", "in", [str(MemoryType(one).value) for one in several])
    return typed if parsed is None else typed & parsed


def fingerprint(*values: Any) -> bytes:
    """What a request asked, for telling whether it comes again or another one comes under its id."""
    return hashlib.sha256(json.dumps(values, default=str, sort_keys=True, ensure_ascii=True).encode()).digest()
