"""Tampering with who may see what shows, though the memories themselves are untouched."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from memos_core import MOS, Settings

OWN = "(SELECT nr FROM cubes WHERE own = 1 AND owner = (SELECT nr FROM principals WHERE id = '{}'))"
ALICE = "(SELECT nr FROM principals WHERE id = 'alice')"
TAMPERED = {
    "a grant is made": [f"INSERT INTO grants SELECT 999, {OWN.format('bob')}, {ALICE}, 'reader', 1, NULL"],
    "a grant is raised": ["UPDATE grants SET role = 'owner' WHERE until IS NULL"],
    "a grant that ended holds again": ["UPDATE grants SET until = NULL WHERE until IS NOT NULL"],
    "a grant is taken away": ["DELETE FROM grants WHERE until IS NULL"],
    "names are exchanged": [
        "UPDATE principals SET id = 'x' WHERE id = 'alice'", "UPDATE principals SET id = 'alice' WHERE id = 'bob'",
        "UPDATE principals SET id = 'bob' WHERE id = 'x'",
    ],
    "a name is claimed": ["UPDATE principals SET salt = NULL WHERE id = 'bob'"],
    "a tenant is changed": ["UPDATE principals SET tenant = 'other' WHERE id = 'bob'"],
    "a cube changes hands": [f"UPDATE cubes SET owner = {ALICE}"],
    "a cube becomes somebody's own": ["UPDATE cubes SET own = 1"],
    "a memory changes its cube": [f"UPDATE items SET cube = {OWN.format('alice')}"],
    "the audit's detail is nonsense": ["""UPDATE audit SET detail = '{"granted": 7, "cubes": [1]}'"""],
}  # fmt: skip


@pytest.fixture
def filled(open_mos: Callable[..., MOS]) -> MOS:
    mos = open_mos("memory")
    mos.add("I live in Lisbon.", user_id="alice")
    mos.add("Bob's secret is 42.", user_id="bob")
    team = mos.cubes.create("team", user_id="bob").id
    mos.add("The release is on Monday.", user_id="bob", write_to=team)
    for role in ("reader", "writer"):
        mos.cubes.share(team, with_user="alice", role=role, user_id="bob")
    mos.cubes.share(team, with_user="carol", role="reader", user_id="bob")
    mos.cubes.unshare(team, with_user="carol", user_id="bob")
    return mos


def test_what_nobody_touched_is_sound_also_after_somebody_was_forgotten(filled: MOS) -> None:
    verify = filled._handle.engines.ledger.verify
    assert list(verify()) == []
    filled.erase(user_id="bob", everything=True)
    filled.add("Back again.", user_id="bob")
    assert list(verify()) == []


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_shows(filled: MOS, tmp_path: Path, name: str) -> None:
    filled.close()
    with sqlite3.connect(tmp_path / "memory" / "memory.db") as connection:
        touched = sum(connection.execute(statement).rowcount for statement in TAMPERED[name])
    connection.close()
    assert touched
    again = MOS(filled.home, settings=filled_settings(tmp_path))
    try:
        assert list(again._handle.engines.ledger.verify())
    finally:
        again.close()


def filled_settings(tmp_path: Path) -> Settings:
    return Settings(embedder="none", durability="normal", config_dir=str(tmp_path / "config"), cache_dir=str(tmp_path / "cache"))
