"""The index made anew from the book: every version opened and closed again in the order in which it was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen
from memos_core.ledger.read import LIVE, Book
from memos_core.ledger.rows import VersionRow
from memos_core.model.change import Applied, Entry, Work
from memos_core.model.scope import Asker
from memos_core.mos.adding import Added, enqueue_embedding
from memos_core.mos.entries import entry_of
from memos_core.wiring.engines import Engines

_WIDTH = len(VersionRow._fields)
_BATCH = 1000
_AT_ONCE = 100_000
"""So many units are enqueued in one transaction; it has a million numbers."""


def rebuild(engines: Engines) -> tuple[int, list[Work]]:
    """Empty the index and fill it from the ledger in one transaction; then leave the embedding to the worker.

    Gives how many memories it holds, and the work that is left.
    """
    engines.ledger.write(lambda connection: _ride(connection, engines), durable=True)
    with engines.ledger.glance() as book:
        live = sa.select(t.cubes.c.tenant, t.items.c.nr, t.items.c.version).join(t.cubes, t.cubes.c.nr == t.items.c.cube)
        query = live.where(t.items.c.state.in_(LIVE)).order_by(t.cubes.c.tenant, t.items.c.nr)
        held = [tuple(row) for row in book.connection.execute(query)]
    work: list[Work] = []
    if engines.wants_vectors:
        for tenant, rows in groupby(held, key=itemgetter(0)):
            pending = [(nr, version) for _, nr, version in rows]
            for start in range(0, len(pending), _AT_ONCE):
                work += _enqueue(engines, tenant, pending[start : start + _AT_ONCE])
    return len(held), work


def _enqueue(engines: Engines, tenant: str, pending: list[tuple[int, int]]) -> list[Work]:
    def plan(pen: Pen, book: Book) -> Added:
        added = Added(pending=pending)
        enqueue_embedding(pen, added)
        return added

    added = engines.ledger.append(Asker(tenant, None, None), "rebuild", plan).value
    engines.scheduler.submit(added.work)
    return added.work


class _Event(NamedTuple):
    """A version that was written, or one that was said again."""

    tx: int
    item: int
    said: int | None
    row: Any


def _ride(connection: sa.Connection, engines: Engines) -> None:
    """Empty the index, then let it ride all transactions in their order."""
    engines.index.clear(connection)
    cubes = {row.nr: row.id for row in connection.execute(sa.select(t.cubes.c.nr, t.cubes.c.id))}
    newest: dict[int, tuple[Any, int]] = {}
    batch: list[Applied] = []
    for tx, events in groupby(_events(connection), key=lambda event: event.tx):
        batch.append(_applied(tx, events, newest, cubes))
        if len(batch) >= _BATCH:
            engines.index.ride(connection, batch)
            batch = []
    engines.index.ride(connection, batch)


def _applied(tx: int, events: Iterator[_Event], newest: dict[int, tuple[Any, int]], cubes: dict[int, str]) -> Applied:
    """`newest` holds each memory's newest row, and when it was last said."""
    opened: dict[int, Entry] = {}
    closed: dict[int, None] = {}
    for event in events:
        row, last = (event.row, event.row[19]) if event.said is None else newest.get(event.item, (None, 0))
        if row is None or (event.said is not None and event.said <= last):
            continue
        if event.item in newest and event.item not in opened:
            closed[event.item] = None
        newest[event.item] = (row, last if event.said is None else event.said)
        opened.pop(event.item, None)
        if row[11] in LIVE:
            opened[event.item] = _entry(row, cubes, tx, event.said)
    return Applied(tx, 0, tuple(opened.values()), tuple(closed))


def _entry(row: Any, cubes: dict[int, str], tx: int, said: int | None) -> Entry:
    version = VersionRow._make(row[:_WIDTH])
    item_id, label, implicit = row[_WIDTH : _WIDTH + 3]
    entry = entry_of(version, cubes.get(version.cube, ""), None if implicit else label, label, item_id)
    return entry if said is None else replace(entry, tx=tx, said=said)


def _events(connection: sa.Connection) -> Iterator[_Event]:
    """All versions that are not erased, and all repetitions, as they were written."""
    full = (*t.versions.c, t.items.c.id, t.sessions.c.id, t.sessions.c.implicit)
    joined = t.versions.join(t.items, t.items.c.nr == t.versions.c.item).outerjoin(t.sessions, t.sessions.c.nr == t.versions.c.session)
    versions = sa.select(*full).select_from(joined).where(t.versions.c.salt.is_not(None)).order_by(t.versions.c.tx, t.versions.c.item)
    cites = sa.select(t.sources.c.tx, t.sources.c.item, t.sources.c.said).where(t.sources.c.kind == "message").order_by(t.sources.c.tx)
    yield from merge(
        (_Event(row[3], row[0], None, row) for row in connection.execute(versions)),
        (_Event(row[0], row[1], row[2], None) for row in connection.execute(cites)),
        key=lambda event: (event.tx, event.said is not None),
    )
