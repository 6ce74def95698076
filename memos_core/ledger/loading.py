"""Taking in what another ledger wrote: with its ids, versions and times, in this transaction, sealed by this ledger's key."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen
from memos_core.ledger.rows import MessageRow, SourceRow, VersionRow
from memos_core.model.change import Entry

ROOM = 1 << 20
"""Numbers that one transaction has."""


def tenants_of(connection: sa.Connection, ids: Sequence[str]) -> set[str]:
    """The tenants that have one of these memories already: an id is unique in a book."""
    found: set[str] = set()
    cubes = t.items.join(t.cubes, t.cubes.c.nr == t.items.c.cube)
    for start in range(0, len(ids), 500):
        query = sa.select(t.cubes.c.tenant).select_from(cubes).where(t.items.c.id.in_(list(ids[start : start + 500]))).distinct()
        found |= {row[0] for row in connection.execute(query)}
    return found


def take_session(pen: Pen, nr: int, cube: int, session_id: str, *, implicit: bool, last_item: int | None, last_said: int) -> None:
    """A conversation."""
    pen._rows["sessions"].append((nr, cube, session_id, int(implicit), last_item, last_said, pen.tx))


def take_message(pen: Pen, row: MessageRow) -> None:
    """One version of a message."""
    pen._rows["messages"].append(row.sealed(pen.key))


def take_memory(pen: Pen, item_id: str, versions: Sequence[VersionRow], *, digest: int | None, entry: Entry | None) -> None:
    """A memory with all its versions, oldest first; where it is alive, its entry."""
    newest = versions[-1]
    pen._rows["items"].append((newest.item, item_id, newest.cube, newest.version, newest.state, digest, pen.tx))
    pen._rows["versions"].extend(row.sealed(pen.key) for row in versions)
    if entry is not None:
        pen._opened[entry.nr] = entry


def take_source(pen: Pen, row: SourceRow) -> None:
    """What a memory was made from."""
    pen._rows["sources"].append(row)
