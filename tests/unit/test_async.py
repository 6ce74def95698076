"""The awaited face: the same verbs, in threads of its own."""

from __future__ import annotations

import asyncio
import inspect
import threading
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, AsyncMOS, Closed, InvalidInput, MemoryNotFound, Settings
from memos_core.mos import asynchronous as a
from memos_core.mos import bound
from memos_core.mos.cubes import Cubes
from memos_core.mos.records import Records
from memos_core.mos.sessions import Sessions
from memos_core.mos.tasks import Tasks

PAIRS = [(MOS, AsyncMOS), (Sessions, a.AsyncSessions), (Tasks, a.AsyncTasks), (Records, a.AsyncRecords), (Cubes, a.AsyncCubes)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(embedder="none", durability="normal", config_dir=str(tmp_path / "config"), cache_dir=str(tmp_path / "cache"))


def verbs(kind: type) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def shape(verb: Any) -> list[tuple[str, Any, Any, Any]]:
    return [(p.name, p.kind, p.default, p.annotation) for p in inspect.signature(verb).parameters.values()]


@pytest.mark.parametrize(("plain", "awaited"), PAIRS, ids=lambda kind: kind.__name__)
def test_every_verb_is_there_with_the_same_signature(plain: type, awaited: type) -> None:
    assert set(verbs(awaited)) == set(verbs(plain))
    for name, verb in verbs(plain).items():
        assert shape(getattr(awaited, name)) == shape(verb), name
        assert name == "bind" or inspect.iscoroutinefunction(getattr(awaited, name)), name


def test_the_bound_face_has_the_same_verbs() -> None:
    assert set(verbs(a.AsyncBoundMOS)) == set(verbs(AsyncMOS))
    for name in ("sessions", "cubes", "tasks", "records"):
        assert hasattr(bound.BoundMOS, name) and hasattr(AsyncMOS, name)


async def test_the_bound_face_opens_and_closes_the_whole(tmp_path: Path, settings: Settings) -> None:
    whole = AsyncMOS(str(tmp_path / "memory"), settings=settings)
    async with whole.bind(user_id="alice") as alice:
        await alice.add("Momo hates trams.")
        assert alice.home == whole.home == str(tmp_path / "memory")
    with pytest.raises(Closed):
        await whole.search("trams", user_id="alice")


def test_what_can_not_be_opened_is_said_at_once() -> None:
    with pytest.raises(TypeError, match="foo"):
        AsyncMOS(foo=1)


async def test_what_is_added_is_found(tmp_path: Path, settings: Settings) -> None:
    async with AsyncMOS(str(tmp_path / "memory"), settings=settings) as mos:
        receipt = await mos.add("Momo hates trams.", user_id="alice", session_id="walks")
        found = await mos.search("trams", user_id="alice")
        assert found[0].memory.id == receipt.memory_ids[0]
        assert len(await mos.sessions.messages("walks", user_id="alice")) == 1
        assert await mos.wait() is None


async def test_a_bound_one_fills_in_who_asks(tmp_path: Path, settings: Settings) -> None:
    async with AsyncMOS(str(tmp_path / "memory"), settings=settings) as mos:
        alice = mos.bind(user_id="alice").bind(session_id="walks")
        memory_id = (await alice.add("Momo hates trams.")).memory_ids[0]
        assert (await alice.get(memory_id)).session_id == "walks"
        assert (await alice.sessions.list()).items[0].id == "walks"
        with pytest.raises(MemoryNotFound):
            await mos.bind(user_id="bob").get(memory_id)


async def test_many_at_once_are_all_kept(tmp_path: Path, settings: Settings) -> None:
    async with AsyncMOS(str(tmp_path / "memory"), settings=settings) as mos:
        receipts = await asyncio.gather(*(mos.add(f"Fact number {n}.", user_id=f"user {n % 5}") for n in range(60)))
        assert len({one.memory_ids[0] for one in receipts}) == 60
        assert sum([(await mos.list(user_id=f"user {n}")).total for n in range(5)]) == 60


async def test_the_event_loop_goes_on_while_a_verb_works(tmp_path: Path, settings: Settings) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    async with AsyncMOS(str(tmp_path / "memory"), settings=settings) as mos:
        heart = asyncio.create_task(beat())
        await mos.add([f"Fact number {n}." for n in range(500)], user_id="alice")
        heart.cancel()
    assert beats > 1


async def test_a_long_job_keeps_no_read_waiting(tmp_path: Path, settings: Settings) -> None:
    async with AsyncMOS(str(tmp_path / "memory"), settings=settings) as mos:
        release = threading.Event()
        jobs = [asyncio.create_task(mos._pools.run(a.LONG, release.wait)) for _ in range(8)]
        await mos.add("Momo hates trams.", user_id="alice")
        assert len(await mos.list(user_id="alice")) == 1
        assert not any(job.done() for job in jobs)
        release.set()
        await asyncio.gather(*jobs)


async def test_a_cancelled_call_that_runs_already_is_carried_out(tmp_path: Path, settings: Settings) -> None:
    async with AsyncMOS(str(tmp_path / "memory"), settings=settings) as mos:
        begun, release = threading.Event(), threading.Event()
        real = mos._opened

        def slow() -> MOS:
            begun.set()
            release.wait()
            return real()

        mos._reach = slow
        adding = asyncio.create_task(mos.add("Momo hates trams.", user_id="alice", request_id="r1"))
        await asyncio.to_thread(begun.wait)
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        release.set()
        mos._reach = real
        again = await mos.add("Momo hates trams.", user_id="alice", request_id="r1")
        assert (await mos.list(user_id="alice")).total == 1 and len(again.memory_ids) == 1


async def test_after_close_every_verb_says_so(tmp_path: Path, settings: Settings) -> None:
    mos = AsyncMOS(str(tmp_path / "memory"), settings=settings)
    await mos.add("Momo hates trams.", user_id="alice")
    await mos.close()
    await mos.close()
    with pytest.raises(Closed):
        await mos.list(user_id="alice")
    with pytest.raises(Closed):
        await mos.bind(user_id="alice").sessions.list()


async def test_errors_come_through_as_they_are(tmp_path: Path, settings: Settings) -> None:
    async with AsyncMOS(str(tmp_path / "memory"), settings=settings) as mos:
        with pytest.raises(InvalidInput, match="user_id"):
            await mos.search("anything")


async def test_it_is_the_face_of_an_open_memory(mos: MOS) -> None:
    face = AsyncMOS.over(mos)
    await face.add("Momo hates trams.", user_id="alice")
    assert mos.list(user_id="alice").total == 1


async def test_a_url_says_which_folder(tmp_path: Path) -> None:
    async with AsyncMOS.from_url(f"memos://{tmp_path}/memory?embedder=none&config_dir={tmp_path}/config") as mos:
        await mos.add("Momo hates trams.", user_id="alice")
    assert (tmp_path / "memory" / "memory.db").exists()
