"""Reading the book: versions as memories, who may see what, messages, tasks. Every question carries its cubes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam as p

from memos_core.ledger import tables as t
from memos_core.ledger.freshness import Mark
from memos_core.ledger.rows import VersionRow
from memos_core.model.frozen import FrozenDict, freeze
from memos_core.model.memory import Memory, MemoryState, MemoryType, Source, Trust
from memos_core.sql.schema import Prepared

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIDTH = len(VersionRow._fields)
LIVE = ("activated", "generated")
EMPTY = FrozenDict()
_TYPES = {m.value: m for m in MemoryType}
_STATES = {m.value: m for m in MemoryState}
_TRUST = {m.value: m for m in Trust}


def moment(micros: int) -> datetime:
    """Microseconds since the epoch as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=micros)


def micros(when: datetime) -> int:
    """An aware datetime as microseconds since the epoch."""
    return (when - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Access:
    """A cube that somebody may read, and in what role."""

    cube: int
    cube_id: str
    name: str
    owner: int
    own: bool
    role: str
    at: int


_PRINCIPAL = Prepared(
    sa.select(t.principals.c.nr, t.cubes.c.nr, t.cubes.c.id)
    .select_from(t.principals.join(t.cubes, sa.and_(t.cubes.c.owner == t.principals.c.nr, t.cubes.c.own == 1)))
    .where(t.principals.c.tenant == p("tenant"), t.principals.c.kind == p("kind"), t.principals.c.id == p("id"))
)
_CUBE = (t.cubes.c.nr, t.cubes.c.id, t.cubes.c.name, t.cubes.c.owner, t.cubes.c.own)
_OWNED = Prepared(sa.select(*_CUBE, sa.literal("owner"), t.cubes.c.at).where(t.cubes.c.owner == p("owner"), t.cubes.c.tx <= p("tx")))
_GRANTED = Prepared(
    sa.select(*_CUBE, t.grants.c.role, t.cubes.c.at)
    .select_from(t.grants.join(t.cubes, t.cubes.c.nr == t.grants.c.cube))
    .where(t.grants.c.principal == p("owner"), t.grants.c.until.is_(None))
)
_HELD = Prepared(
    sa.select(t.grants.c.cube).where(
        t.grants.c.principal == p("owner"), t.grants.c.tx <= p("tx"), sa.or_(t.grants.c.until.is_(None), t.grants.c.until > p("tx_"))
    )
)
_LINE = Prepared(sa.select(t.audit.c.tx, t.audit.c.at).where(t.audit.c.tx <= p("tx")).order_by(t.audit.c.tx.desc()).limit(1))
_HEAD = Prepared(sa.select(t.audit.c.mac).where(t.audit.c.tenant == p("tenant")).order_by(t.audit.c.seq.desc()).limit(1))
_CUBE_ID = Prepared(sa.select(t.cubes.c.id).where(t.cubes.c.nr == p("n")))
_FOREVER = 1 << 62


def _current(until: int | None) -> sa.ColumnElement[bool]:
    """Whether a version is the newest, now or as of a transaction."""
    if until is None:
        return t.items.c.version == t.versions.c.version
    newer = t.versions.alias("newer")
    later = sa.exists().where(newer.c.item == t.versions.c.item, newer.c.version == t.versions.c.version + 1, newer.c.tx <= until)
    return sa.and_(t.versions.c.tx <= until, ~later)


_FULL = (*t.versions.c, t.items.c.id.label("item_id"), t.sessions.c.id.label("session_id"), t.sessions.c.implicit)
_JOINED = t.versions.join(t.items, t.items.c.nr == t.versions.c.item).outerjoin(t.sessions, t.sessions.c.nr == t.versions.c.session)


@lru_cache(maxsize=256)
def _by_number(count: int) -> Prepared:
    numbers: list[Any] = [p(f"n{i}") for i in range(count)]
    return Prepared(sa.select(*_FULL).select_from(_JOINED).where(t.versions.c.item.in_(numbers), _current(None)))


@lru_cache(maxsize=256)
def _sources_of(count: int) -> Prepared:
    where = t.sessions.alias("said_in")
    return Prepared(
        sa.select(
            t.sources.c.item,
            sa.case((t.messages.c.role == "document", "document"), else_=t.sources.c.kind),
            t.sources.c.label,
            t.sources.c.start,
            t.sources.c.end,
            t.sources.c.tx,
            t.messages.c.id,
            where.c.id,
            where.c.implicit,
        )
        .select_from(
            t.sources.outerjoin(t.messages, t.messages.c.nr == t.sources.c.ref).outerjoin(where, where.c.nr == t.messages.c.session)
        )
        .where(t.sources.c.item.in_([p(f"n{i}") for i in range(count)]), t.sources.c.tx <= p("tx"))
        .order_by(t.sources.c.item, t.sources.c.tx, t.sources.c.ref)
    )


class Book:
    """The book as one connection sees it."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    # -- who

    def principal(self, tenant: str, kind: str, name: str) -> tuple[int, int, str] | None:
        """Somebody's number, and the number and id of their own cube."""
        row = _PRINCIPAL.one(self.connection, (tenant, kind, name))
        return (row[0], row[1], row[2]) if row else None

    def access(self, principal: int) -> list[Access]:
        """The cubes that a principal may read now."""
        rows = [*_OWNED.all(self.connection, (principal, _FOREVER)), *_GRANTED.all(self.connection, (principal,))]
        return [Access(r[0], r[1], r[2], r[3], bool(r[4]), r[5], r[6]) for r in rows]

    def held(self, principal: int, until: int) -> set[int]:
        """The cubes that a principal could read as of a transaction, whoever may now."""
        owned, granted = _OWNED.all(self.connection, (principal, until)), _HELD.all(self.connection, (principal, until, until))
        return {row[0] for row in (*owned, *granted)}

    def position(self, when: datetime) -> int:
        """The last transaction at or before a time; 0 before the first. Times grow with transactions, so it is found by halving."""
        at, low = micros(when), 0
        last = _LINE.one(self.connection, (_FOREVER,))
        high = last[0] if last else 0
        while low < high:
            line = _LINE.one(self.connection, ((low + high + 1) // 2,))
            if line is None or line[1] <= at:
                low = (low + high + 1) // 2
            else:
                high = (low + high + 1) // 2 - 1
        line = _LINE.one(self.connection, (low,))
        return line[0] if line else 0

    def head(self, tenant: str) -> str:
        """The audit's anchor: the code of the tenant's last line, in hex."""
        row = _HEAD.one(self.connection, (tenant,))
        return row[0].hex() if row else ""

    def cube_ids(self, numbers: Iterable[int]) -> dict[int, str]:
        """The ids of cubes by their numbers."""
        wanted = sorted(set(numbers))
        return {nr: _CUBE_ID.one(self.connection, (nr,))[0] for nr in wanted}

    def names(self, numbers: set[int]) -> dict[int, str]:
        """Principals by their numbers, as `user:alice`."""
        query = sa.select(t.principals.c.nr, t.principals.c.kind, t.principals.c.id).where(t.principals.c.nr.in_(sorted(numbers)))
        known = {row[0]: f"{row[1]}:{row[2]}" for row in self.connection.execute(query)}
        return {nr: known.get(nr, "unknown") for nr in numbers}

    # -- memories

    def rows(self, numbers: Sequence[int], until: int | None = None) -> list[Any]:
        """The newest versions of these memories, joined with their ids; in no order, the unknown left out."""
        if until is None and len(numbers) <= 64:
            return list(_by_number(len(numbers)).all(self.connection, tuple(numbers))) if numbers else []
        found: list[Any] = []
        for start in range(0, len(numbers), 500):
            part = numbers[start : start + 500]
            query = sa.select(*_FULL).select_from(_JOINED).where(t.versions.c.item.in_(part), _current(until))
            found.extend(self.connection.execute(query))
        return found

    def memories(self, rows: Sequence[Any], cube_ids: dict[int, str], until: int | None = None) -> dict[int, Memory]:
        """Rows as memories, by number."""
        return {nr: found for nr, (found, _) in self.marked(rows, cube_ids, until).items()}

    def marked(self, rows: Sequence[Any], cube_ids: dict[int, str], until: int | None = None) -> dict[int, tuple[Memory, Mark]]:
        """Rows as memories, by number, each with the mark of what was read."""
        sources, newest = self._sources([row[0] for row in rows], until)
        found: dict[int, tuple[Memory, Mark]] = {}
        for row in rows:
            nr, made_from = row[0], tuple(sources.get(row[0], ()))
            found[nr] = memory(row, cube_ids.get(row[2], ""), made_from), (row[1], row[11], len(made_from), newest.get(nr))
        return found

    def _sources(self, numbers: Sequence[int], until: int | None) -> tuple[dict[int, list[Source]], dict[int, int]]:
        """What memories were made from, in order, and the transaction of the newest."""
        found: dict[int, list[Source]] = {}
        newest: dict[int, int] = {}
        tx = _FOREVER if until is None else until
        for start in range(0, len(numbers), 500):
            part = tuple(numbers[start : start + 500])
            for item, kind, label, begin, end, written, message, session, implicit in _sources_of(len(part)).all(
                self.connection, (*part, tx)
            ):
                newest[item] = written
                found.setdefault(item, []).append(
                    Source.made(
                        kind=kind,
                        id=message or label or "",
                        session_id=None if implicit else session,
                        span=None if begin is None else (begin, end),
                    )
                )
        return found, newest

    def numbers(self, ids: Sequence[str]) -> dict[str, tuple[int, int, str]]:
        """(number, cube, state) of memories by their ids."""
        found: dict[str, tuple[int, int, str]] = {}
        for start in range(0, len(ids), 500):
            query = sa.select(t.items.c.id, t.items.c.nr, t.items.c.cube, t.items.c.state).where(
                t.items.c.id.in_(list(ids[start : start + 500]))
            )
            found.update({row[0]: (row[1], row[2], row[3]) for row in self.connection.execute(query)})
        return found

    def holds(self, cubes: Sequence[int], digests: Sequence[int]) -> bool:
        """Whether a live memory in these cubes has one of these digests."""
        said = sa.and_(t.items.c.digest.in_(list(digests)), t.items.c.state.in_(LIVE))
        found = sa.select(t.items.c.nr).where(t.items.c.cube.in_(list(cubes)), said).limit(1)
        return self.connection.execute(found).first() is not None

    def scan(
        self,
        cubes: Sequence[int],
        *,
        until: int | None,
        now: int,
        after: tuple[int, int] | None = None,
        states: Sequence[str] = LIVE,
        limit: int | None = None,
    ) -> Iterator[Any]:
        """All live versions in these cubes, newest first, from below a (said, number) on."""
        query = self._live(sa.select(*_FULL), cubes, until, now, states).order_by(t.versions.c.said.desc(), t.versions.c.item.desc())
        if after is not None:
            said, item = after
            query = query.where(sa.or_(t.versions.c.said < said, sa.and_(t.versions.c.said == said, t.versions.c.item < item)))
        if limit is not None:
            query = query.limit(limit)
        yield from self.connection.execute(query)

    def count(self, cubes: Sequence[int], *, until: int | None, now: int, states: Sequence[str] = LIVE) -> int:
        """How many live memories are in these cubes."""
        return int(self.connection.execute(self._live(sa.select(sa.func.count()), cubes, until, now, states)).scalar_one())

    def _live(self, query: sa.Select[Any], cubes: Sequence[int], until: int | None, now: int, states: Sequence[str]) -> sa.Select[Any]:
        fresh = sa.or_(t.versions.c.expires.is_(None), t.versions.c.expires > now)
        return query.select_from(_JOINED).where(t.versions.c.cube.in_(list(cubes)), t.versions.c.state.in_(states), fresh, _current(until))

    def history(self, item: int) -> list[Any]:
        """All versions of a memory, oldest first."""
        query = sa.select(*_FULL).select_from(_JOINED).where(t.versions.c.item == item).order_by(t.versions.c.version)
        return list(self.connection.execute(query))


def memory(row: Any, cube_id: str, sources: tuple[Source, ...] = ()) -> Memory:
    """A row as a memory, without validating again what the ledger itself wrote."""
    v = VersionRow._make(row[:_WIDTH])
    session, implicit = row[_WIDTH + 1], row[_WIDTH + 2]
    return Memory.made(
        id=row[_WIDTH],
        version=v.version,
        text=v.text,
        memory_type=_TYPES[v.memory_type],
        state=_STATES[v.state],
        user_id=v.user_id,
        agent_id=v.agent_id,
        session_id=None if implicit else session,
        cube_id=cube_id,
        speaker=v.speaker,
        tags=tuple(json.loads(v.tags)) if v.tags != "[]" else (),
        info=freeze(json.loads(v.info)) if v.info != "{}" else EMPTY,
        sources=sources,
        trust=_TRUST[v.trust],
        created_at=moment(v.said),
        updated_at=moment(v.at),
        valid_from=None if v.valid_from is None else moment(v.valid_from),
        valid_to=None if v.valid_to is None else moment(v.valid_to),
        expires_at=None if v.expires is None else moment(v.expires),
        merged_to=v.merged_to,
    )


def fields(row: Any, cube_id: str, session_id: str | None, item_id: str) -> dict[str, Any]:
    """A version's fields as filters ask for them; times in microseconds since the epoch."""
    v = row
    return {
        "id": item_id,
        "version": v.version,
        "text": v.text,
        "memory_type": v.memory_type,
        "state": v.state,
        "user_id": v.user_id,
        "agent_id": v.agent_id,
        "session_id": session_id,
        "cube_id": cube_id,
        "speaker": v.speaker,
        "tags": json.loads(v.tags) if v.tags != "[]" else [],
        "info": json.loads(v.info) if v.info != "{}" else {},
        "trust": v.trust,
        "created_at": v.said,
        "updated_at": v.at,
        "valid_from": v.valid_from,
        "valid_to": v.valid_to,
        "expires_at": v.expires,
        "merged_to": v.merged_to,
    }
