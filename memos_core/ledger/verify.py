"""Is the book as it was written? The audit's chain, the codes of all rows, the pointers to the newest versions.

A folder may have been written with several keys. One key proves its own lines, each with its link to the line before,
and their rows. Of the others it can only be said which they are.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa

from memos_core.ledger import tables as t
from memos_core.ledger.base import Finding
from memos_core.ledger.key import fingerprint
from memos_core.ledger.rights import Told, rights
from memos_core.ledger.rows import START, AuditRow, Head, MessageRow, VersionRow

_TOLD = 8
"""How many spans of another key are told one by one."""


def findings(connection: sa.Connection, key: bytes, anchor: str | None = None) -> Iterator[Finding]:
    """What is wrong, in the order of the book; nothing when all is well.

    `anchor` is the `audit_head` of a receipt: without one the last lines could be missing and nothing would show it.
    """
    quick = connection.exec_driver_sql("PRAGMA quick_check(5)").fetchall()
    yield from (Finding("database", row[0]) for row in quick if row[0] != "ok")
    told = Told()
    yield from _chain(connection, key, anchor, told)
    yield from _rows(connection, key, told.erased)
    yield from _pointers(connection)
    yield from rights(connection, key, told)


def _chain(connection: sa.Connection, key: bytes, anchor: str | None, told: Told) -> Iterator[Finding]:
    """Walk every tenant's chain; collect what the audit tells of erasures, cubes and grants."""
    heads: set[str] = set()
    chains: dict[str, Head] = {}
    others: dict[str, list[tuple[int, int]]] = {}
    last_other: str | None = None
    mine, last_at = fingerprint(key), 0
    for raw in connection.execute(sa.select(t.audit).order_by(t.audit.c.tx)):
        row = AuditRow._make(raw)
        where, head = f"audit {row.tenant}#{row.seq}", chains.get(row.tenant, START)
        if row.seq != head.seq + 1:
            yield Finding(where, f"line {head.seq + 1} is missing")
        own = hmac.compare_digest(row._replace(key=mine).sealed(key, head).mac, row.mac)
        if own and row.key != mine:
            yield Finding(where, "names another key than the one it was made with")
        elif not own and row.key == mine:
            yield Finding(where, "was changed, or the line before it was")
        elif not own:
            spans = others.setdefault(row.key, [])
            spans.append((spans.pop()[0] if row.key == last_other else row.tx, row.tx))
        if row.at <= last_at:
            yield Finding(where, "time goes back")
        last_at, last_other = row.at, None if own else row.key
        chains[row.tenant] = row.head
        heads.add(row.mac.hex())
        told.take(row)
    yield from (Finding("audit", _unproven(name, spans)) for name, spans in others.items())
    if anchor and anchor not in heads:
        yield Finding("audit", f"the anchor {anchor[:12]}… is not in the chain: lines are missing, or it is of another memory")


def _unproven(name: str, spans: list[tuple[int, int]]) -> str:
    """What is said of the lines of another key: with this one they can neither be proven nor be called wrong."""
    told = ", ".join(f"{first} to {last}" if first != last else str(first) for first, last in spans[:_TOLD])
    if len(spans) > _TOLD:
        told += f" and in {len(spans) - _TOLD:,} more spans up to {spans[-1][1]}"
    which = f"transaction {told} was" if told.isdigit() else f"transactions {told} were"
    return f"{which} written with another key ({name[:16]}) and can't be proven with this one; run with that key in MEMOS_AUDIT_KEY"


def _rows(connection: sa.Connection, key: bytes, erased: set[int]) -> Iterator[Finding]:
    """Every version and message against its own code, and the codes of a transaction against its line in the audit.

    Codes that were made with another key are only held against the line.
    """
    mine, lines = fingerprint(key), connection.execute(sa.select(t.audit.c.tx, t.audit.c.digest, t.audit.c.key))
    digests: dict[int, tuple[bytes, bytes | None]] = {row[0]: (row[1], key if row[2] == mine else None) for row in lines}
    versions = groupby(
        connection.execute(sa.select(t.versions).order_by(t.versions.c.tx, t.versions.c.item, t.versions.c.version)), key=lambda r: r.tx
    )
    messages = groupby(connection.execute(sa.select(t.messages).order_by(t.messages.c.tx, t.messages.c.nr)), key=lambda r: r.tx)
    pending_v, pending_m = next(versions, None), next(messages, None)
    for tx in sorted(digests):
        digest, (written, sealer) = hashlib.sha256(), digests[tx]
        if pending_v and pending_v[0] == tx:
            for raw in pending_v[1]:
                row = VersionRow._make(raw)
                digest.update(row.mac)
                yield from _sealed(f"memory {row.item} version {row.version}", row, sealer, row.item in erased)
            pending_v = next(versions, None)
        if pending_m and pending_m[0] == tx:
            for raw in pending_m[1]:
                message = MessageRow._make(raw)
                digest.update(message.mac)
                yield from _sealed(f"message {message.nr}", message, sealer, message.nr in erased)
            pending_m = next(messages, None)
        if not hmac.compare_digest(digest.digest(), written):
            yield Finding(f"transaction {tx}", "rows were added, removed or exchanged")
    for left in (pending_v, pending_m):
        if left is not None:
            yield Finding(f"transaction {left[0]}", "has rows but no line in the audit")


def _sealed(where: str, row: VersionRow | MessageRow, key: bytes | None, erased: bool) -> Iterator[Finding]:
    if row.salt is None:
        if not erased:
            yield Finding(where, "is blank, and no line of the audit says that it was erased")
        elif not _blank(row):
            yield Finding(where, "was erased, and says something again")
    elif key is not None and not hmac.compare_digest(row.sealed(key).mac, row.mac):
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
