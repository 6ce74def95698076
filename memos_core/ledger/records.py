"""The raw lane's rows: any JSON under a namespace and a key. No history: what is overwritten or deleted is gone.

A namespace is kept as one text: each label, with 0x1E and 0x1F escaped, followed by 0x1F. So every label may hold any
character, no two namespaces look alike, and "below this prefix" is a range of texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam as p

from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen
from memos_core.sql.schema import Prepared, insert

_END, _ESCAPE = "\x1f", "\x1e"


class RecordRow(NamedTuple):
    """A record, in the order of the table's columns. `paths` is the JSON of what is indexed, None for nothing."""

    nr: int
    tenant: str
    owner: str
    space: str
    key: str
    value: str
    version: int
    created: int
    updated: int
    expires: int | None
    ttl: int | None
    terms: bytes | None
    paths: str | None


class Lane(NamedTuple):
    """Whose records."""

    tenant: str
    owner: str


def space_of(namespace: Sequence[str]) -> str:
    """A namespace as one text."""
    return "".join(f"{label.replace(_ESCAPE, _ESCAPE + '0').replace(_END, _ESCAPE + '1')}{_END}" for label in namespace)


def namespace_of(space: str) -> tuple[str, ...]:
    """And back."""
    return tuple(label.replace(_ESCAPE + "1", _END).replace(_ESCAPE + "0", _ESCAPE) for label in space.split(_END)[:-1])


def _beyond(space: str) -> str:
    """The first text after all that begin with this one."""
    return f"{space[:-1]}\x20" if space else "\U0010ffff"


_r = t.records.c
_MINE = sa.and_(_r.tenant == p("tenant"), _r.owner == p("owner"))
_BELOW = sa.and_(_MINE, _r.space >= p("low"), _r.space < p("high"), sa.or_(_r.expires.is_(None), _r.expires > p("now")))
_ONE = Prepared(sa.select(t.records).where(_MINE, _r.space == p("space"), _r.key == p("key")))
_PUT = insert(t.records)
_OVER = Prepared(
    sa.update(t.records)
    .values({name: p(f"_{name}") for name in RecordRow._fields[5:]})
    .where(_r.nr == p("nr_"))
)  # fmt: skip
_GONE = Prepared(sa.delete(t.records).where(_r.nr == p("nr")))
_BARE = Prepared(sa.delete(t.record_vectors).where(t.record_vectors.c.record == p("nr")))
_VECTOR = insert(t.record_vectors)
_FRESH = Prepared(sa.update(t.records).values(expires=p("until")).where(_r.nr == p("nr_")))
_IN_SPACE = Prepared(sa.select(t.records).where(_MINE, _r.space == p("space")))
_EXPIRED = Prepared(sa.select(_r.nr).where(_MINE, _r.expires <= p("now")))
_COUNT = Prepared(sa.select(sa.func.count()).where(_BELOW))
_PAGE = Prepared(sa.select(_r.nr).where(_BELOW).order_by(_r.updated.desc(), _r.nr.desc()).limit(p("most")).offset(p("skip")))
_NUMBERS = Prepared(sa.select(_r.nr).where(_BELOW).order_by(_r.updated.desc(), _r.nr.desc()))
_FACTS = Prepared(
    sa.select(_r.nr, _r.space, _r.key, _r.value, _r.version, _r.created, _r.updated, _r.expires)
    .where(_BELOW)
    .order_by(_r.updated.desc(), _r.nr.desc())
)
_TERMS = Prepared(sa.select(_r.nr, _r.terms).where(_BELOW).order_by(_r.updated.desc(), _r.nr.desc()))
_SPACES = Prepared(sa.select(_r.space).where(_BELOW).distinct())
_v = t.record_vectors.c
_SELECT_VECTORS = (
    sa.select(_v.record, _v.emb)
    .select_from(t.record_vectors.join(t.records, _r.nr == _v.record))
    .where(_BELOW, _v.model == p("model"), sa.func.length(_v.emb) == p("size"))
)
_VECTORS, _NAMED_VECTORS = Prepared(_SELECT_VECTORS), Prepared(_SELECT_VECTORS.where(_v.field == p("field")))
_BY_NR = Prepared(sa.select(t.records).where(_r.nr == p("nr")))


def one(connection: sa.Connection, lane: Lane, space: str, key: str, now: int) -> RecordRow | None:
    """A record that has not expired."""
    row = _ONE.one(connection, (*lane, space, key))
    return RecordRow._make(row) if row is not None and (row[9] is None or row[9] > now) else None


def numbered(connection: sa.Connection, numbers: Sequence[int]) -> list[RecordRow]:
    """Records by their numbers, in that order; those that are gone left out."""
    rows = (_BY_NR.one(connection, (nr,)) for nr in numbers)
    return [RecordRow._make(row) for row in rows if row is not None]


def write(pen: Pen, row: RecordRow) -> RecordRow:
    """Put a record, over the old one if there is one; as it is now."""
    old = _ONE.one(pen.connection, (row.tenant, row.owner, row.space, row.key))
    if old is None:
        whole = row._replace(nr=pen.number())
        _PUT.run(pen.connection, [whole])
    else:
        whole = row._replace(nr=old[0])
        _OVER.run(pen.connection, [(*whole[5:], whole.nr)])
        _BARE.run(pen.connection, [(whole.nr,)])
    return whole


def keep_vectors(connection: sa.Connection, record: int, model: str, vectors: Sequence[tuple[str, bytes]]) -> None:
    """A record's vectors, in place of those that it had."""
    _BARE.run(connection, [(record,)])
    _VECTOR.run(connection, [(record, field, model, emb) for field, emb in vectors])


def remove(connection: sa.Connection, numbers: Sequence[int]) -> None:
    """Delete records and their vectors; the database overwrites what is freed."""
    for nr in numbers:
        _BARE.run(connection, [(nr,)])
        _GONE.run(connection, [(nr,)])


def refresh(connection: sa.Connection, rows: Sequence[RecordRow], now: int) -> None:
    """Start the time to live of these anew."""
    for row in rows:
        if row.ttl is not None:
            _FRESH.run(connection, [(now + row.ttl, row.nr)])


def in_space(connection: sa.Connection, lane: Lane, space: str) -> list[RecordRow]:
    """All records of exactly this namespace."""
    return [RecordRow._make(row) for row in _IN_SPACE.all(connection, (*lane, space))]


def expired(connection: sa.Connection, lane: Lane, now: int) -> list[int]:
    """What has expired and is still there."""
    return [row[0] for row in _EXPIRED.all(connection, (*lane, now))]


def _range(lane: Lane, space: str, now: int) -> tuple[Any, ...]:
    return (*lane, space, _beyond(space), now)


def count(connection: sa.Connection, lane: Lane, space: str, now: int) -> int:
    """How many are below a prefix."""
    return int(_COUNT.one(connection, _range(lane, space, now))[0])


def page(connection: sa.Connection, lane: Lane, space: str, now: int, limit: int, offset: int) -> list[RecordRow]:
    """Those below a prefix, last written first."""
    return numbered(connection, [row[0] for row in _PAGE.all(connection, (*_range(lane, space, now), limit, offset))])


class Facts(NamedTuple):
    """What filters may ask of a record."""

    nr: int
    space: str
    key: str
    value: str
    version: int
    created: int
    updated: int
    expires: int | None


def below(connection: sa.Connection, lane: Lane, space: str, now: int) -> list[Facts]:
    """What filters ask, of all below a prefix, last written first."""
    return [Facts._make(row) for row in _FACTS.all(connection, _range(lane, space, now))]


def numbers(connection: sa.Connection, lane: Lane, space: str, now: int) -> list[int]:
    """The numbers of all of them."""
    return [row[0] for row in _NUMBERS.all(connection, _range(lane, space, now))]


def terms(connection: sa.Connection, lane: Lane, space: str, now: int) -> Sequence[tuple[int, bytes | None]]:
    """The number and the terms of each."""
    return _TERMS.all(connection, _range(lane, space, now))


def vectors(
    connection: sa.Connection, lane: Lane, space: str, now: int, model: str, size: int, field: str | None
) -> Sequence[tuple[int, bytes]]:
    """(number, vector) of each that has vectors of a model, `size` bytes long, under that name or any."""
    values = (*_range(lane, space, now), model, size)
    return _VECTORS.all(connection, values) if field is None else _NAMED_VECTORS.all(connection, (*values, field))


def spaces(connection: sa.Connection, lane: Lane, space: str, now: int) -> list[str]:
    """The namespaces, as texts, that hold something below a prefix."""
    return [row[0] for row in _SPACES.all(connection, _range(lane, space, now))]
