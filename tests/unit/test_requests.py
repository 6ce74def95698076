"""Writes under a `request_id`: done once, told alike each time, refused to another request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, MemoryNotFound, MemosError, RequestReused

NS = ("notes",)


def head(mos: MOS) -> str:
    with mos._handle.engines.ledger.glance() as book:
        return book.head("default")


def filled(mos: MOS, tmp_path: Path) -> None:
    """A cube "team" of alice's, and a dump of it; a session "s"; a record "old"."""
    mos.cubes.create("Team", cube_id="team", user_id="alice")
    mos.add("We release on Monday.", user_id="alice", write_to="team")
    mos.cubes.dump("team", tmp_path / "team.zip", user_id="alice")
    mos.cubes.share("team", with_user="carol", user_id="alice")
    mos.add({"role": "user", "content": "I had tea.", "id": "m1"}, user_id="alice", session_id="s")
    mos.records.put(NS, "old", 1, user_id="alice")


Call = Callable[[Any, Path, dict[str, Any]], Any]
VERBS: dict[str, tuple[Call, Call]] = {
    "sessions.replace": (
        lambda m, p, r: m.sessions.replace("s", ["I had coffee.", {"role": "system", "content": "Be kind."}], **r),
        lambda m, p, r: m.sessions.replace("s", ["I had milk."], **r),
    ),
    "sessions.delete": (lambda m, p, r: m.sessions.delete("s", **r), lambda m, p, r: m.sessions.delete("t", **r)),
    "records.put": (
        lambda m, p, r: m.records.put(NS, "a", {"x": [1, None]}, ttl=60, if_version=0, **r),
        lambda m, p, r: m.records.put(NS, "a", {"x": [2, None]}, ttl=60, if_version=0, **r),
    ),
    "records.put_many": (
        lambda m, p, r: m.records.put_many([{"namespace": NS, "key": k, "value": k, "vectors": {"v": [1, 2]}} for k in "ab"], **r),
        lambda m, p, r: m.records.put_many([{"namespace": NS, "key": k, "value": k, "vectors": {"v": [2, 2]}} for k in "ab"], **r),
    ),
    "records.delete": (
        lambda m, p, r: m.records.delete(NS, ["old", "b"], **r),
        lambda m, p, r: m.records.delete(NS, everything=True, **r),
    ),
    "cubes.share": (
        lambda m, p, r: m.cubes.share("team", with_user="bob", **r),
        lambda m, p, r: m.cubes.share("team", with_user="bob", role="writer", **r),
    ),
    "cubes.unshare": (
        lambda m, p, r: m.cubes.unshare("team", with_user="carol", **r),
        lambda m, p, r: m.cubes.unshare("team", with_agent="carol", **r),
    ),
    "cubes.load": (
        lambda m, p, r: m.cubes.load(p / "team.zip", as_new=True, **r),
        lambda m, p, r: m.cubes.load(p / "team.zip", **r),
    ),
}


def same(first: Any, second: Any) -> bool:
    """The same answer; the audit's head goes on with the book."""
    return bool(first == second or first.evolve(audit_head="") == second.evolve(audit_head=""))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("bound", [False, True])
def test_a_request_that_is_repeated_is_done_once_and_told_alike(mos: MOS, tmp_path: Path, verb: str, bound: bool) -> None:
    filled(mos, tmp_path)
    do, other = VERBS[verb]
    face: Any = mos.bind(user_id="alice") if bound else mos
    given: dict[str, Any] = {"request_id": "r"} if bound else {"request_id": "r", "user_id": "alice"}
    first = do(face, tmp_path, given)
    before = head(mos)
    assert same(first, do(face, tmp_path, given)) and head(mos) == before
    with pytest.raises(RequestReused):
        other(face, tmp_path, given)
    with pytest.raises(RequestReused):
        mos.add("Another verb.", user_id="alice", request_id="r")
    assert head(mos) == before and list(mos._handle.engines.ledger.verify()) == []


@pytest.mark.parametrize("verb", VERBS)
def test_what_came_after_a_request_stays_when_it_is_repeated(mos: MOS, tmp_path: Path, verb: str) -> None:
    filled(mos, tmp_path)
    do, given = VERBS[verb][0], {"request_id": "r", "user_id": "alice"}
    first = do(mos, tmp_path, given)
    mos.sessions.replace("s", ["I had water."], user_id="alice")
    mos.records.put(NS, "a", "later", user_id="alice")
    mos.records.put(NS, "old", "later", user_id="alice")
    mos.cubes.share("team", with_user="carol", role="writer", user_id="alice")
    mos.cubes.share("team", with_user="bob", role="owner", user_id="alice")
    before = head(mos)
    assert same(first, do(mos, tmp_path, given)) and head(mos) == before
    assert {cube.role for who in ("bob", "carol") for cube in mos.cubes.list(user_id=who) if cube.id == "team"} == {"owner", "writer"}


def test_nothing_of_a_deleted_record_is_kept_for_its_request(mos: MOS) -> None:
    mos.records.put(NS, "a", {"word": "quokka"}, user_id="alice", request_id="quokka-1")
    mos.records.delete(NS, "a", user_id="alice", request_id="r2")
    with mos._handle.engines.ledger.glance() as book:
        told = book.connection.exec_driver_sql("SELECT answer FROM requests").all()
    assert len(told) == 2 and "quokka" not in repr(told)
    assert mos.records.put(NS, "a", {"word": "quokka"}, user_id="alice", request_id="quokka-1").version == 1
    assert mos.records.get(NS, "a", user_id="alice") is None


def test_a_cube_is_loaded_once_wherever_its_dump_lies(mos: MOS, tmp_path: Path) -> None:
    filled(mos, tmp_path)
    (tmp_path / "copy.zip").write_bytes((tmp_path / "team.zip").read_bytes())
    first = mos.cubes.load(tmp_path / "team.zip", as_new=True, user_id="alice", request_id="r")
    assert mos.cubes.load(tmp_path / "copy.zip", as_new=True, user_id="alice", request_id="r") == first
    assert len(mos.cubes.list(user_id="alice")) == 3
    assert mos.cubes.load(tmp_path / "team.zip", as_new=True, user_id="alice", request_id="r2").id != first.id


def test_an_update_that_is_repeated_tells_the_version_that_it_made(mos: MOS) -> None:
    one = mos.add("I live in Lisbon.", user_id="alice").memory_ids[0]
    made = mos.update(one, text="I live in Porto.", user_id="alice", request_id="q")
    mos.add("I live in Porto.", user_id="alice")
    mos.update(one, text="I live in Faro.", user_id="alice")
    assert mos.update(one, text="I live in Porto.", user_id="alice", request_id="q") == made
    mos.delete(one, user_id="alice")
    assert mos.update(one, text="I live in Porto.", user_id="alice", request_id="q") == made and made.version == 2
    back = mos.restore(one, version=1, user_id="alice", request_id="b")
    mos.delete(one, user_id="alice")
    assert mos.restore(one, version=1, user_id="alice", request_id="b") == back and back.text == "I live in Lisbon."
    assert not mos.list(user_id="alice", filter={"id": one}).items
    mos.erase(one, user_id="alice")
    for verb in (lambda: mos.update(one, text="I live in Porto.", user_id="alice", request_id="q"),
                 lambda: mos.restore(one, version=1, user_id="alice", request_id="b")):  # fmt: skip
        with pytest.raises(MemoryNotFound):
            verb()


def test_who_may_read_no_more_is_not_told_again(mos: MOS) -> None:
    mos.cubes.create("Team", cube_id="team", user_id="alice")
    one = mos.add("We release on Monday.", user_id="alice", write_to="team").memory_ids[0]
    mos.cubes.share("team", with_user="bob", role="writer", user_id="alice")
    mos.update(one, text="We release on Friday.", user_id="bob", request_id="q")
    mos.cubes.unshare("team", with_user="bob", user_id="alice")
    with pytest.raises(MemosError):
        mos.update(one, text="We release on Friday.", user_id="bob", request_id="q")
