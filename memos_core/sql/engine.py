"""Opening the database: pragmas, durability, and foreign errors told in our words."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from memos_core.errors import DiskFull, LedgerCorrupt, LedgerUnavailable, MemosError, NotAMemory, ReadOnlyFolder, StorageError

Durability = Literal["full", "normal"]
BUSY_MS = 30_000
_SAFETY_CHECKPOINT_PAGES = 16_000
opening = threading.RLock()
"""Held while a connection is opened, and while the process forks: none may be open then (see `memos_core.wiring.forking`)."""


alive: set[int] = set()
"""Connections that are open, or not closed to the end yet."""
databases: set[str] = set()
"""The files that were ever opened; their logs' names begin alike."""
refused: list[int] = []
"""Connections that were inherited, open, by a fork: while there are any, SQLite can't be used safely here."""


class _Connection(sqlite3.Connection):
    def close(self) -> None:
        super().close()
        alive.discard(id(self))

    def __del__(self) -> None:
        alive.discard(id(self))


def open_sqlite(path: Path, *, durability: Durability = "full", read_only: bool = False) -> sa.Engine:
    """An engine on one SQLite file. Connections are in autocommit; a transaction is begun by `writing`."""
    pragmas = [
        f"PRAGMA busy_timeout={BUSY_MS}",
        "PRAGMA secure_delete=ON",
        "PRAGMA cache_size=-16384",
        "PRAGMA temp_store=MEMORY",
    ]
    if read_only:
        pragmas.append("PRAGMA query_only=ON")
    else:
        pragmas += [
            "PRAGMA journal_mode=WAL",
            f"PRAGMA synchronous={durability.upper()}",
            f"PRAGMA wal_autocheckpoint={_SAFETY_CHECKPOINT_PAGES}",
        ]
    target = f"file:{path}?immutable=1" if read_only else str(path)

    databases.add(str(path))

    def connect() -> sqlite3.Connection:
        if refused:
            raise LedgerUnavailable("This process was forked while another thread used the memory; fork earlier, or spawn it.")
        with opening:
            connection = sqlite3.connect(
                target, uri=read_only, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=BUSY_MS / 1000,
                factory=_Connection,
            )  # fmt: skip
            alive.add(id(connection))
            try:
                for pragma in pragmas:
                    _set(connection, pragma)
            except BaseException:
                connection.close()
                raise
            return connection

    return sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.QueuePool, pool_size=8, max_overflow=-1, pool_reset_on_return=None, pool_use_lifo=True
    )


def _set(connection: sqlite3.Connection, pragma: str) -> None:
    """SQLite does not wait for its turn where several switch a new file to WAL at once: it is tried again here."""
    patience = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute(pragma)
            return
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > patience:
                raise
            time.sleep(0.01)


@contextmanager
def writing(connection: sa.Connection) -> Iterator[None]:
    """One write transaction: the lock is taken at once, so that nothing read inside can change before the commit."""
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE")
    try:
        yield
        driver.execute("COMMIT")
    except BaseException:
        _rollback(connection)
        raise


@contextmanager
def reading(connection: sa.Connection) -> Iterator[None]:
    """One read transaction: several statements see the same moment. Keep it short: it holds back checkpoints."""
    connection.exec_driver_sql("BEGIN")
    try:
        yield
    finally:
        _rollback(connection)


def _rollback(connection: sa.Connection) -> None:
    if connection.invalidated:  # by an interrupt in the middle of a statement: the driver's connection is closed, its transaction gone
        return
    raw: Any = connection.connection.driver_connection
    if raw is not None and raw.in_transaction:
        raw.rollback()


@contextmanager
def translate_errors(where: object = "") -> Iterator[None]:
    """What SQLite and SQLAlchemy raise, as one of ours."""
    try:
        yield
    except (sqlite3.Error, sa.exc.SQLAlchemyError) as exc:
        raise translated(exc, where) from exc


def translated(exc: BaseException, where: object = "") -> MemosError:
    """One foreign database error as one of ours."""
    text = str(getattr(exc, "orig", None) or exc)
    low = text.lower()
    place = f" ({where})" if where else ""
    if "disk is full" in low:
        return DiskFull(f"The disk is full{place}; nothing was stored. Free some space and try again.")
    if "readonly" in low or "read-only" in low:
        return ReadOnlyFolder(f"The folder can't be written to{place}; check its permissions.")
    if "not a database" in low:
        return NotAMemory(f"The file is not a memory{place}.")
    if "malformed" in low or "corrupt" in low:
        return LedgerCorrupt(f"The ledger's file is damaged{place}: {text}. Restore a dump, or run `memos fsck`.")
    if "locked" in low or "busy" in low:
        return LedgerUnavailable(f"Another process holds the ledger{place}; nothing was stored, try again.")
    if "unable to open" in low or "disk i/o" in low:
        return LedgerUnavailable(f"The ledger can't be reached{place}: {text}. Nothing was stored.")
    return StorageError(f"The storage refused{place}: {text}")
