"""search(as_of=t) is what a copy of the folder taken at t finds: the same memories, order, versions and scores."""

from __future__ import annotations

import sqlite3
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from memos_core import MOS, Settings
from memos_core.errors import MemosError
from memos_core.testing.embedder import HashEmbedder
from tests.model import words as w
from tests.model.values import Asker, Clock, Words

QUERIES = ["pebble", "What did Ann say about the wqgranite pebble?", "wqbasalt"]
STEP = st.one_of(
    st.tuples(st.just("add"), w.ASKER, w.TEXT, w.SESSION, w.TAGS, w.EXPIRES, w.PICK),
    st.tuples(st.just("talk"), w.ASKER, w.TALK),
    st.tuples(st.just("talk"), w.ASKER, w.TALK),
    st.tuples(st.just("update"), w.ASKER, w.TEXT, w.PICK),
    st.tuples(st.just("delete"), w.ASKER, w.PICK),
    st.tuples(st.just("restore"), w.ASKER, w.PICK),
    st.tuples(st.just("share"), w.ASKER, w.SOMEBODY, w.ROLE, w.PICK),
    st.tuples(st.just("unshare"), w.ASKER, w.SOMEBODY, w.PICK),
    st.tuples(st.just("erase"), w.ASKER, w.PICK),
    st.tuples(st.just("pass"), st.sampled_from([timedelta(hours=2), timedelta(days=2)])),
    st.tuples(st.just("copy")),
    st.tuples(st.just("copy")),
)


class History:
    """A folder with a history, and copies of it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = Clock(w.START)
        self.embedder = HashEmbedder(dim=16)
        self.copies: list[tuple[datetime, Path]] = []
        self.mos = self.open(home / "live", self.clock)

    def open(self, folder: Path, clock: Any) -> MOS:
        kept = Settings(embedder="none", durability="normal", config_dir=str(self.home / "config"), cache_dir=str(self.home / "cache"))
        return MOS(str(folder), settings=kept, clock=clock, embedder=self.embedder)

    def copy(self) -> None:
        """A copy of the folder as it is now, every vector made."""
        folder = self.home / f"copy-{len(self.copies)}"
        folder.mkdir()
        with sqlite3.connect(self.home / "live" / "memory.db") as live, sqlite3.connect(folder / "memory.db") as copy:
            live.backup(copy)
        live.close()
        copy.close()
        self.copies.append((self.clock.now, folder))

    def step(self, verb: str, *given: Any) -> None:
        self.clock.now += timedelta(seconds=1)
        if verb == "copy":
            self.copy()
        elif verb == "pass":
            self.clock.now += given[0]
        else:
            try:
                getattr(self, verb)({"user_id": given[0][0], "agent_id": given[0][1]}, *given[1:])
            except MemosError as exc:
                event(f"refused: {type(exc).__name__}")
            self.mos.wait()

    def add(self, who: Any, text: str, session: str | None, tags: Any, expires: timedelta | None, pick: int) -> None:
        cubes = list(self.mos.cubes.list(**who))
        to = cubes[pick % len(cubes)].id if cubes and pick % 2 else None
        self.mos.add(
            text, **who, session_id=session, tags=tags, write_to=to, expires_at=None if expires is None else self.clock.now + expires
        )

    def talk(self, who: Any, talk: list[Words]) -> None:
        self.mos.add([w.chat(one) for one in talk], **who, session_id="walk-1")

    def picked(self, who: Any, pick: int) -> str:
        seen = [memory.id for memory in self.mos.list(**who)]
        return seen[pick % len(seen)] if seen else "nothing"

    def update(self, who: Any, text: str, pick: int) -> None:
        self.mos.update(self.picked(who, pick), **who, text=text)

    def delete(self, who: Any, pick: int) -> None:
        self.mos.delete(self.picked(who, pick), **who)

    def restore(self, who: Any, pick: int) -> None:
        self.mos.restore(self.picked(who, pick), **who, version=1)

    def share(self, who: Any, somebody: Any, role: str, pick: int) -> None:
        cubes = [cube.id for cube in self.mos.cubes.list(**who) if cube.role == "owner"]
        if cubes:
            self.mos.cubes.share(cubes[pick % len(cubes)], **{f"with_{somebody[0]}": somebody[1]}, role=role, **who)

    def unshare(self, who: Any, somebody: Any, pick: int) -> None:
        cubes = [cube.id for cube in self.mos.cubes.list(**who) if cube.role == "owner"]
        if cubes:
            self.mos.cubes.unshare(cubes[pick % len(cubes)], **{f"with_{somebody[0]}": somebody[1]}, **who)

    def erase(self, who: Any, pick: int) -> None:
        self.mos.erase(self.picked(who, pick), **who)


def shapes(found: Any) -> list[Any]:
    return [(hit.memory.model_dump(exclude={"cube_id"}), hit.memory.cube_id) for hit in found]


def compare(history: History, copy: MOS, then: datetime, asker: Asker) -> None:
    """One asker's answers as of then, and from the copy. What was erased or taken away since is the exception."""
    who = {"user_id": asker[0], "agent_id": asker[1]}
    live = history.mos
    before = list(copy.list(**who, limit=1000))
    gone = {memory.id for memory in before if absent(live, memory.id, who, then)}
    still = [cube.id for cube in copy.cubes.list(**who) if cube.id in {cube.id for cube in live.cubes.list(**who)}]
    assert gone <= {m.id for m in before if m.cube_id not in still} or gone & erased_ids(live), gone
    expected = [memory for memory in before if memory.id not in gone]
    assert list(live.list(**who, as_of=then, limit=1000)) == expected
    for memory in expected:
        assert live.get(memory.id, **who, as_of=then) == memory
    if not still:
        assert len(live.search("pebble", **who, as_of=then)) == 0
        return
    untouched = not gone & {memory.id for memory in before if memory.cube_id in still}
    for query in QUERIES:
        now = live.search(query, **who, as_of=then, now=then, top_k=5 if untouched else 1000, cube_ids=still)
        old = copy.search(query, **who, now=then, top_k=5 if untouched else 1000, cube_ids=still)
        if untouched:
            assert shapes(now) == shapes(old), query
            assert all(abs(a.score - b.score) < 1e-5 and abs(a.relevance - b.relevance) < 1e-5 for a, b in zip(now, old, strict=True)), (
                query
            )
            assert now.degraded == old.degraded
        else:
            event("something was erased since")
            assert {hit.memory.id for hit in now} == {hit.memory.id for hit in old} - gone


def absent(mos: MOS, memory_id: str, who: Any, then: datetime) -> bool:
    try:
        mos.get(memory_id, **who, as_of=then)
    except MemosError:
        return True
    return False


def erased_ids(mos: MOS) -> set[str]:
    with mos._handle.engines.ledger.book() as book:
        return {row[0] for row in book.connection.exec_driver_sql("SELECT id FROM items WHERE state = 'erased'")}


@settings(
    max_examples=30,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
@given(st.lists(STEP, min_size=12, max_size=24))
def test_as_of_finds_what_a_copy_of_the_folder_finds(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder))
        told = [("add", w.ASKERS[nr % 4], w.TEXTS[nr], "walk-1", (), None, 0) for nr in range(6)]
        try:
            for step in [*told, ("share", w.ASKERS[0], ("user", "bob"), "writer", 0), *steps]:
                history.step(*step)
            for then, path in history.copies[-3:]:
                event("a copy was compared")
                copy = history.open(path, lambda then=then: then)
                copy.wait()
                try:
                    for asker in w.ASKERS:
                        compare(history, copy, then, asker)
                finally:
                    copy.close()
        finally:
            history.mos.close()
