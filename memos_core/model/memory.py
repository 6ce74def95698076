"""Memory and what belongs to it: its type, state, trust, sources."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from memos_core.model.frozen import FrozenDict, Value


class MemoryType(StrEnum):
    """The kinds of memory, in the words of the MemOS protocol."""

    WORKING = "WorkingMemory"
    LONG_TERM = "LongTermMemory"
    USER = "UserMemory"
    OUTER = "OuterMemory"
    PREFERENCE = "PreferenceMemory"
    TOOL_SCHEMA = "ToolSchemaMemory"
    TOOL_TRAJECTORY = "ToolTrajectoryMemory"
    SKILL = "SkillMemory"


class MemoryState(StrEnum):
    """Where a memory is in its life."""

    GENERATED = "generated"
    ACTIVATED = "activated"
    MERGED = "merged"
    ARCHIVED = "archived"
    FROZEN = "frozen"
    ERASED = "erased"


class Trust(StrEnum):
    """Where a memory comes from, which says how far it may be trusted. Never changes."""

    USER = "said by the user"
    INFERRED = "inferred"
    TOOL = "from a tool"
    DOCUMENT = "from a document or the web"
    IMPORTED = "imported"


class Source(Value):
    """What a memory was made from.

    `kind` is message, document, memory or trace; `id` the caller's own message id where there was one;
    `span` the characters of it, start and end.
    """

    kind: str
    id: str
    session_id: str | None = None
    span: tuple[int, int] | None = None


class Memory(Value):
    """One version of one memory.

    `text` is verbatim; who said it stands in `speaker`. `created_at` is when it was said (the caller's `at`
    or a message's `chat_time`), `updated_at` when this version was written. `valid_from` and `valid_to` bound
    when it was true, where the text says so.
    """

    id: str
    version: int = 1
    text: str
    memory_type: MemoryType = MemoryType.LONG_TERM
    state: MemoryState = MemoryState.ACTIVATED
    user_id: str | None = None
    agent_id: str | None = None
    session_id: str | None = None
    cube_id: str
    speaker: str = ""
    tags: tuple[str, ...] = ()
    info: FrozenDict = FrozenDict()
    sources: tuple[Source, ...] = ()
    trust: Trust = Trust.USER
    created_at: datetime
    updated_at: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expires_at: datetime | None = None
    merged_to: str | None = None


class Revision(Value):
    """One line of a memory's history: the version, who made it, when and why."""

    memory: Memory
    verb: str
    by: str
    at: datetime
    why: str = ""
