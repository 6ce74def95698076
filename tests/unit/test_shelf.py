"""What was read stays on the shelf for as long as it is true, whoever writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memos_core import MOS
from memos_core.settings import Settings
from memos_core.testing.embedder import HashEmbedder


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[MOS, MOS]]:
    """Two handles on one folder with engines of their own, as two processes have them."""
    first, second = (MOS(str(tmp_path / "memory"), settings=Settings(durability="normal"), embedder=HashEmbedder(seed=0)) for _ in range(2))
    assert first._handle.engines is not second._handle.engines
    yield first, second
    first.close()
    second.close()


def texts(mos: MOS, query: str = "tea", user: str = "ann") -> set[str]:
    return {hit.memory.text for hit in mos.search(query, user_id=user, top_k=50)}


CHANGES: dict[str, Callable[[MOS, str], object]] = {
    "update": lambda mos, memory: mos.update(memory, user_id="ann", text="Ann drinks tea no more."),
    "delete": lambda mos, memory: mos.delete([memory], user_id="ann"),
    "erase": lambda mos, memory: mos.erase([memory], user_id="ann"),
    "edit": lambda mos, memory: mos.add({"role": "user", "content": "Ann drinks white tea.", "id": "m1"}, user_id="ann", session_id="s"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_another_handle_changed_is_not_shown_as_it_was(two: tuple[MOS, MOS], change: str) -> None:
    reader, writer = two
    said = {"role": "user", "content": "Ann drinks green tea.", "id": "m1"}
    memory = writer.add(said, user_id="ann", session_id="s").memory_ids[0]
    writer.add("Ann has a tea pot.", user_id="ann")
    assert "Ann drinks green tea." in texts(reader)
    writer.add("Ann has tea spoons.", user_id="ann")
    assert texts(reader) == {"Ann drinks green tea.", "Ann has a tea pot.", "Ann has tea spoons."}
    CHANGES[change](writer, memory)
    assert "Ann drinks green tea." not in texts(reader)
    writer.add("Ann likes tea cakes.", user_id="ann")
    assert "Ann drinks green tea." not in texts(reader) and "Ann likes tea cakes." in texts(reader)


def test_a_second_source_of_a_known_memory_is_shown(two: tuple[MOS, MOS]) -> None:
    reader, writer = two
    for number in ("1", "2"):
        writer.add({"role": "user", "content": "Ann drinks green tea.", "id": f"m{number}"}, user_id="ann", session_id=f"s{number}")
        hit = reader.search("tea", user_id="ann")[0]
        assert {source.id for source in hit.memory.sources} >= {f"m{number}"}


def test_memories_are_not_read_again_after_the_adds_of_others(two: tuple[MOS, MOS]) -> None:
    reader, writer = two
    writer.add("Ann drinks green tea.", user_id="ann")
    first = reader.search("tea", user_id="ann")[0].memory
    writer.add("Ben drinks coffee.", user_id="ben")
    assert reader.search("tea", user_id="ann")[0].memory is first


def test_who_comes_into_being_by_an_add_is_seen_at_once(two: tuple[MOS, MOS]) -> None:
    reader, writer = two
    writer.add("Ann drinks tea.", user_id="ann")
    assert texts(reader) and not texts(reader, user="ben")
    writer.add("Ben drinks tea.", user_id="ben")
    assert texts(reader, user="ben") == {"Ben drinks tea."}


def test_a_cube_that_is_shared_no_more_is_not_seen(two: tuple[MOS, MOS]) -> None:
    reader, writer = two
    writer.add("Ben drinks coffee.", user_id="ben")
    writer.add("Ann drinks tea.", user_id="ann")
    cube = next(cube for cube in writer.cubes.list(user_id="ann") if cube.own)
    writer.cubes.share(cube.id, with_user="ben", role="reader", user_id="ann")
    assert "Ann drinks tea." in texts(reader, user="ben")
    writer.cubes.unshare(cube.id, with_user="ben", user_id="ann")
    assert "Ann drinks tea." not in texts(reader, user="ben")
