"""The content of a chat message when it is a list of parts: what can be read, what was called, what came back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from memos_core.errors import InvalidInput
from memos_core.model.message import ToolCall

_TEXT_TYPES = frozenset({"text", "input_text", "output_text"})


@dataclass(slots=True)
class Parts:
    """What a list of parts came to. `results` are tool results as (call id, text); `unread` names parts by type."""

    texts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_parts(where: str, parts: Sequence[Any], nr: int) -> Parts:
    """The parts of message number `nr`."""
    found = Parts()
    for position, part in enumerate(parts):
        if isinstance(part, str):
            found.texts.append(part)
        elif isinstance(part, Mapping):
            _part(f"{where}[{position}]", part, found, f"message {nr} part {position}")
        else:
            hint = 'Write {"type": "text", "text": ...}.'
            raise InvalidInput(f"{where}[{position}]", f"a part is a mapping or a string, not {type(part).__name__}.", hint)
    return found


def _part(where: str, part: Mapping[str, Any], found: Parts, label: str) -> None:
    kind = part.get("type", "text" if isinstance(part.get("text"), str) else None)
    if not isinstance(kind, str):
        kind = "unknown"
    if kind in _TEXT_TYPES:
        found.texts.append(_text(f"{where}.text", part.get("text")))
    elif kind == "refusal":
        found.texts.append(_text(f"{where}.refusal", part.get("refusal")))
    elif kind == "tool_use":
        found.calls.append(_call(where, part.get("id"), part.get("name"), part.get("input")))
    elif kind == "tool_result":
        found.results.append((_id(f"{where}.tool_use_id", part.get("tool_use_id")), result_text(part.get("content"), found.unread, label)))
    else:
        found.unread.append(f"{label}: {kind[:40] or 'unknown'}")


def read_spoken(message: Mapping[str, Any], found: Parts, label: str) -> None:
    """What a message says beside its content: why the assistant refused, and the transcript of its audio."""
    refusal, audio = message.get("refusal"), message.get("audio")
    if isinstance(refusal, str):
        found.texts.append(refusal)
    if isinstance(audio, Mapping):
        transcript = audio.get("transcript")
        if not isinstance(transcript, str) or not transcript:
            found.unread.append(f"{label}: audio")
        elif transcript not in found.texts:
            found.texts.append(transcript)


def result_text(content: Any, unread: list[str] | None = None, label: str = "part") -> str:
    """The readable text of what a tool gave back; parts that can't be read are added to `unread`."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, Sequence):
        texts = []
        for part in content:
            if isinstance(part, str):
                texts.append(part)
            elif isinstance(part, Mapping) and isinstance(part.get("text"), str):
                texts.append(part["text"])
            elif unread is not None:
                unread.append(f"{label}: {str(part.get('type', 'unknown'))[:40] if isinstance(part, Mapping) else type(part).__name__}")
        return "\n".join(texts)
    return json.dumps(content, ensure_ascii=False, default=str)


def read_calls(where: str, calls: Any) -> tuple[ToolCall, ...]:
    """`tool_calls` in OpenAI's shape, or flat with `name` and `args`."""
    if calls is None:
        return ()
    if not isinstance(calls, (list, tuple)):
        raise InvalidInput(where, f"a list is needed, not {type(calls).__name__}.")
    return tuple(_tool_call(f"{where}[{nr}]", call) for nr, call in enumerate(calls))


def _tool_call(where: str, call: Any) -> ToolCall:
    if not isinstance(call, Mapping):
        raise InvalidInput(where, f"a mapping is needed, not {type(call).__name__}.", 'Write {"id": ..., "function": {...}}.')
    for key in ("function", "custom"):
        inner = call.get(key)
        if isinstance(inner, Mapping):
            return _call(f"{where}.{key}", call.get("id"), inner.get("name"), inner.get("arguments", inner.get("input")))
    return _call(where, call.get("id"), call.get("name"), call.get("args", call.get("arguments")))


def read_function_call(where: str, call: Any) -> tuple[ToolCall, ...]:
    """The older `function_call` of one message."""
    if call is None:
        return ()
    if not isinstance(call, Mapping):
        raise InvalidInput(where, f"a mapping is needed, not {type(call).__name__}.")
    return (_call(where, None, call.get("name"), call.get("arguments")),)


def _call(where: str, call_id: Any, name: Any, arguments: Any) -> ToolCall:
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"{where}.name", "the name of the tool is needed, a string.")
    if arguments is None:
        arguments = ""
    elif not isinstance(arguments, str):
        try:
            arguments = json.dumps(arguments, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as exc:
            raise InvalidInput(f"{where}.arguments", "is not JSON.", "Write the arguments as JSON.") from exc
    return ToolCall(id=_id(f"{where}.id", call_id), name=name, arguments=arguments)


def _id(where: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(where, f"a string is needed, not {type(value).__name__}.")
    return value


def _text(where: str, value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("value")
    if not isinstance(value, str):
        raise InvalidInput(where, f"a string is needed, not {type(value).__name__}.")
    return value
