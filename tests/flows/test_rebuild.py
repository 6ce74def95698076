"""The index can be thrown away: made anew from the ledger, it holds row for row what it held."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from memos_core import MOS, InvalidInput, Settings
from memos_core.ledger import pen
from memos_core.mos import rebuilding
from memos_core.mos.rebuilding import rebuild
from memos_core.testing.embedder import HashEmbedder
from memos_core.wiring import open_engines

WORDS = Settings(embedder="none", audit_key="a key for tests alone")


def entries(home: Path) -> list[tuple[object, ...]]:
    database = sqlite3.connect(home / "memory.db")
    try:
        columns = "nr, version, cube, tx, until, terms, speaker, session, context, said, expires, timed, fields"
        return database.execute(f"SELECT {columns} FROM entries ORDER BY nr, tx, version").fetchall()
    finally:
        database.close()


def live_through_everything(mos: MOS) -> None:
    """Adds, a repetition, edits, updates, an archive, a restore, an erasure, two users."""
    said = [{"id": f"m{number}", "role": "user", "name": "Ann", "content": f"Fact number {number}."} for number in range(6)]
    ids = mos.add(said, user_id="ann", session_id="s1").memory_ids
    mos.add("A fact of Ben's.", user_id="ben")
    mos.add([{"role": "user", "name": "Ann", "content": "Fact number 0.", "chat_time": "2030-01-01T00:00:00Z"}], user_id="ann")
    mos.add([{**said[1], "content": "Fact number one."}], user_id="ann", session_id="s1")
    mos.update(ids[2], text="Fact number two.", tags=["even"], user_id="ann")
    mos.update(ids[2], expires_at="2040-01-01T00:00:00Z", user_id="ann")
    mos.delete([ids[3], ids[4]], user_id="ann")
    mos.restore(ids[3], user_id="ann")
    mos.erase(ids[5], user_id="ann")


def test_an_index_made_anew_holds_what_it_held(tmp_path: Path) -> None:
    with MOS(str(tmp_path), settings=WORDS) as mos:
        live_through_everything(mos)
    before = entries(tmp_path)
    engines = open_engines(str(tmp_path), WORDS)
    try:
        with engines.ledger.glance() as book:
            book.connection.exec_driver_sql("DELETE FROM entries WHERE nr % 2")
        assert len(entries(tmp_path)) < len(before)
        count, work = rebuild(engines)
    finally:
        engines.released()
    assert entries(tmp_path) == before and len(before) > 10
    assert (count, work) == (5, [])


def test_a_handle_that_is_open_meanwhile_finds_on(tmp_path: Path) -> None:
    with MOS(str(tmp_path), settings=WORDS) as mos:
        live_through_everything(mos)
        found = [hit.memory.id for hit in mos.search("fact number", user_id="ann")]
        engines = open_engines(str(tmp_path), WORDS)
        rebuild(engines)
        engines.released()
        assert [hit.memory.id for hit in mos.search("fact number", user_id="ann")] == found and found


def test_a_rebuild_of_many_leaves_its_work_in_several_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "_AT_ONCE", 5)
    with MOS(str(tmp_path), settings=WORDS, embedder=HashEmbedder()) as mos:
        mos.add([f"Fact number {number}." for number in range(12)], user_id="ann")
        mos.wait(20)
        count, work = rebuild(mos._handle.engines)
        assert count == len(work) == len({unit.nr for unit in work}) == 12 and len({unit.task for unit in work}) == 3


def test_a_transaction_that_runs_out_of_numbers_is_refused_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MOS(str(tmp_path), settings=WORDS) as mos:
        mos.add("A fact.", user_id="ann")
        monkeypatch.setattr(pen, "_BLOCK", 4)
        with pytest.raises(InvalidInput, match="at once"):
            mos.add([f"Fact number {number}." for number in range(20)], user_id="ann")
        assert mos.list(user_id="ann").total == 1
