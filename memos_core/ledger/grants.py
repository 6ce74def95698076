"""Taking a role back. The grant stays in the book with its end: until when it held."""

from __future__ import annotations

import sqlalchemy as sa

from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen


def revoke(pen: Pen, cube: int, principal: int) -> None:
    """The role that principal had in that cube until now ends."""
    held = sa.and_(t.grants.c.cube == cube, t.grants.c.principal == principal, t.grants.c.until.is_(None))
    pen.connection.execute(sa.update(t.grants).where(held).values(until=pen.tx))
    pen.detail.setdefault("revoked", []).append([cube, principal])
