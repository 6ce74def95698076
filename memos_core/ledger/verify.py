"""Is the book as it was written? The audit's chain, the codes of all rows, the pointers to the newest versions."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from memos_core.ledger import tables as t
from memos_core.ledger.base import Finding
from memos_core.ledger.rows import AuditRow, MessageRow, VersionRow


def findings(connection: sa.Connection, key: bytes, anchor: str | None = None) -> Iterator[Finding]:
    """What is wrong, in the order of the book; nothing when all is well.

    `anchor` is the `audit_head` of a receipt: without one the last lines could be missing and nothing would show it.
    """
    quick = connection.exec_driver_sql("PRAGMA quick_check(5)").fetchall()
    yield from (Finding("database", row[0]) for row in quick if row[0] != "ok")
    erased: set[int] = set()
    yield from _chain(connection, key, anchor, erased)
    yield from _rows(connection, key, erased)
    yield from _pointers(connection)


def _chain(connection: sa.Connection, key: bytes, anchor: str | None, erased: set[int]) -> Iterator[Finding]:
    """Walk every tenant's chain; collect which memories and messages the audit says were erased."""
    heads: set[str] = set()
    previous: dict[str, tuple[int, bytes]] = {}
    last_at = 0
    for raw in connection.execute(sa.select(t.audit).order_by(t.audit.c.tx)):
        row = AuditRow._make(raw)
        seq, mac = previous.get(row.tenant, (0, b""))
        if row.seq != seq + 1:
            yield Finding(f"audit {row.tenant}#{row.seq}", f"line {seq + 1} is missing")
        if not hmac.compare_digest(row.sealed(key, mac).mac, row.mac):
            yield Finding(f"audit {row.tenant}#{row.seq}", "was changed, or was written under another key")
        if row.at <= last_at:
            yield Finding(f"audit {row.tenant}#{row.seq}", "time goes back")
        last_at = row.at
        previous[row.tenant] = (row.seq, row.mac)
        heads.add(row.mac.hex())
        if row.verb == "erase":
            detail = _json(row.detail)
            erased.update(detail.get("erased", ()))
            erased.update(detail.get("messages", ()))
    if anchor and anchor not in heads:
        yield Finding("audit", f"the anchor {anchor[:12]}… is not in the chain: lines are missing, or it is of another memory")


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _rows(connection: sa.Connection, key: bytes, erased: set[int]) -> Iterator[Finding]:
    """Every version and message against its own code, and the codes of a transaction against its line in the audit."""
    digests: dict[int, bytes] = {row[0]: row[1] for row in connection.execute(sa.select(t.audit.c.tx, t.audit.c.digest))}
    versions = groupby(
        connection.execute(sa.select(t.versions).order_by(t.versions.c.tx, t.versions.c.item, t.versions.c.version)), key=lambda r: r.tx
    )
    messages = groupby(connection.execute(sa.select(t.messages).order_by(t.messages.c.tx, t.messages.c.nr)), key=lambda r: r.tx)
    pending_v, pending_m = next(versions, None), next(messages, None)
    for tx in sorted(digests):
        digest = hashlib.sha256()
        if pending_v and pending_v[0] == tx:
            for raw in pending_v[1]:
                row = VersionRow._make(raw)
                digest.update(row.mac)
                yield from _sealed(f"memory {row.item} version {row.version}", row, key, row.item in erased)
            pending_v = next(versions, None)
        if pending_m and pending_m[0] == tx:
            for raw in pending_m[1]:
                message = MessageRow._make(raw)
                digest.update(message.mac)
                yield from _sealed(f"message {message.nr}", message, key, message.nr in erased)
            pending_m = next(messages, None)
        if not hmac.compare_digest(digest.digest(), digests[tx]):
            yield Finding(f"transaction {tx}", "rows were added, removed or exchanged")
    for left in (pending_v, pending_m):
        if left is not None:
            yield Finding(f"transaction {left[0]}", "has rows but no line in the audit")


def _sealed(where: str, row: VersionRow | MessageRow, key: bytes, erased: bool) -> Iterator[Finding]:
    if row.salt is None:
        if not erased:
            yield Finding(where, "is blank, and no line of the audit says that it was erased")
        elif not _blank(row):
            yield Finding(where, "was erased, and says something again")
    elif not hmac.compare_digest(row.sealed(key).mac, row.mac):
        yield Finding(where, "was changed")


def _blank(row: VersionRow | MessageRow) -> bool:
    """Whether an erased row is as erasure leaves it: its code can't be checked any more."""
    if isinstance(row, VersionRow):
        told = (row.text, row.speaker, row.why, row.user_id, row.agent_id, row.tags, row.info, row.merged_to, row.state)
        return told == ("", "", "", None, None, "[]", "{}", None, "erased")
    return (row.role, row.content, row.name, row.extra, row.raw, row.user_id, row.agent_id) == ("erased", "", None, None, None, None, None)


def _pointers(connection: sa.Connection) -> Iterator[Finding]:
    newest = sa.select(t.versions.c.item, sa.func.max(t.versions.c.version).label("v")).group_by(t.versions.c.item).subquery()
    query = (
        sa.select(t.items.c.id)
        .outerjoin(newest, newest.c.item == t.items.c.nr)
        .where(sa.or_(newest.c.v.is_(None), newest.c.v != t.items.c.version))
    )
    yield from (Finding(f"memory {row[0]}", "does not point to its newest version") for row in connection.execute(query))
