"""mos.tasks: background work, seen and steered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos_core.model.answer import Page, Task
    from memos_core.mos.handle import Handle


class Tasks:
    """Background work of this tenant; with a user or an agent named, only theirs."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def status(self, task_id: str, *, user_id: str | None = None, agent_id: str | None = None) -> Task:
        """One task. TaskNotFound also for what is not yours."""
        from memos_core.mos.steering import status

        return status(self._handle, task_id, user_id, agent_id)

    def list(self, *, user_id: str | None = None, agent_id: str | None = None, limit: int = 100) -> Page[Task]:
        """The newest tasks first; `total` counts those shown."""
        from memos_core.mos.steering import list_tasks

        return list_tasks(self._handle, user_id, agent_id, limit)

    def retry(self, task_id: str, *, user_id: str | None = None, agent_id: str | None = None) -> Task:
        """Try what is left of it again, now; `wait` then waits for it, too. A task with nothing left stays as it is."""
        from memos_core.mos.steering import retry

        return retry(self._handle, task_id, user_id, agent_id)

    def drop(self, task_id: str, *, user_id: str | None = None, agent_id: str | None = None) -> Task:
        """Give up what is left of it. What it should have made stays unmade until the index is rebuilt."""
        from memos_core.mos.steering import drop

        return drop(self._handle, task_id, user_id, agent_id)
