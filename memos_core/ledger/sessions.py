"""Reading conversations: which there are, and what was said in them.

A message stands in its session as long as its newest version is open. Its place in the order is when it was said, and
among those said at once the order in which they were first written: an edited message keeps its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen
from memos_core.ledger.read import moment
from memos_core.ledger.rows import MessageRow
from memos_core.model.frozen import freeze
from memos_core.model.message import Message, ToolCall

_WIDTH = len(MessageRow._fields)
_first = t.messages.alias("first")
_EARLIEST = (
    sa.select(sa.func.min(_first.c.nr))
    .where(_first.c.cube == t.messages.c.cube, _first.c.session == t.messages.c.session, _first.c.id == t.messages.c.id)
    .scalar_subquery()
)
_FIRST = sa.case((t.messages.c.version == 1, t.messages.c.nr), else_=_EARLIEST).label("first_nr")
_STANDING = sa.and_(t.messages.c.until.is_(None), t.messages.c.role != "erased")


@dataclass(frozen=True, slots=True)
class Talk:
    """A session in a cube."""

    nr: int
    cube: int
    id: str
    messages: int
    first: int
    last: int


def talks(
    connection: sa.Connection, cubes: Sequence[int], *, session_id: str | None = None, after: tuple[int, int] | None = None,
    limit: int | None = None,
) -> list[Talk]:  # fmt: skip
    """The named sessions in these cubes in which a message stands, the one last spoken in first."""
    last = sa.func.max(t.messages.c.said)
    query = (
        sa.select(t.sessions.c.nr, t.sessions.c.cube, t.sessions.c.id, sa.func.count(), sa.func.min(t.messages.c.said), last)
        .select_from(t.sessions.join(t.messages, sa.and_(t.messages.c.cube == t.sessions.c.cube, t.messages.c.session == t.sessions.c.nr)))
        .where(t.sessions.c.cube.in_(list(cubes)), t.sessions.c.implicit == 0, _STANDING)
        .group_by(t.sessions.c.nr)
        .order_by(last.desc(), t.sessions.c.nr.desc())
    )
    if session_id is not None:
        query = query.where(t.sessions.c.id == session_id)
    if after is not None:
        said, nr = after
        query = query.having(sa.or_(last < said, sa.and_(last == said, t.sessions.c.nr < nr)))
    if limit is not None:
        query = query.limit(limit)
    return [Talk(*row) for row in connection.execute(query)]


def count_talks(connection: sa.Connection, cubes: Sequence[int]) -> int:
    """How many there are."""
    stands = sa.exists().where(t.messages.c.cube == t.sessions.c.cube, t.messages.c.session == t.sessions.c.nr, _STANDING)
    query = sa.select(sa.func.count()).select_from(t.sessions).where(t.sessions.c.cube.in_(list(cubes)), t.sessions.c.implicit == 0, stands)
    return int(connection.execute(query).scalar_one())


def said(
    connection: sa.Connection, cubes: Sequence[int], sessions: Sequence[int] | None = None, *, after: tuple[int, int] | None = None,
    limit: int | None = None,
) -> list[Any]:  # fmt: skip
    """Standing messages, oldest first: rows of `messages`, then the number first written, the session's id, whether implicit."""
    where = [t.messages.c.cube.in_(list(cubes)), _STANDING]
    if sessions is not None:
        where.append(t.messages.c.session.in_(list(sessions)))
    inner = sa.select(t.messages, _FIRST, t.sessions.c.id.label("session_id"), t.sessions.c.implicit).select_from(
        t.messages.outerjoin(t.sessions, t.sessions.c.nr == t.messages.c.session)
    )
    rows = inner.where(*where).subquery()
    query = sa.select(rows).order_by(rows.c.said, rows.c.first_nr)
    if after is not None:
        query = query.where(sa.or_(rows.c.said > after[0], sa.and_(rows.c.said == after[0], rows.c.first_nr > after[1])))
    if limit is not None:
        query = query.limit(limit)
    return list(connection.execute(query))


def count_said(connection: sa.Connection, cubes: Sequence[int], sessions: Sequence[int] | None = None) -> int:
    """How many messages stand there."""
    query = sa.select(sa.func.count()).select_from(t.messages).where(t.messages.c.cube.in_(list(cubes)), _STANDING)
    if sessions is not None:
        query = query.where(t.messages.c.session.in_(list(sessions)))
    return int(connection.execute(query).scalar_one())


def made_only_from(connection: sa.Connection, messages: Sequence[int]) -> list[int]:
    """Memories made from these messages that would have no source left that stands, were these closed."""
    found: set[int] = set()
    closing = set(messages)
    for start in range(0, len(ordered := sorted(closing)), 500):
        part = ordered[start : start + 500]
        query = sa.select(t.sources.c.item).where(t.sources.c.ref.in_(part), t.sources.c.kind == "message")
        found.update(row[0] for row in connection.execute(query))
    kept: set[int] = set()
    for start in range(0, len(items := sorted(found)), 500):
        query = (
            sa.select(t.sources.c.item, t.sources.c.ref, t.sources.c.kind, t.messages.c.until)
            .select_from(t.sources.outerjoin(t.messages, t.messages.c.nr == t.sources.c.ref))
            .where(t.sources.c.item.in_(items[start : start + 500]))
        )
        kept.update(row[0] for row in connection.execute(query) if row[2] != "message" or (row[3] is None and row[1] not in closing))
    return sorted(found - kept)


def close(pen: Pen, messages: Sequence[int]) -> None:
    """These messages stand in their session no more; what was said is kept."""
    for start in range(0, len(messages), 500):
        part = list(messages[start : start + 500])
        pen.connection.execute(sa.update(t.messages).where(t.messages.c.nr.in_(part)).values(until=pen.tx))
    pen.detail["closed"] = list(messages)


def message(row: Any) -> Message:
    """A row as a message; `raw` is the caller's own JSON."""
    m = MessageRow._make(row[:_WIDTH])
    session_id, implicit = row[_WIDTH + 1], row[_WIDTH + 2]
    extra = json.loads(m.extra) if m.extra else {}
    return Message.model_construct(
        role=m.role, content=m.content, id=m.id, name=m.name, at=moment(m.said), session_id=None if implicit else session_id,
        tool_calls=tuple(ToolCall(**call) for call in extra.get("tool_calls", ())), tool_call_id=extra.get("tool_call_id"),
        unread=tuple(extra.get("unread", ())), raw=freeze(json.loads(m.raw)) if m.raw is not None else None,
    )  # fmt: skip
