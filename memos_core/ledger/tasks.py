"""The outbox: work that a transaction left behind. A row is a unit of work; a task is done when none of its rows is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam as p

from memos_core.ledger import tables as t
from memos_core.ledger.base import Ledger
from memos_core.model.change import Work
from memos_core.sql.schema import Prepared

LEASE_MICROS = 60_000_000
MAX_TRIES = 5


_COLUMNS = (t.outbox.c.nr, t.outbox.c.task, t.outbox.c.kind, t.outbox.c.item, t.outbox.c.version, t.outbox.c.tries)
_DUE = Prepared(
    sa.select(*_COLUMNS)
    .where(t.outbox.c.dead == 0, sa.or_(t.outbox.c.due <= p("now"), t.outbox.c.due > p("lead")))
    .order_by(t.outbox.c.nr)
    .limit(256)
)
"""What is due. Further ahead than any lease or pause is only what was written before a clock was set back."""
_LEAD_MICROS = 1_500 * 1_000_000
_LEASE = Prepared(sa.update(t.outbox).values(due=p("until")).where(t.outbox.c.nr == p("n")))
_DROP = Prepared(sa.delete(t.outbox).where(t.outbox.c.nr == p("n")))
_RETRY = Prepared(sa.update(t.outbox).values(due=p("at"), tries=p("tries"), dead=p("dead")).where(t.outbox.c.nr == p("n")))
_DONE = Prepared(
    sa.update(t.tasks)
    .values(done=p("now"), error=sa.null())
    .where(t.tasks.c.nr == p("n"), t.tasks.c.done.is_(None), ~sa.exists().where(t.outbox.c.task == t.tasks.c.nr))
)
_ERROR = Prepared(sa.update(t.tasks).values(error=p("error")).where(t.tasks.c.nr == p("n")))


def awaited(connection: sa.Connection) -> set[int]:
    """The memories that some work waits for."""
    return {row[0] for row in connection.execute(sa.select(t.outbox.c.item).distinct())}


def any_due(connection: sa.Connection, now: int) -> bool:
    """Whether there is work that nobody holds."""
    return _DUE.one(connection, (now, now + _LEAD_MICROS)) is not None


def claim(connection: sa.Connection, now: int) -> list[Work]:
    """Take what is due and nobody holds; it is ours until the lease ends."""
    work = [Work(*row) for row in _DUE.all(connection, (now, now + _LEAD_MICROS))]
    _LEASE.run(connection, [(now + LEASE_MICROS, w.nr) for w in work])
    return work


def close_empty(connection: sa.Connection, tasks: Sequence[int], now: int) -> None:
    """Of these tasks, those of which no unit is left are done."""
    _DONE.run(connection, [(now, task) for task in tasks])


def of_task(connection: sa.Connection, task_ids: Sequence[str]) -> list[Work]:
    """The open work of these tasks."""
    query = (
        sa.select(*_COLUMNS).join(t.tasks, t.tasks.c.nr == t.outbox.c.task).where(t.tasks.c.id.in_(list(task_ids)), t.outbox.c.dead == 0)
    )
    return [Work(*row) for row in connection.execute(query)]


def finish(connection: sa.Connection, work: Sequence[Work], now: int) -> None:
    """These units are done; tasks with none left are done too."""
    _DROP.run(connection, [(w.nr,) for w in work])
    close_empty(connection, sorted({w.task for w in work}), now)


def postpone(connection: sa.Connection, work: Sequence[Work], error: str, now: int, *, retryable: bool, counted: bool = True) -> None:
    """These failed: again later, each time later; after the last try they wait for somebody to look.

    What is not `counted` is no try of theirs: they wait a little, and keep those that they have.
    """
    gone = False
    for w in work:
        tries = w.tries + counted
        dead = counted and (not retryable or tries >= MAX_TRIES)
        later = now + 1_000_000 * 4 ** (w.tries if counted else max(1, w.tries))
        gone |= _RETRY.run(connection, [(later, tries, int(dead), w.nr)]) == 0
    told = "the error was erased with a memory" if gone else error[:500]  # it may quote what was erased while it was being done
    for task in {w.task for w in work}:
        _ERROR.run(connection, [(told, task)])


def task_rows(
    connection: sa.Connection, tenant: str, *, ids: Sequence[str] | None = None, whose: str | None = None, limit: int = 100
) -> list[Any]:
    """Tasks, newest first, each with how many units are left, how many of them are dead, and when the first is due.

    `whose` is a pattern of the asker's numbers, "user:agent".
    """
    left = sa.select(sa.func.count()).where(t.outbox.c.task == t.tasks.c.nr).scalar_subquery()
    dead = sa.select(sa.func.coalesce(sa.func.sum(t.outbox.c.dead), 0)).where(t.outbox.c.task == t.tasks.c.nr).scalar_subquery()
    tries = sa.select(sa.func.coalesce(sa.func.max(t.outbox.c.tries), 0)).where(t.outbox.c.task == t.tasks.c.nr).scalar_subquery()
    due = sa.select(sa.func.coalesce(sa.func.min(t.outbox.c.due), 0)).where(t.outbox.c.task == t.tasks.c.nr).scalar_subquery()
    query = sa.select(t.tasks, left.label("left"), dead.label("dead"), tries.label("tries"), due.label("due")).where(
        t.tasks.c.tenant == tenant
    )
    if whose is not None:
        query = query.where(t.tasks.c.asker.like(whose))
    if ids is not None:
        query = query.where(t.tasks.c.id.in_(list(ids)))
    return list(connection.execute(query.order_by(t.tasks.c.nr.desc()).limit(limit)))


def revive(connection: sa.Connection, task: int, now: int) -> int:
    """Try the units of a task again now; how many there are."""
    result = connection.execute(sa.update(t.outbox).values(due=now, tries=0, dead=0).where(t.outbox.c.task == task))
    connection.execute(sa.update(t.tasks).values(error=None, done=None).where(t.tasks.c.nr == task))
    return result.rowcount


def drop(connection: sa.Connection, task: int, now: int) -> int:
    """Give up the units of a task; how many there were."""
    result = connection.execute(sa.delete(t.outbox).where(t.outbox.c.task == task))
    connection.execute(sa.update(t.tasks).values(done=now, error="dropped").where(t.tasks.c.nr == task))
    return result.rowcount


class Outbox:
    """The outbox as a scheduler sees it: take, finish, postpone."""

    def __init__(self, ledger: Ledger, clock: Callable[[], int]) -> None:
        self._ledger, self._clock = ledger, clock

    def claim(self) -> list[Work]:
        """What is due and nobody holds."""
        with self._ledger.book() as book:
            due = any_due(book.connection, self._clock())
        return self._ledger.write(lambda connection: claim(connection, self._clock())) if due else []

    def finish(self, work: Sequence[Work]) -> None:
        """These are done."""
        self._ledger.write(lambda connection: finish(connection, work, self._clock()))

    def postpone(self, work: Sequence[Work], error: str, *, retryable: bool, counted: bool = True) -> None:
        """These failed. Where it is not `counted`, they keep the tries that they have."""
        self._ledger.write(lambda connection: postpone(connection, work, error, self._clock(), retryable=retryable, counted=counted))

    def release(self, work: Sequence[Work]) -> None:
        """These were not begun: anybody may claim them now."""
        self._ledger.write(lambda connection: _LEASE.run(connection, [(self._clock(), w.nr) for w in work]))
