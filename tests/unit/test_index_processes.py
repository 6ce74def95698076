"""Several processes on one file: what one writes, the others see with their next view, whole commits only."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memos_core.index.base import Probe, Vectors
from memos_core.index.embedded import EmbeddedIndex, gathering, kernels, matrix
from memos_core.model.change import Applied
from memos_core.model.filter import Filter
from memos_core.sql.engine import open_sqlite, writing
from memos_core.testing.entries import assert_same, entry, opened, scope, unit

PROBE = Probe(("dog",), unit(1, 0), "m")


class Desk:
    """An index on a file, and writing to it."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.engine = open_sqlite(path, durability="normal")
        self.index = EmbeddedIndex(self.engine, **options)

    def write(self, applied: Applied) -> None:
        with self.engine.connect() as connection, writing(connection):
            self.index.ride(connection, [applied])

    def seen(self, cube: int = 1) -> dict[int, tuple[bool, float]]:
        """Each memory's number -> whether it has a vector, and its dense score."""
        found = self.index.view(scope(cube), now=0).gather(PROBE)
        return dict(zip(found.nr.tolist(), zip(found.embedded.tolist(), found.dense.round(2).tolist(), strict=True), strict=True))

    def close(self) -> None:
        self.index.close()
        self.engine.dispose()


def talk(*nrs: int, tx: int) -> Applied:
    return opened(*(entry(nr, f"the dog says wau{nr}", tx=tx, session="s") for nr in nrs))


def answer(path: Path, line: Connection) -> None:
    """Another process: says what it sees whenever it is asked; a number is a memory of which it may hold nothing."""
    desk = Desk(path)
    while (asked := line.recv()) is not None:
        line.send(desk.index.residue([asked]) if isinstance(asked, int) else desk.seen())
    desk.close()


def keep_writing(path: Path, commits: int) -> None:
    """Another process: commits of twenty memories each, and their vectors."""
    desk = Desk(path)
    for tx in range(1, commits + 1):
        desk.write(talk(*range(tx * 20, tx * 20 + 20), tx=tx))
        desk.index.put_vectors("m", [Vectors(nr, 1, 1, unit(1, 0)) for nr in range(tx * 20, tx * 20 + 20)])
    desk.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "memory.db")
    yield desk
    desk.close()


def test_another_process_sees_what_was_added_changed_closed_embedded_and_erased(desk: Desk, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    desk.write(talk(1, 2, 3, tx=1))
    other = spawn.Process(target=answer, args=(tmp_path / "memory.db", theirs))
    other.start()

    def told(asked: int | str = "seen") -> Any:
        mine.send(asked)
        assert mine.poll(60), "the other process is silent"
        return mine.recv()

    none = (False, 0.0)
    assert told() == {1: none, 2: none, 3: none}
    desk.write(talk(4, tx=2))
    assert told() == {1: none, 2: none, 3: none, 4: none}
    desk.index.put_vectors("m", [Vectors(1, 1, 1, unit(1, 0)), Vectors(4, 1, 1, unit(0, 1))])
    assert told() == {1: (True, 1.0), 2: none, 3: none, 4: (True, 0.0)}
    desk.write(opened(entry(1, "the dog is silent", tx=3, version=2), closed=(1,)))
    assert told() == {1: none, 2: none, 3: none, 4: (True, 0.0)}, "the new version has no vector yet"
    desk.write(opened(closed=(2,), tx=4))
    assert told() == {1: none, 3: none, 4: (True, 0.0)} == desk.seen()
    desk.write(opened(erased=(4,), tx=5))
    assert told(4) == 0 and told() == {1: none, 3: none}
    mine.send(None)
    other.join(60)
    assert other.exitcode == 0


def test_a_reader_sees_whole_commits_while_another_process_writes(desk: Desk, tmp_path: Path) -> None:
    other = multiprocessing.get_context("spawn").Process(target=keep_writing, args=(tmp_path / "memory.db", 60))
    other.start()
    last: dict[int, tuple[bool, float]] = {}
    while other.is_alive() or len(last) < 60 * 20:
        seen = desk.seen()
        assert len(seen) % 20 == 0 and seen.keys() >= last.keys()
        assert all(vector in ((False, 0.0), (True, 1.0)) for vector in seen.values())
        assert all(seen[nr][0] for nr, (embedded, _) in last.items() if embedded), "what was embedded stays so"
        last = seen
        if not other.is_alive():
            assert other.exitcode == 0
    assert all(embedded for embedded, _ in desk.seen().values())


def test_scanning_bytes_finds_what_reading_the_file_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not kernels.scans_bytes():
        pytest.skip("numkong does not know this processor")
    monkeypatch.setattr(matrix, "BYTES_FROM", 200)
    monkeypatch.setattr(gathering, "WHOLE", 50)
    chance = np.random.default_rng(3)
    desk = Desk(tmp_path / "memory.db", inline=10)
    desk.write(opened(*(entry(nr, f"dog number{nr % 10} says wau{nr}", session=f"s{nr // 9}", info={"k": nr % 5}) for nr in range(1, 901))))
    vectors = chance.standard_normal((900, 2, 16)).astype(np.float32) + np.float32(0.5)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    desk.index.put_vectors("m", [Vectors(nr, 1, 1, vectors[nr - 1, 0], vectors[nr - 1, 1] if nr % 3 else None) for nr in range(1, 851)])
    probes = [
        Probe((f"number{i}", f"wau{i}"), chance.standard_normal(16).astype(np.float32), "m", where, 20)
        for i, where in enumerate([None, None, Filter.parse({"info.k": {"gte": 2}}), Filter.parse({"info.k": 1})])
    ]
    cold = [desk.index.view(scope(1), now=0).gather(probe) for probe in probes]
    desk.index.settle()
    assert desk.index.health().facts["segments"] == 1
    for probe, expected in zip(probes, cold, strict=True):
        found = desk.index.view(scope(1), now=0).gather(probe)
        assert 20 <= len(found) < 200
        assert_same(found, expected)
    desk.close()
