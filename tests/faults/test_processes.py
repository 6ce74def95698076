"""Several processes on one folder, forks of one process, threads and an event loop: all at the same time, no errors, nothing lost."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, AsyncMOS
from memos_core.sql import engine
from tests.faults.neighbours import opened, word


def _together(folder: Path, board: Path, names: list[str], steps: int) -> list[dict[str, Any]]:
    board.mkdir()
    command = [sys.executable, "-m", "tests.faults.neighbours", str(folder), str(board)]
    running = [
        subprocess.Popen([*command, name, ",".join(names), str(steps)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name in names
    ]
    told = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0] * len(names), "\n".join(err[-1500:] for _, err in told)
    return [json.loads(out) for out, _ in told]


def _sound(mos: MOS) -> list[str]:
    return [f"{finding.where}: {finding.what}" for finding in mos._handle.engines.ledger.verify()]


def test_two_processes_write_and_read_one_folder_and_see_each_other_at_once(tmp_path: Path) -> None:
    names, steps = ["a", "b"], 25
    told = _together(tmp_path / "memory", tmp_path / "board", names, steps)
    assert [one["missed"] for one in told] == [[], []]
    with opened(tmp_path / "memory") as mos:
        page = mos.list(user_id="all", limit=1000)
        assert {memory.id for memory in page} >= {one for process in told for one in process["ids"]}
        assert page.total == len(names) * steps + 1
        assert len({memory.text for memory in page}) == page.total
        assert _sound(mos) == []


def test_several_processes_make_one_folder_at_the_same_time(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d"]
    told = _together(tmp_path / "memory", tmp_path / "board", names, 1)
    assert [one["missed"] for one in told] == [[]] * 4
    with opened(tmp_path / "memory") as mos:
        assert mos.list(user_id="all").total == 5
        assert _sound(mos) == []


def test_verify_finds_nothing_while_another_process_writes(tmp_path: Path) -> None:
    """What is written while it reads is not in its moment."""
    script = f"""
        from pathlib import Path
        from tests.faults.neighbours import opened
        with opened(Path({str(tmp_path / "memory")!r})) as mos:
            print("writing", flush=True)
            while True:
                mos.add([f"line {{n}} of many" for n in range(20)], user_id="u")
    """
    with opened(tmp_path / "memory") as mos:
        mos.add("first", user_id="u")
        writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            assert [finding for _ in range(15) for finding in _sound(mos)] == []
        finally:
            writer.kill()
            writer.communicate()


FORK = """
    import json, os, sys, threading, time
    from pathlib import Path
    from memos_core import LedgerUnavailable
    from tests.faults.neighbours import opened

    mos = opened(Path(sys.argv[1]))
    mos.add("The parent says apple.", user_id="u")
    alice = mos.bind(user_id="u")
    stop = threading.Event()
    failed = []

    def busy(nr):
        while not stop.is_set():
            try:
                mos.add(f"busy {{nr}} {{time.monotonic_ns()}}", user_id=f"busy{{nr}}")
                mos.search("busy", user_id=f"busy{{nr}}")
            except Exception as exc:
                failed.append(repr(exc))
                return

    threads = [threading.Thread(target=busy, args=(nr,)) for nr in range({threads})]
    for thread in threads:
        thread.start()
    children = []
    for nr in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                mos.list(user_id="u")
            except LedgerUnavailable as exc:
                os._exit(77 if "was forked while" in str(exc) else 1)
            assert any(hit.memory.text == "The parent says apple." for hit in mos.search("parent apple", user_id="u"))
            for step in range(5):
                mos.add(f"The child {{nr}} says pear {{step}}.", user_id="u")
            assert len(alice.list(limit=1000)) >= 6
            mos.wait(30)
            if nr % 2:
                mos.close()
            os._exit(0)
        children.append(pid)
        mos.add(f"The parent says apple again {{nr}}.", user_id="u")
    if {close}:
        mos.close()
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    stop.set()
    for thread in threads:
        thread.join()
    print(json.dumps([codes, failed]))
"""


def _forks(folder: Path, *, threads: int, close: bool) -> None:
    script = textwrap.dedent(FORK.format(threads=threads, close=close))
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    codes, failed = json.loads(done.stdout)
    assert failed == []
    assert set(codes) <= ({0, 77} if threads else {0}), "a child may be refused, in words, while threads hold connections"
    well = [nr for nr, code in enumerate(codes) if code == 0]
    with opened(folder) as mos:
        texts = [memory.text for memory in mos.list(user_id="u", limit=1000)]
        assert sorted(texts) == sorted(
            ["The parent says apple."]
            + [f"The parent says apple again {nr}." for nr in range(4)]
            + [f"The child {nr} says pear {step}." for nr in well for step in range(5)]
        )
        assert _sound(mos) == []


def test_a_handle_works_after_a_fork_in_the_child_and_in_the_parent(tmp_path: Path) -> None:
    _forks(tmp_path / "memory", threads=0, close=False)


def test_what_a_child_adds_is_kept_when_the_parent_has_closed_its_handle(tmp_path: Path) -> None:
    """SQLite in a child that inherits open connections believes in locks that it does not hold."""
    _forks(tmp_path / "memory", threads=0, close=True)


def test_a_process_may_fork_while_its_threads_write(tmp_path: Path) -> None:
    _forks(tmp_path / "memory", threads=3, close=False)


def test_a_closed_handle_stays_closed_in_a_child(tmp_path: Path) -> None:
    script = """
        import os, sys
        from pathlib import Path
        from memos_core import Closed
        from tests.faults.neighbours import opened
        mos = opened(Path(sys.argv[1]))
        mos.close()
        pid = os.fork()
        if pid == 0:
            try:
                mos.add("hello", user_id="u")
            except Closed:
                os._exit(0)
            os._exit(1)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "memory")], check=False, timeout=60)
    assert done.returncode == 0


def test_threads_and_an_event_loop_share_a_folder(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def use(nr: int) -> None:
        try:
            with opened(tmp_path / "memory") as mos:
                for step in range(10):
                    mos.add(f"Thread says {word(str(nr), step)}.", user_id="all")
                    assert mos.search(word(str(nr), step), user_id="all")
        except BaseException as exc:
            errors.append(exc)

    async def awaited() -> None:
        async with AsyncMOS.over(opened(tmp_path / "memory")) as mos:
            async def one(nr: int) -> None:
                await mos.add(f"The loop says {word('loop', nr)}.", user_id="all")
                assert await mos.search(word("loop", nr), user_id="all")

            await asyncio.gather(*(one(nr) for nr in range(40)))

    threads = [threading.Thread(target=use, args=(nr,)) for nr in range(4)]
    for thread in threads:
        thread.start()
    asyncio.run(awaited())
    for thread in threads:
        thread.join()
    assert errors == []
    with opened(tmp_path / "memory") as mos:
        assert mos.list(user_id="all").total == 80
        assert _sound(mos) == []


def test_the_awaited_verbs_work_in_a_child(tmp_path: Path) -> None:
    script = """
        import asyncio, os, sys
        from pathlib import Path
        from memos_core import AsyncMOS
        from tests.faults.neighbours import opened
        mos = AsyncMOS.over(opened(Path(sys.argv[1])))
        asyncio.run(mos.add("parent", user_id="u"))
        pid = os.fork()
        asyncio.run(mos.add("child" if pid == 0 else "parent again", user_id="u"))
        if pid == 0:
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        asyncio.run(mos.close())
        sys.exit(code)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "memory")], check=False, timeout=60)
    assert done.returncode == 0
    with opened(tmp_path / "memory") as mos:
        assert {memory.text for memory in mos.list(user_id="u")} == {"parent", "parent again", "child"}


def test_a_fork_waits_for_reads_and_not_for_the_end_of_reading(tmp_path: Path) -> None:
    script = """
        import json, os, sys, threading
        from pathlib import Path
        from tests.faults.neighbours import opened
        mos = opened(Path(sys.argv[1]))
        mos.add([f"Line {nr}." for nr in range(50)], user_id="u")
        stop = threading.Event()

        def read():
            while not stop.is_set():
                mos.list(user_id="u")

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        codes = []
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if mos.list(user_id="u").total == 50 else 1)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        stop.set()
        print(json.dumps(codes))
    """
    given = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "memory")]
    done = subprocess.run(given, check=True, timeout=120, capture_output=True, text=True)
    assert json.loads(done.stdout) == [0] * 5


def test_a_first_open_that_meets_another_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ["database is locked"] * 3

    class Crowded(engine._Connection):
        """SQLite refuses at once, without waiting, where several switch a new file to its log at the same moment."""

        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            if "journal_mode" in sql and refused:
                raise sqlite3.OperationalError(refused.pop())
            return super().execute(sql, *given)

    monkeypatch.setattr(engine, "_Connection", Crowded)
    database = engine.open_sqlite(tmp_path / "memory.db")
    with database.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal" and not refused
    database.dispose()
