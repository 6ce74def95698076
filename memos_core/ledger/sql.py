"""The ledger on SQLAlchemy Core."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from memos_core.errors import LedgerUnavailable, NewerSchema, NotAMemory
from memos_core.ledger.base import Finding, Ledger, Rider, Written
from memos_core.ledger.freshness import since
from memos_core.ledger.group import GroupCommit
from memos_core.ledger.key import fingerprint
from memos_core.ledger.pen import Pen
from memos_core.ledger.read import Book
from memos_core.ledger.verify import findings
from memos_core.model.scope import Asker
from memos_core.sql.engine import BUSY_MS, reading, translate_errors, writing
from memos_core.sql.schema import SCHEMA_VERSION, meta, metadata

T = TypeVar("T")
_PATIENCE_SECONDS = 5.0
_CHECKPOINT_MS = 2_000
"""How long a checkpoint waits for readers: it can be made up for later."""


class SqlLedger(Ledger):
    """The ledger in one database. `clock` gives microseconds since the epoch; recorded times never go back even if it does.

    `first` is the number of its first transaction: books that are read side by side count from far apart. `file`, where it is
    given, is watched: once it is gone or another one, nothing more is written.
    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        key: bytes,
        clock: Callable[[], int],
        where: str,
        durability: str = "full",
        riders: Sequence[Rider] = (),
        read_only: bool = False,
        first: int = 1,
        file: Path | None = None,
    ) -> None:
        self.engine, self.where, self.durability = engine, where, durability
        self._key, self._clock, self._riders, self._first = key, clock, tuple(riders), first
        self._group = GroupCommit(engine, where, durability, check=self._still_there)
        self._watch: sa.Connection | None = None
        self._watching = threading.Lock()
        self._watches = 0
        """How often watching began: each connection counts for itself."""
        try:
            with translate_errors(where):
                prepare(engine, where, key, clock, read_only=read_only)
        except BaseException:
            engine.dispose()
            raise
        self._file, self._identity = file, None if file is None else _identity(file)

    def _still_there(self) -> None:
        """What is written to a file that was removed or replaced is lost, though the system says nothing."""
        if self._file is not None and _identity(self._file) != self._identity:
            raise LedgerUnavailable(
                f"The memory in {self.where} was removed or replaced while it was open; nothing was stored. Close it and open it anew."
            )

    def append(self, asker: Asker, verb: str, plan: Callable[[Pen, Book], T]) -> Written[T]:
        """See the port."""

        def work(connection: sa.Connection) -> Written[T]:
            pen = Pen(connection, asker=asker, key=self._key, now=self._clock(), first=self._first)
            book = Book(connection)
            value = plan(pen, book)
            if not pen.wrote:
                return Written(value, None, book.head(asker.tenant))
            head = pen.flush(verb)
            applied = pen.applied
            for ride in self._riders:
                ride(connection, (applied,))
            return Written(value, applied, head.hex())

        return self._group.run(work)

    def write(self, work: Callable[[sa.Connection], T], *, durable: bool = False) -> T:
        """See the port."""
        return self._group.run(work, durable=durable)

    @contextmanager
    def book(self) -> Iterator[Book]:
        """See the port."""
        with translate_errors(self.where), self.engine.connect() as connection, reading(connection):
            yield Book(connection)

    @contextmanager
    def glance(self) -> Iterator[Book]:
        """The book for a single question: no transaction round it."""
        with translate_errors(self.where), self.engine.connect() as connection:
            yield Book(connection)

    def moment(self) -> int:
        """A number that is another one after every commit, whoever made it."""
        with self._watching:
            if self._watch is None:
                self._watch, self._watches = self.engine.connect(), self._watches + 1
            version = self._watch.connection.driver_connection.execute("PRAGMA data_version").fetchone()[0]  # type: ignore[union-attr]
            return self._watches << 40 | int(version)

    def since(self, tx: int) -> tuple[int, bool]:
        """The newest transaction, and whether all after `tx` were adds."""
        with self._watching:
            if self._watch is not None:
                return since(self._watch, tx)
        with self.glance() as book:
            return since(book.connection, tx)

    def verify(self, *, anchor: str | None = None) -> Iterator[Finding]:
        """See the port."""
        with self.book() as book:
            yield from findings(book.connection, self._key, anchor)

    def checkpoint(self, *, truncate: bool = False) -> bool:
        """Move the write-ahead log into the database; with `truncate`, leave none of it. False when readers are in the way."""
        with translate_errors(self.where), self.engine.connect() as connection:
            mode = "TRUNCATE" if truncate else "PASSIVE"
            connection.exec_driver_sql(f"PRAGMA busy_timeout={min(BUSY_MS, _CHECKPOINT_MS)}")
            try:
                row = connection.exec_driver_sql(f"PRAGMA wal_checkpoint({mode})").fetchone()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_MS}")
            return row is not None and row[0] == 0

    def vacuum(self) -> None:
        """Write the database anew, without the slack in which old bytes may stand."""
        with translate_errors(self.where), self.engine.connect() as connection:
            connection.exec_driver_sql("VACUUM")

    def rest(self) -> None:
        """See the port."""
        self._group.rest()
        self._watching.acquire()
        self._unwatch()

    def let_go(self) -> None:
        """See the port. Reads that are on their way are waited for, some seconds."""
        pool, patience = self.engine.pool, time.monotonic() + _PATIENCE_SECONDS
        self.engine.dispose()
        while isinstance(pool, sa.QueuePool) and pool.checkedout() and time.monotonic() < patience:
            time.sleep(0.001)
        pool.dispose()

    def go_on(self) -> None:
        """See the port."""
        self._watching.release()
        self._group.go_on()

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def facts(self) -> dict[str, Any]:
        """See the port."""
        with self.glance() as book:
            version = book.connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
            stored = {row[0]: row[1] for row in book.connection.execute(sa.select(meta.c.key, meta.c.value))}
        now = {"durability": self.durability, "key_in_use": fingerprint(self._key)}
        return {"engine": f"SQLite {version}", "where": self.where, **now, **stored}

    def close(self) -> None:
        """See the port."""
        self._group.close()
        with self._watching:
            self._unwatch()
        self.engine.dispose()


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        known = os.stat(file)
    except FileNotFoundError:
        return None
    return known.st_dev, known.st_ino


def prepare(engine: sa.Engine, where: str, key: bytes, clock: Callable[[], int], *, read_only: bool = False) -> None:
    """Make the tables where there are none; refuse what is not a memory, or a newer one."""
    with engine.connect() as connection:
        if _version(connection, where) is None:
            if read_only:
                raise NotAMemory(f"There is no memory in {where}.")
            with writing(connection):
                if _version(connection, where) is None:
                    metadata.create_all(connection)
                    facts = {
                        "schema_version": str(SCHEMA_VERSION),
                        "ledger_id": secrets.token_hex(16),
                        "created_at": str(clock()),
                        "audit_key": fingerprint(key),
                    }
                    connection.execute(sa.insert(meta), [{"key": k, "value": v} for k, v in facts.items()])
        version = _version(connection, where)
        if version is not None and version > SCHEMA_VERSION:
            raise NewerSchema(
                f"{where} was written by a newer version (schema {version}, this program knows {SCHEMA_VERSION}); upgrade memos-kernel."
            )
        if version is not None and version < SCHEMA_VERSION:
            from memos_core.sql.migrate import upgrade

            upgrade(connection, version, SCHEMA_VERSION)


def _version(connection: sa.Connection, where: str) -> int | None:
    """The schema's version; None in an empty database; NotAMemory where something else lives."""
    names = set(sa.inspect(connection).get_table_names())
    sa.inspect(connection).clear_cache()
    if not names:
        return None
    if "meta" not in names or "versions" not in names:
        raise NotAMemory(f"{where} is a database of something else; choose another folder.")
    value = connection.execute(sa.select(meta.c.value).where(meta.c.key == "schema_version")).scalar()
    if value is None or not value.isdigit():
        raise NotAMemory(f"{where} does not say which schema it has; choose another folder.")
    return int(value)
