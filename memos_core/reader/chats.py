"""Chat logs in JSON: each known shape is one entry with a `sniff` and a `read`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from memos_core.errors import InvalidInput
from memos_core.model.message import Message
from memos_core.reader.messages import read_content
from memos_core.reader.shapes import CONVERSATION_SHAPES, MESSAGE_SHAPES, Said, Thread
from memos_core.reader.verbatim import frozen_json

MAX_MESSAGES = 5_000
"""Messages of one `Conversation`; a longer one comes in several with the same session id."""
MAX_NOTES = 20


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation in the order it was held. `notes` says what of it could not be read."""

    session_id: str
    title: str
    messages: tuple[Message, ...]
    notes: tuple[str, ...] = ()


Values = Iterable[tuple[str, Any]]


def conversations(where: str, name: str, values: Values, notes: Callable[[], tuple[str, ...]]) -> Iterator[Conversation]:
    """The conversations in JSON values, each with where it stands; `name` stands in for a session id."""
    items = _items(values)
    first = next(items, None)
    if first is None:
        raise InvalidInput(where, "is empty.", "Export it again.")
    items = chain([first], items)
    if _message_shape(first[1]) is not None:
        yield from _built(name, Thread(name, "", _loose(items)), notes)
        return
    used: dict[str, int] = {}
    for position, item in items:
        for thread in _threads(position, item):
            session = (thread.session_id or name)[:200]
            used[session] = used.get(session, 0) + 1
            unique = session if used[session] == 1 else f"{session}-{used[session]}"
            yield from _built(unique, thread, notes)


def _items(values: Values) -> Iterator[tuple[str, Any]]:
    """What stands in the values: a list is taken apart."""
    for where, value in values:
        if isinstance(value, list):
            yield from ((f"{where}[{nr}]", item) for nr, item in enumerate(value))
        else:
            yield where, value


def _message_shape(item: Any) -> Callable[[Mapping[str, Any]], Said] | None:
    if isinstance(item, Mapping):
        return next((shape.read for shape in MESSAGE_SHAPES if shape.sniff(item)), None)
    return None


def _loose(items: Values) -> Iterator[Said]:
    """Messages that follow each other with no conversation round them."""
    for where, item in items:
        yield _said(where, item)


def _said(where: str, item: Any) -> Said:
    read = _message_shape(item)
    return read(item) if read is not None else Said(None, "", raw=item, problem=f"{where}: no message in a shape that is known")


def _threads(where: str, item: Any) -> Iterable[Thread]:
    if isinstance(item, Mapping):
        for shape in CONVERSATION_SHAPES:
            if shape.sniff(item):
                return shape.read(item, lambda part: _said(where, part))
    known = ", ".join(shape.name for shape in (*CONVERSATION_SHAPES, *MESSAGE_SHAPES))
    raise InvalidInput(where, "is no chat log in a shape that is known.", f"Known: {known}.")


def _built(session_id: str, thread: Thread, file_notes: Callable[[], tuple[str, ...]]) -> Iterator[Conversation]:
    messages: list[Message] = []
    notes: list[str] = []
    for nr, said in enumerate(thread.messages):
        message, note = _read(nr, said, session_id)
        if note:
            notes.append(note)
        if message is not None:
            labels = tuple(label.replace("message 0", f"message {len(messages)}", 1) for label in message.unread)
            messages.append(message.evolve(unread=labels) if labels else message)
        if len(messages) >= MAX_MESSAGES:
            yield Conversation(session_id, thread.title, tuple(messages), (*file_notes(), *_short(notes)))
            messages, notes = [], []
    if messages or notes:
        yield Conversation(session_id, thread.title, tuple(messages), (*file_notes(), *_short(notes)))


def _short(notes: list[str]) -> list[str]:
    return notes if len(notes) <= MAX_NOTES else [*notes[:MAX_NOTES], f"and {len(notes) - MAX_NOTES} more"]


def _read(nr: int, said: Said, session_id: str) -> tuple[Message | None, str]:
    """The message and what was wrong with it; a time that can't be read costs the time alone."""
    try:
        return _message(said, session_id), ""
    except InvalidInput as exc:
        if not exc.field.endswith("chat_time"):
            return None, f"message {nr} was left out: {exc}"
        return _read(nr, replace(said, at=None), session_id)[0], f"message {nr}: {exc}"


def _message(said: Said, session_id: str) -> Message | None:
    """The checked message with the file's own JSON as `raw`; None where nothing was said."""
    if said.problem:
        raise InvalidInput("shape", said.problem)
    fields: dict[str, Any] = {"role": said.role, "content": said.content, **said.more}
    if not said.content and not said.more.get("tool_calls") and not said.more.get("function_call") and said.role != "tool":
        return None
    fields |= {key: value for key, value in (("name", said.name), ("id", said.id), ("chat_time", said.at)) if value not in (None, "")}
    (message,) = read_content(fields, session_id=session_id)
    raw = frozen_json("content", said.raw) if isinstance(said.raw, Mapping) else message.raw
    return Message(**{**dict(message), "raw": raw})
