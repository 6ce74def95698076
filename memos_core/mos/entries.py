"""A memory's version as the engines below the desk see it, and what is derived from its text."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from memos_core.ledger.pen import dump
from memos_core.ledger.read import fields, micros, moment
from memos_core.ledger.rows import VersionRow
from memos_core.model.change import Entry
from memos_core.model.message import Message
from memos_core.text.same import same_words
from memos_core.text.times import holds_time


def digest_of(speaker: str, memory_type: str, text: str) -> int:
    """63 bits by which exact duplicates are found: who said it, as what, and the words."""
    raw = f"{speaker}\x1f{memory_type}\x1f{same_words(text)}".encode()
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "big") >> 1


def entry_of(
    row: VersionRow, cube_id: str, session_id: str | None, label: str | None, item_id: str, terms: Sequence[str] | None = None
) -> Entry:
    """A version as the index sees it; `label` is its session's, or that of the run of messages it belongs to."""
    return Entry(
        row.item,
        row.version,
        row.cube,
        row.tx,
        row.text,
        row.speaker,
        label,
        row.context,
        row.said,
        fields(row, cube_id, session_id, item_id),
        terms,
    )


def validity_of(text: str, said: int, terms: Collection[str] | None = None) -> tuple[int | None, int | None]:
    """When what is told was true, where the text says so, relative to when it was said."""
    if not holds_time(text, terms):
        return None, None
    from memos_core.text.when import validity

    start, end = validity(text, moment(said))
    return None if start is None else micros(start), None if end is None else micros(end)


def extra_of(message: Message) -> str | None:
    """What a message holds besides its text."""
    if not (message.tool_calls or message.tool_call_id or message.unread):
        return None
    calls = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in message.tool_calls]
    return dump({"tool_calls": calls, "tool_call_id": message.tool_call_id, "unread": list(message.unread)})
