"""Records what SQLite does to files, below it: the default VFS of the interpreter's own SQLite, with four of its methods watched.

Structures and signatures are those of sqlite3.h ("OS Interface Object", "OS Interface File Virtual Methods Object").
"""

from __future__ import annotations

import _sqlite3
import ctypes as c
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Event = tuple[Any, ...]
"""("write", file, offset, bytes) | ("sync", file) | ("truncate", file, size) | ("delete", file) | ("ack", what)"""

# Names travel as addresses: SQLite keeps the pointer that it gave to xOpen.
_OPEN = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_void_p, c.c_int, c.POINTER(c.c_int))
_DELETE = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_char_p, c.c_int)
_WRITE = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_int, c.c_int64)
_TRUNCATE = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int64)
_SYNC = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_int)


class _Vfs(c.Structure):
    _fields_ = (
        [("iVersion", c.c_int), ("szOsFile", c.c_int), ("mxPathname", c.c_int), ("pNext", c.c_void_p), ("zName", c.c_char_p)]
        + [("pAppData", c.c_void_p), ("xOpen", c.c_void_p), ("xDelete", c.c_void_p)]
        + [(f"other{i}", c.c_void_p) for i in range(14)]
    )  # fmt: skip


class _Methods(c.Structure):
    _fields_ = (
        [("iVersion", c.c_int), ("xClose", c.c_void_p), ("xRead", c.c_void_p), ("xWrite", c.c_void_p), ("xTruncate", c.c_void_p)]
        + [("xSync", c.c_void_p)]
        + [(f"other{i}", c.c_void_p) for i in range(13)]
    )  # fmt: skip


class Recorder:
    """The events in the order in which they happened."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._files: dict[int, str] = {}
        self._tables: dict[int, _Methods] = {}
        self._alive: list[Any] = []

    def ack(self, what: Any) -> None:
        """Somebody was told that this is stored."""
        self.events.append(("ack", what))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Files opened inside are recorded."""
        library = c.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = c.POINTER(_Vfs)
        library.sqlite3_vfs_register.argtypes = [c.POINTER(_Vfs), c.c_int]
        original = library.sqlite3_vfs_find(None)
        watched = _Vfs.from_buffer_copy(original.contents)
        watched.zName, watched.pNext = b"recorded", None
        real_open, real_delete = _OPEN(original.contents.xOpen), _DELETE(original.contents.xDelete)

        def on_open(vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
            code: int = real_open(c.addressof(original.contents), name, file, flags, out)
            if code == 0 and name:
                self._files[file] = Path(c.string_at(name).decode()).name
                self._watch(file)
            return code

        def on_delete(vfs: int, name: bytes, sync: int) -> int:
            self.events.append(("delete", Path(name.decode()).name))
            return int(real_delete(c.addressof(original.contents), name, sync))

        hooks = (_OPEN(on_open), _DELETE(on_delete))
        self._alive += [watched, real_open, real_delete, *hooks]
        watched.xOpen, watched.xDelete = (c.cast(hook, c.c_void_p).value for hook in hooks)
        library.sqlite3_vfs_register(c.pointer(watched), 1)
        try:
            yield
        finally:
            library.sqlite3_vfs_register(original, 1)

    def _watch(self, file: int) -> None:
        slot = c.cast(file, c.POINTER(c.c_void_p))
        real = slot[0]
        if real is None:
            return
        if real not in self._tables:
            self._tables[real] = self._watched(_Methods.from_address(real))
        slot[0] = c.addressof(self._tables[real])

    def _watched(self, real: _Methods) -> _Methods:
        write, truncate, sync = _WRITE(real.xWrite), _TRUNCATE(real.xTruncate), _SYNC(real.xSync)

        def on_write(file: int, data: int, size: int, offset: int) -> int:
            code: int = write(file, data, size, offset)
            if code == 0:
                self.events.append(("write", self._files.get(file, "?"), offset, c.string_at(data, size)))
            return code

        def on_truncate(file: int, size: int) -> int:
            code: int = truncate(file, size)
            if code == 0:
                self.events.append(("truncate", self._files.get(file, "?"), size))
            return code

        def on_sync(file: int, flags: int) -> int:
            code: int = sync(file, flags)
            if code == 0:
                self.events.append(("sync", self._files.get(file, "?")))
            return code

        hooks = (_WRITE(on_write), _TRUNCATE(on_truncate), _SYNC(on_sync))
        self._alive += [write, truncate, sync, *hooks]
        table = _Methods.from_buffer_copy(real)
        table.xWrite, table.xTruncate, table.xSync = (c.cast(hook, c.c_void_p).value for hook in hooks)
        return table
