"""Writes that are safe to repeat: a request's id, and what it was told the first time."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam as p

from memos_core.errors import RequestReused
from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen
from memos_core.mos import inputs
from memos_core.sql.schema import Prepared

_ANSWERED = Prepared(
    sa.select(t.requests.c.verb, t.requests.c.digest, t.requests.c.answer).where(
        t.requests.c.tenant == p("tenant"), t.requests.c.asker == p("asker"), t.requests.c.id == p("id")
    )
)


def asked_before(pen: Pen, request_id: str, verb: str, digest: bytes) -> dict[str, Any] | None:
    """What this request was told before; RequestReused when its id was another request's."""
    who = f"{pen.asker.user_id or ''}\x1f{pen.asker.agent_id or ''}"
    row = _ANSWERED.one(pen.connection, (pen.asker.tenant, who, request_id))
    if row is None:
        return None
    if row[0] != verb or bytes(row[1]) != keyed(pen, digest):
        raise RequestReused("request_id", f"'{request_id[:60]}' was used for a different request.", "Use a new id for a new request.")
    return json.loads(row[2])  # type: ignore[no-any-return]


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

    def answer(self, pen: Pen, answer: dict[str, Any]) -> None:
        """What it is told now."""
        if self._id is not None:
            pen.answer(self._id, self._verb, keyed(pen, self._digest), answer)
