"""The manifest: what a cube holds, each file with its size and digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from memos_core.cube.shape import FILES, FORMAT, MAX_LINES, MAX_NAME, parse
from memos_core.errors import CubeCorrupt, NewerSchema
from memos_core.model.answer import CubeManifest
from memos_core.model.frozen import FrozenDict
from memos_core.sql.schema import SCHEMA_VERSION

MAX_MANIFEST = 64 << 10
MAX_TOTAL = 4 << 30
"""Bytes that the files of a cube may have together."""
COUNTS = ("sessions", "messages", "memories", "versions", "sources")
_KEYS = ("format", "schema_version", "cube_id", "name", "created_at", "counts", "files")


def written(manifest: CubeManifest) -> bytes:
    """The manifest as a file."""
    facts = {**dict(manifest), "created_at": manifest.created_at.isoformat()}
    return json.dumps(facts, ensure_ascii=False, indent=1).encode() + b"\n"


def read(raw: bytes) -> CubeManifest:
    """The manifest of a file's bytes; CubeCorrupt where anything in it is not as it must be, NewerSchema of a later version."""
    found = parse(raw, "manifest.json")
    _hold(isinstance(found, dict) and found.keys() == set(_KEYS), "does not have the fields that it must have")
    for key, known in (("format", FORMAT), ("schema_version", SCHEMA_VERSION)):
        _hold(type(found[key]) is int and found[key] >= 1, f"has no {key}")
        if found[key] > known:
            newer = f"The cube was written by a newer version ({key} {found[key]}, this program knows {known}); upgrade memos-kernel."
            raise NewerSchema(newer)
    _hold(_label(found["cube_id"], 1) and _label(found["name"], 0), "names the cube wrongly")
    counts = found["counts"]
    _hold(isinstance(counts, dict) and counts.keys() == set(COUNTS) and all(_size(v, MAX_LINES) for v in counts.values()), "counts wrongly")
    _hold(isinstance(found["files"], list) and len(found["files"]) == len(FILES), "does not name the files that there must be")
    for name, entry in zip(FILES, found["files"], strict=True):
        _hold(_file(entry, name), f"describes {name} wrongly")
    _hold(sum(entry["size"] for entry in found["files"]) <= MAX_TOTAL, f"says that there are more than {MAX_TOTAL:,} bytes")
    return CubeManifest(
        format=found["format"], schema_version=found["schema_version"], cube_id=found["cube_id"], name=found["name"],
        created_at=_time(found["created_at"]), counts=FrozenDict(counts), files=tuple(FrozenDict(entry) for entry in found["files"]),
    )  # fmt: skip


def _hold(holds: bool, problem: str) -> None:
    if not holds:
        raise CubeCorrupt(f"manifest.json {problem}. Nothing was loaded.")


def _size(value: Any, limit: int) -> bool:
    return type(value) is int and 0 <= value <= limit


def _label(value: Any, least: int) -> bool:
    if not isinstance(value, str) or not least <= len(value) <= MAX_NAME:
        return False
    return all(ord(c) >= 32 and ord(c) != 127 and not 0xD800 <= ord(c) <= 0xDFFF for c in value) and (not least or not value.isspace())


def _file(entry: Any, name: str) -> bool:
    if not isinstance(entry, Mapping) or entry.keys() != {"name", "size", "sha256"}:
        return False
    digest = entry["sha256"]
    hexadecimal = isinstance(digest, str) and len(digest) == 64 and set(digest) <= set("0123456789abcdef")
    return entry["name"] == name and _size(entry["size"], MAX_TOTAL) and hexadecimal


def _time(value: Any) -> datetime:
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 64 else None
    except ValueError:
        when = None
    if when is None or when.utcoffset() is None:
        raise CubeCorrupt("manifest.json does not say when it was written. Nothing was loaded.")
    return when
