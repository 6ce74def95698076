"""Writes that are safe to repeat: a request's id, and what it was told the first time."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import bindparam as p

from memos_core.errors import Conflict, RequestReused
from memos_core.ledger import tables as t
from memos_core.ledger.key import fingerprint
from memos_core.ledger.pen import Pen, dump, mark_of
from memos_core.model.scope import Asker
from memos_core.mos import inputs
from memos_core.sql.schema import Prepared

if TYPE_CHECKING:
    from memos_core.ledger.base import Ledger

_ANSWERED = Prepared(
    sa.select(t.requests.c.verb, t.requests.c.digest, t.requests.c.answer, t.requests.c.tx).where(
        t.requests.c.tenant == p("tenant"), t.requests.c.asker == p("asker"), t.requests.c.id == p("id")
    )
)
_SEALED_WITH = Prepared(sa.select(t.audit.c.key).where(t.audit.c.tx == p("tx")))


def asked_before(pen: Pen, request_id: str, verb: str, digest: bytes) -> dict[str, Any] | None:
    """What this request was told before; RequestReused when its id was another request's.

    A request that was kept under another audit key can't be compared. To repeat the answer would lose the write should it
    be another one; to do it anew would do it twice should it be the same. Neither is safe, so it is a Conflict.
    """
    row = _ANSWERED.one(pen.connection, (pen.asker.tenant, mark_of(pen.asker), request_id))
    if row is None:
        return None
    if row[0] == verb and bytes(row[1]) == keyed(pen, digest):
        return json.loads(row[2])  # type: ignore[no-any-return]
    if row[0] == verb and _sealed_elsewhere(pen, row[3]):
        raise Conflict(
            f"request_id: '{request_id[:60]}' was used under another audit key, so nobody can tell whether for the same request; "
            "nothing was stored. Look whether it was done; if not, use a new id."
        )
    raise RequestReused("request_id", f"'{request_id[:60]}' was used for a different request.", "Use a new id for a new request.")


def _sealed_elsewhere(pen: Pen, tx: int) -> bool:
    """Whether a transaction's line names another key than the one in use."""
    line = _SEALED_WITH.one(pen.connection, (tx,))
    return line is not None and line[0] != fingerprint(pen.key)


def keyed(pen: Pen, digest: bytes) -> bytes:
    """A digest that says nothing to who does not have the key: what was asked can't be guessed from it."""
    return hmac.digest(pen.key, digest, "sha256")


class Request:
    """A write that is safe to repeat: the second time it is told what it was told the first time."""

    def __init__(self, verb: str, request_id: Any, digest: Callable[[], bytes]) -> None:
        self._verb, self._id = verb, inputs.name("request_id", request_id)
        self._digest = digest() if self._id is not None else b""

    def told(self, pen: Pen) -> dict[str, Any] | None:
        """What it was told before."""
        return None if self._id is None else asked_before(pen, self._id, self._verb, self._digest)

    def amend(self, ledger: Ledger, asker: Asker, answer: dict[str, Any]) -> None:
        """What it is told from now on."""
        if self._id is None:
            return
        mine = sa.and_(t.requests.c.tenant == asker.tenant, t.requests.c.asker == mark_of(asker))
        known = sa.and_(mine, t.requests.c.id == self._id)
        ledger.write(lambda connection: connection.execute(sa.update(t.requests).where(known).values(answer=dump(answer))))

    def answer(self, pen: Pen, answer: dict[str, Any]) -> None:
        """What it is told now."""
        if self._id is not None:
            pen.answer(self._id, self._verb, keyed(pen, self._digest), answer)
