"""Engines on a temporary folder that goes when they are released: where a mounted cube is read from."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from memos_core.errors import LedgerUnavailable, StorageError
from memos_core.index.embedded import EmbeddedIndex
from memos_core.ledger.sql import SqlLedger
from memos_core.ledger.tasks import Outbox
from memos_core.scheduler.inline import InlineScheduler
from memos_core.sql.engine import open_sqlite
from memos_core.wiring import LEDGER_FILE, shared
from memos_core.wiring.embedding import Embedding
from memos_core.wiring.engines import Engines
from memos_core.wiring.shelf import Shelf

_made: dict[Path, tuple[int, Engines]] = {}


def make_private(beside: Engines, *, first: int) -> Engines:
    """New engines with the clock and the embedder of others. Their ledger's first transaction has that number."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="memos-mount-"))
    except OSError as exc:
        raise StorageError(f"No temporary folder can be made: {exc.strerror}.") from exc
    try:
        engines = open_private(folder, beside, first=first)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    close = engines.released

    def released() -> None:
        _made.pop(folder, None)
        close()
        shutil.rmtree(folder, ignore_errors=True)

    engines.released = released
    _made[folder] = (os.getpid(), engines)
    return engines


def open_private(folder: Path, beside: Engines, *, first: int) -> Engines:
    """The same once more, in a process that was forked from the one that made them; the folder stays that one's."""
    if not folder.is_dir():
        raise LedgerUnavailable("The process that mounted this cube let go of it; mount it again.")
    return shared((os.getpid(), str(folder), "private"), lambda released: _build(folder, beside, first, released))


def _build(folder: Path, beside: Engines, first: int, released: Callable[[], None]) -> Engines:
    database = open_sqlite(folder / LEDGER_FILE, durability="normal")
    ledger = SqlLedger(
        database,
        key=secrets.token_bytes(32),
        clock=beside.clock,
        where=str(folder),
        durability="normal",
        riders=(lambda c, applied: index.ride(c, applied),),
        file=folder / LEDGER_FILE,
        first=first,
    )
    index = EmbeddedIndex(database, memory_bytes=beside.segment_bytes, write=ledger.write, moment=ledger.moment)
    embedding = Embedding(ledger, index, beside.embedder)
    scheduler = InlineScheduler(Outbox(ledger, beside.clock), {"embed": embedding.do}, upkeep=lambda: None)
    return Engines(
        home=folder,
        ledger=ledger,
        index=index,
        scheduler=scheduler,
        shelf=Shelf(ledger.moment),
        clock=beside.clock,
        embedder=beside.embedder,
        wants_vectors=beside.wants_vectors,
        segment_bytes=beside.segment_bytes,
        released=released,
    )


@atexit.register
def _at_exit() -> None:
    """What was never released goes with the process that made it."""
    for process, engines in list(_made.values()):
        if process == os.getpid():
            engines.released()
