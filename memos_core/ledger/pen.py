"""What a plan writes with: the rows of one transaction, collected, sealed and written in batches.

A plan is a function that runs inside the write transaction: what it reads can't change before what it writes is
committed. Its vocabulary is closed: the methods here are all that can happen to the book (erasure stands in
`erasure.py`, records in `records.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from memos_core.errors import InvalidInput, LedgerUnavailable
from memos_core.ledger import tables as t
from memos_core.ledger.key import fingerprint
from memos_core.ledger.rows import START, AuditRow, Head, MessageRow, PrincipalRow, SourceRow, VersionRow
from memos_core.model.change import Applied, Entry, Work
from memos_core.model.scope import Asker
from memos_core.sql.schema import Prepared, insert, metadata

_LATEST = 222_000_000_000_000_000
"""The year 9004, in microseconds. Later times could be stored, and then not be read."""
_BLOCK = 20
"""Numbers of one transaction: its own number shifted by this many bits, plus a count. Unique without asking anybody."""

_INSERTS = {
    name: insert(metadata.tables[name])
    for name in ("principals", "cubes", "grants", "sessions", "messages", "items", "versions", "sources", "tasks", "outbox", "requests")
}
_AUDIT = insert(t.audit)
_LAST = Prepared(sa.select(t.audit.c.tx, t.audit.c.at).order_by(t.audit.c.tx.desc()).limit(1))
_TENANT_LAST = Prepared(
    sa.select(t.audit.c.seq, t.audit.c.mac, t.audit.c.key)
    .where(t.audit.c.tenant == sa.bindparam("tenant"))
    .order_by(t.audit.c.seq.desc())
    .limit(1)
)
_POINT = Prepared(
    sa.update(t.items)
    .values(version=sa.bindparam("v"), state=sa.bindparam("s"), digest=sa.bindparam("d"), tx=sa.bindparam("x"))
    .where(t.items.c.nr == sa.bindparam("n"))
)
_CLOSE_MESSAGE = Prepared(sa.update(t.messages).values(until=sa.bindparam("x")).where(t.messages.c.nr == sa.bindparam("n")))
_TOUCH_SESSION = Prepared(
    sa.update(t.sessions).values(last_item=sa.bindparam("i"), last_said=sa.bindparam("s")).where(t.sessions.c.nr == sa.bindparam("n"))
)
_DONE_STATES = frozenset({"archived", "merged", "erased"})


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dump(value: Any) -> str:
    """JSON as the ledger keeps it."""
    return _encoder.encode(value)


def mark_of(asker: Asker) -> str:
    """How an asker's requests are marked."""
    return f"{asker.user_id or ''}\x1f{asker.agent_id or ''}"


class Pen:
    """The rows of one transaction."""

    def __init__(self, connection: sa.Connection, *, asker: Asker, key: bytes, now: int, first: int = 1) -> None:
        if not 0 <= now < _LATEST:
            raise LedgerUnavailable("The clock is wrong by centuries; nothing was stored.")
        self.connection, self.asker, self.key, self.now = connection, asker, key, now
        last = _LAST.one(connection)
        self.tx: int = last[0] + 1 if last else first
        self.at: int = max(now, last[1] + 1) if last else now
        self.by = "0:0"
        self.detail: dict[str, Any] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _INSERTS}
        self._updates: list[tuple[Prepared, tuple[Any, ...]]] = []
        self._opened: dict[int, Entry] = {}
        self._settled = dict.fromkeys(_INSERTS, 0)
        self._closed: list[int] = []
        self._erased: list[int] = []
        self._count = 0

    def number(self) -> int:
        """A number that nothing else in this book has."""
        self._count += 1
        if self._count >> _BLOCK:
            raise InvalidInput("content", "makes more than a million rows at once.", "Give less in one call.")
        return (self.tx << _BLOCK) + self._count

    def acting(self, user: int, agent: int) -> None:
        """Who is written down as having done this."""
        self.by = f"{user}:{agent}"

    # -- who and where

    def open_principal(self, kind: str, name: str) -> int:
        """Somebody new."""
        nr = self.number()
        self._rows["principals"].append(PrincipalRow(nr, self.asker.tenant, kind, name, self.tx, os.urandom(16), b"").sealed(self.key))
        return nr

    def open_cube(self, cube_id: str, name: str, owner: int, *, own: bool) -> int:
        """A new container."""
        nr = self.number()
        self._rows["cubes"].append((nr, cube_id, self.asker.tenant, name, owner, int(own), self.at, self.tx))
        self.detail.setdefault("cubes", []).append([nr, owner, int(own)])
        return nr

    def grant(self, cube: int, principal: int, role: str) -> None:
        """From now on that principal has that role in that cube."""
        self._rows["grants"].append((self.number(), cube, principal, role, self.tx, None))
        self.detail.setdefault("granted", []).append([cube, principal, role])

    def open_session(self, cube: int, session_id: str, *, implicit: bool, said: int) -> int:
        """A conversation; an implicit one is a run of messages that named none."""
        nr = self.number()
        self._rows["sessions"].append((nr, cube, session_id, int(implicit), None, said, self.tx))
        return nr

    def flush_sessions(self) -> None:
        """Write the sessions opened so far, so that this transaction finds them again."""
        self._insert("sessions")

    def settle(self) -> None:
        """Write everything collected so far, so that this transaction finds it as it is now."""
        for name in _INSERTS:
            self._insert(name)
        for prepared, values in self._updates:
            prepared.run(self.connection, [values])
        self._updates.clear()

    def _insert(self, name: str) -> None:
        rows, done = self._rows[name], self._settled[name]
        if done < len(rows):
            _INSERTS[name].run(self.connection, rows[done:] if done else rows)
            self._settled[name] = len(rows)

    def touch_session(self, session: int, item: int, said: int) -> None:
        """The memory that was said last in it."""
        self._updates.append((_TOUCH_SESSION, (item, said, session)))

    # -- what was said

    def say(
        self,
        *,
        cube: int,
        session: int,
        message_id: str,
        version: int,
        role: str,
        name: str | None,
        content: str,
        extra: str | None,
        raw: str | None,
        said: int,
        closes: int | None = None,
    ) -> int:
        """A message, as said. `closes` is the number of the version that it replaces."""
        nr = self.number()
        row = MessageRow(
            nr,
            message_id,
            cube,
            session,
            version,
            self.tx,
            None,
            role,
            name,
            content,
            extra,
            raw,
            said,
            self.asker.user_id,
            self.asker.agent_id,
            os.urandom(16),
            b"",
        )
        self._rows["messages"].append(row.sealed(self.key))
        if closes is not None:
            self._updates.append((_CLOSE_MESSAGE, (self.tx, closes)))
        return nr

    def cite(
        self, item: int, ref: int, *, said: int, span: tuple[int, int] | None = None, kind: str = "message", label: str | None = None
    ) -> None:
        """A memory was made from, or said again by, that message."""
        start, end = span or (None, None)
        self._rows["sources"].append(SourceRow(item, ref, start, end, said, self.tx, kind, label))

    # -- what is remembered

    def remember(self, row: VersionRow, *, item_id: str, digest: int | None, entry: Entry | None) -> None:
        """A new memory, version 1."""
        self._rows["items"].append((row.item, item_id, row.cube, row.version, row.state, digest, self.tx))
        self._rows["versions"].append(row.sealed(self.key))
        if entry is not None:
            self._open(entry)

    def revise(self, row: VersionRow, *, digest: int | None, entry: Entry | None) -> None:
        """A newer version of a memory; in a state of rest it has no entry."""
        self._rows["versions"].append(row.sealed(self.key))
        self._updates.append((_POINT, (row.version, row.state, digest, self.tx, row.item)))
        self._closed.append(row.item)
        self._opened.pop(row.item, None)
        if entry is not None and row.state not in _DONE_STATES:
            self._open(entry)

    def reopen(self, entry: Entry) -> None:
        """The same version seen anew: it was said again, later."""
        if self.opened(entry.nr) is None:
            self._closed.append(entry.nr)
        self._open(entry)

    def opened(self, item: int) -> Entry | None:
        """The entry that this transaction has opened for a memory."""
        return self._opened.get(item)

    def _open(self, entry: Entry) -> None:
        self._opened[entry.nr] = entry

    def forget(self, items: Sequence[int]) -> None:
        """Tell the projections that every trace of these goes."""
        self._erased.extend(items)

    # -- what is to be done

    def enqueue(self, task_id: str, kind: str, work: Sequence[tuple[int, int]], *, due: int) -> list[Work]:
        """A task of one unit per (item, version). Nobody but this process takes it before `due`."""
        nr = self.number()
        units = [Work(self.number(), nr, kind, item, version, 0) for item, version in work]
        self._rows["tasks"].append((nr, task_id, self.asker.tenant, self.by, kind, len(work), 0, None, self.at, None))
        self._rows["outbox"].extend((unit.nr, nr, kind, unit.item, unit.version, due, 0, 0) for unit in units)
        return units

    def answer(self, request_id: str, verb: str, digest: bytes, answer: Mapping[str, Any]) -> None:
        """What this request was told, for when it comes again."""
        self._rows["requests"].append((self.asker.tenant, mark_of(self.asker), request_id, verb, digest, dump(answer), self.tx))

    # -- the end of it

    @property
    def applied(self) -> Applied:
        """What projections have to know."""
        return Applied(self.tx, self.at, tuple(self._opened.values()), tuple(self._closed), tuple(self._erased))

    @property
    def wrote(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self._count or self._updates or self._erased or self._opened or self.detail or any(self._rows.values()))

    def flush(self, verb: str) -> bytes:
        """Write the rows and the audit's line; the line's code is the audit's new head."""
        self.settle()
        last = _TENANT_LAST.one(self.connection, (self.asker.tenant,))
        head = Head._make(last) if last else START
        user, agent = self.by.split(":")
        row = AuditRow(
            self.tx,
            self.asker.tenant,
            head.seq + 1,
            self.at,
            int(user),
            int(agent),
            verb,
            dump(self.detail),
            fingerprint(self.key),
            self._digest(),
            b"",
        )
        row = row.sealed(self.key, head)
        _AUDIT.run(self.connection, [row])
        return row.mac

    def _digest(self) -> bytes:
        """Over the codes of all versions and messages that this transaction wrote, in the order of their keys."""
        digest = hashlib.sha256()
        for row in sorted(self._rows["versions"], key=lambda r: (r[0], r[1])):
            digest.update(row[-1])
        for row in self._rows["messages"]:
            digest.update(row[-1])
        return digest.digest()
