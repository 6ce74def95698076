"""A folder that was written with several audit keys: each proves its own lines, and none calls the others' lines changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from memos_core import MOS, Conflict, RequestReused, Settings
from memos_core.ledger.key import audit_key, fingerprint

HERE, THERE, THIRD = "the key of this machine", "the key of the other one", "a key of somebody else"
TOLD = "{} written with another key ({}) and can't be proven with this one; run with that key in MEMOS_AUDIT_KEY"


def opened(folder: Path, key: str) -> MOS:
    return MOS(str(folder / "m"), settings=Settings(embedder="none", durability="normal", audit_key=key, config_dir=str(folder / "c")))


def name(key: str) -> str:
    return fingerprint(audit_key(key, Path()))


def found(folder: Path, key: str, anchor: str | None = None) -> list[str]:
    with opened(folder, key) as mos:
        return [f"{one.where}: {one.what}" for one in mos._handle.engines.ledger.verify(anchor=anchor)]


def unproven(spans: str, key: str) -> str:
    which = f"transaction {spans} was" if spans.isdigit() else f"transactions {spans} were"
    return "audit: " + TOLD.format(which, name(key))


def tampered(folder: Path, sql: str) -> None:
    with closing(sqlite3.connect(folder / "m" / "memory.db")) as raw, raw:
        assert raw.execute(sql).rowcount


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Transactions 1 to 3 were written here, 4 to 6 there, 7 and 8 here again."""
    with opened(tmp_path, HERE) as mos:
        ids = [mos.add(f"Fact {nr}, here.", user_id="alice").memory_ids[0] for nr in range(3)]
    with opened(tmp_path, THERE) as mos:
        mos.update(ids[0], text="Fact 0, there.", user_id="alice")
        mos.erase(ids[1], user_id="alice")
        mos.add({"role": "user", "content": "Fact 3, there.", "id": "a"}, user_id="alice", session_id="s")
    with opened(tmp_path, HERE) as mos:
        mos.add({"role": "user", "content": "Fact 3, here.", "id": "a"}, user_id="alice", session_id="s")
        mos.add("Fact 4, here.", user_id="alice")
    return tmp_path


def test_with_one_key_there_is_nothing_to_find(tmp_path: Path) -> None:
    with opened(tmp_path, HERE) as mos:
        heads = [mos.add(f"Fact {nr}.", user_id="alice").audit_head for nr in range(3)]
    assert [found(tmp_path, HERE, head) for head in heads] == [[], [], []]


def test_each_key_proves_its_own_lines_and_says_which_are_of_another(mixed: Path) -> None:
    assert found(mixed, HERE) == [unproven("4 to 6", THERE)]
    assert found(mixed, THERE) == [unproven("1 to 3, 7 to 8", HERE)]
    assert found(mixed, THIRD) == [unproven("1 to 3, 7 to 8", HERE), unproven("4 to 6", THERE)]


def test_a_head_that_another_key_made_is_an_anchor_too(mixed: Path) -> None:
    with opened(mixed, THERE) as mos:
        head = mos.add("Last.", user_id="alice").audit_head
    assert found(mixed, HERE, head) == [unproven("4 to 6, 9", THERE)]


def test_many_turns_make_one_finding(tmp_path: Path) -> None:
    for turn in range(12):
        for key in (HERE, THERE):
            with opened(tmp_path, key) as mos:
                mos.add(f"Turn {turn} with {key}.", user_id="alice")
    (told,) = found(tmp_path, HERE)
    assert "transactions 2, 4, 6, 8, 10, 12, 14, 16 and in 4 more spans up to 24 were written" in told


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("UPDATE versions SET text='Fact 9.' WHERE tx=3", "was changed"),
        ("UPDATE versions SET text='Fact 9.' WHERE tx=8", "was changed"),
        ("UPDATE messages SET content='Fact 9.' WHERE tx=7", "was changed"),
        ("UPDATE audit SET verb='delete' WHERE tx=2", "was changed, or the line before it was"),
        ("UPDATE audit SET verb='delete' WHERE tx=8", "was changed, or the line before it was"),
        ("DELETE FROM versions WHERE tx=8", "rows were added, removed or exchanged"),
        ("DELETE FROM audit WHERE tx=2", "line 2 is missing"),
        ("DELETE FROM audit WHERE tx=5", "line 5 is missing"),
        ("DELETE FROM versions WHERE tx=4", "rows were added, removed or exchanged"),
        ("UPDATE audit SET mac=zeroblob(32) WHERE tx=6", "was changed, or the line before it was"),
        ("UPDATE versions SET salt=NULL WHERE tx=4", "is blank, and no line of the audit says that it was erased"),
    ],
)
def test_what_a_key_can_see_is_found_beside_lines_of_another(mixed: Path, sql: str, what: str) -> None:
    tampered(mixed, sql)
    told = found(mixed, HERE)
    assert any(one.endswith(f": {what}") for one in told) and any("another key" in one for one in told)


@pytest.mark.parametrize("sql", ["UPDATE versions SET text='Fact 9.' WHERE tx=4", "UPDATE messages SET content='Fact 9.' WHERE tx=6"])
def test_a_row_of_the_other_key_is_judged_by_that_key_alone(mixed: Path, sql: str) -> None:
    tampered(mixed, sql)
    assert found(mixed, HERE) == [unproven("4 to 6", THERE)]
    assert [one for one in found(mixed, THERE) if one.endswith(": was changed")]


@pytest.mark.parametrize("tx", [2, 3, 7, 8])
@pytest.mark.parametrize("label", [name(THERE), name(THIRD), ""])
def test_a_line_that_names_another_key_than_its_own_is_found(mixed: Path, tx: int, label: str) -> None:
    tampered(mixed, f"UPDATE audit SET key='{label}' WHERE tx={tx}")
    assert any("names another key than the one it was made with" in one for one in found(mixed, HERE))


def test_a_line_that_is_changed_and_given_to_another_key_breaks_the_link_of_the_next_one(mixed: Path) -> None:
    tampered(mixed, f"UPDATE audit SET verb='delete', key='{name(THIRD)}' WHERE tx=7")
    told = found(mixed, HERE)
    assert unproven("7", THIRD) in told and any("#8: was changed, or the line before it was" in one for one in told)


def test_a_line_that_is_changed_and_names_no_key_is_no_ones(mixed: Path) -> None:
    tampered(mixed, "UPDATE audit SET verb='delete', key='' WHERE tx=1")
    assert any("transaction 1 was written with another key ()" in one for one in found(mixed, HERE))


def test_a_line_of_another_key_that_names_this_one_is_found(mixed: Path) -> None:
    tampered(mixed, f"UPDATE audit SET key='{name(HERE)}' WHERE tx=5")
    assert any("#5: was changed, or the line before it was" in one for one in found(mixed, HERE))


def test_a_request_under_another_key_is_neither_repeated_nor_called_another_one(tmp_path: Path) -> None:
    add: Callable[[MOS], str] = lambda mos: mos.add("I moved to Lisbon.", user_id="alice", request_id="r").memory_ids[0]  # noqa: E731
    with opened(tmp_path, HERE) as mos:
        kept = add(mos)
    with opened(tmp_path, THERE) as mos:
        with pytest.raises(Conflict, match="another audit key"):
            add(mos)
        with pytest.raises(RequestReused):
            mos.delete(kept, user_id="alice", request_id="r")
        assert mos.list(user_id="alice").total == 1 and mos.add("I like tea.", user_id="alice", request_id="s").memory_ids
    with opened(tmp_path, HERE) as mos:
        assert add(mos) == kept
        with pytest.raises(RequestReused):
            mos.add("I moved to Porto.", user_id="alice", request_id="r")


def test_a_cube_moves_between_folders_of_different_keys(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with opened(mixed, HERE) as mos:
        mos.cubes.dump(mos.cubes.list(user_id="alice").items[0].id, mixed / "alice.memcube", user_id="alice")
    other = tmp_path_factory.mktemp("other")
    with opened(other, THERE) as mos:
        mos.cubes.load(mixed / "alice.memcube", user_id="alice")
    assert found(other, THERE) == []


def test_what_a_key_file_holds_is_the_same_key_in_the_settings(tmp_path: Path) -> None:
    made = audit_key(None, tmp_path / "audit.key")
    assert audit_key((tmp_path / "audit.key").read_text().strip(), tmp_path / "none") == made
