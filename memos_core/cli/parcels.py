"""What lies in files, as it goes into a memory: parcels of messages, each with an id that stays the same when a file is read again."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos_core.model.message import Message
from memos_core.reader.chats import Conversation
from memos_core.reader.documents import Document
from memos_core.reader.files import read_file

if TYPE_CHECKING:
    from memos_core.model.answer import Receipt

_WHERE = re.compile(r"^\S*message \d+( part \d+)?:? ?")


@dataclass(frozen=True, slots=True)
class Parcel:
    """Messages that are added together: a conversation, or the passages below one heading of a document."""

    session_id: str
    messages: tuple[Message, ...]
    info: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Taken:
    """What was taken in of one file."""

    file: Path
    sessions: set[str] = field(default_factory=set)
    messages: int = 0
    memories: set[str] = field(default_factory=set)
    tasks: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def conversations(self) -> int:
        """How many conversations there were; a document is one."""
        return len(self.sessions)

    @property
    def left_out(self) -> int:
        """How many parts were kept without being read, or left out."""
        return sum(self.reasons.values())

    def add(self, parcel: Parcel, receipt: Receipt) -> None:
        """Count what was kept of a parcel."""
        self.sessions.add(parcel.session_id)
        self.messages += len(receipt.message_ids)
        self.memories.update(receipt.memory_ids)
        self.note(receipt.skipped)
        if receipt.task_id is not None:
            self.tasks.append(receipt.task_id)

    def note(self, notes: Iterable[str]) -> None:
        """Count the same reason at different places together."""
        self.reasons.update(_WHERE.sub("", note) or note for note in notes)

    def counts(self) -> dict[str, Any]:
        """The counts, for programs."""
        return {
            "file": str(self.file),
            "conversations": self.conversations,
            "messages": self.messages,
            "memories": len(self.memories),
            "left_out": dict(self.reasons),
        }


def count(files: Sequence[Path]) -> int:
    """How many messages there are. InvalidInput for the first file that can't be read, before anything is kept."""
    return sum(len(parcel.messages) for file in files for parcel in parcels(file))


def parcels(file: Path) -> Iterator[Parcel]:
    """What is in a file."""
    seen: Counter[str] = Counter()
    for part in read_file(file):
        if isinstance(part, Conversation):
            yield Parcel(part.session_id, _named(part.session_id, part.messages, seen), {}, part.notes)
        else:
            yield from _document(part, seen)


def _document(document: Document, seen: Counter[str]) -> Iterator[Parcel]:
    notes = document.notes
    for info, drafts in groupby(document.drafts, key=lambda draft: draft.info):
        messages = [Message(role="document", content=draft.text) for draft in drafts]
        yield Parcel(document.name, _named(document.name, messages, seen), info, notes)
        notes = ()


def _named(session_id: str, messages: Iterable[Message], seen: Counter[str]) -> tuple[Message, ...]:
    """The messages, each with an id: its own, else one made from what was said and how often that was said before."""
    return tuple(message if message.id else message.evolve(id=_id(session_id, message, seen)) for message in messages)


def _id(session_id: str, message: Message, seen: Counter[str]) -> str:
    at = message.at.isoformat() if message.at else ""
    said = "\x1f".join((session_id, message.role, message.name or "", at, message.content))
    digest = hashlib.sha256(said.encode()).hexdigest()[:24]
    seen[digest] += 1
    return f"{digest}-{seen[digest]}" if seen[digest] > 1 else digest
