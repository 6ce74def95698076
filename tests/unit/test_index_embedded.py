"""What is the embedded index's own: its memory, its threads, its place in the ledger's transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from memos_core.errors import Closed
from memos_core.index.base import Probe, Vectors
from memos_core.index.embedded import EmbeddedIndex, reading
from memos_core.index.embedded.schema import entries, erasures, vectors
from memos_core.model.change import Applied
from memos_core.model.filter import Filter
from memos_core.sql.engine import open_sqlite, writing
from memos_core.testing.entries import assert_same, entry, opened, scope, unit


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_sqlite(tmp_path / "memory.db", durability="normal")
    yield engine
    engine.dispose()


@pytest.fixture
def index(engine: sa.Engine) -> Iterator[EmbeddedIndex]:
    index = EmbeddedIndex(engine)
    yield index
    index.close()


def write(engine: sa.Engine, index: EmbeddedIndex, *applied: Applied) -> None:
    with engine.connect() as connection, writing(connection):
        index.ride(connection, applied)


def many(count: int, *, cube: int = 1, tx: int = 1, first: int = 1) -> Applied:
    return opened(*(entry(nr, f"dog number{nr % 10} says wau{nr}", tx=tx, cube=cube, session=f"s{nr // 9}", info={"k": nr % 5})
                    for nr in range(first, first + count)))  # fmt: skip


def test_what_was_rolled_back_is_not_found(engine: sa.Engine, index: EmbeddedIndex) -> None:
    write(engine, index, many(3))
    with pytest.raises(RuntimeError), engine.connect() as connection, writing(connection):
        index.ride(connection, [many(5, tx=2, first=10)])
        assert index.view(scope(1), now=0).size == 3, "not committed yet"
        raise RuntimeError
    assert index.view(scope(1), now=0).size == 3


def test_a_view_stays_at_its_moment(engine: sa.Engine, index: EmbeddedIndex) -> None:
    write(engine, index, many(30))
    view = index.view(scope(1), now=0)
    before = view.gather(Probe(("dog",)))
    write(engine, index, opened(*many(400, tx=2, first=100).opened, closed=(1, 2, 3), erased=()))
    index.view(scope(1), now=0).gather(Probe(("dog",)))
    assert_same(view.gather(Probe(("dog",))), before)
    assert index.view(scope(1), now=0).size == 427


def test_a_large_segment_is_built_in_the_background_and_says_the_same(engine: sa.Engine) -> None:
    index = EmbeddedIndex(engine, inline=10)
    write(engine, index, many(200))
    probe = Probe(("dog", "number3"), unit(1, 2), "m", Filter.parse({"info.k": {"gte": 1}}), 5)
    index.put_vectors("m", [Vectors(nr, 1, 1, unit(nr, 1)) for nr in range(1, 150)])
    cold = index.view(scope(1), now=0).gather(probe)
    index.settle()
    assert index.health().facts["segments"] == 1
    assert_same(index.view(scope(1), now=0).gather(probe), cold)
    index.close()


@pytest.mark.parametrize("inline", [10, 1000], ids=["from the file", "in memory"])
def test_views_of_two_indexes_side_by_side_say_what_one_index_of_both_says(tmp_path: Path, engine: sa.Engine, inline: int) -> None:
    far = open_sqlite(tmp_path / "far.db", durability="normal")
    both, near, other = EmbeddedIndex(engine), EmbeddedIndex(engine, inline=inline), EmbeddedIndex(far, inline=inline)
    first, second = many(60), many(80, cube=2, tx=1 << 40, first=1 << 40)
    write(engine, both, first, second)
    write(far, other, second)
    for index, cubes in ((both, (1, 2)), (other, (2,))):
        index.put_vectors("m", [Vectors(e.nr, 1, e.cube, unit(e.nr % 7, 1)) for e in (*first.opened, *second.opened) if e.cube in cubes])
    probe = Probe(("dog", "number3", "wau7"), unit(1, 2), "m", Filter.parse({"info.k": {"gte": 1}}), 5)
    one, two = both.view(scope(1, 2), now=0), near.view(scope(1), now=0).beside(other.view(scope(2), now=0))
    assert (one.size, one.speakers) == (two.size, two.speakers) and one.size == 140
    assert_same(two.gather(probe), one.gather(probe))
    asked = [3, 1 << 40, 7, (1 << 40) + 79, 99]
    np.testing.assert_array_equal(two.vectors(asked, "m"), one.vectors(asked, "m"))
    for index in (both, near, other):
        index.close()
    far.dispose()


def test_the_least_recently_used_segments_go_first(engine: sa.Engine) -> None:
    index = EmbeddedIndex(engine, memory_bytes=100_000)
    write(engine, index, *(many(50, cube=cube, tx=cube, first=cube * 100) for cube in range(1, 9)))
    for cube in range(1, 9):
        assert index.view(scope(cube), now=0).size == 50
    facts = index.health().facts
    assert facts["bytes"] <= 100_000 and 1 <= facts["segments"] < 8
    assert index.view(scope(*range(1, 9)), now=0).size == 400
    index.close()


def test_readers_in_many_threads_see_each_commit_and_no_half_of_one(engine: sa.Engine, index: EmbeddedIndex) -> None:
    write(engine, index, many(20))
    wrong: list[str] = []
    done = threading.Event()

    def read() -> None:
        last = 0
        while not done.is_set():
            view = index.view(scope(1), now=0)
            found = view.gather(Probe(("dog",), unit(1, 1), "m"))
            if len(found) != view.size or len(found) % 20 or len(found) < last or not (found.lexical > 0).all():
                wrong.append(f"{len(found)} of {view.size} after {last}")
            last = len(found)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for tx in range(2, 40):
        write(engine, index, many(20, tx=tx, first=tx * 20))
        index.put_vectors("m", [Vectors(tx * 20, 1, 1, unit(1, 0))])
        assert index.view(scope(1), now=0).size == tx * 20, "a writer reads what it wrote"
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong


def test_erasing_leaves_no_row_and_names_no_text(engine: sa.Engine, index: EmbeddedIndex) -> None:
    write(engine, index, opened(entry(1, "secret plans", info={"a": "b"}), entry(2, "reply", context=1, session="s")))
    index.put_vectors("m", [Vectors(1, 1, 1, unit(1, 0)), Vectors(2, 1, 1, unit(0, 1), unit(1, 1))])
    write(engine, index, opened(erased=(1,), tx=2))
    with engine.connect() as connection:
        assert connection.execute(sa.select(entries.c.nr)).all() == [(2,)]
        assert connection.execute(sa.select(vectors.c.nr)).all() == []
        assert connection.execute(sa.select(erasures)).all() == [(1, 2, 1)]


def test_a_column_of_a_filter_grows_with_the_memories(engine: sa.Engine, index: EmbeddedIndex) -> None:
    where = Filter.parse({"and": [{"info.k": {"lt": 2}}, {"info.k": {"ne": 0}}]})
    for tx in range(1, 6):
        write(engine, index, many(50, tx=tx, first=tx * 50))
        found = index.view(scope(1), now=0).gather(Probe(("dog",), where=where))
        assert sorted(found.nr.tolist()) == [nr for nr in range(50, tx * 50 + 50) if nr % 5 == 1]


@pytest.mark.parametrize("version", [(3, 37), (3, 38)])
def test_fields_are_read_alike_with_an_old_sqlite(engine: sa.Engine, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_ARROW", (0,) if version == (3, 38) else (99,))
    index = EmbeddedIndex(engine)
    values = [1, 1.0, True, None, "1", "é\"x", [1, "a"], {"b": None}, 2.5, ""]
    write(engine, index, opened(*(entry(nr, "dog", info={'a "b': value, "k": value}) for nr, value in enumerate(values)), entry(99, "dog")))
    for path in (["info", 'a "b'], ["info", "k"]):
        for value, found in ((1, [0, 1]), (True, [2]), (None, [3]), ("1", [4]), ('é"x', [5]), ([1, "a"], [6]), (2.5, [8]), ("", [9])):
            assert index.view(scope(1), now=0).gather(Probe((), where=Filter.where(path, "eq", value))).nr.tolist() == found
        empty = Filter.where(path, "empty", True)
        assert index.view(scope(1), now=0).gather(Probe((), where=empty)).nr.tolist() == [3, 9, 99]
    index.close()


def test_numbers_that_floats_can_not_hold_are_compared_exactly(engine: sa.Engine, index: EmbeddedIndex) -> None:
    big = 1 << 60
    write(engine, index, opened(*(entry(nr, "dog", info={"k": big + nr}) for nr in range(1, 5))))
    found = index.view(scope(1), now=0).gather(Probe((), where=Filter.parse({"info.k": {"gt": big + 2}})))
    assert sorted(found.nr.tolist()) == [3, 4]


def test_a_closed_index_says_so(engine: sa.Engine) -> None:
    index = EmbeddedIndex(engine)
    index.close()
    with pytest.raises(Closed):
        index.view(scope(1), now=0)


def test_it_says_what_it_holds(engine: sa.Engine, index: EmbeddedIndex) -> None:
    write(engine, index, many(7), opened(closed=(1,), tx=2))
    index.put_vectors("m", [Vectors(2, 1, 1, unit(1, 0))])
    view = index.view(scope(1), now=0)
    view.gather(Probe((), np.ones(2, np.float32), "m"))
    facts = index.health().facts
    assert (facts["entries"], facts["vectors"], facts["current"], facts["segments"]) == (7, 1, 6, 1)
    assert facts["bytes"] > 0


def test_what_is_said_between_a_views_words_and_its_vectors_keeps_its_vector(engine: sa.Engine, index: EmbeddedIndex) -> None:
    write(engine, index, many(20))
    index.put_vectors("m", [Vectors(nr, 1, 1, unit(1, nr), None) for nr in range(1, 21)])
    early = index.view(scope(1), now=0)
    write(engine, index, many(1, tx=2, first=50))
    index.put_vectors("m", [Vectors(50, 1, 1, unit(2, 1), None)])
    probe = Probe(("dog",), unit(2, 1), "m", limit=5)
    early.gather(probe)
    found = index.view(scope(1), now=0).gather(probe)
    assert found.embedded.all() and 50 in found.nr and found.degraded == ()


def test_the_dead_do_not_count_among_those_that_have_vectors(engine: sa.Engine, index: EmbeddedIndex) -> None:
    write(engine, index, many(10))
    index.put_vectors("m", [Vectors(nr, 1, 1, unit(1, nr), None) for nr in range(1, 11)])
    probe = Probe(("dog",), unit(2, 1), "m")
    assert index.view(scope(1), now=0).gather(probe).degraded == ()
    write(engine, index, opened(*many(2, tx=2, first=50).opened, closed=(1, 2, 3), erased=()))
    assert index.view(scope(1), now=0).gather(probe).degraded == ("vectors: 2 of 9 memories have none of this model yet",)
