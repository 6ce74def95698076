"""Settings -> engines. The only room that names a back end.

Handles on one folder in one process share its engines; a fork opens anew, for a database connection must not cross it.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from memos_core.errors import InvalidInput, MemosError, NotAMemory, ReadOnlyFolder, StorageError
from memos_core.index.embedded import EmbeddedIndex
from memos_core.ledger.key import audit_key
from memos_core.ledger.read import micros
from memos_core.ledger.sql import SqlLedger
from memos_core.ledger.tasks import Outbox
from memos_core.scheduler.base import Handler
from memos_core.scheduler.inline import InlineScheduler
from memos_core.settings import Settings
from memos_core.sql.bytes import let_go
from memos_core.sql.engine import open_sqlite
from memos_core.wiring.embedding import Embedding
from memos_core.wiring.engines import Engines
from memos_core.wiring.forking import Rest
from memos_core.wiring.records import RecordEmbedding
from memos_core.wiring.shelf import Shelf

if TYPE_CHECKING:
    from memos_core.inference.base import Embedder

log = logging.getLogger(__name__)
LEDGER_FILE = "memory.db"
_CHECKPOINT_BYTES = 4 << 20
_open: dict[tuple[object, ...], tuple[Engines, int]] = {}
_lock = threading.RLock()


def _here() -> list[Engines]:
    return [engines for key, (engines, _) in _open.items() if key[0] == os.getpid()]


def _at_exit() -> None:
    """Stop the workers while the interpreter is whole: a thread that is cut off inside a model's own code aborts the program."""
    for engines in _here():
        engines.scheduler.close()


Rest(_here, _lock).watch()
atexit.register(_at_exit)


def open_engines(
    home: str,
    settings: Settings,
    *,
    embedder: Embedder | None = None,
    clock: Callable[[], datetime] | None = None,
    start: bool = True,
) -> Engines:
    """The engines of a folder, shared with every other handle on it in this process. With `start` the worker begins at once."""
    folder = _folder(Path(home).expanduser())
    key = (
        os.getpid(),
        str(folder),
        settings.durability,
        settings.embedder,
        settings.audit_key,
        settings.audit_key_file,
        id(embedder) if embedder else None,
        id(clock) if clock else None,
    )
    engines = shared(key, lambda released: _build(folder, settings, embedder, clock, released))
    if start and engines.wants_vectors:
        engines.scheduler.start()
    return engines


def shared(key: tuple[object, ...], build: Callable[[Callable[[], None]], Engines]) -> Engines:
    """The engines that are open under this key (its first part is the process), else new ones; with each call one more to be released."""
    with _lock:
        if key in _open:
            engines, handles = _open[key]
            _open[key] = (engines, handles + 1)
            return engines
        engines = build(lambda: _release(key))
        _open[key] = (engines, 1)
    return engines


def _release(key: tuple[object, ...]) -> None:
    with _lock:
        engines, handles = _open[key]
        if handles > 1:
            _open[key] = (engines, handles - 1)
            return
        del _open[key]
    if key[0] != os.getpid():
        return
    engines.scheduler.close()
    engines.index.close()
    try:
        engines.ledger.checkpoint()
    except StorageError as exc:  # what was acknowledged is in the log, where the next one to open the folder finds it
        log.warning("the write-ahead log was left as it is", extra={"folder": str(engines.home), "error": type(exc).__name__})
    finally:
        engines.ledger.close()
        let_go()


def _folder(path: Path) -> Path:
    """The folder, made when it is missing; refused where it is a file, or holds something else."""
    try:
        if path.exists() and not path.is_dir():
            raise NotAMemory(f"{path} is a file; a memory is a folder.")
        path.mkdir(parents=True, exist_ok=True)
        database = path / LEDGER_FILE
        if not database.exists() and any(entry.name != LEDGER_FILE and not entry.name.startswith(LEDGER_FILE) for entry in path.iterdir()):
            raise NotAMemory(f"{path} is not empty and holds no memory; choose an empty or a new folder.")
        if not os.access(path, os.W_OK) or (database.exists() and not os.access(database, os.W_OK)):
            raise ReadOnlyFolder(f"{path} can't be written to; check its permissions.")
    except OSError as exc:
        if isinstance(exc, ReadOnlyFolder):
            raise
        raise ReadOnlyFolder(f"{path} can't be made or read: {exc.strerror}.") from exc
    return path.resolve()


def _ticks(clock: Callable[[], datetime] | None) -> Callable[[], int]:
    if clock is None:
        return lambda: time.time_ns() // 1000

    def ticks() -> int:
        now = clock()
        if now.utcoffset() is None:
            raise InvalidInput("clock", "gives times without a time zone.", "Make them aware, like datetime.now(UTC).")
        return micros(now)

    return ticks


def _build(
    folder: Path, settings: Settings, embedder: Embedder | None, clock: Callable[[], datetime] | None, released: Callable[[], None]
) -> Engines:
    ticks = _ticks(clock)
    key = audit_key(settings.audit_key, settings.audit_key_file)
    database = open_sqlite(folder / LEDGER_FILE, durability=settings.durability)  # type: ignore[arg-type]
    ledger = SqlLedger(
        database,
        key=key,
        clock=ticks,
        where=str(folder),
        durability=settings.durability,
        riders=(lambda c, applied: index.ride(c, applied),),
        file=folder / LEDGER_FILE,
    )
    index = EmbeddedIndex(database, memory_bytes=settings.segment_bytes, write=ledger.write, moment=ledger.moment)
    models = _Models(settings, embedder)
    embedding = Embedding(ledger, index, models.get)
    upkeep = _Upkeep(ledger, folder / f"{LEDGER_FILE}-wal", embedding.sweep if models.wanted else None)
    handlers: dict[str, Handler] = {"embed": embedding.do, "embed record": RecordEmbedding(ledger, models.get).do}
    scheduler = InlineScheduler(Outbox(ledger, ticks), handlers, upkeep=upkeep)
    return Engines(
        home=folder,
        ledger=ledger,
        index=index,
        scheduler=scheduler,
        shelf=Shelf(ledger.moment, ledger.since),
        clock=ticks,
        embedder=models.get,
        wants_vectors=models.wanted,
        segment_bytes=settings.segment_bytes,
        released=released,
    )


class _Upkeep:
    """What the worker does when there is nothing to do: once, look for what was never embedded; always, keep the log short."""

    def __init__(self, ledger: SqlLedger, log: Path, sweep: Callable[[], int] | None) -> None:
        self._ledger, self._log, self._sweep = ledger, log, sweep

    def __call__(self) -> None:
        if self._sweep is not None and not self._sweep():
            self._sweep = None
        if self._log.exists() and self._log.stat().st_size > _CHECKPOINT_BYTES:
            self._ledger.checkpoint()


class _Models:
    """The embedder, loaded once, in the background from the first moment on."""

    def __init__(self, settings: Settings, given: Embedder | None) -> None:
        self._settings = settings
        self._future: Future[Embedder | None] | None = None
        self._lock = threading.Lock()
        if given is not None:
            self._future = Future()
            self._future.set_result(given)
        self.wanted = given is not None or _installed(settings)
        if self._future is None and self.wanted:
            self._start()

    def _start(self) -> Future[Embedder | None]:
        with self._lock:
            if self._future is None:
                from memos_core.inference.ahead import begun

                self._future = begun(self._settings.embedder, self._settings.embedder_dir, self._settings.embedder_key)
            return self._future

    def get(self) -> Embedder | None:
        """The embedder, or None where none is installed."""
        if not self.wanted:
            return None
        try:
            return self._start().result()
        except MemosError as exc:
            raise exc.with_traceback(None) from None  # one exception, told many times: it must not keep everybody's frames


def _installed(settings: Settings) -> bool:
    """Whether the settings name an embedder that is there, without loading it."""
    from memos_core.inference.choose import is_installed

    return is_installed(settings.embedder, cache=settings.embedder_dir, api_key=settings.embedder_key)
