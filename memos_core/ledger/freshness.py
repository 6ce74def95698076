"""Whether what was read before is still true: what was written since, and marks by which an unchanged memory is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy import bindparam as p

from memos_core.ledger import tables as t
from memos_core.sql.schema import Prepared

Mark = tuple[int, str, int, int | None]
"""A memory's version and state, how many sources it has, and the transaction of the newest of them."""

_SINCE = Prepared(
    sa.select(sa.func.max(t.audit.c.tx), sa.func.sum(sa.case((t.audit.c.verb == "add", 0), else_=1))).where(t.audit.c.tx > p("tx"))
)
_NEWEST = Prepared(sa.select(sa.func.max(t.audit.c.tx)))


def since(connection: sa.Connection, tx: int) -> tuple[int, bool]:
    """The newest transaction in the audit, and whether all after `tx` were adds: these take nothing away from anybody.
    With a `tx` below 0 the newest alone is asked for."""
    if tx < 0:
        return _NEWEST.one(connection)[0] or 0, False
    newest, others = _SINCE.one(connection, (tx,))
    return (tx, True) if newest is None else (newest, not others)


@lru_cache(maxsize=64)
def _marks_of(count: int) -> Prepared:
    both = t.items.outerjoin(t.sources, t.sources.c.item == t.items.c.nr)
    columns = (t.items.c.nr, t.items.c.version, t.items.c.state, sa.func.count(t.sources.c.ref), sa.func.max(t.sources.c.tx))
    wanted = t.items.c.nr.in_([p(f"n{i}") for i in range(count)])
    return Prepared(sa.select(*columns).select_from(both).where(wanted).group_by(t.items.c.nr))


def marks(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, Mark]:
    """The marks of these memories. A memory read after its mark is at least as new as the mark says."""
    found: dict[int, Mark] = {}
    for start in range(0, len(numbers), 500):
        part = tuple(numbers[start : start + 500])
        found.update((row[0], tuple(row[1:])) for row in _marks_of(len(part)).all(connection, part))
    return found
