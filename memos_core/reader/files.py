"""Files as conversations and documents: what `memos import` reads.

    .txt .md            a document, cut into passages; of Markdown the headings above each are kept
    .json .jsonl        chat logs; `chats` has the shapes that are known

Nothing is written and nothing is run. Errors name the file, and the line where there is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from memos_core.errors import InvalidInput
from memos_core.reader.bytes_to_text import Opened, open_text
from memos_core.reader.chats import Conversation, conversations
from memos_core.reader.documents import Document, markdown, plain

MAX_FILE, MAX_LINE = 256 << 20, 16 << 20
"""Bytes of a file that is read as a whole, and characters of one line of a .jsonl file."""
_DOCUMENTS = {".txt": plain, ".text": plain, ".md": markdown, ".markdown": markdown}
_CHATS = frozenset({".json", ".jsonl", ".ndjson"})


def read_file(path: str | Path) -> Iterator[Conversation | Document]:
    """What is in a file, one after the other; a .jsonl file is read as it is asked for, so what is sound comes before an error."""
    file = Path(path)
    suffix = file.suffix.casefold()
    if suffix not in _DOCUMENTS and suffix not in _CHATS:
        known = ", ".join(sorted({*_DOCUMENTS, *_CHATS}))
        raise InvalidInput(str(file), f"{suffix or 'a file without ending'} is no kind of file that can be read.", f"Known: {known}.")
    opened = open_text(file)
    with opened.stream:
        if suffix in _DOCUMENTS:
            yield _DOCUMENTS[suffix](file.name, _whole(file, opened), opened.notes())
        else:
            yield from _chats(file, opened, lines=suffix != ".json")


def _whole(file: Path, opened: Opened) -> str:
    if opened.size > MAX_FILE:
        raise InvalidInput(str(file), f"is larger than {MAX_FILE >> 20} MiB.", "Split it, or write it as .jsonl.")
    return opened.stream.read()


def _chats(file: Path, opened: Opened, *, lines: bool) -> Iterator[Conversation]:
    if lines:
        yield from conversations(str(file), file.stem, _lines(file, opened.stream), opened.notes)
        return
    text = _whole(file, opened)
    try:
        values: Iterable[tuple[str, Any]] = [(str(file), _parsed(text))]
    except json.JSONDecodeError as exc:
        if not exc.msg.startswith("Extra data") or exc.lineno < 2:
            raise InvalidInput(f"{file}:{exc.lineno}", f"is not JSON: {exc.msg}.", "Export it again.") from exc
        values = _lines(file, text.split("\n"))
    except RecursionError as exc:
        raise InvalidInput(str(file), "is nested too deeply.") from exc
    yield from conversations(str(file), file.stem, values, opened.notes)


def _lines(file: Path, lines: Any) -> Iterator[tuple[str, Any]]:
    """Each line's JSON with where it stands; never more than one line in memory."""
    read = iter(lines) if isinstance(lines, list) else iter(lambda: lines.readline(MAX_LINE + 1), "")
    for nr, line in enumerate(read, 1):
        where = f"{file}:{nr}"
        if len(line) > MAX_LINE:
            raise InvalidInput(where, f"is longer than {MAX_LINE >> 20} MiB.", "Split the conversation.")
        if not line.strip():
            continue
        try:
            yield where, _parsed(line)
        except json.JSONDecodeError as exc:
            raise InvalidInput(where, f"is not JSON: {exc.msg}.", "Each line must be one JSON value.") from exc
        except RecursionError as exc:
            raise InvalidInput(where, "is nested too deeply.") from exc


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _parsed(text: str) -> Any:
    """The JSON value; NUL and lone surrogates, which can't be stored, become U+FFFD."""
    try:
        value = json.loads(text)
    except ValueError as exc:
        if isinstance(exc, json.JSONDecodeError):
            raise
        raise json.JSONDecodeError("a number is too long", text[:1], 0) from exc
    return _cleaned(value) if "\\u" in text else value


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(part) for key, part in value.items()}
    return value


__all__ = ["Conversation", "Document", "read_file"]
