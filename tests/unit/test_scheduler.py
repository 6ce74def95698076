"""The worker on bad days: whatever a handler raises is written down and tried again, and one bad unit fails alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from memos_core import MOS, DiskFull, EmbedderUnavailable, InvalidInput, LedgerUnavailable, MemosError
from memos_core.bench.vectors import Seeded
from memos_core.ledger import tables as t
from memos_core.ledger.tasks import MAX_TRIES, Outbox
from memos_core.model.answer import Task
from memos_core.model.change import Work
from memos_core.model.scope import Asker
from memos_core.scheduler import inline
from memos_core.scheduler.inline import InlineScheduler

HOUR = timedelta(hours=1)


class Worked:
    """A folder with tasks of one unit each, a clock that is moved by hand, and a handler that fails at chosen units."""

    def __init__(self, open_mos: Callable[..., MOS]) -> None:
        self.now = datetime(2026, 6, 1, tzinfo=UTC)
        self.mos = open_mos(clock=lambda: self.now)
        self.engines = self.mos._handle.engines
        self.scheduler = InlineScheduler(Outbox(self.engines.ledger, self.engines.clock), {"work": self.handle}, upkeep=self.upkeep)
        self.bad: dict[int, BaseException] = {}
        self.whole: BaseException | None = None
        self.calls: list[list[int]] = []
        self.upkeeps = 0

    def handle(self, work: Sequence[Work]) -> None:
        self.calls.append([unit.item for unit in work])
        if self.whole is not None:
            raise self.whole
        for unit in work:
            if unit.item in self.bad:
                raise self.bad[unit.item]

    def upkeep(self) -> None:
        self.upkeeps += 1

    def put(self, count: int, kind: str = "work") -> None:
        def plan(pen: Any, book: Any) -> None:
            for nr in range(count):
                pen.enqueue(f"t{nr}", kind, [(nr, 1)], due=pen.at)

        self.engines.ledger.append(Asker("default", None, None), kind, plan)

    def round(self) -> int:
        """One drain, an hour later."""
        self.now += HOUR
        self.calls.clear()
        return self.scheduler.drain_once()

    def task(self, nr: int) -> Task:
        return self.mos.tasks.status(f"t{nr}")

    def states(self) -> list[str]:
        return [task.state for task in reversed(self.mos.tasks.list(limit=1000).items)]


@pytest.fixture
def worked(open_mos: Callable[..., MOS]) -> Iterator[Worked]:
    yield Worked(open_mos)


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no message")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (RuntimeError("out of memory"), "RuntimeError: out of memory"),
        (AttributeError("'str' object has no attribute 'embed'"), "AttributeError: 'str' object has no attribute 'embed'"),
        (KeyError(), "KeyError"),
        (ValueError("two\nlines \x00 and half \ud83d"), "ValueError: two lines and half ?"),
        (OSError("x" * 9999), f"OSError: {'x' * 160}"),
        (Mute(), "Mute"),
        (MemoryError(), "MemoryError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_error_is_a_try_and_after_the_last_the_task_has_failed(worked: Worked, raised: Exception, said: str) -> None:
    worked.put(1)
    worked.whole = raised
    for tried in range(1, MAX_TRIES):
        assert worked.round() == 1
        assert (worked.task(0).state, worked.task(0).tries, worked.task(0).error) == ("waiting", tried, said)
    assert worked.round() == 1 and worked.task(0).state == "failed" and worked.task(0).error == said
    assert worked.round() == 0
    assert list(worked.engines.ledger.verify()) == []


@pytest.mark.parametrize("raised", [LedgerUnavailable(), DiskFull()])
def test_a_storage_that_refuses_takes_no_tries(worked: Worked, raised: MemosError) -> None:
    worked.put(3)
    worked.whole = raised
    for _ in range(MAX_TRIES + 2):
        assert worked.round() == 3 and len(worked.calls) == 1
        tasks = [worked.task(nr) for nr in range(3)]
        assert [(task.state, task.tries, task.error) for task in tasks] == [("waiting", 0, str(raised))] * 3
    worked.whole = None
    assert worked.round() == 3 and worked.states() == ["done"] * 3


@pytest.mark.parametrize("raised", [RuntimeError("this text"), InvalidInput("text", "is bad."), MemosError("no")], ids=repr)
def test_one_bad_unit_fails_alone(worked: Worked, raised: Exception) -> None:
    worked.put(256)
    worked.bad[77] = raised
    assert worked.round() == 256
    tried = [nr for call in worked.calls for nr in call]
    assert all(tried.count(nr) == 2 for nr in range(256))
    for _ in range(MAX_TRIES):
        worked.round()
    assert [nr for nr, state in enumerate(worked.states()) if state != "done"] == [77]
    assert worked.task(77).state == "failed" and str(raised) in str(worked.task(77).error)


def test_units_that_can_only_be_done_apart_are_done(worked: Worked) -> None:
    worked.put(9)

    def small(work: Sequence[Work]) -> None:
        if len(work) > 1:
            raise MemoryError

    worked.scheduler._handlers["work"] = small
    assert worked.round() == 9 and worked.states() == ["done"] * 9


def test_an_embedder_that_is_away_is_not_asked_for_every_unit(worked: Worked) -> None:
    worked.put(256)
    worked.whole = EmbedderUnavailable("away")
    assert worked.round() == 256 and len(worked.calls) == 1
    for tried in range(2, MAX_TRIES):
        worked.round()
        assert len(worked.calls) <= 3
        assert {worked.task(nr).tries for nr in (0, 100, 255)} == {tried}
    worked.whole = None
    worked.round()
    assert worked.states() == ["done"] * 256


def test_a_text_for_which_the_embedder_says_it_is_away_fails_alone(worked: Worked) -> None:
    worked.put(64)
    worked.bad[0] = EmbedderUnavailable("the endpoint answered 400.")
    for _ in range(MAX_TRIES):
        worked.round()
    assert worked.states() == ["failed"] + ["done"] * 63


def test_an_embedder_that_goes_away_while_units_are_tried_apart_is_left_alone(worked: Worked) -> None:
    worked.put(64)
    worked.whole = RuntimeError("odd")
    handle = worked.handle

    def fading(work: Sequence[Work]) -> None:
        if worked.calls:
            worked.whole = EmbedderUnavailable("away")
        handle(work)

    worked.scheduler._handlers["work"] = fading
    worked.round()
    assert len(worked.calls) == 3 and {task.tries for task in worked.mos.tasks.list(limit=64)} == {1}


def test_a_worker_that_is_stopped_in_the_middle_of_them_keeps_the_rest(worked: Worked) -> None:
    worked.put(20)
    worked.bad[3] = RuntimeError("odd")

    def stopping(work: Sequence[Work]) -> None:
        worked.scheduler._stop = len(work) == 1
        worked.handle(work)

    worked.scheduler._handlers["work"] = stopping
    worked.round()
    assert len(worked.calls) == 2
    worked.scheduler._stop = False
    worked.scheduler._handlers["work"] = worked.handle
    worked.round()
    assert worked.states().count("done") == 19


def test_work_of_an_unknown_kind_fails_without_being_tried(worked: Worked) -> None:
    worked.put(3, kind="study")
    assert worked.round() == 3 and worked.states() == ["failed"] * 3 and worked.calls == []


def test_without_work_there_is_upkeep_and_what_it_finds_is_done_at_once(worked: Worked) -> None:
    assert worked.round() == 0 and worked.upkeeps == 1
    worked.scheduler._upkeep = lambda: worked.put(2)
    assert worked.scheduler.drain_once() == 2 and worked.states() == ["done"] * 2


def submitted(worked: Worked, first: int, count: int) -> None:
    """Work that comes one unit at a time."""
    for nr in range(first, first + count):
        worked.scheduler.submit([Work(nr, nr, "work", nr, 1, 0)])
        time.sleep(0.01)


def done(worked: Worked) -> int:
    return sum(map(len, worked.calls))


def test_a_burst_is_done_at_its_end_and_so_is_the_one_that_came_meanwhile(worked: Worked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "_GATHER_SECONDS", 0.5)
    monkeypatch.setattr(inline, "_AT_MOST_SECONDS", 60.0)
    more = threading.Thread(target=submitted, args=(worked, 100, 50))

    def slow(work: Sequence[Work]) -> None:
        worked.handle(work)
        if not more.ident:
            more.start()
        time.sleep(0.02)

    worked.scheduler._handlers["work"] = slow
    submitted(worked, 0, 50)
    while done(worked) < 100:
        time.sleep(0.01)
    worked.scheduler.close()
    assert len(worked.calls) <= 8, "one by one they would be dozens"


def test_who_waits_does_not_wait_for_the_end_of_a_burst(worked: Worked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "_GATHER_SECONDS", 600.0)
    monkeypatch.setattr(inline, "_AT_MOST_SECONDS", 600.0)
    submitted(worked, 0, 3)
    deadline = time.monotonic() + 60
    while done(worked) < 3 and time.monotonic() < deadline:
        worked.scheduler.wait_change(0.1)
    worked.scheduler.close()
    assert done(worked) == 3


def test_what_was_added_just_before_the_end_is_embedded_when_the_memory_is_opened_again(open_mos: Callable[..., MOS]) -> None:
    with open_mos(embedder=Seeded()) as mos:
        mos.add([f"Line {nr} about tea." for nr in range(200)], user_id="alice")
    again = open_mos(embedder=Seeded())
    deadline = time.monotonic() + 30
    while (found := again.search("tea", user_id="alice")).degraded and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not found.degraded, "the lease of a process that has ended well would be a minute"


def test_an_error_about_what_was_erased_meanwhile_is_not_kept(worked: Worked) -> None:
    def erased(work: Sequence[Work]) -> None:
        worked.engines.ledger.write(lambda connection: connection.execute(sa.delete(t.outbox)))
        raise ValueError("can't embed: my PIN is 4711")

    worked.put(1)
    worked.scheduler._handlers["work"] = erased
    worked.round()
    assert "4711" not in (worked.task(0).error or "") and "erased" in (worked.task(0).error or "")


def test_work_that_waits_for_a_time_far_ahead_waits_for_no_clock_that_was_set_back(worked: Worked) -> None:
    worked.put(1)
    worked.bad[0] = RuntimeError("not now")
    worked.round()
    worked.bad.clear()
    worked.now -= 3 * HOUR
    worked.round()
    assert worked.task(0).state == "done"


def test_a_fork_in_the_middle_of_a_slow_batch_leaves_one_worker(worked: Worked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "_PATIENCE_SECONDS", 0.1)
    begun, go_on = threading.Event(), threading.Event()
    at_once: list[int] = []

    def slow(work: Sequence[Work]) -> None:
        at_once.append(1)
        begun.set()
        go_on.wait(30)
        worked.handle(work)

    worked.scheduler._handlers["work"] = slow
    submitted(worked, 0, 1)
    assert begun.wait(30)
    worked.scheduler.rest()
    worked.scheduler.go_on()
    submitted(worked, 1, 1)
    time.sleep(0.3)
    assert len(at_once) == 1, "the second batch waits for the first"
    go_on.set()
    while done(worked) < 2:
        time.sleep(0.01)
    worked.scheduler.close()
