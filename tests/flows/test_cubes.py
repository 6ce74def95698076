"""Containers: shared with others, carried elsewhere, loaded again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, CubeCorrupt, CubeExists, CubeNotFound, DiskFull, Forbidden, InvalidInput, MemoryNotFound, Trust
from memos_core.cube import dump as dumping
from memos_core.cube.shape import FILES, MANIFEST

KINDS = ("team", "team.zip", "team.memcube")
SAID = [
    {"role": "user", "name": "Alice", "content": "My dog Momo hates trams.", "id": "m1", "chat_time": "2026-03-02T18:00:00Z",
     "mood": [1.5, None]},
    {"role": "assistant", "content": None, "id": "m2", "chat_time": "2026-03-02T18:01:00Z", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "trams", "arguments": '{"line": 28}'}}]},
    {"role": "tool", "content": "Line 28 is late.", "id": "m3", "tool_call_id": "c1", "chat_time": "2026-03-02T18:02:00Z"},
    {"role": "user", "name": "Alice", "content": "我们明天去里斯本。", "id": "m4", "chat_time": "2026-03-02T18:03:00Z"},
]  # fmt: skip


def filled(mos: MOS) -> tuple[str, dict[str, str]]:
    """A cube with everything in it that there can be: edits, deletions, duplicates, several sessions, one erased memory."""
    team = mos.cubes.create("team", user_id="alice").id
    one = mos.add(SAID, user_id="alice", session_id="walks", write_to=team, tags=["dog"], info={"a": {"b": 1.0}}).memory_ids
    mos.add({**SAID[0], "content": "My dog Momo loves trams."}, user_id="alice", session_id="walks", write_to=team)
    loose = mos.add("We release on the first Monday.", user_id="alice", write_to=team).memory_ids[0]
    mos.add("We release on the first Monday.", user_id="alice", agent_id="nurse", write_to=team, at="2030-01-01T00:00:00Z")
    mos.update(loose, text="We release on the second Monday.", user_id="alice")
    gone = mos.add("The old office is closed.", user_id="alice", write_to=team).memory_ids[0]
    mos.delete(gone, user_id="alice")
    erased = mos.add("The door code is quokka-zither.", user_id="alice", write_to=team).memory_ids[0]
    mos.erase(erased, user_id="alice")
    mos.add("Only mine.", user_id="alice")
    return team, {"dog": one[0], "loose": loose, "gone": gone, "erased": erased}


def files(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {entry.name: entry.read_bytes() for entry in sorted(path.iterdir())}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sound(mos: MOS) -> bool:
    return list(mos._handle.engines.ledger.verify()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_cube_that_is_carried_keeps_ids_versions_history_and_times(
    mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path, kind: str
) -> None:
    team, ids = filled(mos)
    manifest = mos.cubes.dump(team, tmp_path / kind, user_id="alice")
    there = open_mos("elsewhere")
    assert there.cubes.verify(tmp_path / kind) == manifest
    cube = there.cubes.load(tmp_path / kind, user_id="carol")
    assert (cube.id, cube.name, cube.role, cube.owner, cube.own) == (team, "team", "owner", "user:carol", False)
    here = [m for m in mos.list(user_id="alice", limit=100) if m.cube_id == team]
    assert [m.evolve(trust=Trust.IMPORTED) for m in here] == list(there.list(user_id="carol", limit=100))
    for name in ("dog", "loose", "gone"):
        old, new = mos.history(ids[name], user_id="alice"), there.history(ids[name], user_id="carol")
        assert [(r.memory.text, r.memory.updated_at, r.verb, r.memory.state, r.why) for r in old] == [
            (r.memory.text, r.memory.updated_at, r.verb, r.memory.state, r.why) for r in new
        ]
    with pytest.raises(MemoryNotFound):
        there.history(ids["erased"], user_id="carol")
    assert b"quokka-zither" not in b"".join(files(tmp_path / kind).values())
    assert mos.sessions.messages("walks", user_id="alice") == there.sessions.messages("walks", user_id="carol")
    assert sound(mos) and sound(there)


def test_what_is_loaded_is_found_at_once_and_takes_part_in_everything(mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    team, ids = filled(mos)
    mos.cubes.dump(team, tmp_path / "team", user_id="alice")
    there = open_mos("elsewhere")
    there.add("Carol has a cat.", user_id="carol")
    there.cubes.load(tmp_path / "team", user_id="carol")
    assert there.search("When do we release?", user_id="carol")[0].memory.id == ids["loose"]
    assert there.search("Momo", user_id="carol", cube_ids=[team])[0].memory.text == "My dog Momo loves trams."
    assert there.restore(ids["gone"], user_id="carol").version == 3
    assert there.update(ids["dog"], text="Momo sleeps.", user_id="carol").version == 3
    again = there.add("We release on the second Monday.", user_id="carol", write_to=team)
    assert again.memory_ids == (ids["loose"],)
    edited = there.add({**SAID[3], "content": "We stay at home tomorrow."}, user_id="carol", session_id="walks", write_to=team)
    assert there.history(edited.memory_ids[0], user_id="carol")[-1].verb == "edit"
    there.erase(ids["loose"], user_id="carol")
    assert sound(there)


@pytest.mark.parametrize("kind", KINDS)
def test_dump_load_dump_gives_the_same_bytes(mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path, kind: str) -> None:
    team, _ = filled(mos)
    mos.cubes.dump(team, tmp_path / kind, user_id="alice")
    there = open_mos("elsewhere")
    there.cubes.load(tmp_path / kind, user_id="carol")
    again = tmp_path / f"again-{kind}"
    there.cubes.dump(team, again, user_id="carol")
    first, second = files(tmp_path / kind), files(again)
    for name in FILES:
        assert (first[name] == second[name]) is (name != "claims.jsonl"), name
    third = open_mos("third")
    third.cubes.load(again, user_id="carol")
    third.cubes.dump(team, tmp_path / f"third-{kind}", user_id="carol")
    last = files(tmp_path / f"third-{kind}")
    assert {name: second[name] for name in FILES} == {name: last[name] for name in FILES}


def test_what_another_memory_trusted_is_not_believed(mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    team, _ = filled(mos)
    mos.cubes.dump(team, tmp_path / "team", user_id="alice")
    claims = [json.loads(line) for line in (tmp_path / "team" / "claims.jsonl").read_text("utf-8").splitlines()]
    assert {claim["by"] for claim in claims} == {"user:alice"} and Trust.USER.value in {claim["trust"] for claim in claims}
    there = open_mos("elsewhere")
    there.cubes.load(tmp_path / "team", user_id="carol")
    listed = there.list(user_id="carol", limit=100).items
    assert {memory.trust for memory in listed} == {Trust.IMPORTED}
    assert {line.by for memory in listed for line in there.history(memory.id, user_id="carol")} == {"user:carol"}


def test_as_of_a_time_before_the_load_there_is_nothing_of_it(mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    from datetime import UTC, datetime

    team, ids = filled(mos)
    mos.cubes.dump(team, tmp_path / "team", user_id="alice")
    there = open_mos("elsewhere")
    there.add("Carol has a cat.", user_id="carol")
    before = datetime.now(UTC)
    there.cubes.load(tmp_path / "team", user_id="carol")
    assert there.list(user_id="carol", as_of=before).total == 1
    assert there.list(user_id="carol", as_of=datetime.now(UTC), limit=100).items == there.list(user_id="carol", limit=100).items
    with pytest.raises(MemoryNotFound):
        there.get(ids["dog"], user_id="carol", as_of=before)


def test_the_same_cube_twice_is_refused_and_as_new_makes_a_second(mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    team, ids = filled(mos)
    mos.cubes.dump(team, tmp_path / "team.zip", user_id="alice")
    with pytest.raises(CubeExists):
        mos.cubes.load(tmp_path / "team.zip", user_id="carol")
    assert mos.cubes.list(user_id="carol").items == ()
    copy = mos.cubes.load(tmp_path / "team.zip", as_new=True, user_id="carol")
    assert copy.id != team
    copied = mos.list(user_id="carol", limit=100).items
    original = [m for m in mos.list(user_id="alice", limit=100) if m.cube_id == team]
    assert [m.text for m in copied] == [m.text for m in original] and not {m.id for m in copied} & {m.id for m in original}
    versions = {m.text: m.version for m in copied}
    assert versions["We release on the second Monday."] == 2 and sound(mos)
    assert mos.get(ids["dog"], user_id="alice").cube_id == team


def test_a_memory_that_is_here_already_is_refused_too(mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    team, _ = filled(mos)
    mos.cubes.dump(team, tmp_path / "team", user_id="alice")
    with pytest.raises(CubeExists):
        mos.cubes.load(tmp_path / "team", user_id="carol")
    assert mos.list(user_id="carol").total == 0
    assert mos.cubes.load(tmp_path / "team", as_new=True, user_id="carol").name == "team"


def test_what_another_tenant_has_is_neither_told_nor_in_the_way(mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    team, ids = filled(mos)
    mos.cubes.dump(team, tmp_path / "team", user_id="alice")
    other = open_mos(tenant="other")
    other.cubes.mount(tmp_path / "team", user_id="dave")
    assert other.cubes.load(tmp_path / "team", user_id="carol").name == "team"
    assert other.list(user_id="carol").total == len([m for m in mos.list(user_id="alice", limit=100) if m.cube_id == team])
    assert not {m.id for m in other.list(user_id="carol", limit=100)} & set(ids.values())
    with pytest.raises(CubeExists):
        mos.cubes.load(tmp_path / "team", user_id="alice")


def test_an_empty_cube_and_ones_own_cube_can_be_carried(mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    empty = mos.cubes.create("empty", user_id="alice").id
    mos.add("Momo hates trams.", user_id="alice")
    own = next(cube.id for cube in mos.cubes.list(user_id="alice") if cube.own)
    there = open_mos("elsewhere")
    for name, cube in (("empty.zip", empty), ("own.zip", own)):
        mos.cubes.dump(cube, tmp_path / name, user_id="alice")
        there.cubes.load(tmp_path / name, user_id="alice")
    assert [m.text for m in there.list(user_id="alice")] == ["Momo hates trams."]
    assert len(there.cubes.list(user_id="alice")) == 3


def test_dumps_of_the_same_are_the_same_and_are_the_owners_only(mos: MOS, tmp_path: Path) -> None:
    team, _ = filled(mos)
    for name in ("one.zip", "two.zip", "folder"):
        mos.cubes.dump(team, tmp_path / name, user_id="alice")
    one, two = files(tmp_path / "one.zip"), files(tmp_path / "two.zip")
    assert {n: one[n] for n in FILES} == {n: two[n] for n in FILES} == {n: files(tmp_path / "folder")[n] for n in FILES}
    assert (tmp_path / "one.zip").stat().st_mode & 0o077 == 0 and (tmp_path / "folder").stat().st_mode & 0o077 == 0
    assert not [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".part")]


def test_a_cube_is_shared_by_role(mos: MOS) -> None:
    team = mos.cubes.create("team", user_id="alice").id
    mos.add("We release on Monday.", user_id="alice", write_to=team)
    with pytest.raises(CubeNotFound):
        mos.add("Never.", user_id="bob", write_to=team)
    mos.cubes.share(team, with_user="bob", user_id="alice")
    assert mos.search("release", user_id="bob")[0].memory.cube_id == team
    assert [(c.id, c.role, c.owner) for c in mos.cubes.list(user_id="bob") if not c.own] == [(team, "reader", "user:alice")]
    with pytest.raises(Forbidden):
        mos.add("Never.", user_id="bob", write_to=team)
    mos.cubes.share(team, with_user="bob", role="writer", user_id="alice")
    assert mos.add("Bob was here.", user_id="bob", write_to=team).memory_ids
    with pytest.raises(Forbidden):
        mos.cubes.share(team, with_user="eve", user_id="bob")
    mos.cubes.share(team, with_user="bob", role="owner", user_id="alice")
    mos.cubes.share(team, with_agent="nurse", user_id="bob")
    assert mos.search("release", agent_id="nurse")
    mos.cubes.unshare(team, with_user="bob", user_id="alice")
    assert len(mos.search("release", user_id="bob")) == 0 and len(mos.cubes.list(user_id="bob").items) == 1
    assert sound(mos)


def test_the_maker_stays_the_owner(mos: MOS) -> None:
    team = mos.cubes.create("team", user_id="alice").id
    mos.cubes.share(team, with_user="bob", role="owner", user_id="alice")
    for verb in (mos.cubes.unshare, mos.cubes.share):
        with pytest.raises(InvalidInput, match="with_user"):
            verb(team, with_user="alice", user_id="bob")


def test_a_cube_made_twice_under_one_request_is_one(mos: MOS) -> None:
    first = mos.cubes.create("team", user_id="alice", request_id="r")
    assert mos.cubes.create("team", user_id="alice", request_id="r") == first
    with pytest.raises(InvalidInput, match="request_id"):
        mos.cubes.create("other", user_id="alice", request_id="r")
    assert mos.cubes.create("named", cube_id="my-cube", agent_id="nurse").id == "my-cube"
    with pytest.raises(CubeExists):
        mos.cubes.create("named", cube_id="my-cube", user_id="alice")


def test_readers_may_dump_and_strangers_find_nothing(mos: MOS, tmp_path: Path) -> None:
    team, _ = filled(mos)
    with pytest.raises(CubeNotFound):
        mos.cubes.dump(team, tmp_path / "team", user_id="bob")
    mos.cubes.share(team, with_user="bob", user_id="alice")
    assert mos.cubes.dump(team, tmp_path / "team", user_id="bob").cube_id == team


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("name", lambda c, p: c.create("", user_id="alice")),
        ("user_id", lambda c, p: c.create("x")),
        ("role", lambda c, p: c.share("x", with_user="bob", role="king", user_id="alice")),
        ("with_user", lambda c, p: c.share("x", user_id="alice")),
        ("with_user", lambda c, p: c.share("x", with_user="bob", with_agent="nurse", user_id="alice")),
        ("with_user", lambda c, p: c.unshare("team", with_user="nobody", user_id="alice")),
        ("path", lambda c, p: c.load(p / "missing", user_id="alice")),
        ("path", lambda c, p: c.load("", user_id="alice")),
        ("path", lambda c, p: c.load(7, user_id="alice")),
        ("path", lambda c, p: c.load("a\x00b", user_id="alice")),
        ("as_new", lambda c, p: c.load(p, as_new="yes", user_id="alice")),
        ("path", lambda c, p: c.dump("team", p / "x.tar", user_id="alice")),
        ("path", lambda c, p: c.dump("team", p / "no folder" / "x", user_id="alice")),
        ("path", lambda c, p: c.dump("team", p, user_id="alice")),
        ("path", lambda c, p: c.verify(p / "missing")),
        ("cube_id", lambda c, p: c.dump(None, p / "x", user_id="alice")),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(mos: MOS, tmp_path: Path, field: str, call: Callable[[Any, Path], Any]) -> None:
    mos.cubes.create("team", cube_id="team", user_id="alice")
    (tmp_path / "place").mkdir()
    with pytest.raises(InvalidInput, match=field):
        call(mos.cubes, tmp_path / "place")
    assert list((tmp_path / "place").iterdir()) == [] and len(mos.cubes.list(user_id="alice")) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_dump_onto_a_full_disk_leaves_nothing(mos: MOS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    team, _ = filled(mos)
    real, calls = os.fsync, 0

    def full(number: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise OSError(28, "No space left on device")
        real(number)

    monkeypatch.setattr(dumping.os, "fsync", full)
    (tmp_path / "place").mkdir()
    with pytest.raises(DiskFull):
        mos.cubes.dump(team, tmp_path / "place" / kind, user_id="alice")
    assert list((tmp_path / "place").iterdir()) == []


def test_a_cube_that_changes_while_it_is_loaded_leaves_nothing(
    mos: MOS, open_mos: Callable[..., MOS], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memos_core.mos import moving

    team, _ = filled(mos)
    mos.cubes.dump(team, tmp_path / "team", user_id="alice")
    there = open_mos("elsewhere")
    real = moving.own_cube

    def meanwhile(*given: Any) -> Any:
        file = tmp_path / "team" / "versions.jsonl"
        file.write_bytes(file.read_bytes().replace(b"second Monday", b"seventh Friday"[:13]))
        return real(*given)

    monkeypatch.setattr(moving, "own_cube", meanwhile)
    with pytest.raises(CubeCorrupt):
        there.cubes.load(tmp_path / "team", user_id="carol")
    assert there.list(user_id="carol").total == 0 and there.cubes.list(user_id="carol").items == () and sound(there)


def test_a_dump_holds_exactly_its_files(mos: MOS, tmp_path: Path) -> None:
    team, _ = filled(mos)
    mos.cubes.dump(team, tmp_path / "team", user_id="alice")
    assert sorted(files(tmp_path / "team")) == sorted((MANIFEST, *FILES))


def test_a_dump_that_is_killed_leaves_nothing_under_its_name(mos: MOS, tmp_path: Path) -> None:
    team, _ = filled(mos)
    mos.close()
    program = (
        "import os, sys\nfrom memos_core import MOS, Settings\nfrom memos_core.cube import dump\ncalls = []\n"
        "def kill(number):\n    calls.append(number)\n    if len(calls) == int(sys.argv[5]):\n        os._exit(9)\n"
        "settings = Settings(embedder='none', durability='normal', config_dir=sys.argv[2] + '/config', cache_dir=sys.argv[2] + '/cache')\n"
        "with MOS(sys.argv[1], settings=settings) as mos:\n    dump.os.fsync = kill\n"
        "    mos.cubes.dump(sys.argv[3], sys.argv[4], user_id='alice')\n"
    )
    for kind in KINDS[:2]:
        for call in (1, 6, 7):
            target = tmp_path / "place" / kind
            target.parent.mkdir(exist_ok=True)
            command = [sys.executable, "-c", program, mos.home, str(tmp_path), team, str(target), str(call)]
            assert subprocess.run(command, check=False).returncode == 9
            assert not target.exists()
            assert [entry.name.endswith(".part") for entry in target.parent.iterdir()] == [True]
            shutil.rmtree(target.parent)
