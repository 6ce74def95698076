"""A message as it was said, and the draft of a memory that a reader makes from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from memos_core.model.frozen import FrozenDict, Value
from memos_core.model.memory import MemoryType, Trust


class ToolCall(Value):
    """A call that an assistant asked for: `arguments` is the JSON text as the model wrote it."""

    id: str = ""
    name: str
    arguments: str = ""


class Message(Value):
    """One message, as said.

    `role` is user, assistant, system, developer, tool, or document for a passage of one; `name` the speaker's; `content`
    its text, the readable parts of a list joined. `at` is when it was said. `raw` is the caller's own JSON, word for word, where it
    came as a mapping. `unread` names the parts that can't be read yet.
    """

    role: str = "user"
    content: str = ""
    id: str | None = None
    name: str | None = None
    at: datetime | None = None
    session_id: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    unread: tuple[str, ...] = ()
    raw: FrozenDict | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader proposes to remember.

    `message` is the position, in the list the reader was given, of the message it was made from; `span` the
    characters of that message's content.
    """

    text: str
    message: int
    span: tuple[int, int] | None = None
    memory_type: MemoryType = MemoryType.LONG_TERM
    trust: Trust = Trust.USER
    speaker: str = ""
    tags: tuple[str, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)
