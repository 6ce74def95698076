"""What a `MOS` holds: engines, tenant, the tasks it started; and the steps that all verbs share."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from memos_core.errors import Closed, TaskFailed
from memos_core.governance.access import Standing, standing
from memos_core.governance.access import asker as who_asks
from memos_core.model.scope import Asker
from memos_core.mos import inputs

if TYPE_CHECKING:
    from memos_core.ledger.base import Written
    from memos_core.ledger.pen import Pen
    from memos_core.ledger.read import Book
    from memos_core.mos.adding import Added
    from memos_core.mos.beside import Mount
    from memos_core.wiring.engines import Engines

T = TypeVar("T")
_forked = threading.RLock()


class Handle:
    """One open memory, in one tenant."""

    def __init__(self, opening: Callable[[], Engines], tenant: str) -> None:
        self._opening = opening
        self._engines: Engines | None = opening()
        self._process = os.getpid()
        self.tenant = tenant
        self._tasks: dict[str, None] = {}
        self._lock = threading.Lock()
        self.mounts: tuple[Mount, ...] = ()
        self.mounting = threading.Lock()

    @property
    def engines(self) -> Engines:
        """The engines, in a forked process opened anew; Closed after `close`."""
        if self._process != os.getpid():
            self._anew()
        if self._engines is None:
            raise Closed
        return self._engines


    def _anew(self) -> None:
        """This process is a fork of the one that opened it: nothing of what that one holds may be used here."""
        with _forked:
            if self._process != os.getpid():
                self._lock, self.mounting, self._tasks = threading.Lock(), threading.Lock(), {}
                for mount in self.mounts:
                    mount.anew()
                self._engines = None if self._engines is None else self._opening()
                self._process = os.getpid()

    def asker(self, user_id: Any, agent_id: Any) -> Asker:
        """Who asks, checked."""
        return who_asks(self.tenant, inputs.name("user_id", user_id), inputs.name("agent_id", agent_id))

    def write(self, asker: Asker, verb: str, plan: Callable[[Pen, Book, Standing], T]) -> Written[T]:
        """A plan in a write transaction, told who asks and what they may."""
        return self.engines.ledger.append(asker, verb, lambda pen, book: plan(pen, book, standing(book, asker)))

    @contextmanager
    def read(self, asker: Asker, as_of: datetime | None = None) -> Iterator[tuple[Book, Standing, int | None]]:
        """The book at one moment, what the asker may see, and as of which transaction."""
        with self.engines.ledger.book() as book:
            until = None if as_of is None else book.position(as_of)
            yield book, standing(book, asker, until=until), until

    def started(self, added: Added) -> None:
        """Hand work that is committed to the worker, and remember its task for `wait`."""
        if added.task_id is not None:
            with self._lock:
                self._tasks[added.task_id] = None
            self.engines.scheduler.submit(added.work)

    def wait(self, timeout: float | None) -> None:
        """Until the tasks started here are done, and those of what is mounted."""
        timeout = inputs.seconds("timeout", timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        self._wait(timeout, deadline)
        for mount in self.mounts:
            mount.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def _wait(self, timeout: float | None, deadline: float | None) -> None:
        from memos_core.ledger.tasks import task_rows

        with self._lock:
            waiting = list(self._tasks)
        while waiting:
            with self.engines.ledger.glance() as book:
                rows = [
                    row
                    for start in range(0, len(waiting), 500)
                    for row in task_rows(book.connection, self.tenant, ids=waiting[start : start + 500], limit=500)
                ]
            if failed := [row for row in rows if row.dead]:
                raise TaskFailed(f"Task {failed[0].id} gave up: {failed[0].error}. `memos tasks retry {failed[0].id}` tries again.")
            asked, waiting = waiting, [row.id for row in rows if row.left]
            with self._lock:
                for task in set(asked).difference(waiting):
                    self._tasks.pop(task, None)
            if not waiting:
                return
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"Not done after {timeout} s: {len(waiting)} of the tasks; they go on in the background.")
            self.engines.scheduler.wait_change(0.05 if deadline is None else max(0.0, min(0.05, deadline - time.monotonic())))

    def close(self) -> None:
        """Let go of the engines and of what is mounted; the last handle on a folder closes them."""
        if self._process != os.getpid():
            self._engines, self.mounts = None, ()
            return
        with self.mounting:
            mounts, self.mounts = self.mounts, ()
        for mount in mounts:
            mount.close()
        with self._lock:
            engines, self._engines = self._engines, None
        if engines is not None:
            engines.released()
