"""A file's bytes as text: which encoding, or that it is no text at all."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from memos_core.errors import InvalidInput

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MAGIC = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x1f\x8b", b"SQLite format 3", b"\x7fELF", b"7z\xbc\xaf", b"Rar!")
_HEAD = 8192
_CONTROL = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r\f\b\x1b")


@dataclass(frozen=True, slots=True)
class Opened:
    """A file open for reading as text. `notes` says, after reading, what was not as it should be."""

    stream: io.TextIOBase
    size: int
    notes: Callable[[], tuple[str, ...]]


class _Mending(io.TextIOBase):
    """Text without NUL; what could not be decoded is U+FFFD already, and counted as it goes by."""

    def __init__(self, inner: io.TextIOWrapper) -> None:
        self._inner, self.mended = inner, 0

    def read(self, size: int | None = -1) -> str:
        return self._passed(self._inner.read(size))

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        return self._passed(self._inner.readline(size))

    def close(self) -> None:
        self._inner.close()
        super().close()

    def _passed(self, text: str) -> str:
        text = text.replace("\0", "\ufffd")
        if not text.isascii():
            self.mended += text.count("\ufffd")
        return text

    def notes(self) -> tuple[str, ...]:
        return (f"{self.mended} characters could not be read and are U+FFFD",) if self.mended else ()


def open_text(file: Path) -> Opened:
    """Opened as UTF-8, or as UTF-16 where the file says so; `InvalidInput` for a missing or binary file."""
    try:
        raw = file.open("rb")
    except IsADirectoryError as exc:
        raise InvalidInput(str(file), "is a folder.", "Name the files in it.") from exc
    except FileNotFoundError as exc:
        raise InvalidInput(str(file), "is not there.") from exc
    except (OSError, ValueError) as exc:
        raise InvalidInput(str(file), f"can't be opened: {getattr(exc, 'strerror', None) or exc}.") from exc
    try:
        head = raw.read(_HEAD)
        encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "")
        if not encoding and _is_binary(head):
            raise InvalidInput(str(file), "is a binary file.", "Export it as text, Markdown or JSON.")
        size = raw.seek(0, io.SEEK_END)
        raw.seek(0)
    except BaseException:
        raw.close()
        raise
    stream = _Mending(io.TextIOWrapper(raw, encoding=encoding or "utf-8", errors="replace", newline=None))
    return Opened(stream, size, stream.notes)


def _is_binary(head: bytes) -> bool:
    controls = len(head) - len(head.translate(None, _CONTROL))
    return head.startswith(_MAGIC) or b"\0" in head or controls * 20 > len(head)
