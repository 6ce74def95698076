"""Group commit: whoever comes first leads, and takes along what queued while the last commit was on its way to disk.

A lone writer never waits: it leads at once. Every member of a group has its own savepoint, so that one that is
refused takes nobody else with it; all are acknowledged only after the one commit that holds them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from memos_core.errors import Closed, LedgerUnavailable
from memos_core.sql.engine import translate_errors, translated, writing

T = TypeVar("T")
_LARGEST_GROUP = 256
_FATAL = (sqlite3.Error, sa.exc.SQLAlchemyError)
_OWN_FAULT = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sa.exc.IntegrityError, sa.exc.ProgrammingError)
"""What a database says of one statement; all else that it says (full, locked, damaged) is true for the whole group."""


class _Member(Generic[T]):
    __slots__ = ("done", "durable", "error", "value", "work")

    def __init__(self, work: Callable[[sa.Connection], T], durable: bool) -> None:
        self.work, self.durable = work, durable
        self.done = False
        self.value: T | None = None
        self.error: BaseException | None = None


class GroupCommit:
    """The one door to the write lock of a database, for all threads of a process."""

    def __init__(self, engine: sa.Engine, where: str, durability: str = "full", *, check: Callable[[], None] = lambda: None) -> None:
        """`check` is called before each commit, and raises where nothing may be written."""
        self._engine, self._where, self._check = engine, where, check
        self._synced = durability == "full"
        self._queue: deque[_Member[Any]] = deque()
        self._lead = threading.Lock()
        self._connection: sa.Connection | None = None
        self._broken: str | None = None
        self._closed = False

    def run(self, work: Callable[[sa.Connection], T], *, durable: bool = True) -> T:
        """`work` inside a write transaction, committed, and where `durable` on disk, when this returns."""
        member = _Member(work, durable)
        self._queue.append(member)
        with self._lead:
            while not member.done:
                self._commit([self._queue.popleft() for _ in range(min(len(self._queue), _LARGEST_GROUP))])
        if member.error is not None:
            raise member.error
        return member.value  # type: ignore[return-value]

    def _commit(self, group: list[_Member[Any]]) -> None:
        try:
            with translate_errors(self._where):
                self._check()
                connection = self._open()
                with self._unsynced(connection, group), writing(connection):
                    for member in group:
                        self._one(connection, member, alone=len(group) == 1)
        except BaseException as exc:
            self._fail(group, exc)
            if not isinstance(exc, Exception):
                raise
            return
        for member in group:
            member.done = True

    @contextmanager
    def _unsynced(self, connection: sa.Connection, group: list[_Member[Any]]) -> Iterator[None]:
        """A group of projections only need not wait for the disk."""
        if not self._synced or any(member.durable for member in group):
            yield
            return
        connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            connection.exec_driver_sql("PRAGMA synchronous=FULL")

    def _one(self, connection: sa.Connection, member: _Member[Any], *, alone: bool) -> None:
        if alone:
            member.value = member.work(connection)
            return
        connection.exec_driver_sql("SAVEPOINT member")
        try:
            member.value = member.work(connection)
        except Exception as exc:
            if isinstance(exc, _FATAL) and not isinstance(exc, _OWN_FAULT):
                raise
            member.error = translated(exc, self._where) if isinstance(exc, _OWN_FAULT) else exc
            connection.exec_driver_sql("ROLLBACK TO member")
        connection.exec_driver_sql("RELEASE member")

    def _open(self) -> sa.Connection:
        if self._closed:
            raise Closed
        if self._broken:
            raise LedgerUnavailable(f"{self._broken} Open the memory again once the disk is well.")
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _fail(self, group: list[_Member[Any]], exc: BaseException) -> None:
        """Nothing of a group that did not commit is acknowledged. After a failed write to disk, nothing more is:
        what a kernel drops after a failed fsync can't be told from what it kept."""
        if "disk i/o" in str(exc).lower():
            self._broken = "The disk failed while writing."
        told = exc if isinstance(exc, Exception) else LedgerUnavailable("The write was interrupted; nothing was stored.")
        for member in group:
            member.error = member.error or told
            member.done = True

    def rest(self) -> None:
        """Let what is being written end, let go of the connection, and hold all further writes until `go_on`."""
        self._lead.acquire()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def go_on(self) -> None:
        """Write again."""
        self._lead.release()

    def close(self) -> None:
        """No more writes."""
        with self._lead, ExitStack() as stack:
            self._closed = True
            if self._connection is not None:
                stack.callback(self._connection.close)
                self._connection = None
