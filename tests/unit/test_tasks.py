"""Background work, seen and steered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from memos_core import MOS, Embedder, EmbedderUnavailable, InvalidInput, MemosError, TaskFailed, TaskNotFound


class Letters(Embedder):
    """Counts letters; can be switched off, for good or for a while."""

    name, digest, dim, languages, max_tokens = "letters", "letters-1", 26, frozenset[str](), 1000
    error: MemosError | None = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.error is not None:
            raise self.error
        counts = np.array([[text.casefold().count(chr(97 + n)) + 0.01 for n in range(26)] for text in texts], np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def mos(open_mos: Callable[..., MOS], letters: Letters) -> MOS:
    return open_mos(embedder=letters)


def failed_task(mos: MOS, letters: Letters, user: str = "alice") -> str:
    letters.error = MemosError("the model is broken")
    task_id = mos.add("Momo hates trams.", user_id=user).task_id
    assert task_id is not None
    with pytest.raises(TaskFailed, match=task_id):
        mos.wait(20)
    letters.error = None
    return task_id


def test_a_task_that_is_done_says_so(mos: MOS) -> None:
    task_id = mos.add("Momo hates trams.", user_id="alice").task_id
    mos.wait(20)
    task = mos.tasks.status(str(task_id))
    assert (task.kind, task.state, task.left, task.total, task.error) == ("embed", "done", 0, 1, None)
    assert task.done_at is not None and task.done_at >= task.created_at


def test_a_task_that_gave_up_says_why_and_can_be_tried_again(mos: MOS, letters: Letters) -> None:
    task_id = failed_task(mos, letters)
    task = mos.tasks.status(task_id)
    assert (task.state, task.left, task.error) == ("failed", 1, "the model is broken")
    mos.tasks.retry(task_id)
    mos.wait(20)
    assert mos.tasks.status(task_id).state == "done"
    assert mos.search("trams", user_id="alice").degraded == ()


def test_a_task_that_failed_for_a_while_waits(mos: MOS, letters: Letters) -> None:
    letters.error = EmbedderUnavailable()
    task_id = str(mos.add("Momo hates trams.", user_id="alice").task_id)
    while not mos.tasks.status(task_id).tries:
        mos._handle.engines.scheduler.wait_change(0.05)
    assert mos.tasks.status(task_id).state == "waiting"


def test_a_dropped_task_is_over_and_stays_failed(mos: MOS, letters: Letters) -> None:
    task_id = failed_task(mos, letters)
    dropped = mos.tasks.drop(task_id)
    assert (dropped.state, dropped.left, dropped.error) == ("failed", 0, "dropped")
    assert mos.tasks.retry(task_id) == dropped
    mos.wait(5)


def test_what_is_done_to_tasks_stands_in_the_audit(mos: MOS, letters: Letters) -> None:
    task_id = failed_task(mos, letters)
    before = head(mos)
    mos.tasks.drop(task_id)
    assert head(mos) != before
    assert list(mos._handle.engines.ledger.verify()) == []


def head(mos: MOS) -> str:
    with mos._handle.engines.ledger.book() as book:
        return book.head("default")


def test_a_named_asker_sees_only_their_own(mos: MOS, letters: Letters) -> None:
    hers = failed_task(mos, letters)
    his = mos.add("The kettle is new.", user_id="bob", agent_id="nurse").task_id
    assert [task.id for task in mos.tasks.list()] == [his, hers]
    assert [task.id for task in mos.tasks.list(user_id="alice")] == [hers]
    assert [task.id for task in mos.tasks.list(user_id="bob")] == [his]
    assert [task.id for task in mos.tasks.list(agent_id="nurse")] == []
    for verb in (mos.tasks.status, mos.tasks.retry, mos.tasks.drop):
        with pytest.raises(TaskNotFound):
            verb(hers, user_id="bob")
    assert mos.tasks.status(hers, user_id="alice").state == "failed"


def test_tenants_do_not_see_each_others(open_mos: Callable[..., MOS], letters: Letters) -> None:
    hers = open_mos(embedder=letters).add("Momo hates trams.", user_id="alice").task_id
    other = open_mos(embedder=letters, tenant="other")
    assert other.tasks.list().items == ()
    with pytest.raises(TaskNotFound):
        other.tasks.status(str(hers))


@pytest.mark.parametrize("call", [lambda t: t.status(""), lambda t: t.status(None), lambda t: t.list(limit=0), lambda t: t.retry(7)])
def test_bad_input_is_named(mos: MOS, call: Callable[[Any], Any]) -> None:
    with pytest.raises(InvalidInput, match=r"task_id|limit"):
        call(mos.tasks)


def test_an_unknown_task_is_not_found(mos: MOS) -> None:
    with pytest.raises(TaskNotFound):
        mos.tasks.status("no such task")


def test_a_wait_does_not_forget_what_was_added_while_it_waited(open_mos: Callable[..., MOS], monkeypatch: pytest.MonkeyPatch) -> None:
    mos = open_mos(embedder=Letters())
    scheduler = mos._handle.engines.scheduler
    scheduler.close()
    mos.add("one", user_id="u")
    more = iter(["two"])
    monkeypatch.setattr(scheduler, "wait_change", lambda timeout: [mos.add(text, user_id="u") for text in more])
    with pytest.raises(TimeoutError, match="1 of the tasks"):
        mos.wait(0.2)
    with pytest.raises(TimeoutError, match="2 of the tasks"):
        mos.wait(0)


def test_a_task_whose_work_was_erased_is_done(open_mos: Callable[..., MOS]) -> None:
    mos = open_mos(embedder=Letters())
    mos._handle.engines.scheduler.close()
    receipt = mos.add("one", user_id="u")
    mos.erase(receipt.memory_ids, user_id="u")
    assert receipt.task_id is not None and mos.tasks.status(receipt.task_id).state == "done"
