"""Background work in this process: one thread that drains the outbox.

Work that this process left is done by this process within milliseconds; what a process that died left behind is
taken over once its lease ends. Every handler is idempotent, so work done twice is only time lost.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from memos_core.errors import MemosError
from memos_core.ledger.base import Ledger
from memos_core.ledger.tasks import Work, any_due, claim, finish, postpone

log = logging.getLogger(__name__)
Handler = Callable[[Sequence[Work]], None]
_BATCH = 64
_IDLE_SECONDS = 1.0
_GATHER_SECONDS = 0.003


class InlineScheduler:
    """A worker thread, started by the first piece of work."""

    def __init__(self, ledger: Ledger, handlers: dict[str, Handler], *, clock: Callable[[], int], upkeep: Callable[[], None]) -> None:
        self._ledger, self._handlers, self._clock, self._upkeep = ledger, handlers, clock, upkeep
        self._mine: deque[Work] = deque()
        self._wake = threading.Event()
        self._changed = threading.Condition()
        self._stop = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, work: Sequence[Work]) -> None:
        """Work that is committed already and leased to this process."""
        self._mine.extend(work)
        self.start()
        self._wake.set()

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._starting:
            if self._thread is None and not self._stop:
                self._thread = threading.Thread(target=self._run, name="memos-worker", daemon=True)
                self._thread.start()

    def wait_change(self, timeout: float) -> None:
        """Until some work ended, at most that many seconds."""
        with self._changed:
            self._changed.wait(timeout)

    def drain_once(self) -> int:
        """Do one batch of what there is; how many units were done or failed. For workers without a thread."""
        work = self._next()
        self._do(work)
        return len(work)

    def _run(self) -> None:
        while not self._stop:
            self._wake.wait(_IDLE_SECONDS)
            if self._wake.is_set():
                self._wake.clear()
                self._wake_gather()
            try:
                while not self._stop and self.drain_once():
                    pass
                self._upkeep()
            except Exception:
                log.exception("background work failed; it is tried again")
                threading.Event().wait(_IDLE_SECONDS)

    def _wake_gather(self) -> None:
        """Adds come in bursts: a moment's patience makes one batch of them."""
        threading.Event().wait(_GATHER_SECONDS)

    def _next(self) -> list[Work]:
        if self._mine:
            return [self._mine.popleft() for _ in range(min(len(self._mine), _BATCH))]
        with self._ledger.book() as book:
            due = any_due(book.connection, self._clock())
        return self._ledger.write(lambda connection: claim(connection, self._clock())) if due else []

    def _do(self, work: Sequence[Work]) -> None:
        for kind in dict.fromkeys(w.kind for w in work):
            units = [w for w in work if w.kind == kind]
            handler = self._handlers.get(kind)
            try:
                if handler is None:
                    raise MemosError(f"this version does not know work of the kind '{kind}'")
                handler(units)
            except MemosError as exc:
                log.warning("task failed", extra={"kind": kind, "units": len(units), "error": type(exc).__name__})
                self._settle(lambda c, units=units, exc=exc: postpone(c, units, str(exc), self._clock(), retryable=exc.retryable))  # type: ignore[misc]
            else:
                self._settle(lambda c, units=units: finish(c, units, self._clock()))  # type: ignore[misc]

    def _settle(self, work: Callable[[sa.Connection], None]) -> None:
        self._ledger.write(work)
        with self._changed:
            self._changed.notify_all()

    def close(self, timeout: float = 10.0) -> None:
        """Finish the batch in hand and stop. What is left stays in the outbox."""
        with self._starting:
            self._stop = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
