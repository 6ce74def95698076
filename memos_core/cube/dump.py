"""Writing a cube to a folder or an archive: under another name first, forced to the disk, then renamed: whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from memos_core.cube import archive
from memos_core.cube.manifest import written
from memos_core.cube.shape import FILES, FORMAT, MANIFEST, MAX_LINES, line
from memos_core.errors import DiskFull, InvalidInput, ReadOnlyFolder, StorageError
from memos_core.ledger import tables as t
from memos_core.ledger.read import Access, Book
from memos_core.model.answer import CubeManifest
from memos_core.model.frozen import FrozenDict
from memos_core.sql.schema import SCHEMA_VERSION

_OTHERS = frozenset((".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst"))
_BATCH = 1000


class _Numbers:
    """The ledger's numbers of a cube's sessions, messages and memories, as the positions and ids that a dump uses."""

    def __init__(self, book: Book, cube: int) -> None:
        connection = book.connection
        alive = sa.select(t.items.c.nr, t.items.c.id).where(t.items.c.cube == cube, t.items.c.state != "erased").order_by(t.items.c.nr)
        self.items: dict[int, str] = {row[0]: row[1] for row in connection.execute(alive)}
        spoken = sa.select(t.messages.c.session).where(t.messages.c.cube == cube, t.messages.c.role != "erased")
        told = sa.select(t.versions.c.session).where(t.versions.c.cube == cube, t.versions.c.state != "erased")
        used = sa.select(t.sessions.c.nr).where(t.sessions.c.cube == cube, t.sessions.c.nr.in_(spoken.union(told)))
        ordered = enumerate(connection.execute(used.order_by(t.sessions.c.nr)))
        self.sessions: dict[int, int] = {row[0]: place for place, row in ordered}
        said = sa.select(t.messages.c.nr).where(t.messages.c.cube == cube, t.messages.c.role != "erased").order_by(t.messages.c.nr)
        self.messages: dict[int, int] = {row[0]: place for place, row in enumerate(connection.execute(said))}


def _sessions(book: Book, cube: int, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    for row in _rows(book, sa.select(t.sessions).where(t.sessions.c.cube == cube).order_by(t.sessions.c.nr)):
        if row.nr in numbers.sessions:
            last = numbers.items.get(row.last_item)
            yield {"id": row.id, "implicit": bool(row.implicit), "last_memory": last, "last_said": row.last_said}


def _messages(book: Book, cube: int, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    for row in _rows(book, sa.select(t.messages).where(t.messages.c.cube == cube).order_by(t.messages.c.nr)):
        if row.nr in numbers.messages:
            yield {
                "id": row.id, "session": numbers.sessions.get(row.session), "version": row.version, "closed": row.until is not None,
                "role": row.role, "name": row.name, "content": row.content, "extra": json.loads(row.extra) if row.extra else None,
                "raw": json.loads(row.raw) if row.raw is not None else None, "said": row.said, "user_id": row.user_id,
                "agent_id": row.agent_id,
            }  # fmt: skip


def _versions(book: Book, cube: int, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    for row in _rows(book, _all_versions(cube)):
        if row.item in numbers.items:
            yield {
                "memory": numbers.items[row.item], "version": row.version, "at": row.at, "verb": row.verb, "why": row.why, "text": row.text,
                "speaker": row.speaker, "memory_type": row.memory_type, "state": row.state, "user_id": row.user_id,
                "agent_id": row.agent_id, "session": numbers.sessions.get(row.session), "context": numbers.items.get(row.context),
                "tags": json.loads(row.tags), "info": json.loads(row.info), "said": row.said, "valid_from": row.valid_from,
                "valid_to": row.valid_to, "expires": row.expires, "merged_to": row.merged_to,
            }  # fmt: skip


def _sources(book: Book, cube: int, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    query = sa.select(t.sources).join(t.items, t.items.c.nr == t.sources.c.item).where(t.items.c.cube == cube)
    for row in _rows(book, query.order_by(t.sources.c.item, t.sources.c.ref)):
        message = numbers.messages.get(row.ref) if row.kind == "message" else None
        if row.item in numbers.items and (message is not None or row.kind != "message"):
            yield {"memory": numbers.items[row.item], "message": message, "start": row.start, "end": row.end, "said": row.said,
                   "kind": row.kind, "label": row.label}  # fmt: skip


def _claims(book: Book, cube: int, numbers: _Numbers) -> Iterator[dict[str, Any]]:
    names: dict[str, str] = {}
    for row in _rows(book, _all_versions(cube)):
        if row.item in numbers.items:
            if row.by not in names:
                several = [int(part) for part in row.by.split(":") if int(part)]
                known = book.names(set(several))
                names[row.by] = " via ".join(known[nr] for nr in several)
            yield {"memory": numbers.items[row.item], "version": row.version, "trust": row.trust, "by": names[row.by]}


def _all_versions(cube: int) -> sa.Select[Any]:
    return sa.select(t.versions).where(t.versions.c.cube == cube).order_by(t.versions.c.item, t.versions.c.version)


def _rows(book: Book, query: sa.Select[Any]) -> Iterator[Any]:
    for part in book.connection.execution_options(stream_results=True).execute(query).partitions(_BATCH):
        yield from part


_WRITERS: dict[str, Callable[[Book, int, _Numbers], Iterator[dict[str, Any]]]] = dict(
    zip(FILES, (_sessions, _messages, _versions, _sources, _claims), strict=True)
)


def dump(book: Book, cube: Access, path: Path, *, now: datetime) -> CubeManifest:
    """A cube as the book has it at this moment, in a new place: an archive where the name has an ending, else a folder."""
    packed = bool(path.suffix)
    if path.suffix.lower() in _OTHERS:
        raise InvalidInput("path", f"'{path.suffix}' is not a kind of archive that is written.", "Use .memcube, .zip, or a folder.")
    if os.path.lexists(path):
        raise InvalidInput("path", f"{path} is there already.", "Name a new place.")
    if not path.parent.is_dir():
        raise InvalidInput("path", f"{path.parent} is not a folder.", "Make it first.")
    folder = path.parent / f".{path.name[:100]}.{secrets.token_hex(4)}.part"
    with _told(path), _removed(folder):
        folder.mkdir(mode=0o700)
        manifest = _files(book, cube, folder, now)
        if packed:
            _pack(folder, path)
        else:
            _sync(folder)
            folder.rename(path)
        _sync(path.parent)
    return manifest


def _files(book: Book, cube: Access, folder: Path, now: datetime) -> CubeManifest:
    numbers = _Numbers(book, cube.cube)
    entries, lines = [], {}
    for name, rows in _WRITERS.items():
        digest, size, count = hashlib.sha256(), 0, 0
        with _new(folder / name) as file:
            for row in rows(book, cube.cube, numbers):
                raw = line(row)
                file.write(raw)
                digest.update(raw)
                size, count = size + len(raw), count + 1
        if count > MAX_LINES:
            raise InvalidInput("cube_id", f"has more than {MAX_LINES:,} lines of {name}: too large for one cube.")
        entries.append(FrozenDict(name=name, size=size, sha256=digest.hexdigest()))
        lines[name.partition(".")[0]] = count
    counts = {"sessions": lines["sessions"], "messages": lines["messages"], "memories": len(numbers.items), "versions": lines["versions"],
              "sources": lines["sources"]}  # fmt: skip
    manifest = CubeManifest(
        format=FORMAT, schema_version=SCHEMA_VERSION, cube_id=cube.cube_id, name=cube.name, created_at=now, counts=FrozenDict(counts),
        files=tuple(entries),
    )  # fmt: skip
    with _new(folder / MANIFEST) as file:
        file.write(written(manifest))
    return manifest


def _pack(folder: Path, path: Path) -> None:
    part = folder / "archive.part"
    with _new(part) as file:
        archive.write(folder, file)
    part.rename(path)


@contextmanager
def _new(path: Path) -> Iterator[Any]:
    """A new file for its owner only, on the disk when it is closed."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Names are on the disk, too."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _removed(folder: Path) -> Iterator[None]:
    """What is half written goes, whatever happened."""
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the operating system says, as one of ours."""
    try:
        yield
    except OSError as exc:
        if isinstance(exc, StorageError):
            raise
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk is full; {path} was not written. Free some space and try again.") from exc
        if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ReadOnlyFolder(f"{path.parent} can't be written to; check its permissions.") from exc
        if exc.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise InvalidInput("path", f"{path} is there already.", "Name a new place.") from exc
        raise StorageError(f"{path} can't be written: {exc.strerror}.") from exc
