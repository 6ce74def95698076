"""The segments that are in memory: the least recently used go when there are too many bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from memos_core.errors import Closed
from memos_core.index.embedded.loading import add_model, build, refresh
from memos_core.index.embedded.reading import Reader, Readers
from memos_core.index.embedded.segment import Segment
from memos_core.index.embedded.state import State

Key = tuple[int, int]
INLINE = 200_000
"""A segment of up to so many entries is built while the caller waits: reading them for one question alone takes as long."""


class Segments:
    """Fresh segments by cube and time."""

    def __init__(self, readers: Readers, memory_bytes: int, inline: int, moment: Callable[[], int]) -> None:
        self._readers, self._limit, self._inline, self._moment = readers, memory_bytes, inline, moment
        self._held: OrderedDict[Key, Segment] = OrderedDict()
        self._too_large: set[Key] = set()
        self._lock = threading.Lock()
        self._making: dict[int, threading.Lock] = {}
        self._threads: dict[Key, threading.Thread] = {}
        self._closed = False

    def state(self, cube: int, until: int, moment: int) -> tuple[Segment, State] | None:
        """A segment and what it holds at this moment; None while it is being built, or where it never fits."""
        key = (cube, until)
        segment = self._held.get(key)
        if segment is not None:
            if segment.moment == moment:
                state: State | None = segment.state
            else:
                with self._readers.lend() as reader:
                    state = refresh(reader, segment, moment)
                if segment.wants_rebuild:
                    self._later(key)
            if state is not None:
                self._touch(key)
                return segment, state
            self._drop(key, segment)
        return self._first(key, moment)

    def _first(self, key: Key, moment: int) -> tuple[Segment, State] | None:
        with self._lock:
            making = self._making.setdefault(key[0], threading.Lock())
            if key in self._threads or key in self._too_large:
                return None
        with self._readers.lend() as reader:
            small = reader.run("count", cube=key[0], most=self._inline + 1).fetchone()[0] <= self._inline
            if small:
                with making:
                    segment = self._held.get(key)
                    if segment is None:
                        segment = build(reader, *key, moment)
                        self._keep(key, segment)
                    state = refresh(reader, segment, moment)
                    return (segment, state) if state is not None else self._first(key, moment)
        self._later(key)
        return None

    def _later(self, key: Key) -> None:
        """Build in the background; until then a segment that is there goes on answering."""
        with self._lock:
            if key in self._threads or self._closed:
                return
            thread = self._threads[key] = threading.Thread(target=self._build, args=(key,), name="memos-segment", daemon=True)
        thread.start()

    def _build(self, key: Key) -> None:
        try:
            moment = self._moment()
            with self._readers.lend() as reader:
                segment = build(reader, *key, moment)
                load_usual_model(reader, segment)
            if segment.nbytes > self._limit:
                self._too_large.add(key)
            elif not self._closed:
                self._keep(key, segment)
                moment = self._moment()
                with self._readers.lend() as reader:  # an erasure may have refreshed those held just before this was one of them
                    refresh(reader, segment, moment)
        except Closed:
            return
        finally:
            with self._lock:
                self._threads.pop(key, None)

    def _keep(self, key: Key, segment: Segment) -> None:
        with self._lock:
            self._held[key] = segment
        self._touch(key)

    def _touch(self, key: Key) -> None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            if len(self._held) > 1:
                self._evict()

    def _evict(self) -> None:
        total = sum(segment.nbytes for segment in self._held.values())
        while total > self._limit and len(self._held) > 1:
            _, segment = self._held.popitem(last=False)
            total -= segment.nbytes

    def _drop(self, key: Key, segment: Segment) -> None:
        with self._lock:
            if self._held.get(key) is segment:
                del self._held[key]

    def each(self, act: Callable[[Segment], int]) -> int:
        """The sum of what `act` says of all segments held."""
        with self._lock:
            held = list(self._held.values())
        return sum(act(segment) for segment in held)

    def refresh_all(self, moment: int) -> None:
        """Take in what was written, everywhere: after an erasure nothing of it stays."""
        with self._lock:
            held = list(self._held.items())
        with self._readers.lend() as reader:
            for key, segment in held:
                if refresh(reader, segment, moment) is None:
                    self._drop(key, segment)

    def settle(self) -> None:
        """Wait for what is being built."""
        for thread in list(self._threads.values()):
            thread.join()

    def facts(self) -> dict[str, int]:
        with self._lock:
            held = list(self._held.values())
        return {
            "segments": len(held),
            "bytes": sum(segment.nbytes for segment in held),
            "in_memory": sum(segment.state.size for segment in held),
            "building": len(self._threads),
        }

    def close(self) -> None:
        self._closed = True
        self.settle()
        self._held.clear()


def load_usual_model(reader: Reader, segment: Segment) -> None:
    """The vectors most likely to be asked for: those of the model that was used last."""
    last = reader.run("model", cube=segment.cube).fetchone()
    if last is not None:
        add_model(reader, segment, last[0], last[1])


