"""MOS: the verbs of memory. Heavy engines are imported when a memory is opened, not when this module is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memos_core.errors import InvalidInput
from memos_core.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType

    from memos_core.inference.base import Embedder
    from memos_core.model.answer import Deletion, ErasureReceipt, Page, Receipt, Recollection
    from memos_core.model.filter import Filter
    from memos_core.model.memory import Memory, Revision
    from memos_core.model.message import Message
    from memos_core.mos.bound import BoundMOS
    from memos_core.mos.cubes import Cubes
    from memos_core.mos.records import Records
    from memos_core.mos.sessions import Sessions
    from memos_core.mos.tasks import Tasks

    Content = str | Message | Mapping[str, Any] | Sequence[str | Message | Mapping[str, Any]]
    Where = Filter | Mapping[str, Any]


class MOS:
    """A memory: one folder, made when it is missing.

    `home` is the folder (default: the settings' `home`). `tenant` separates memories that share nothing. `embedder` is an
    object to use instead of the settings' one. Safe to use from many threads; several processes may open one folder.
    """

    def __init__(
        self,
        home: str | None = None,
        *,
        tenant: str = "default",
        settings: Settings | None = None,
        embedder: Embedder | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        if settings is not None and not isinstance(settings, Settings):
            raise InvalidInput("settings", f"a Settings is needed, not {type(settings).__name__}.", "Write Settings(durability='normal').")
        chosen = settings or Settings.load()
        if embedder is None and "memos_core.wiring" not in sys.modules:
            from memos_core.inference.ahead import begin

            begin(chosen.embedder, chosen.embedder_dir, chosen.embedder_key)

        from memos_core.mos import inputs
        from memos_core.mos.handle import Handle
        from memos_core.wiring import open_engines

        folder = inputs.path("home", chosen.home if home is None else home)
        named = str(inputs.name("tenant", tenant, needed=True))
        inputs.embedder(embedder)
        self.home = folder
        place = os.path.abspath(os.path.expanduser(folder))
        self._handle = Handle(lambda: open_engines(place, chosen, embedder=embedder, clock=clock), named)

    @classmethod
    def from_url(cls, url: str) -> MOS:
        """Open `memos:///folder?tenant=acme&durability=normal`: any setting but the secret ones as an option."""
        settings, tenant = Settings.from_url(url)
        return cls(settings=settings, tenant=tenant)

    def add(
        self,
        content: Content,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        write_to: str | None = None,
        tags: Sequence[str] | None = None,
        info: Mapping[str, Any] | None = None,
        at: datetime | str | None = None,
        expires_at: datetime | str | None = None,
        learn: bool = True,
        request_id: str | None = None,
    ) -> Receipt:
        """Keep what was said and remember what it tells. On disk and findable when it returns.

        Raises InvalidInput, with nothing stored; LedgerUnavailable, DiskFull, ReadOnlyFolder.
        """
        from memos_core.mos.verbs import add

        return add(self._handle, content, user_id, agent_id, session_id, write_to, tags, info, at, expires_at, learn, request_id)

    def search(
        self,
        query: str,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        cube_ids: Sequence[str] | None = None,
        memory_types: Sequence[str] | None = None,
        filter: Where | None = None,
        top_k: int = 10,
        mode: str = "fast",
        min_relevance: float | None = None,
        as_of: datetime | str | None = None,
        valid_at: datetime | str | None = None,
        now: datetime | str | None = None,
        max_tokens: int | None = None,
        count_tokens: Callable[[str], int] | None = None,
    ) -> Recollection:
        """The memories that answer a query, best first, among all that the asker may read."""
        from memos_core.mos.asking import search

        return search(
            self._handle,
            query,
            user_id,
            agent_id,
            session_id,
            cube_ids,
            memory_types,
            filter,
            top_k,
            mode,
            min_relevance,
            as_of,
            valid_at,
            now,
            max_tokens,
            count_tokens,
        )

    def get(
        self, memory_id: str, *, user_id: str | None = None, agent_id: str | None = None, as_of: datetime | str | None = None
    ) -> Memory:
        """One memory; of a merged one its tombstone. MemoryNotFound also for what is not yours."""
        from memos_core.mos.asking import get

        return get(self._handle, memory_id, user_id, agent_id, as_of)

    def list(
        self,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        cube_ids: Sequence[str] | None = None,
        memory_types: Sequence[str] | None = None,
        filter: Where | None = None,
        limit: int = 50,
        cursor: str | None = None,
        as_of: datetime | str | None = None,
    ) -> Page[Memory]:
        """All memories, newest first, a page at a time; stable while others write."""
        from memos_core.mos.asking import list_memories

        return list_memories(self._handle, user_id, agent_id, cube_ids, memory_types, filter, limit, cursor, as_of)

    def update(
        self,
        memory_id: str,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        text: str | None = None,
        tags: Sequence[str] | None = None,
        info: Mapping[str, Any] | None = None,
        expires_at: datetime | str | None = None,
        if_version: int | None = None,
        request_id: str | None = None,
    ) -> Memory:
        """The next version of a memory. VersionConflict when `if_version` is not the newest."""
        from memos_core.mos.verbs import update

        return update(self._handle, memory_id, user_id, agent_id, text, tags, info, expires_at, if_version, request_id)

    def delete(
        self,
        memory_ids: str | Sequence[str] | None = None,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        filter: Where | None = None,
        request_id: str | None = None,
    ) -> Deletion:
        """Archive memories: not found any more, restorable."""
        from memos_core.mos.verbs import delete

        return delete(self._handle, memory_ids, user_id, agent_id, filter, request_id)

    def restore(
        self,
        memory_id: str,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        version: int | None = None,
        request_id: str | None = None,
    ) -> Memory:
        """Bring back an archived memory, or an older version of one, as its next version."""
        from memos_core.mos.verbs import restore

        return restore(self._handle, memory_id, user_id, agent_id, version, request_id)

    def erase(
        self,
        memory_ids: str | Sequence[str] | None = None,
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        filter: Where | None = None,
        everything: bool = False,
        request_id: str | None = None,
    ) -> ErasureReceipt:
        """Erase memories, what was said to make them and all that was made from it, from every store. Owners only."""
        from memos_core.mos.verbs import erase

        return erase(self._handle, memory_ids, user_id, agent_id, filter, everything, request_id)

    def history(self, memory_id: str, *, user_id: str | None = None, agent_id: str | None = None) -> tuple[Revision, ...]:
        """All versions of a memory, oldest first, with who made them, when and why."""
        from memos_core.mos.asking import history

        return history(self._handle, memory_id, user_id, agent_id)

    def wait(self, timeout: float | None = 60.0) -> None:
        """Until the background work that this handle started is done. TimeoutError; TaskFailed."""
        self._handle.wait(timeout)

    def bind(self, *, user_id: str | None = None, agent_id: str | None = None, session_id: str | None = None) -> BoundMOS:
        """The same verbs with these filled in."""
        from memos_core.mos.bound import BoundMOS

        return BoundMOS(self, user_id=user_id, agent_id=agent_id, session_id=session_id)

    def close(self) -> None:
        """Let go of the folder. Work that is left goes on when it is opened again."""
        self._handle.close()

    def __enter__(self) -> MOS:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @cached_property
    def sessions(self) -> Sessions:
        """Conversations, word for word."""
        from memos_core.mos.sessions import Sessions

        return Sessions(self._handle)

    @cached_property
    def cubes(self) -> Cubes:
        """Containers: sharing them, moving them."""
        from memos_core.mos.cubes import Cubes

        return Cubes(self._handle)

    @cached_property
    def tasks(self) -> Tasks:
        """Background work."""
        from memos_core.mos.tasks import Tasks

        return Tasks(self._handle)

    @cached_property
    def records(self) -> Records:
        """The raw lane: any JSON, verbatim, under a namespace and a key."""
        from memos_core.mos.records import Records

        return Records(self._handle)
