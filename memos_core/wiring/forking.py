"""What happens to open memories when their process forks.

SQLite keeps, for the whole process, which locks it holds on a file. A child inherits that belief, but not the locks: a
connection that it opens then takes none, and others may empty the log under it. So at the moment of a fork no connection
is open: whatever runs ends first, everything is let go of, and the parent opens its connections again when it next needs
them. A child opens its memories anew. Where another thread does not let go of a connection within seconds, the fork is not held
up any longer, and the child is refused: it can open no memory.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from memos_core.sql.engine import alive, opening, refused
from memos_core.wiring.engines import Engines

_PATIENCE_SECONDS = 5.0


class Rest:
    """The engines of a process, resting while it forks."""

    def __init__(self, all_open: Callable[[], Iterable[Engines]], list_lock: AbstractContextManager[object]) -> None:
        self._all_open, self._list_lock = all_open, list_lock
        self._resting: list[Engines] = []

    def watch(self) -> None:
        """From now on every fork of this process finds its memories at rest."""
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self.begin, after_in_parent=self.end, after_in_child=self.leave)

    def begin(self) -> None:
        """Stop what runs in the background, then writing, then reading."""
        self._list_lock.__enter__()
        self._resting = list(self._all_open())
        for engines in self._resting:
            engines.scheduler.rest()
        for engines in self._resting:
            engines.index.rest()
            engines.ledger.rest()
        opening.acquire()
        for engines in self._resting:
            engines.index.let_go()
            engines.ledger.let_go()
        patience = time.monotonic() + _PATIENCE_SECONDS
        while alive and time.monotonic() < patience:
            gc.collect()
            for engines in self._resting:
                engines.index.let_go()
            time.sleep(0.001)
        _end_imports()

    def end(self) -> None:
        """Everything goes on."""
        opening.release()
        for engines in reversed(self._resting):
            engines.ledger.go_on()
            engines.index.go_on()
            engines.scheduler.go_on()
        self._resting = []
        self._list_lock.__exit__(None, None, None)

    def leave(self) -> None:
        """In the child nothing of it goes on. Where a connection could not be closed in time, this process opens none."""
        opening.release()
        refused.extend(alive)
        self._resting = []
        self._list_lock.__exit__(None, None, None)


def _end_imports() -> None:
    """Let the imports of other threads end: in a child their locks would never be released. (`_initializing` is what
    Python's own import statement looks at.)"""
    own, frame = set(), sys._getframe()
    while frame is not None:
        own.add(frame.f_globals.get("__name__"))
        frame = frame.f_back  # type: ignore[assignment]
    patience = time.monotonic() + _PATIENCE_SECONDS
    while any(_loading(module) for name, module in list(sys.modules.items()) if name not in own) and time.monotonic() < patience:
        time.sleep(0.005)


def _loading(module: object) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
