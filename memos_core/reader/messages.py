"""From what callers pass as content to messages, each field checked by hand: the hot path of every add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from memos_core.errors import InvalidInput
from memos_core.model.message import Message, ToolCall
from memos_core.reader.clock import read_time
from memos_core.reader.parts import Parts, read_calls, read_function_call, read_parts, read_spoken
from memos_core.reader.verbatim import MAX_TEXT, checked_text, frozen_json

MAX_MESSAGES = 10_000
MAX_NAME = 512
"""Bytes that an id or a name may have."""

_ROLES = {role: role for role in ("user", "assistant", "system", "developer", "tool", "document")} | {"function": "tool"}
_BESIDE = frozenset({"tool_calls", "function_call", "refusal", "audio"})
"""What a message may say beside its content."""
_ROLE_HINT = "Use user, assistant, system, developer, tool or document."


def read_content(content: Any, *, at: datetime | None = None, session_id: str | None = None) -> list[Message]:
    """The messages of one add, in order.

    `content` is a string, a `Message`, a mapping in the shape of an OpenAI chat message, or a sequence of these. `at`
    and `session_id` fill in what a message does not say itself. A mapping comes back word for word in `Message.raw`.
    `InvalidInput` names the field, like `content[2].role`.
    """
    if at is not None and at.utcoffset() is None:
        raise InvalidInput("at", "has no time zone.", "Make it aware, like datetime.now(UTC).")
    if isinstance(content, str) and content.isspace():
        raise InvalidInput("content", "is empty.", "Give some text.")
    if isinstance(content, (str, Mapping, Message)):
        return [_message("content", content, 0, at, session_id)]
    if not isinstance(content, Sequence) or isinstance(content, (bytes, bytearray, memoryview)):
        kinds = "a string, a message, a mapping or a list of these is needed"
        raise InvalidInput("content", f"{kinds}, not {type(content).__name__}.", 'Write {"role": "user", "content": "..."}.')
    if not content:
        raise InvalidInput("content", "is empty.", "Give at least one message.")
    if len(content) > MAX_MESSAGES:
        raise InvalidInput("content", f"has {len(content):,} messages; one call takes {MAX_MESSAGES:,}.", "Call add several times.")
    return [_message(f"content[{nr}]", item, nr, at, session_id) for nr, item in enumerate(content)]


def _message(where: str, item: Any, nr: int, at: datetime | None, session_id: str | None) -> Message:
    if isinstance(item, str):
        if not item:
            raise InvalidInput(where, "is empty.", "Give some text.")
        return Message(content=checked_text(where, item), at=at, session_id=session_id)
    if isinstance(item, Mapping):
        return _chat(where, item, nr, at, session_id)
    if isinstance(item, Message):
        return _given(where, item, at, session_id)
    raise InvalidInput(where, f"a string, a message or a mapping is needed, not {type(item).__name__}.")


def _chat(where: str, item: Mapping[str, Any], nr: int, at: datetime | None, session_id: str | None) -> Message:
    chat_time = item.get("chat_time")
    if chat_time is not None:
        at = read_time(f"{where}.chat_time", chat_time)
        if isinstance(chat_time, datetime) or hasattr(chat_time, "isoformat"):
            item = {**item, "chat_time": chat_time.isoformat()}
    raw = frozen_json(where, item)
    role = _role(f"{where}.role", raw.get("role"))
    content = raw.get("content")
    calls: tuple[ToolCall, ...] = ()
    unread: tuple[str, ...] = ()
    call_id: str | None = None
    if type(content) is str and content and _BESIDE.isdisjoint(raw):
        text = content
    else:
        text, calls, unread, role, call_id = _structured(where, raw, nr, role)
    if "tool_call_id" in raw:
        call_id = _label(f"{where}.tool_call_id", raw["tool_call_id"]) or call_id
    return Message(
        role=role,
        content=checked_text(f"{where}.content", text),
        id=_label(f"{where}.id", raw["id"]) if "id" in raw else None,
        name=_label(f"{where}.name", raw["name"]) if "name" in raw else None,
        at=at,
        session_id=session_id,
        tool_calls=calls,
        tool_call_id=call_id,
        unread=unread,
        raw=raw,
    )


def _structured(
    where: str, raw: Mapping[str, Any], nr: int, role: str
) -> tuple[str, tuple[ToolCall, ...], tuple[str, ...], str, str | None]:
    """The text, calls, unread parts, role and call id of a message that is more than a string."""
    content = raw.get("content")
    if content is None or isinstance(content, str):
        parts = Parts(texts=[content] if content else [])
    elif isinstance(content, (list, tuple)):
        parts = read_parts(f"{where}.content", content, nr)
    else:
        raise InvalidInput(f"{where}.content", f"a string or a list of parts is needed, not {type(content).__name__}.")
    read_spoken(raw, parts, f"message {nr}")
    calls = (
        *parts.calls,
        *read_calls(f"{where}.tool_calls", raw.get("tool_calls")),
        *read_function_call(f"{where}.function_call", raw.get("function_call")),
    )
    call_id: str | None = None
    if parts.results and not any(parts.texts):
        role, call_id = "tool", parts.results[0][0] or None
        parts.texts = [text for _, text in parts.results]
    text = "\n".join(part for part in parts.texts if part)
    if not text and not calls and not parts.unread and not parts.results and role != "tool":
        raise InvalidInput(f"{where}.content", "is empty.", "Give some text, or leave the message out.")
    return text, calls, tuple(parts.unread), role, call_id


def _given(where: str, message: Message, at: datetime | None, session_id: str | None) -> Message:
    """A ready `Message`, checked like the rest; only what it leaves open is filled in."""
    role = _role(f"{where}.role", message.role)
    checked_text(f"{where}.content", message.content)
    if not message.content and not message.tool_calls and not message.unread and role != "tool":
        raise InvalidInput(f"{where}.content", "is empty.", "Give some text, or leave the message out.")
    if message.at is not None and message.at.utcoffset() is None:
        raise InvalidInput(f"{where}.at", "has no time zone.", "Make it aware, like datetime.now(UTC).")
    for field in ("id", "name", "tool_call_id", "session_id"):
        _label(f"{where}.{field}", getattr(message, field))
    for call in message.tool_calls:
        for text in (call.id, call.name, call.arguments):
            checked_text(f"{where}.tool_calls", text)
    raw = None if message.raw is None else frozen_json(f"{where}.raw", message.raw)
    missing: dict[str, Any] = {}
    if message.at is None and at is not None:
        missing["at"] = at
    if message.session_id is None and session_id is not None:
        missing["session_id"] = session_id
    if not missing and role == message.role:
        return message
    return Message(**{**dict(message), "role": role, "raw": raw, **missing})


def _role(where: str, role: Any) -> str:
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        problem = "is missing." if role is None else f"{role!r:.60} is not known."
        raise InvalidInput(where, problem, _ROLE_HINT)
    return known


def _label(where: str, value: Any) -> str | None:
    """An id or a name: a string that is not empty, or None."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidInput(where, f"a string is needed, not {type(value).__name__}.")
    if len(value) > MAX_NAME or len(value.encode(errors="replace")) > MAX_NAME:
        raise InvalidInput(where, f"is longer than {MAX_NAME} bytes.", "Use a shorter one.")
    return checked_text(where, value, MAX_NAME)


__all__ = ["MAX_MESSAGES", "MAX_TEXT", "read_content"]
