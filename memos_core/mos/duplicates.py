"""What is told again: exact duplicates are one memory, as long as nothing that was told with them is lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam as p

from memos_core.ledger import tables as t
from memos_core.ledger.pen import dump
from memos_core.ledger.read import LIVE
from memos_core.ledger.rows import VersionRow
from memos_core.sql.schema import Prepared, chunks

_FOREVER = 1 << 62
_SAME = Prepared(
    sa.select(t.items.c.nr, t.items.c.id, t.versions.c.valid_from, t.versions.c.valid_to, t.versions.c.tags, t.versions.c.info)
    .join(t.versions, sa.and_(t.versions.c.item == t.items.c.nr, t.versions.c.version == t.items.c.version))
    .where(t.items.c.cube == p("cube"), t.items.c.digest == p("digest"), sa.or_(*(t.items.c.state == state for state in LIVE)))
    .where(sa.or_(t.versions.c.expires.is_(None), t.versions.c.expires >= p("expires")))
    .order_by(t.items.c.nr)
)


class Known(NamedTuple):
    """A memory of the same words, and what else was told with them. Tags and info are JSON."""

    nr: int
    id: str
    valid_from: int | None
    valid_to: int | None
    tags: str
    info: str

    def covers(self, row: VersionRow) -> bool:
        """Whether it says all that this row says: it was true at the same time, and is marked with all that this is marked with."""
        if (self.valid_from, self.valid_to) != (row.valid_from, row.valid_to):
            return False
        if row.tags not in ("[]", self.tags) and not set(json.loads(row.tags)) <= set(json.loads(self.tags)):
            return False
        return row.info in ("{}", self.info) or _within(json.loads(row.info), json.loads(self.info))


def _within(info: dict[str, object], known: dict[str, object]) -> bool:
    return all(key in known and dump(known[key]) == dump(value) for key, value in info.items())


def known_by(connection: sa.Connection, cube: int, digest: int, expires: int | None) -> list[Known]:
    """The memories of the same words in a cube that live at least as long as what is told now, the oldest first."""
    rows = _SAME.all(connection, (cube, digest, _FOREVER if expires is None else expires))
    return [Known._make(row) for row in rows]


def unknown(connection: sa.Connection, cube: int, digests: Sequence[int]) -> set[int]:
    """Those of many digests that no memory of a cube has."""
    new = set(digests)
    for part in chunks(digests):
        known = sa.select(t.items.c.digest).where(t.items.c.cube == cube, t.items.c.digest.in_(part))
        new.difference_update(connection.execute(known).scalars())
    return new
