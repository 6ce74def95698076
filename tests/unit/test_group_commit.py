"""Group commit: who queues while a commit is on its way goes with the next one, and nobody pays for another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from memos_core.errors import Closed, DiskFull, InvalidInput, LedgerUnavailable, StorageError
from memos_core.ledger.group import GroupCommit
from memos_core.sql.engine import open_sqlite

ROW = "INSERT INTO said (word) VALUES (?)"
Work = Callable[[sa.Connection], Any]


class Door:
    """A group commit on a file, whose leader can be held inside its transaction until others have queued."""

    def __init__(self, path: Path) -> None:
        self.engine = open_sqlite(path)
        with self.engine.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE said (nr INTEGER PRIMARY KEY, word TEXT UNIQUE NOT NULL)")
        self.group = GroupCommit(self.engine, "here")
        self.commits = 0
        sa.event.listen(self.engine, "checkout", self._watch)

    def _watch(self, connection: Any, *_: Any) -> None:
        connection.set_trace_callback(self._count)

    def _count(self, statement: str) -> None:
        self.commits += statement == "COMMIT"

    def words(self) -> list[str]:
        with self.engine.connect() as connection:
            return [row[0] for row in connection.exec_driver_sql("SELECT word FROM said ORDER BY nr")]

    def together(self, works: list[Work], leader: Work | None = None) -> list[Any]:
        """Each work's result or error; all but the leader's queue while the leader is inside its transaction."""
        inside, go_on = threading.Event(), threading.Event()
        results: list[Any] = [None] * len(works)

        def lead(connection: sa.Connection) -> None:
            inside.set()
            go_on.wait(30)
            if leader is not None:
                leader(connection)

        def run(place: int, work: Work) -> None:
            try:
                results[place] = self.group.run(work)
            except BaseException as exc:
                results[place] = exc

        first = threading.Thread(target=lambda: run_quietly(lambda: self.group.run(lead)))
        first.start()
        inside.wait(30)
        threads = []
        for place, work in enumerate(works):
            threads.append(threading.Thread(target=run, args=(place, work)))
            threads[-1].start()
            while len(self.group._queue) <= place:
                threading.Event().wait(0.001)
        go_on.set()
        for thread in [first, *threads]:
            thread.join(30)
        return results


def run_quietly(act: Callable[[], Any]) -> None:
    try:
        act()
    except BaseException:
        return


def say(word: str) -> Work:
    def work(connection: sa.Connection) -> str:
        connection.exec_driver_sql(ROW, (word,))
        return word.upper()

    return work


def fail(error: BaseException, word: str = "half") -> Work:
    def work(connection: sa.Connection) -> None:
        connection.exec_driver_sql(ROW, (word,))
        raise error

    return work


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path / "memory.db")
    yield made
    made.group.close()
    made.engine.dispose()


def test_a_lone_write_commits_at_once_and_alone(door: Door) -> None:
    assert door.group.run(say("tea")) == "TEA"
    assert door.words() == ["tea"] and door.commits == 1


def test_those_who_queue_share_one_commit_in_the_order_they_came(door: Door) -> None:
    assert door.together([say(word) for word in "abcde"]) == ["A", "B", "C", "D", "E"]
    assert door.words() == ["a", "b", "c", "d", "e"] and door.commits == 2


@pytest.mark.parametrize("error", [InvalidInput("text", "is empty."), ZeroDivisionError("a plan's own fault")])
def test_one_refused_takes_no_other_along(door: Door, error: Exception) -> None:
    results = door.together([say("a"), fail(error), say("c")])
    assert (results[0], results[1], results[2]) == ("A", error, "C")
    assert door.words() == ["a", "c"] and door.commits == 2


def test_a_statement_that_the_database_refuses_is_one_members_own_fault(door: Door) -> None:
    results = door.together([say("a"), say("a"), say("b")])
    assert results[0] == "A" and isinstance(results[1], StorageError) and results[2] == "B"
    assert door.words() == ["a", "b"]


def test_of_a_group_that_cannot_commit_nobody_is_acknowledged(door: Door) -> None:
    full = sa.exc.OperationalError("INSERT", None, Exception("database or disk is full"))
    results = door.together([say("a"), fail(full), say("c")])
    assert all(isinstance(result, DiskFull) for result in results) and door.words() == []
    assert door.group.run(say("later")) == "LATER"


def test_an_interrupted_leader_hears_of_it_and_the_others_are_told_that_nothing_was_stored(door: Door) -> None:
    results = door.together([say("a"), fail(KeyboardInterrupt()), say("c")])
    assert sorted(type(result).__name__ for result in results) == ["KeyboardInterrupt", "LedgerUnavailable", "LedgerUnavailable"]
    assert door.words() == []
    assert door.group.run(say("later")) == "LATER" and door.words() == ["later"]


def test_a_lone_interrupt_stores_nothing_and_the_door_stays_open(door: Door) -> None:
    with pytest.raises(KeyboardInterrupt):
        door.group.run(fail(KeyboardInterrupt()))
    assert door.words() == [] and door.group.run(say("later")) == "LATER"


def test_after_a_failed_write_to_disk_nothing_more_is_acknowledged(door: Door) -> None:
    with pytest.raises(LedgerUnavailable):
        door.group.run(fail(sa.exc.OperationalError("COMMIT", None, Exception("disk I/O error"))))
    with pytest.raises(LedgerUnavailable, match="Open the memory again"):
        door.group.run(say("later"))
    assert door.words() == []


def test_a_closed_door_says_so(door: Door) -> None:
    door.group.run(say("tea"))
    door.group.close()
    with pytest.raises(Closed):
        door.group.run(say("later"))


def test_many_threads_lose_nothing_and_share_commits(door: Door) -> None:
    door.together([say(f"word {nr}") for nr in range(40)])
    assert len(door.words()) == 40 and door.commits == 2


def test_the_disk_is_not_waited_for_where_only_projections_are_written(door: Door) -> None:
    level: list[int] = []

    def look(connection: sa.Connection) -> None:
        level.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    for durable in (False, True, False):
        door.group.run(look, durable=durable)
    assert level == [1, 2, 1]
