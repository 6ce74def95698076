"""The verbs on background work, behind the desk. Trusted code sees its tenant's tasks; a named asker only their own."""

from __future__ import annotations

from typing import Any

from memos_core.errors import TaskNotFound
from memos_core.ledger import tasks as work
from memos_core.ledger.pen import Pen
from memos_core.ledger.read import Book, moment
from memos_core.model.answer import Page, Task
from memos_core.model.scope import Asker
from memos_core.mos import inputs
from memos_core.mos.adding import Added
from memos_core.mos.handle import Handle

NOBODY = "nobody"


def _asker(handle: Handle, user_id: Any, agent_id: Any) -> Asker:
    """Who asks; unlike for memories, nobody in particular is allowed: who holds the folder's handle may steer its work."""
    return Asker(handle.tenant, inputs.name("user_id", user_id), inputs.name("agent_id", agent_id))


def _whose(book: Book, asker: Asker) -> str | None:
    """How tasks of this asker are marked: a pattern; None for everybody's."""
    if asker.user_id is not None:
        known = book.principal(asker.tenant, "user", asker.user_id)
        return f"{known[0]}:%" if known else NOBODY
    if asker.agent_id is not None:
        known = book.principal(asker.tenant, "agent", asker.agent_id)
        return f"0:{known[0]}" if known else NOBODY
    return None


def _row(book: Book, asker: Asker, task_id: str) -> Any:
    for row in work.task_rows(book.connection, asker.tenant, ids=[task_id], whose=_whose(book, asker)):
        return row
    raise TaskNotFound(f"There is no task '{task_id[:80]}', or it is not yours.")


def _task(row: Any, now: int) -> Task:
    if row.done is not None:
        state = "failed" if row.error else "done"
    elif row.dead:
        state = "failed"
    else:
        state = "running" if row.left and not row.tries and row.error is None and row.due > now else "waiting"
    return Task(
        id=row.id, kind=row.kind, state=state, tries=row.tries, total=row.total, left=row.left, error=row.error, created_at=moment(row.at),
        done_at=None if row.done is None else moment(row.done),
    )  # fmt: skip


def status(handle: Handle, task_id: Any, user_id: Any, agent_id: Any) -> Task:
    """See Tasks.status."""
    wanted, asker = str(inputs.name("task_id", task_id, needed=True)), _asker(handle, user_id, agent_id)
    with handle.engines.ledger.book() as book:
        return _task(_row(book, asker, wanted), handle.engines.clock())


def list_tasks(handle: Handle, user_id: Any, agent_id: Any, limit: Any) -> Page[Task]:
    """See Tasks.list."""
    asker, limit = _asker(handle, user_id, agent_id), inputs.whole("limit", limit, 1, 1000)
    now = handle.engines.clock()
    with handle.engines.ledger.book() as book:
        rows = work.task_rows(book.connection, asker.tenant, whose=_whose(book, asker), limit=limit)
    return Page(items=tuple(_task(row, now) for row in rows), total=len(rows))


def retry(handle: Handle, task_id: Any, user_id: Any, agent_id: Any) -> Task:
    """See Tasks.retry."""
    wanted, asker = str(inputs.name("task_id", task_id, needed=True)), _asker(handle, user_id, agent_id)

    def plan(pen: Pen, book: Book) -> Added | None:
        row = _row(book, asker, wanted)
        if not row.left:
            return None
        work.revive(pen.connection, row.nr, pen.at + work.LEASE_MICROS)
        pen.detail["task"] = row.nr
        return Added(task_id=wanted, work=work.of_task(pen.connection, [wanted]))

    again = handle.engines.ledger.append(asker, "retry task", plan).value
    if again is not None:
        handle.started(again)
    return status(handle, wanted, user_id, agent_id)


def drop(handle: Handle, task_id: Any, user_id: Any, agent_id: Any) -> Task:
    """See Tasks.drop."""
    wanted, asker = str(inputs.name("task_id", task_id, needed=True)), _asker(handle, user_id, agent_id)

    def plan(pen: Pen, book: Book) -> None:
        row = _row(book, asker, wanted)
        if row.left:
            work.drop(pen.connection, row.nr, pen.at)
            pen.detail["task"] = row.nr

    handle.engines.ledger.append(asker, "drop task", plan)
    return status(handle, wanted, user_id, agent_id)
