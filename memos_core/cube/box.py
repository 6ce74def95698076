"""A dumped cube, opened to be read: a folder or an archive. Reading writes nothing and follows no link."""

from __future__ import annotations

import hashlib
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from memos_core.cube import archive
from memos_core.cube.manifest import MAX_MANIFEST, read
from memos_core.cube.shape import FILES, MANIFEST, MAX_LINE, MAX_LINES, record
from memos_core.errors import CubeCorrupt, InvalidInput

_CHUNK = 1 << 16


class Box(ABC):
    """An open cube. What is read is hashed on the way: the last line of a file comes only if all of it was right."""

    def __init__(self) -> None:
        raw = b"".join(self._chunks(MANIFEST, MAX_MANIFEST))
        self.manifest = read(raw)
        self.digest = hashlib.sha256(raw).hexdigest()
        for entry in self.manifest.files:
            if self._size(entry["name"]) != entry["size"]:
                raise CubeCorrupt(f"{entry['name']} does not have the size that the manifest says. Nothing was loaded.")

    def records(self, name: str) -> Iterator[dict[str, Any]]:
        """The lines of a file, every field checked. Raises CubeCorrupt, at the latest at the end."""
        for number, raw in enumerate(self._lines(name)):
            if number >= MAX_LINES:
                raise CubeCorrupt(f"{name} has more than {MAX_LINES:,} lines. Nothing was loaded.")
            yield record(name, raw, number)

    def _lines(self, name: str) -> Iterator[bytes]:
        entry = self.manifest.files[FILES.index(name)]
        digest, rest, size = hashlib.sha256(), b"", 0
        held: bytes | None = None
        for chunk in self._chunks(name, entry["size"]):
            digest.update(chunk)
            size += len(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > MAX_LINE:
                raise CubeCorrupt(f"{name} has a line of more than {MAX_LINE:,} bytes. Nothing was loaded.")
            for one in whole:
                if held is not None:
                    yield held
                held = one
        if size != entry["size"] or digest.hexdigest() != entry["sha256"]:
            raise CubeCorrupt(f"{name} is not what the manifest says: its sha256 differs. Nothing was loaded.")
        if rest:
            raise CubeCorrupt(f"{name} does not end with a line. Nothing was loaded.")
        if held is not None:
            yield held

    @abstractmethod
    def _chunks(self, name: str, limit: int) -> Iterator[bytes]:
        """A file's bytes, piece by piece, not more than `limit`."""

    @abstractmethod
    def _size(self, name: str) -> int:
        """A file's size."""


class _Folder(Box):
    def __init__(self, files: dict[str, BinaryIO]) -> None:
        self._files = files
        super().__init__()

    def _chunks(self, name: str, limit: int) -> Iterator[bytes]:
        place = 0
        while place <= limit:
            self._files[name].seek(place)
            chunk = self._files[name].read(_CHUNK)
            if not chunk:
                return
            place += len(chunk)
            yield chunk
        raise CubeCorrupt(f"{name} is larger than the manifest says, or than is allowed. Nothing was loaded.")

    def _size(self, name: str) -> int:
        return os.fstat(self._files[name].fileno()).st_size


class _Archive(Box):
    def __init__(self, file: BinaryIO) -> None:
        self._file, self._members = file, archive.members(file)
        super().__init__()

    def _chunks(self, name: str, limit: int) -> Iterator[bytes]:
        return archive.chunks(self._file, self._members[name])

    def _size(self, name: str) -> int:
        return self._members[name].size


@contextmanager
def opened(path: Path) -> Iterator[Box]:
    """The cube in a folder or an archive. CubeCorrupt where it is no cube; InvalidInput where nothing is."""
    with ExitStack() as stack:
        try:
            kind = path.stat().st_mode
            if stat.S_ISDIR(kind):
                box: Box = _Folder(_files(path, stack))
            elif stat.S_ISREG(kind):
                box = _Archive(stack.enter_context(path.open("rb")))
            else:
                raise InvalidInput("path", f"{path} is neither a folder nor a file.")
        except FileNotFoundError as exc:
            raise InvalidInput("path", f"{path} is not there.", "Name a dumped cube.") from exc
        except OSError as exc:
            raise InvalidInput("path", f"{path} can't be read: {exc.strerror}.") from exc
        yield box


def _files(path: Path, stack: ExitStack) -> dict[str, BinaryIO]:
    """The files of a folder that holds exactly those that there must be, each a plain file."""
    folder = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    stack.callback(os.close, folder)
    if (names := sorted(os.listdir(folder))[:20]) != sorted((MANIFEST, *FILES)):
        raise CubeCorrupt(f"The folder holds {', '.join(names)[:200] or 'nothing'}, not the files of a cube. Nothing was loaded.")
    files: dict[str, BinaryIO] = {}
    for name in names:
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise CubeCorrupt(f"{name} is not a plain file. Nothing was loaded.")
        number = os.open(name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), dir_fd=folder)
        files[name] = stack.enter_context(os.fdopen(number, "rb"))
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise CubeCorrupt(f"{name} is not a plain file. Nothing was loaded.")
    return files
