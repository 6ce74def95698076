"""Bad days: a full disk, a folder that can't be written to, files that are something else, damage, a newer schema, keys, clocks, locks.

Each is said in words, and nothing that was told to be stored is lost.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from memos_core import (
    MOS,
    DiskFull,
    InvalidInput,
    LedgerCorrupt,
    LedgerUnavailable,
    NewerSchema,
    NotAMemory,
    Settings,
    StorageError,
)
from memos_core.sql import engine

KEY = {"audit_key": "k" * 32, "embedder": "none"}
ROOT = not hasattr(os, "geteuid") or os.geteuid() == 0


def opened(folder: Path, *, clock: Callable[[], datetime] | None = None, **given: Any) -> MOS:
    return MOS(str(folder), settings=Settings(**{"durability": "normal", **KEY, **given}), clock=clock)


def _python(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def _sound(mos: MOS) -> list[str]:
    return [f"{finding.where}: {finding.what}" for finding in mos._handle.engines.ledger.verify()]


def test_a_full_disk_is_said_nothing_is_half_stored_and_afterwards_all_works(tmp_path: Path) -> None:
    """The largest size of a file stands in for a full disk; SQLite is told of either in the same way."""
    script = """
        import resource, signal, sys
        from pathlib import Path
        from memos_core import DiskFull, StorageError
        from tests.faults.test_bad_days import _sound, opened
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        folder = Path(sys.argv[1])
        with opened(folder) as mos:
            kept = [mos.add(f"kept {n}", user_id="u").memory_ids[0] for n in range(20)]
            used = max(path.stat().st_size for path in folder.iterdir())
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (used + 200_000, hard))
            failed = 0
            for n in range(60):
                try:
                    kept += mos.add([f"filling {n} {i} " + "lorem ipsum " * 300 for i in range(20)], user_id="u").memory_ids
                except StorageError as exc:
                    failed += 1
                    kind = type(exc).__name__
            assert failed
            assert {one.id for one in mos.list(user_id="u", limit=1000)} == set(kept)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            try:
                kept += mos.add("after the flood", user_id="u").memory_ids
            except StorageError:
                pass
        with opened(folder) as mos:
            kept += mos.add("opened anew", user_id="u").memory_ids
            assert {one.id for one in mos.list(user_id="u", limit=1000)} == set(kept)
            assert _sound(mos) == []
            assert mos.search("opened anew", user_id="u")
        print(kind)
    """
    assert _python(script, str(tmp_path / "memory")) in ("DiskFull", "LedgerUnavailable")


def test_a_full_file_system_is_said(tmp_path: Path) -> None:
    """A file system of two megabytes, where one may be mounted; else SQLite's own bound on a database's pages."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    mounted = ROOT and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        mos = opened(place / "memory")
        kept = [mos.add("kept", user_id="u").memory_ids[0]]
        if not mounted:
            mos._handle.engines.ledger.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=200").fetchall())
        with pytest.raises(DiskFull) as told:
            for n in range(400):
                kept += mos.add([f"filling {n} {i} " + "lorem ipsum " * 100 for i in range(20)], user_id="u").memory_ids
        assert told.value.retryable
        assert {one.id for one in mos.list(user_id="u", limit=1000)} == set(kept)
        assert len(mos.search("kept", user_id="u")) >= 1
        if mounted:
            subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
        else:
            mos._handle.engines.ledger.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1000000").fetchall())
        kept += mos.add("after the flood", user_id="u").memory_ids
        assert {one.id for one in mos.list(user_id="u", limit=1000)} == set(kept)
        assert _sound(mos) == []
        mos.close()
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)


READ_ONLY = """
    import os, sys
    from pathlib import Path
    from memos_core import ReadOnlyFolder
    from tests.faults.test_bad_days import opened
    with opened(Path(sys.argv[2])) as mos:
        mos.add("what this loads may not be readable for whom it becomes", user_id="u")
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        with opened(Path(sys.argv[1])) as mos:
            mos.add("x", user_id="u")
    except ReadOnlyFolder as exc:
        print("said:", exc)
"""


@pytest.mark.parametrize("what", ["folder", "file", "parent"])
def test_a_folder_that_can_not_be_written_to_is_said(tmp_path: Path, what: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    folder = home / "memory"
    with opened(folder) as mos:
        mos.add("kept", user_id="u")
    for path in (*tmp_path.parents, tmp_path):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    if what == "parent":
        folder = home / "new"
    home.chmod(0o555)
    if what != "parent":
        folder.chmod(0o555 if what == "folder" else 0o777)
        (folder / "memory.db").chmod(0o444)
    try:
        assert _python(READ_ONLY, str(folder), str(tmp_path / "scratch")).startswith("said:")
    finally:
        home.chmod(0o755)
        if what != "parent":
            folder.chmod(0o755)
            (folder / "memory.db").chmod(0o644)
    if what != "parent":
        with opened(folder) as mos:
            assert mos.list(user_id="u").total == 1


def test_a_clock_that_was_wrong_for_once_does_no_lasting_harm(tmp_path: Path) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    times = [now]
    with opened(tmp_path / "m", clock=lambda: times[0]) as mos:
        mos.add("One.", user_id="alice")
        for wrong in (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(1969, 1, 1, tzinfo=UTC)):
            times[0] = wrong
            with pytest.raises(LedgerUnavailable, match="clock"):
                mos.add("Two.", user_id="alice")
        times[0] = datetime(2100, 1, 1, tzinfo=UTC)
        mos.add("Three.", user_id="alice")
        times[0] = now + timedelta(minutes=1)
        mos.add("Four.", user_id="alice")
        assert {memory.text for memory in mos.list(user_id="alice")} == {"One.", "Three.", "Four."}
        assert [hit.memory.text for hit in mos.search("four", user_id="alice")] == ["Four."] and _sound(mos) == []
        times[0] = now.replace(tzinfo=None)
        with pytest.raises(InvalidInput, match="clock"):
            mos.add("Five.", user_id="alice")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_is_removed_while_it_is_open_acknowledges_nothing_more(tmp_path: Path, replaced: bool) -> None:
    with opened(tmp_path / "m") as mos:
        mos.add("I moved to Lisbon.", user_id="alice")
        shutil.rmtree(tmp_path / "m")
        if replaced:
            opened(tmp_path / "other").close()
            shutil.move(tmp_path / "other", tmp_path / "m")
        with pytest.raises(LedgerUnavailable, match="removed or replaced"):
            mos.add("My dog is called Momo.", user_id="alice")
    with opened(tmp_path / "m") as mos:
        mos.add("My dog is called Momo.", user_id="alice")
        assert mos.list(user_id="alice").total == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_folder_that_was_refused_does_not_stand_in_the_way_of_a_fork(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "memory.db").write_bytes(b"no database" * 1000)
    with opened(tmp_path / "m") as mos, pytest.raises(NotAMemory) as refusal:
        mos.add("I moved to Lisbon.", user_id="alice")
        opened(tmp_path / "other")
    assert "not a memory" in str(refusal.value)  # whoever holds the refusal holds what it came out of
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with opened(tmp_path / "m") as mos:
                code = 0 if mos.list(user_id="alice").total == 1 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_is_no_memory_is_said_and_left_as_it_is(tmp_path: Path) -> None:
    a_file = tmp_path / "file"
    a_file.write_text("hello")
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter.txt").write_text("dear")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    with sqlite3.connect(foreign / "memory.db") as connection:
        connection.execute("CREATE TABLE pets (name TEXT)")
    connection.close()
    text = tmp_path / "text"
    text.mkdir()
    (text / "memory.db").write_text("This is no database. " * 100)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for place in (a_file, full, foreign, text):
        with pytest.raises(NotAMemory) as told:
            opened(place)
        assert str(place) in str(told.value)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))}
    assert {path.name for path in after} == {path.name for path in before}
    assert all(after[path] == content for path, content in before.items() if path != foreign / "memory.db")
    with sqlite3.connect(foreign / "memory.db") as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["pets"]


def _filled(folder: Path, count: int = 200) -> dict[str, str]:
    with opened(folder) as mos:
        texts = [f"Number {n} is {'word ' * 20}here." for n in range(count)]
        return {mos.add(text, user_id="u").memory_ids[0]: text for text in texts}


@pytest.mark.parametrize("damage", ["truncated", "header", *(f"page {nr}" for nr in range(12))])
def test_damage_is_said_by_the_verbs_or_by_verify_and_never_a_wrong_answer(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "memory"
    texts = _filled(folder)
    raw = bytearray((folder / "memory.db").read_bytes())
    chance = random.Random(damage)
    if damage == "truncated":
        del raw[len(raw) // 2 :]
    elif damage == "header":
        raw[100:116] = bytes(16)
    else:
        start = chance.randrange(2, len(raw) // 4096) * 4096
        raw[start : start + 256] = chance.randbytes(256)
    (folder / "memory.db").write_bytes(bytes(raw))
    said: list[str] = []
    try:
        with opened(folder) as mos:
            said += _sound(mos)
            for memory in mos.list(user_id="u", limit=1000):
                if texts.get(memory.id) != memory.text:
                    said or pytest.fail(f"a wrong answer, and nobody said so: {memory}")
            mos.search("number", user_id="u")
    except (LedgerCorrupt, NotAMemory, StorageError) as exc:
        said.append(str(exc))
    assert said or (folder / "memory.db").read_bytes() != bytes(raw), "damage that nothing reports"


def test_a_changed_text_is_found_by_verify(tmp_path: Path) -> None:
    """Bytes that SQLite can't know to be wrong: the row's own code tells."""
    _filled(tmp_path / "memory", 5)
    path = tmp_path / "memory" / "memory.db"
    raw = path.read_bytes()
    assert raw.count(b"Number 3 is") >= 2
    path.write_bytes(raw.replace(b"Number 3 is", b"Number 8 is"))
    with opened(tmp_path / "memory") as mos:
        assert any("was changed" in finding for finding in _sound(mos))


def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    _filled(tmp_path / "memory", 1)
    with sqlite3.connect(tmp_path / "memory" / "memory.db") as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE key = 'schema_version'")
    connection.close()
    before = (tmp_path / "memory" / "memory.db").read_bytes()
    with pytest.raises(NewerSchema, match="999"):
        opened(tmp_path / "memory")
    assert (tmp_path / "memory" / "memory.db").read_bytes() == before


def test_another_audit_key_is_found_by_verify_and_adds_go_on(tmp_path: Path) -> None:
    with opened(tmp_path / "memory") as mos:
        mos.add("under the first key", user_id="u")
        assert _sound(mos) == []
    with opened(tmp_path / "memory", audit_key="another key that is long enough") as mos:
        mos.add("under the second key", user_id="u")
        assert mos.list(user_id="u").total == 2
        assert ["another key" in finding for finding in _sound(mos)] == [True]


def test_a_lost_audit_key_file_is_made_anew_and_said_by_verify(tmp_path: Path) -> None:
    given = {"audit_key": None, "config_dir": str(tmp_path / "config")}
    with opened(tmp_path / "memory", **given) as mos:
        mos.add("under the first key", user_id="u")
    shutil.rmtree(tmp_path / "config")
    with opened(tmp_path / "memory", **given) as mos:
        mos.add("under a new key", user_id="u")
        assert mos.list(user_id="u").total == 2
        assert ["another key" in finding for finding in _sound(mos)] == [True]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_an_audit_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    given = {"audit_key": None, "config_dir": str(tmp_path / "config")}
    opened(tmp_path / "memory", **given).close()
    (tmp_path / "config" / "audit.key").chmod(mode)
    with pytest.raises(StorageError, match="chmod 600"):
        opened(tmp_path / "memory", **given)


def test_a_clock_that_jumps_back_years_breaks_neither_order_nor_as_of(tmp_path: Path) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    with opened(tmp_path / "memory", clock=lambda: now) as mos:
        first = mos.add("Alice lives in Porto.", user_id="u").memory_ids[0]
        between = mos.get(first, user_id="u").updated_at
        now = datetime(1999, 1, 1, tzinfo=UTC)
        mos.update(first, text="Alice lives in Lisbon.", user_id="u")
        second = mos.add("Bob lives in Rome.", user_id="u").memory_ids[0]
        versions = mos.history(first, user_id="u")
        assert [one.memory.version for one in versions] == [1, 2]
        assert versions[0].at < versions[1].at
        assert mos.get(first, user_id="u", as_of=between).text == "Alice lives in Porto."
        assert [hit.memory.text for hit in mos.search("Alice", user_id="u", as_of=between)] == ["Alice lives in Porto."]
        assert [one.id for one in mos.list(user_id="u")] == [second, first]
        assert _sound(mos) == []
        now = datetime(2026, 6, 2, tzinfo=UTC)
        mos.add("Later.", user_id="u")
        assert _sound(mos) == []


def test_a_lock_that_hangs_is_said_nothing_is_stored_and_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_MS", 100)
    with opened(tmp_path / "memory") as mos:
        mos.add("first", user_id="u")
        holder = sqlite3.connect(tmp_path / "memory" / "memory.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable) as told:
            mos.add("second", user_id="u")
        assert told.value.retryable
        assert [hit.memory.text for hit in mos.search("first", user_id="u")] == ["first"]
        holder.execute("ROLLBACK")
        holder.close()
        mos.add("third", user_id="u")
        assert sorted(one.text for one in mos.list(user_id="u")) == ["first", "third"]
        assert _sound(mos) == []


def test_times_far_away_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path / "memory") as mos:
        for year in (1, 1900, 9999):
            at = datetime(year, 12, 30, tzinfo=UTC)
            one = mos.add(f"said in {year}", user_id="u", at=at).memory_ids[0]
            assert mos.get(one, user_id="u").created_at == at
        assert mos.search("said", user_id="u", now=datetime(9999, 12, 31, tzinfo=UTC) - timedelta(days=1))
