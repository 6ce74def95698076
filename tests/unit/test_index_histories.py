"""Whatever happened, an index says what the plain one says: hot or cold, in this process or another, now or then."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from memos_core.index.base import Probe, Vectors
from memos_core.index.embedded import EmbeddedIndex, gathering, matrix, segment
from memos_core.model.change import Applied, Entry
from memos_core.model.filter import Filter
from memos_core.sql.engine import open_sqlite, writing
from memos_core.testing.entries import assert_same, entry, scope
from memos_core.testing.plain_index import PlainIndex

WORDS = "apple banana cherry dog elephant forest garden house yesterday 公园 天气 很好 monday music".split()
ASKED = "appl banana dog forest 公园 monday bob zzz".split()
FILTERS: list[Any] = [
    None, {"tags": {"any": ["a"]}}, {"info.k": 1}, {"info.k": True}, {"info.k": None}, {"info.k": {"gt": 0}}, {"info.k": {"nin": [1, "x"]}},
    {"not": {"created_at": {"gte": 5}}}, {"or": [{"session_id": "s1"}, {"tags": {"empty": True}}]}, {"session_id": {"prefix": "s"}},
]  # fmt: skip
DIM = 16


class History:
    """A made-up past: memories said, changed, archived, brought back, erased; vectors that come late."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.tx = self.nr = 0
        self.versions: dict[int, int] = {}
        self.known: dict[int, Entry] = {}
        self.live: set[int] = set()
        self.last: dict[Any, int] = {}

    def step(self) -> list[Applied]:
        """What one commit holds: up to three transactions."""
        return [self._transaction() for _ in range(self.chance.choice([1, 1, 3]))]

    def vectors(self) -> list[Vectors]:
        """Vectors of some memories, some of an older version."""
        some = self.chance.sample(sorted(self.known), min(5, len(self.known)))
        pick = self.chance.choice
        made = []
        for nr in some:
            context = self.vector() if pick([True, False]) else None
            made.append(Vectors(nr, pick([self.versions[nr], 1]), self.known[nr].cube, self.vector(), context))
        return made

    def vector(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        vector = np.array([self.chance.gauss(0, 1) for _ in range(DIM)], np.float32)
        return vector / np.linalg.norm(vector)

    def _transaction(self) -> Applied:
        self.tx += 1
        acts = [self._say, self._change, self._say_again, self._archive, self._restore, self._erase]
        act = self.chance.choices(acts, [12, 3, 1, 2, 1, 1])[0]
        opened, closed, erased = act() if self.live else self._say()
        return Applied(self.tx, self.tx, tuple(opened), tuple(closed), tuple(erased))

    def _say(self) -> tuple[list[Entry], list[int], list[int]]:
        fresh = []
        for _ in range(self.chance.randint(1, 4)):
            self.nr += 1
            place = (self.chance.randint(1, 2), self.chance.choice([None, "s1", "s2"]))
            context = self.last.get(place) if place[1] else None
            fresh.append(self._written(self.nr, place, context, self.chance.choice(["", "Ann", "Bob"])))
            self.last[place] = self.nr
        return fresh, [], []

    def _change(self) -> tuple[list[Entry], list[int], list[int]]:
        old = self.known[self._some()]
        return [self._written(old.nr, (old.cube, old.session), old.context, old.speaker)], [old.nr], []

    def _say_again(self) -> tuple[list[Entry], list[int], list[int]]:
        nr = self._some()
        self.known[nr] = replace(self.known[nr], tx=self.tx, said=self.tx)
        return [self.known[nr]], [nr], []

    def _archive(self) -> tuple[list[Entry], list[int], list[int]]:
        nr = self._some()
        self.live.discard(nr)
        return [], [nr], []

    def _restore(self) -> tuple[list[Entry], list[int], list[int]]:
        gone = sorted(self.known.keys() - self.live)
        if not gone:
            return [], [], []
        old = self.known[self.chance.choice(gone)]
        return [self._written(old.nr, (old.cube, old.session), old.context, old.speaker)], [], []

    def _erase(self) -> tuple[list[Entry], list[int], list[int]]:
        nr = self.chance.choice(sorted(self.known))
        self.live.discard(nr)
        del self.known[nr]
        self.last = {place: last for place, last in self.last.items() if last != nr}
        return [], [], [nr]

    def _some(self) -> int:
        return self.chance.choice(sorted(self.live))

    def _written(self, nr: int, place: Any, context: int | None, speaker: str) -> Entry:
        pick = self.chance.choice
        text = " ".join(self.chance.choices(WORDS, k=pick([0, 3, 8, 8, 8, 300])))
        fields: dict[str, Any] = {"tags": self.chance.sample(["a", "b"], self.chance.randint(0, 2)), "session_id": place[1]}
        fields["info"] = pick([{}, {"k": pick([1, True, "x", None, 2.5])}])
        fields["created_at"] = self.chance.randint(0, 10) * 1_000_000
        fields["expires_at"] = pick([None, None, None, self.chance.randint(1, 9)])
        self.versions[nr] = self.versions.get(nr, 0) + 1
        self.live.add(nr)
        written = entry(
            nr, text.replace(" ", ". ", 4), tx=self.tx, cube=place[0], version=self.versions[nr], speaker=speaker, session=place[1],
            context=context, said=self.chance.randint(0, 1000), **fields,
        )  # fmt: skip
        self.known[nr] = written
        return written


class World:
    """A plain index, and three on one file: two hot ones with connections of their own, and one that is always cold."""

    def __init__(self, path: Path) -> None:
        self.engines = [open_sqlite(path / "memory.db", durability="normal") for _ in range(2)]
        self.plain = PlainIndex()
        self.hot, self.other = (EmbeddedIndex(engine) for engine in self.engines)
        self.cold = EmbeddedIndex(self.engines[0], inline=-1, memory_bytes=0)

    def write(self, applied: list[Applied]) -> None:
        self.plain.ride(None, applied)
        with self.engines[0].connect() as connection, writing(connection):
            self.hot.ride(connection, applied)

    def put(self, model: str, vectors: list[Vectors], through_other: bool) -> None:
        for index in (self.plain, self.other if through_other else self.hot):
            index.put_vectors(model, vectors)

    def close(self) -> None:
        for index in (self.hot, self.other, self.cold):
            index.close()
        for engine in self.engines:
            engine.dispose()


@contextmanager
def a_world() -> Iterator[World]:
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            yield world
        finally:
            world.close()


def ask(world: World, history: History, *, whole: bool) -> None:
    """The same question to all of them."""
    chance, then = history.chance, history.chance.randint(0, history.tx)
    where = chance.choice(FILTERS)
    terms = tuple(dict.fromkeys(chance.choices(ASKED, k=3)))
    probe = Probe(terms, history.vector() * 3, "m", Filter.parse(where) if where else None, 3)
    for until, cubes in ((None, (1, 2)), (None, (2,)), (then, (1, 2))):
        now = chance.randint(0, 10)
        expected = world.plain.view(scope(*cubes, until=until), now=now)
        for index in (world.hot, world.other, world.cold):
            view = index.view(scope(*cubes, until=until), now=now)
            assert (view.size, view.speakers) == (expected.size, expected.speakers)
            wanted, found = expected.gather(probe), view.gather(probe)
            assert_same(found, wanted, whole=whole)
            assert set(best(wanted, probe.limit)) <= set(found.nr.tolist())
            nrs = wanted.nr.tolist()[:5]
            np.testing.assert_allclose(view.vectors(nrs, "m"), expected.vectors(nrs, "m"), atol=2e-3)


def best(wanted: Any, limit: int) -> list[int]:
    """What must not be missing: the best by words and by meaning, without those that tie at the edge."""
    nrs: list[int] = []
    for scores in (wanted.lexical, wanted.dense):
        order = np.argsort(-scores)
        if len(order) > limit:
            order = order[: limit][scores[order[:limit]] > scores[order[limit]] + 4e-3]
        nrs += wanted.nr[order[scores[order] > 0]].tolist()
    return nrs


@pytest.mark.parametrize(
    ("whole", "large"), [(True, False), (False, False), (False, True)], ids=["small scopes whole", "only the best", "as large segments do"]
)
@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_hot_cold_foreign_and_past_agree_with_the_plain_index(whole: bool, large: bool, seed: int) -> None:
    chance = random.Random(seed)
    history = History(chance)
    with pytest.MonkeyPatch.context() as patch, a_world() as world:
        patch.setattr(gathering, "WHOLE", 2000 if whole else 0)
        patch.setattr(matrix, "BYTES_FROM", 3 if large else 32_768)
        for _ in range(chance.randint(5, 30)):
            world.write(history.step())
            if chance.random() < 0.5 and history.known:
                world.put(chance.choice(["m", "m", "n"]), history.vectors(), chance.random() < 0.5)
            if chance.random() < 0.5:
                ask(world, history, whole=whole)
        ask(world, history, whole=whole)


def test_merging_the_tail_and_dropping_the_dead_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "TAIL", 1)
    history = History(random.Random(7))
    with a_world() as world:
        for turn in range(40):
            world.write(history.step())
            world.put("m", history.vectors(), turn % 2 == 0)
            if turn % 4 == 0:
                ask(world, history, whole=True)
                world.hot.settle()
        held = world.hot.health().facts
        assert held["segments"] >= 2 and held["building"] == 0


def test_an_index_made_anew_says_the_same() -> None:
    history = History(random.Random(3))
    with a_world() as world:
        past = [history.step() for _ in range(20)]
        for applied in past:
            world.write(applied)
        ask(world, history, whole=True)
        with world.engines[0].connect() as connection, writing(connection):
            world.hot.clear(connection)
            for applied in past:
                world.hot.ride(connection, applied)
        ask(world, history, whole=True)
