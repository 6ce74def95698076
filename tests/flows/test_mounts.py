"""Dumped cubes that are read where they lie: found with one's own, by nobody else, changed by nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from memos_core import (
    MOS,
    CubeExists,
    CubeNotFound,
    Forbidden,
    MemoryNotFound,
    SessionNotFound,
)  # fmt: skip
from memos_core.testing.embedder import HashEmbedder
from tests.flows.mounted import OWN, QUESTIONS, TEAM, Team, texts

pytestmark = pytest.mark.usefixtures("temporary")


def another(mos: MOS, tmp_path: Path, name: str, *said: str) -> str:
    """One more cube, dumped under its name."""
    cube = mos.cubes.create(name, user_id="alice").id
    for text in said:
        mos.add(text, user_id="alice", write_to=cube)
    mos.cubes.dump(cube, tmp_path / name, user_id="alice")
    return cube


@pytest.mark.parametrize("embedder", [None, HashEmbedder()], ids=["words", "meaning"])
@pytest.mark.parametrize("path", ["team", "team.zip"])
def test_a_mounted_cube_ranks_with_ones_own_exactly_as_if_it_were_loaded(
    open_mos: Callable[..., MOS], tmp_path: Path, team: Team, path: str, embedder: HashEmbedder | None
) -> None:
    given = {} if embedder is None else {"embedder": embedder}
    loading, mounting = open_mos("loading", **given), open_mos("mounting", **given)
    for mos in (loading, mounting):
        for text in OWN:
            mos.add(text, user_id="carol", at="2026-05-01T00:00:00Z")
    loading.cubes.load(tmp_path / path, user_id="carol")
    cube = mounting.cubes.mount(tmp_path / path, user_id="carol")
    assert (cube.id, cube.name, cube.owner, cube.role, cube.own, cube.mounted) == (team[0], "team", "user:carol", "reader", False, True)
    for mos in (loading, mounting):
        mos.wait(30)
    for question in QUESTIONS:
        for extra in ({}, {"filter": {"session_id": "meeting"}}, {"top_k": 2}, {"cube_ids": [team[0]]}):
            one, two = (mos.search(question, user_id="carol", **extra) for mos in (loading, mounting))
            assert one.degraded == two.degraded and (len(one) or extra)
            assert [(h.memory.text, h.score, h.relevance, h.why) for h in one] == [
                (h.memory.text, h.score, h.relevance, h.why) for h in two
            ], question
    listed = [mos.list(user_id="carol", limit=100) for mos in (loading, mounting)]
    assert texts(listed[0]) == texts(listed[1]) and listed[0].total == listed[1].total == len(TEAM) + len(OWN)


def test_every_reading_verb_sees_it(mos: MOS, tmp_path: Path, team: Team) -> None:
    cube, ids = team
    mos.add(OWN[0], user_id="carol")
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    assert mos.get(ids[TEAM[0]], user_id="carol").cube_id == cube
    assert texts(mos.history(ids[TEAM[1]], user_id="carol")) == [TEAM[1], "The release needs three reviewers."]
    assert mos.list(user_id="carol", cube_ids=[cube]).total == len(TEAM)
    own = next(one.id for one in mos.cubes.list(user_id="carol") if one.own)
    assert texts(mos.list(user_id="carol", cube_ids=[own])) == texts(mos.search("release", user_id="carol", cube_ids=[own])) == [OWN[0]]
    assert [one.id for one in mos.cubes.list(user_id="carol")] == [cube, own]
    assert len(mos.sessions.messages("meeting", user_id="carol", cube_id=cube)) == len(TEAM)
    with pytest.raises(CubeNotFound):
        mos.search("release", user_id="carol", cube_ids=[cube, "no such cube"])
    with pytest.raises(MemoryNotFound):
        mos.get("no such memory", user_id="carol")


def test_pages_go_through_ones_own_and_mounted_cubes_newest_first(
    open_mos: Callable[..., MOS], tmp_path: Path, team: Team
) -> None:
    mos = open_mos("reading")
    for day, text in enumerate(OWN, 1):
        mos.add(text, user_id="carol", at=f"2099-01-0{day}T00:00:00Z" if day < 3 else "2001-01-01T00:00:00Z")
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    whole = mos.list(user_id="carol", limit=100).items
    assert [one.created_at for one in whole] == sorted((one.created_at for one in whole), reverse=True) and len(whole) == 7
    paged: list[Any] = []
    cursor: str | None = None
    while True:
        page = mos.list(user_id="carol", limit=2, cursor=cursor)
        assert page.total == 7
        paged += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert paged == list(whole)


def test_nobody_else_sees_it_and_no_other_handle(open_mos: Callable[..., MOS], tmp_path: Path, team: Team) -> None:
    cube, ids = team
    mos, twin, other = open_mos("shared"), open_mos("shared"), open_mos("shared", tenant="other")
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    assert texts(mos.search("release", user_id="carol")) and texts(mos.bind(user_id="carol").search("release"))
    assert texts(mos.search("release", user_id="carol", agent_id="nurse"))
    carol = {"user_id": "carol"}
    for strange, who in ((mos, {"user_id": "eve"}), (mos, {"agent_id": "carol"}), (twin, carol), (other, carol)):
        assert not strange.search("release", **who) and strange.list(**who).total == 0 and not len(strange.cubes.list(**who))
        for call in (
            lambda m, w: m.search("release", cube_ids=[cube], **w),
            lambda m, w: m.list(cube_ids=[cube], **w),
            lambda m, w: m.cubes.unmount(cube, **w),
            lambda m, w: m.cubes.share(cube, with_user="eve", **w),
            lambda m, w: m.add("Mine.", write_to=cube, **w),
        ):
            with pytest.raises(CubeNotFound):
                call(strange, who)
        for verb in (strange.get, strange.history, strange.restore, strange.delete, strange.erase):
            with pytest.raises(MemoryNotFound):
                verb(ids[TEAM[0]], **who)
        with pytest.raises(SessionNotFound):
            strange.sessions.messages("meeting", **who)
    assert twin.cubes.mount(tmp_path / "team", user_id="eve").id == cube and not mos.search("release", user_id="eve")


def test_what_an_agent_mounts_its_users_read_and_it_alone_lets_go(
    mos: MOS, tmp_path: Path, team: Team
) -> None:
    mos.cubes.mount(tmp_path / "team", agent_id="nurse")
    assert texts(mos.search("coffee", user_id="carol", agent_id="nurse")) and not mos.search("coffee", user_id="carol")
    with pytest.raises(Forbidden):
        mos.cubes.unmount(team[0], user_id="carol", agent_id="nurse")
    mos.cubes.unmount(team[0], agent_id="nurse")
    assert not mos.search("coffee", user_id="carol", agent_id="nurse")


WRITES: dict[str, Callable[[MOS, str, str], Any]] = {
    "update": lambda mos, cube, one: mos.update(one, text="Changed.", user_id="carol"),
    "delete": lambda mos, cube, one: mos.delete([one], user_id="carol"),
    "restore": lambda mos, cube, one: mos.restore(one, version=1, user_id="carol"),
    "erase": lambda mos, cube, one: mos.erase([one], user_id="carol"),
    "add": lambda mos, cube, one: mos.add("Added.", user_id="carol", write_to=cube),
    "share": lambda mos, cube, one: mos.cubes.share(cube, with_user="eve", user_id="carol"),
    "unshare": lambda mos, cube, one: mos.cubes.unshare(cube, with_user="eve", user_id="carol"),
    "dump": lambda mos, cube, one: mos.cubes.dump(cube, "/nowhere/else", user_id="carol"),
    "replace": lambda mos, cube, one: mos.sessions.replace("meeting", ["Said."], user_id="carol", cube_id=cube),
    "delete session": lambda mos, cube, one: mos.sessions.delete("meeting", user_id="carol", cube_id=cube),
}


@pytest.mark.parametrize("verb", WRITES)
def test_it_can_only_be_read(mos: MOS, tmp_path: Path, team: Team, verb: str) -> None:
    cube, ids = team
    mos.add(OWN[0], user_id="carol")
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    before = mos.list(user_id="carol", limit=100)
    with pytest.raises(Forbidden, match="mounted"):
        WRITES[verb](mos, cube, ids[TEAM[1]])
    assert mos.list(user_id="carol", limit=100) == before


def test_filters_and_everything_change_ones_own_alone(mos: MOS, tmp_path: Path, team: Team) -> None:
    one = mos.add("We release nothing.", user_id="carol").memory_ids
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    assert mos.delete(filter={"text": {"itext": "release"}}, user_id="carol").memory_ids == one
    mos.erase(everything=True, user_id="carol")
    assert mos.list(user_id="carol").total == len(TEAM)


def test_what_it_told_is_not_learnt_when_it_comes_back(mos: MOS, tmp_path: Path, team: Team) -> None:
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    told = mos.search("release", user_id="carol").prompt()
    assert TEAM[0] in told
    assert mos.add([{"role": "user", "content": told}], user_id="carol").memory_ids == ()
    line = [{"role": "assistant", "content": f"- {TEAM[0]}"}]
    assert mos.add(line, user_id="carol").memory_ids == () and mos.add(line, user_id="eve").memory_ids


def test_two_are_mounted_at_once_and_each_goes_by_itself(
    open_mos: Callable[..., MOS], mos: MOS, tmp_path: Path, team: Team
) -> None:
    second = another(open_mos("office"), tmp_path, "second", "The release party is on Saturday.")
    mos.add(OWN[0], user_id="carol")
    for name in ("team", "second"):
        mos.cubes.mount(tmp_path / name, user_id="carol")
    found = mos.search("release", user_id="carol")
    assert {hit.memory.cube_id for hit in found} >= {team[0], second} and OWN[0] in texts(found)
    assert texts(mos.search("release", user_id="carol", cube_ids=[second])) == ["The release party is on Saturday."]
    mos.cubes.unmount(team[0], user_id="carol")
    assert mos.list(user_id="carol").total == 2
    assert {hit.memory.cube_id for hit in mos.search("release", user_id="carol")} & {team[0], second} == {second}


def test_what_is_here_already_is_not_mounted(open_mos: Callable[..., MOS], mos: MOS, tmp_path: Path, team: Team) -> None:
    with pytest.raises(CubeExists):
        open_mos("office").cubes.mount(tmp_path / "team", user_id="alice")
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    with pytest.raises(CubeExists):
        mos.cubes.mount(tmp_path / "team.zip", user_id="carol")
    assert mos.list(user_id="carol").total == len(TEAM)


def test_loaded_later_it_is_read_in_the_memory_and_can_be_changed(mos: MOS, tmp_path: Path, team: Team) -> None:
    cube, ids = team
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    mos.cubes.load(tmp_path / "team", user_id="carol")
    assert mos.list(user_id="carol").total == len(TEAM)
    found = texts(mos.search("release", user_id="carol"))
    assert TEAM[0] in found and len(found) == len(set(found))
    mos.update(ids[TEAM[0]], text="We never release.", user_id="carol")
    assert "We never release." in texts(mos.search("release", user_id="carol"))
    mos.cubes.unmount(cube, user_id="carol")
    assert mos.list(user_id="carol").total == len(TEAM)


def test_it_is_known_from_when_it_was_mounted(mos: MOS, tmp_path: Path, team: Team) -> None:
    cube, ids = team
    mos.add(OWN[0], user_id="carol")
    before = datetime.now(UTC)
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    after = datetime.now(UTC)
    assert mos.list(user_id="carol", as_of=before).total == 1 and texts(mos.search("release", user_id="carol", as_of=before)) == [OWN[0]]
    assert mos.list(user_id="carol", as_of=after).total == 1 + len(TEAM)
    assert texts(mos.search("release", user_id="carol", as_of=after)) == texts(mos.search("release", user_id="carol", now=after))
    assert mos.get(ids[TEAM[0]], user_id="carol", as_of=after).text == TEAM[0]
    with pytest.raises(MemoryNotFound):
        mos.get(ids[TEAM[0]], user_id="carol", as_of=before)
    with pytest.raises(CubeNotFound):
        mos.search("release", user_id="carol", cube_ids=[cube], as_of=before)
