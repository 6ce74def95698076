"""AsyncMOS: the same verbs to be awaited. The work is done by threads, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from memos_core.errors import Closed
from memos_core.mos.bound import BoundCubes, BoundMOS, BoundRecords, BoundSessions, BoundTasks
from memos_core.mos.cubes import Cubes
from memos_core.mos.desk import MOS
from memos_core.mos.records import Records
from memos_core.mos.sessions import Sessions
from memos_core.mos.tasks import Tasks

if TYPE_CHECKING:
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

READ, WRITE, LONG = "read", "write", "long"
_THREADS = {READ: 8, WRITE: 8, LONG: 2}
"""Threads of each pool: a long job never keeps a read or a write waiting."""


class _Pools:
    """Bounded pools of threads of one `AsyncMOS`, each made when it is first used."""

    def __init__(self) -> None:
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._process = os.getpid()
        """A fork has the pools, but not their threads."""

    async def run(self, lane: str, work: Callable[[], R]) -> R:
        """The work, in a thread of that lane. Cancelling the wait takes back work that has not begun; other work goes on."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._pool(lane), lambda: context.run(work))

    def _pool(self, lane: str) -> ThreadPoolExecutor:
        if self._process != os.getpid():
            self._process, self._pools, self._lock = os.getpid(), {}, threading.Lock()
        with self._lock:
            if self._closed:
                raise Closed
            if lane not in self._pools:
                self._pools[lane] = ThreadPoolExecutor(_THREADS[lane], thread_name_prefix=f"memos-{lane}")
            return self._pools[lane]

    async def close(self, last: Callable[[], None]) -> None:
        """What runs is finished, then `last`; nothing new begins."""
        with self._lock:
            pools, self._pools, self._closed = list(self._pools.values()), {}, True

        def end() -> None:
            for pool in pools:
                pool.shutdown(wait=True, cancel_futures=True)
            last()

        await asyncio.to_thread(end)


def awaited(verb: Callable[Concatenate[Any, P], R], lane: str) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, R]]:
    """A verb to be awaited, done in a thread of that lane."""
    name = verb.__name__

    @wraps(verb)
    async def call(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = await self._pools.run(lane, lambda: getattr(self._reach(), name)(*args, **kwargs))
        return result

    return call


class _Awaited(Generic[T]):
    """Something whose verbs run in threads. `reach` gives it, in the thread: opening a memory reads from the disk."""

    def __init__(self, reach: Callable[[], T], pools: _Pools) -> None:
        self._reach, self._pools = reach, pools


class AsyncSessions(_Awaited[Sessions | BoundSessions]):
    """`mos.sessions`, to be awaited."""

    list = awaited(Sessions.list, READ)
    messages = awaited(Sessions.messages, READ)
    replace = awaited(Sessions.replace, WRITE)
    delete = awaited(Sessions.delete, WRITE)


class AsyncTasks(_Awaited[Tasks | BoundTasks]):
    """`mos.tasks`, to be awaited."""

    status = awaited(Tasks.status, READ)
    list = awaited(Tasks.list, READ)
    retry = awaited(Tasks.retry, WRITE)
    drop = awaited(Tasks.drop, WRITE)


class AsyncRecords(_Awaited[Records | BoundRecords]):
    """`mos.records`, to be awaited."""

    put = awaited(Records.put, WRITE)
    put_many = awaited(Records.put_many, WRITE)
    get = awaited(Records.get, READ)
    get_many = awaited(Records.get_many, READ)
    search = awaited(Records.search, READ)
    delete = awaited(Records.delete, WRITE)
    namespaces = awaited(Records.namespaces, READ)
    sweep = awaited(Records.sweep, WRITE)


class AsyncCubes(_Awaited[Cubes | BoundCubes]):
    """`mos.cubes`, to be awaited."""

    create = awaited(Cubes.create, WRITE)
    list = awaited(Cubes.list, READ)
    share = awaited(Cubes.share, WRITE)
    unshare = awaited(Cubes.unshare, WRITE)
    dump = awaited(Cubes.dump, LONG)
    load = awaited(Cubes.load, LONG)
    mount = awaited(Cubes.mount, LONG)
    unmount = awaited(Cubes.unmount, LONG)
    verify = awaited(Cubes.verify, LONG)


class _AsyncVerbs(_Awaited[T]):
    """The verbs; what was cancelled while it ran may still have been done."""

    add = awaited(MOS.add, WRITE)
    search = awaited(MOS.search, READ)
    get = awaited(MOS.get, READ)
    list = awaited(MOS.list, READ)
    update = awaited(MOS.update, WRITE)
    delete = awaited(MOS.delete, WRITE)
    restore = awaited(MOS.restore, WRITE)
    erase = awaited(MOS.erase, LONG)
    history = awaited(MOS.history, READ)
    wait = awaited(MOS.wait, LONG)

    def _part(self, name: str) -> Callable[[], Any]:
        return lambda: getattr(self._reach(), name)

    @cached_property
    def sessions(self) -> AsyncSessions:
        """Conversations, word for word."""
        return AsyncSessions(self._part("sessions"), self._pools)

    @cached_property
    def cubes(self) -> AsyncCubes:
        """Containers: sharing them, moving them."""
        return AsyncCubes(self._part("cubes"), self._pools)

    @cached_property
    def tasks(self) -> AsyncTasks:
        """Background work."""
        return AsyncTasks(self._part("tasks"), self._pools)

    @cached_property
    def records(self) -> AsyncRecords:
        """The raw lane: any JSON, verbatim, under a namespace and a key."""
        return AsyncRecords(self._part("records"), self._pools)


class AsyncBoundMOS(_AsyncVerbs[BoundMOS]):
    """A memory as one asker, to be awaited. Closing it closes the `AsyncMOS` that it was bound from."""

    def __init__(self, reach: Callable[[], BoundMOS], whole: AsyncMOS) -> None:
        super().__init__(reach, whole._pools)
        self._whole = whole

    @property
    def home(self) -> str:
        """The folder."""
        return self._whole.home

    async def close(self) -> None:
        """Let what runs finish, then let go of the folder."""
        await self._whole.close()

    async def __aenter__(self) -> Self:
        await self._whole.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def bind(self, *, user_id: str | None = None, agent_id: str | None = None, session_id: str | None = None) -> AsyncBoundMOS:
        """The same with more, or others, filled in."""
        return AsyncBoundMOS(lambda: self._reach().bind(user_id=user_id, agent_id=agent_id, session_id=session_id), self._whole)


_TAKES = inspect.signature(MOS.__init__)


class AsyncMOS(_AsyncVerbs[MOS]):
    """A memory whose verbs are awaited: `async with AsyncMOS("./memory") as mos`.

    Takes what `MOS` takes. The folder is opened by `async with`, or else by the first verb. A cancelled call may still
    be carried out: whether an add was is seen by repeating it with the same `request_id`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _TAKES.bind(None, *args, **kwargs)  # said here, not by the first verb
        self._mos: MOS | None = None
        self._make: Callable[[], MOS] = lambda: MOS(*args, **kwargs)
        self._opening = threading.Lock()
        super().__init__(self._opened, _Pools())

    @classmethod
    def over(cls, mos: MOS) -> Self:
        """The awaited face of a memory that is open already. Closing either closes it."""
        made = cls()
        made._mos = mos
        return made

    @classmethod
    def from_url(cls, url: str) -> Self:
        """See `MOS.from_url`."""
        made = cls()
        made._make = lambda: MOS.from_url(url)
        return made

    def bind(self, *, user_id: str | None = None, agent_id: str | None = None, session_id: str | None = None) -> AsyncBoundMOS:
        """The same verbs with these filled in."""
        return AsyncBoundMOS(lambda: self._reach().bind(user_id=user_id, agent_id=agent_id, session_id=session_id), self)

    @property
    def home(self) -> str:
        """The folder. Opens it where nothing has yet."""
        return self._opened().home

    async def close(self) -> None:
        """Let what runs finish, then let go of the folder."""

        def last() -> None:
            if self._mos is not None:
                self._mos.close()

        await self._pools.close(last)

    def _opened(self) -> MOS:
        with self._opening:
            if self._mos is None:
                self._mos = self._make()
            return self._mos

    async def __aenter__(self) -> Self:
        await self._pools.run(LONG, self._opened)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()
