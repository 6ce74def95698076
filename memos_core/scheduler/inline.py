"""Background work in this process: one thread that drains the outbox.

Work that this process left is done by this process within milliseconds; what a process that died left behind is
taken over once its lease ends. Every handler is idempotent, so work done twice is only time lost.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from memos_core.errors import MemosError
from memos_core.model.change import Work
from memos_core.scheduler.base import Handler, Outbox, Scheduler
from memos_core.scheduler.failure import Failure, failure

log = logging.getLogger(__name__)
_BATCH = 64
_IDLE_SECONDS = 1.0
_GATHER_SECONDS, _AT_MOST_SECONDS = 0.1, 2.0
"""Adds come in bursts. Work begins once none has come for that long, so that it neither slows them down nor is done one by
one; but where they go on and on, it waits no longer than the second number says."""
_PATIENCE_SECONDS = 10.0
_DOWN = 2
"""So many units in a row, each by itself, find the embedder unavailable: it is not about them."""


class InlineScheduler(Scheduler):
    """A worker thread, started by the first piece of work."""

    def __init__(self, outbox: Outbox, handlers: dict[str, Handler], *, upkeep: Callable[[], None]) -> None:
        self._outbox, self._handlers, self._upkeep = outbox, handlers, upkeep
        self._mine: deque[Work] = deque()
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._latest = 0.0
        self._changed = threading.Condition()
        self._stop = self._resting = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, work: Sequence[Work]) -> None:
        """Work that is committed already and leased to this process."""
        self._mine.extend(work)
        self._latest = time.monotonic()
        self.start()
        self._wake.set()

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._starting:
            if (self._thread is None or not self._thread.is_alive()) and not self._stop:
                self._thread = threading.Thread(target=self._run, name="memos-worker", daemon=True)
                self._thread.start()

    def wait_change(self, timeout: float) -> None:
        """Until some work ended, at most that many seconds. Somebody waits: nothing is gathered any longer."""
        self._hurry.set()
        with self._changed:
            self._changed.wait(timeout)

    def drain_once(self) -> int:
        """See the base. For workers without a thread."""
        work = self._next()
        if not work:
            self._upkeep()
            work = self._next()
        self._do(work)
        return len(work)

    def _run(self) -> None:
        while not self._stop:
            self._wake.wait(_IDLE_SECONDS)
            if self._wake.is_set():
                self._wake.clear()
                self._gather()
            try:
                self._drain()
            except Exception:
                log.exception("background work failed; it is tried again")
                threading.Event().wait(_IDLE_SECONDS)

    def _drain(self) -> None:
        """Do what there is. What comes meanwhile is gathered anew: done as it comes, it would be done one by one."""
        gathered = len(self._mine)
        while not self._stop:
            done = self.drain_once()
            gathered -= done
            if not done or (gathered <= 0 and self._wake.is_set()):
                return

    def _gather(self) -> None:
        """Wait for the end of a burst."""
        patience = time.monotonic() + _AT_MOST_SECONDS
        while not self._stop and not self._hurry.wait(_GATHER_SECONDS):
            now = time.monotonic()
            if now - self._latest >= _GATHER_SECONDS or now >= patience:
                break
        self._hurry.clear()

    def _next(self) -> list[Work]:
        if self._mine:
            return [self._mine.popleft() for _ in range(min(len(self._mine), _BATCH))]
        return self._outbox.claim()

    def _do(self, work: Sequence[Work]) -> None:
        for kind in dict.fromkeys(w.kind for w in work):
            units = [w for w in work if w.kind == kind]
            failed = self._attempt(kind, units)
            if failed is None:
                self._outbox.finish(units)
            elif len(units) == 1 or not failed.counted or (failed.shared and not any(w.tries for w in units)):
                self._postpone(units, failed)
            else:
                self._apart(kind, units)
            with self._changed:
                self._changed.notify_all()

    def _attempt(self, kind: str, units: Sequence[Work]) -> Failure | None:
        """Why these could not be done; None where they were."""
        handler = self._handlers.get(kind)
        if handler is None:
            return Failure(f"this version does not know work of the kind '{kind}'", retryable=False, shared=True)
        try:
            handler(units)
        except Exception as exc:
            log.warning("task failed", extra={"kind": kind, "units": len(units), "error": type(exc).__name__})
            return failure(exc)
        return None

    def _apart(self, kind: str, units: Sequence[Work]) -> None:
        """Each by itself, once, so that one bad unit fails alone. In any order, so that bad ones are not always the first."""
        left = deque(random.sample(units, len(units)))
        in_a_row = 0
        while left and not self._stop:
            failed = self._attempt(kind, [left[0]])
            if failed is None:
                self._outbox.finish([left[0]])
                in_a_row = 0
            else:
                in_a_row = in_a_row + 1 if failed.shared else 0
                if not failed.counted or in_a_row == _DOWN:
                    self._postpone(left, failed)
                    return
                self._postpone([left[0]], failed)
            left.popleft()
        self._mine.extend(left)

    def _postpone(self, units: Sequence[Work], failed: Failure) -> None:
        self._outbox.postpone(units, failed.error, retryable=failed.retryable, counted=failed.counted)

    def rest(self) -> None:
        """See the base."""
        self._resting = self._thread is not None and self._thread is not threading.current_thread() and not self._stop
        if self._resting:
            self._halt()

    def go_on(self) -> None:
        """See the base."""
        if self._resting:
            self._resting = self._stop = False
            self.start()  # unless the old thread is still in its batch: then it goes on
            self._wake.set()

    def close(self) -> None:
        """Finish the batch in hand and stop. What is left stays in the outbox, for whoever opens the memory next."""
        self._halt()
        left = [self._mine.popleft() for _ in range(len(self._mine))]
        if left:
            try:
                self._outbox.release(left)
            except MemosError as exc:
                log.warning("work was left under its lease", extra={"units": len(left), "error": type(exc).__name__})

    def _halt(self) -> None:
        with self._starting:
            self._stop = True
        self._hurry.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE_SECONDS)
