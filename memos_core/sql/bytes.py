"""Searching the raw bytes of files that SQLite may have open.

By POSIX a process loses all locks that it holds on a file as soon as it closes any descriptor of it (fcntl(2), and
"How To Corrupt An SQLite Database File", 2.2): other processes would believe that nobody has the folder open. So a
database that is opened here stays open as long as this process has any connection. Nothing is mapped: a file that
shrinks while it is mapped ends the program.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from memos_core.sql.engine import alive, databases, opening

_CHUNK = 1 << 20
_kept: dict[tuple[int, int], int] = {}
"""Descriptors of databases and their logs, by device and inode."""
_surplus: list[int] = []
_lock = threading.RLock()


def found_in(folder: Path, needles: Sequence[bytes]) -> bool:
    """Whether any of these stands in any file below a folder. What goes away meanwhile holds nothing. OSError where one can't be read."""
    return bool(needles) and any(_holds(path, needles) for path in _files(folder))


def count_in(folder: Path, needle: bytes) -> int:
    """How often it stands in the files below a folder."""
    return sum(b"".join(_chunks(path)).count(needle) for path in _files(folder))


def let_go() -> None:
    """Close what was kept open, unless there is a connection."""
    with opening, _lock:
        if not alive:
            for descriptor in (*_kept.values(), *_surplus):
                os.close(descriptor)
            _kept.clear()
            _surplus.clear()


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.resolve().rglob("*")) if path.is_file()]


def _holds(path: Path, needles: Sequence[bytes]) -> bool:
    overlap = max(map(len, needles)) - 1
    before = b""
    for chunk in _chunks(path):
        before = before[max(0, len(before) - overlap) :] + chunk
        if any(needle in before for needle in needles):
            return True
    return False


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with _opened(path) as descriptor:
            place = 0
            while chunk := _read(descriptor, place):
                yield chunk
                place += len(chunk)
    except FileNotFoundError:
        return


def _read(descriptor: int, place: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, _CHUNK, place)
    with _lock:
        os.lseek(descriptor, place, os.SEEK_SET)
        return os.read(descriptor, _CHUNK)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    if not str(path).startswith(tuple(databases)):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        return
    with _lock:
        known = os.stat(path)
        kept = _kept.get((known.st_dev, known.st_ino))
        if kept is None:
            kept = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            opened = os.fstat(kept)
            if _kept.setdefault((opened.st_dev, opened.st_ino), kept) != kept:
                _surplus.append(kept)  # the name changed hands meanwhile
    yield kept
