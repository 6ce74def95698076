"""The verbs with who asks, and where, filled in: what adapters hold."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from memos_core.mos import inputs
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


def filled(verb: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """A verb of what is bound, its open arguments filled in; one that is given, and is not None, wins.

    Only arguments that may be left out are filled: a session to delete must be named.
    """
    takes = list(inspect.signature(verb).parameters.values())[1:]
    names = [one.name for one in takes]
    open_names = frozenset(one.name for one in takes if one.default is None)

    @wraps(verb)
    def bound(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        taken = names[: len(args)] if args else ()
        given: dict[str, Any] = kwargs
        for name, value in self._filled.items():
            if name in open_names and name not in taken and given.get(name) is None:
                given[name] = value
        return verb(self._target, *args, **kwargs)

    return bound


class _Bound(Generic[T]):
    """Something whose verbs take who asks, and what is filled in."""

    def __init__(self, target: T, who: dict[str, str]) -> None:
        self._target, self._filled = target, who


class BoundSessions(_Bound[Sessions]):
    """`mos.sessions`, bound."""

    list = filled(Sessions.list)
    messages = filled(Sessions.messages)
    replace = filled(Sessions.replace)
    delete = filled(Sessions.delete)


class BoundTasks(_Bound[Tasks]):
    """`mos.tasks`, bound: only the asker's."""

    status = filled(Tasks.status)
    list = filled(Tasks.list)
    retry = filled(Tasks.retry)
    drop = filled(Tasks.drop)


class BoundRecords(_Bound[Records]):
    """`mos.records`, bound: the asker's own lane."""

    put = filled(Records.put)
    put_many = filled(Records.put_many)
    get = filled(Records.get)
    get_many = filled(Records.get_many)
    search = filled(Records.search)
    delete = filled(Records.delete)
    namespaces = filled(Records.namespaces)
    sweep = filled(Records.sweep)


class BoundCubes(_Bound[Cubes]):
    """`mos.cubes`, bound."""

    create = filled(Cubes.create)
    list = filled(Cubes.list)
    share = filled(Cubes.share)
    unshare = filled(Cubes.unshare)
    dump = filled(Cubes.dump)
    load = filled(Cubes.load)
    mount = filled(Cubes.mount)
    unmount = filled(Cubes.unmount)
    verify = filled(Cubes.verify)


class BoundMOS(_Bound[MOS]):
    """A memory as one asker, perhaps in one session: the verbs of `MOS` with these filled in.

    It is a view: closing it closes the memory that it was bound from.
    """

    def __init__(self, mos: MOS, *, user_id: str | None = None, agent_id: str | None = None, session_id: str | None = None) -> None:
        given = {"user_id": user_id, "agent_id": agent_id, "session_id": session_id}
        super().__init__(mos, {name: value for name, value in given.items() if inputs.name(name, value) is not None and value is not None})

    add = filled(MOS.add)
    search = filled(MOS.search)
    get = filled(MOS.get)
    list = filled(MOS.list)
    update = filled(MOS.update)
    delete = filled(MOS.delete)
    restore = filled(MOS.restore)
    erase = filled(MOS.erase)
    history = filled(MOS.history)
    wait = filled(MOS.wait)
    close = filled(MOS.close)

    def bind(self, *, user_id: str | None = None, agent_id: str | None = None, session_id: str | None = None) -> BoundMOS:
        """The same with more, or others, filled in."""
        given = {"user_id": user_id, "agent_id": agent_id, "session_id": session_id}
        return BoundMOS(self._target, **(self._filled | {name: value for name, value in given.items() if value is not None}))

    @property
    def home(self) -> str:
        """The folder."""
        return self._target.home

    @property
    def bound(self) -> dict[str, str]:
        """What is filled in."""
        return dict(self._filled)

    @cached_property
    def sessions(self) -> BoundSessions:
        """Conversations, word for word."""
        return BoundSessions(self._target.sessions, self._filled)

    @cached_property
    def cubes(self) -> BoundCubes:
        """Containers: sharing them, moving them."""
        return BoundCubes(self._target.cubes, self._filled)

    @cached_property
    def tasks(self) -> BoundTasks:
        """Background work."""
        return BoundTasks(self._target.tasks, self._filled)

    @cached_property
    def records(self) -> BoundRecords:
        """The raw lane, the asker's own."""
        return BoundRecords(self._target.records, self._filled)

    def __enter__(self) -> BoundMOS:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
