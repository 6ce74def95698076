"""The one exception to "rows are never updated": what the law says must go.

Erasing a memory erases what was said to make it and all else that was made from that. Text, names, tags, info and the
salt of every version are blanked, so that neither a row nor its code in the audit can be linked to what it said.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen
from memos_core.ledger.tasks import close_empty
from memos_core.sql.schema import chunks

_CHUNK = 500
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took: memories and messages by number, the salts that must be found nowhere, and texts."""

    items: tuple[int, ...]
    messages: tuple[int, ...]
    salts: tuple[bytes, ...]
    dependants: tuple[tuple[int, int], ...]
    """(number, version) of live memories whose vectors were made with an erased text as context."""
    texts: tuple[bytes, ...] = ()
    """A piece of each text, as it stands in a file, as long as there are few; others may have said the same."""


def closure(connection: sa.Connection, items: Sequence[int]) -> tuple[set[int], set[int]]:
    """The memories and messages that go with these: their messages, all versions of those, and all made from them."""
    all_items, all_messages = set(items), set[int]()
    new = set(items)
    while new:
        refs = _column(connection, sa.select(t.sources.c.ref).where(t.sources.c.kind == "message"), t.sources.c.item, new)
        fresh = _all_versions(connection, refs | calls_of(connection, refs)) - all_messages
        all_messages |= fresh
        new = _column(connection, sa.select(t.sources.c.item).where(t.sources.c.kind == "message"), t.sources.c.ref, fresh) - all_items
        all_items |= new
    return all_items, all_messages


def calls_of(connection: sa.Connection, messages: set[int]) -> set[int]:
    """The messages whose tool calls these answer: what is remembered of a result tells the call's arguments, too."""
    query = sa.select(t.messages.c.nr, t.messages.c.cube, t.messages.c.session, t.messages.c.role, t.messages.c.extra, t.messages.c.raw)
    found: set[int] = set()
    for part in chunks(sorted(messages)):
        for row in connection.execute(query.where(t.messages.c.nr.in_(part))).all():
            answered = _answered(row.role, row.extra, row.raw)
            if answered is None:
                continue
            near = query.where(t.messages.c.cube == row.cube, t.messages.c.session == row.session, t.messages.c.nr < row.nr)
            asking = connection.execute(near.where(t.messages.c.extra.is_not(None)).order_by(t.messages.c.nr.desc())).all()
            calls = [(one.nr, {call.get("id") for call in json.loads(one.extra).get("tool_calls", ())}) for one in asking]
            named = [nr for nr, ids in calls if ids & answered]
            found.update(named if answered else [nr for nr, ids in calls if ids][:1])
    return found


def _answered(role: str, extra: str | None, raw: str | None) -> set[str] | None:
    """The ids of the calls that a message answers, empty where it names none; None where it is no answer."""
    content = json.loads(raw).get("content") if raw is not None and "tool_result" in raw else None
    parts = [part for part in content if isinstance(part, dict) and part.get("type") == "tool_result"] if isinstance(content, list) else []
    if role != "tool" and not parts:
        return None
    own = json.loads(extra).get("tool_call_id") if extra is not None else None
    return {str(one) for one in (own, *(part.get("tool_use_id") for part in parts)) if one}


def _column(connection: sa.Connection, query: sa.Select[Any], column: Any, values: set[int]) -> set[int]:
    ordered = sorted(values)
    found: set[int] = set()
    for part in chunks(ordered):
        found.update(row[0] for row in connection.execute(query.where(column.in_(part))))
    return found


def _all_versions(connection: sa.Connection, messages: set[int]) -> set[int]:
    """The numbers of every version of these messages."""
    a, b = t.messages.alias("a"), t.messages.alias("b")
    query = sa.select(b.c.nr).select_from(a.join(b, sa.and_(a.c.cube == b.c.cube, a.c.session == b.c.session, a.c.id == b.c.id)))
    return _column(connection, query, a.c.nr, messages)


def erase(pen: Pen, items: set[int], messages: set[int]) -> Erased:
    """Blank them, tell the projections, write down in the audit which numbers went."""
    connection = pen.connection
    ordered_items, ordered_messages = sorted(items), sorted(messages)
    salts: list[bytes] = []
    texts: set[bytes] = set()
    for part in chunks(ordered_items):
        texts |= _texts(connection, t.versions.c.text, t.versions.c.item, part)
        salts += _salts(connection, t.versions, t.versions.c.item, part)
        _blank_versions(connection, part)
        connection.execute(sa.delete(t.sources).where(t.sources.c.item.in_(part)))
        waited = connection.execute(sa.select(t.outbox.c.task).distinct().where(t.outbox.c.item.in_(part))).scalars().all()
        connection.execute(sa.delete(t.outbox).where(t.outbox.c.item.in_(part)))
        close_empty(connection, waited, pen.now)
        connection.execute(sa.update(t.items).where(t.items.c.nr.in_(part)).values(state="erased", digest=None))
    for part in chunks(ordered_messages):
        texts |= _texts(connection, t.messages.c.content, t.messages.c.nr, part)
        salts += _salts(connection, t.messages, t.messages.c.nr, part)
        _blank_messages(connection, part)
        connection.execute(sa.delete(t.sources).where(t.sources.c.ref.in_(part), t.sources.c.kind == "message"))
    _forget_sessions(connection, ordered_items, ordered_messages)
    _forget_errors(connection)
    dependants = _dependants(connection, ordered_items)
    pen.forget(ordered_items)
    pen.detail.update({"erased": ordered_items, "messages": ordered_messages})
    return Erased(tuple(ordered_items), tuple(ordered_messages), tuple(salts), dependants, tuple(sorted(texts)))


def _forget_sessions(connection: sa.Connection, items: list[int], messages: list[int]) -> None:
    """The names of conversations of which nothing is left."""
    touched = _column(connection, sa.select(t.messages.c.session), t.messages.c.nr, set(messages))
    touched |= _column(connection, sa.select(t.versions.c.session), t.versions.c.item, set(items))
    cubes = _column(connection, sa.select(t.sessions.c.cube), t.sessions.c.nr, touched)
    told = sa.select(t.versions.c.session).where(t.versions.c.salt.is_not(None)).distinct()
    said = sa.select(t.messages.c.session).where(t.messages.c.salt.is_not(None)).distinct()
    left = _column(connection, told, t.versions.c.cube, cubes) | _column(connection, said, t.messages.c.cube, cubes)
    for nr in sorted(touched - left - {0}):
        gone = sa.update(t.sessions).where(t.sessions.c.nr == nr)
        connection.execute(gone.values(id=f"erased-{nr}", implicit=1, last_item=None))


def _forget_errors(connection: sa.Connection) -> None:
    """What open tasks say went wrong: an embedder may have repeated the text that it failed at."""
    connection.execute(
        sa.update(t.tasks).where(t.tasks.c.error.is_not(None), t.tasks.c.done.is_(None)).values(error="the error was erased with a memory")
    )


def _salts(connection: sa.Connection, table: sa.Table, key: sa.Column[int], part: Sequence[int]) -> list[bytes]:
    query = sa.select(table.c.salt).where(key.in_(part), table.c.salt.is_not(None))
    return [bytes(row[0]) for row in connection.execute(query)]


def _texts(connection: sa.Connection, text: sa.Column[str], key: sa.Column[int], part: Sequence[int]) -> set[bytes]:
    """The longest piece of each text that stands in JSON as it is."""
    rows = connection.execute(sa.select(text).where(key.in_(part), text != "").distinct().limit(_CHUNK))
    return {max(_PLAIN.findall(row[0]), key=len, default="").encode() for row in rows} - {b""}


def _blank_versions(connection: sa.Connection, part: Sequence[int]) -> None:
    connection.execute(
        sa.update(t.versions)
        .where(t.versions.c.item.in_(part))
        .values(
            text="",
            speaker="",
            why="",
            user_id=None,
            agent_id=None,
            tags="[]",
            info="{}",
            merged_to=None,
            salt=None,
            valid_from=None,
            valid_to=None,
            state="erased",
        )
    )


def _blank_messages(connection: sa.Connection, part: Sequence[int]) -> None:
    for nr in part:
        connection.execute(
            sa.update(t.messages)
            .where(t.messages.c.nr == nr)
            .values(id=f"erased-{nr}", role="erased", name=None, content="", extra=None, raw=None, user_id=None, agent_id=None, salt=None)
        )


def _dependants(connection: sa.Connection, items: list[int]) -> tuple[tuple[int, int], ...]:
    found: set[tuple[int, int]] = set()
    live = (
        sa.select(t.items.c.nr, t.items.c.version)
        .join(t.versions, sa.and_(t.versions.c.item == t.items.c.nr, t.versions.c.version == t.items.c.version))
        .where(t.items.c.state.in_(("activated", "generated")))
    )
    for part in chunks(items):
        found.update((row[0], row[1]) for row in connection.execute(live.where(t.versions.c.context.in_(part))))
    return tuple(sorted(found - {(i, v) for i, v in found if i in set(items)}))


def forget_cubes(pen: Pen, cubes: Sequence[int], principals: Sequence[int], who: str) -> None:
    """Names of whole cubes and of those who owned them: sessions, titles, the people's own ids, what they had asked.

    `who` is how their requests are marked; of a user those through agents, too: the mark's beginning.
    """
    connection = pen.connection
    for cube in cubes:
        for (nr,) in connection.execute(sa.select(t.sessions.c.nr).where(t.sessions.c.cube == cube)).all():
            connection.execute(sa.update(t.sessions).where(t.sessions.c.nr == nr).values(id=f"erased-{nr}", implicit=1))
        connection.execute(sa.update(t.cubes).where(t.cubes.c.nr == cube).values(name=""))
    for principal in principals:
        gone = sa.update(t.principals).where(t.principals.c.nr == principal)
        connection.execute(gone.values(id=f"erased-{secrets.token_hex(8)}", salt=None))
    whose = sa.func.substr(t.requests.c.asker, 1, len(who)) if pen.asker.user_id else t.requests.c.asker
    connection.execute(sa.delete(t.requests).where(t.requests.c.tenant == pen.asker.tenant, whose == who))


def everything(connection: sa.Connection, cubes: Sequence[int]) -> tuple[set[int], set[int]]:
    """All memories and messages of these cubes that are not erased yet."""
    items = connection.execute(sa.select(t.items.c.nr).where(t.items.c.cube.in_(list(cubes)), t.items.c.state != "erased"))
    messages = connection.execute(sa.select(t.messages.c.nr).where(t.messages.c.cube.in_(list(cubes)), t.messages.c.role != "erased"))
    return {row[0] for row in items}, {row[0] for row in messages}
