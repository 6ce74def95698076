"""Power cuts on the real add: its file operations are recorded, cut at any point, and the disk that is left is opened.

    python -m tests.faults.power_cut --rounds 30000

After the cut a disk holds what was synced, and of the writes since then any subset, a fifth of them torn at 512 bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from memos_core import MOS, Settings
from memos_core.ledger import group, pen
from memos_core.testing.embedder import HashEmbedder
from tests.faults.recorder import Event, Recorder

FAULTS = ("none", "unsynced commits", "told before the commit", "outbox in a second transaction")


@dataclass
class Verdict:
    """What the rounds found."""

    rounds: int = 0
    acknowledged: int = 0
    lost: int = 0
    corrupt: int = 0
    torn: int = 0
    """Images in which a memory stands without all that was written with it."""
    seconds: float = 0.0
    first: list[str] = field(default_factory=list)


class _Disk:
    """Files as the platter has them, and the writes that are still in some cache."""

    def __init__(self) -> None:
        self.synced: dict[str, bytearray] = {}
        self.pending: dict[str, list[Event]] = {}

    def apply(self, event: Event) -> None:
        kind, name = event[0], event[1]
        if kind in ("write", "truncate"):
            self.pending.setdefault(name, []).append(event)
        elif kind == "sync":
            content = self.synced.setdefault(name, bytearray())
            for waiting in self.pending.pop(name, []):
                _do(content, waiting)
        elif kind == "delete":
            self.synced.pop(name, None)
            self.pending.pop(name, None)

    def image(self, chance: random.Random) -> dict[str, bytes]:
        """One of the disks that a cut may leave."""
        kept = chance.choice((0.0, 0.3, 0.7, 1.0))
        image: dict[str, bytes] = {}
        for name in {*self.synced, *self.pending}:
            content = bytearray(self.synced.get(name, b""))
            for event in self.pending.get(name, ()):
                if chance.random() < kept:
                    _do(content, _torn(event, chance) if chance.random() < 0.2 else event)
            image[name] = bytes(content)
        return image


def _do(content: bytearray, event: Event) -> None:
    if event[0] == "truncate":
        del content[event[2] :]
        return
    _, _, offset, data = event
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _torn(event: Event, chance: random.Random) -> Event:
    if event[0] != "write" or len(event[3]) <= 512:
        return event
    sectors = len(event[3]) // 512
    return (*event[:3], event[3][: 512 * chance.randrange(1, sectors + 1)])


def record(folder: Path, *, adds: int, threads: int, fault: str, seed: int) -> list[Event]:
    """The events of a memory in use: adds from several threads, updates, deletions, erasures, checkpoints."""
    recorder = Recorder()
    settings = Settings(durability="normal" if fault == FAULTS[1] else "full", audit_key="k" * 32, embedder="none")
    with recorder.watching(), _planted(fault, recorder):
        mos = MOS(str(folder), settings=settings, embedder=HashEmbedder())
        workers = [threading.Thread(target=_use, args=(mos, recorder, nr, adds // threads, seed, fault)) for nr in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        mos.wait(60)
        mos.close()
    return recorder.events


def _use(mos: MOS, recorder: Recorder, nr: int, adds: int, seed: int, fault: str) -> None:
    chance = random.Random(seed * 1000 + nr)
    mine: list[str] = []
    for i in range(adds):
        text = " ".join(chance.choice(_WORDS) for _ in range(chance.randrange(4, 60))) + f" {nr} {i}"
        receipt = mos.add(text, user_id=f"user{nr}", session_id=f"s{i // 10}")
        if fault != FAULTS[2]:
            recorder.ack(receipt.memory_ids[0])
        mine.append(receipt.memory_ids[0])
        if i % 17 == 16:
            mos.update(chance.choice(mine), text=f"{text} anew", user_id=f"user{nr}")
        if i % 23 == 22:
            mos.delete([chance.choice(mine)], user_id=f"user{nr}")
        if i % 40 == 39:
            mos._handle.engines.ledger.checkpoint()


_HEADS, _TAILS = ("mo", "ta", "ri", "ke", "lu", "sa", "no", "vi"), ("na", "tro", "lis", "ver", "dan", "mos", "pel", "gri")
_WORDS = [head + tail for head in _HEADS for tail in _TAILS]


@dataclass
class _planted:
    """A fault put into the real code, to see that it is found."""

    fault: str
    recorder: Recorder
    undo: list[Callable[[], None]] = field(default_factory=list)

    def __enter__(self) -> None:
        if self.fault == FAULTS[2]:
            real, recorder = pen.Pen.remember, self.recorder

            def told_early(self: pen.Pen, row, *, item_id, digest, entry):  # type: ignore[no-untyped-def]
                recorder.ack(item_id)
                return real(self, row, item_id=item_id, digest=digest, entry=entry)

            self._swap(pen.Pen, "remember", told_early)
        elif self.fault == FAULTS[3]:
            real_enqueue, real_run = pen.Pen.enqueue, group.GroupCommit.run
            late: list[tuple[object, ...]] = []

            def forget(self: pen.Pen, task_id, kind, work, *, due):  # type: ignore[no-untyped-def]
                units = real_enqueue(self, task_id, kind, work, due=due)
                late.extend(self._rows["outbox"])
                self._rows["outbox"] = []
                return units

            def run_twice(self: group.GroupCommit, work, *, durable=True):  # type: ignore[no-untyped-def]
                value = real_run(self, work, durable=durable)
                rows, late[:] = list(late), []
                if rows:
                    real_run(self, lambda connection: pen._INSERTS["outbox"].run(connection, rows), durable=True)
                return value

            self._swap(pen.Pen, "enqueue", forget)
            self._swap(group.GroupCommit, "run", run_twice)

    def _swap(self, owner: type, name: str, value: object) -> None:
        real = getattr(owner, name)
        setattr(owner, name, value)
        self.undo.append(lambda: setattr(owner, name, real))

    def __exit__(self, *_: object) -> None:
        for undo in self.undo:
            undo()


def cuts(events: Sequence[Event], rounds: int, seed: int) -> Iterator[tuple[dict[str, bytes], set[str]]]:
    """Disks that cuts at random points leave, each with what had been acknowledged by then."""
    chance = random.Random(seed)
    at = sorted(chance.randrange(1, len(events) + 1) for _ in range(rounds))
    disk, acknowledged, done = _Disk(), set[str](), 0
    for point in at:
        for event in events[done:point]:
            if event[0] == "ack":
                acknowledged.add(event[1])
            else:
                disk.apply(event)
        done = point
        yield disk.image(chance), set(acknowledged)


def judge(image: dict[str, bytes], acknowledged: set[str], folder: Path, verdict: Verdict) -> None:
    """Open what is left: sound, nothing acknowledged lost, nothing half there."""
    for leftover in folder.iterdir():
        leftover.unlink()
    for name, content in image.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)
    verdict.rounds += 1
    verdict.acknowledged += len(acknowledged)
    with closing(sqlite3.connect(folder / "memory.db")) as connection:
        try:
            state = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if not acknowledged and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                return
            stored = {row[0] for row in connection.execute("SELECT id FROM items")}
            torn = connection.execute(_HALF).fetchone()[0]
        except sqlite3.DatabaseError as exc:
            state, stored, torn = str(exc), set(), 0
    verdict.corrupt += state != "ok"
    verdict.torn += torn > 0
    lost = acknowledged - stored
    verdict.lost += len(lost)
    if (lost or torn or state != "ok") and len(verdict.first) < 3:
        verdict.first.append(f"round {verdict.rounds}: {state}, {len(lost)} lost, {torn} torn")


_HALF = """
SELECT (SELECT count(*) FROM items i WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE v.item = i.nr AND v.version = i.version))
     + (SELECT count(*) FROM versions v WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.tx = v.tx))
     + (SELECT count(*) FROM items i WHERE i.state = 'activated' AND NOT EXISTS
         (SELECT 1 FROM entries e WHERE e.nr = i.nr AND e.version = i.version AND e.until IS NULL))
     + (SELECT count(*) FROM items i WHERE i.state = 'activated'
         AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.item = i.nr AND o.version = i.version)
         AND NOT EXISTS (SELECT 1 FROM vectors x WHERE x.nr = i.nr AND x.version = i.version))
"""


def run(rounds: int, *, adds: int = 240, threads: int = 4, fault: str = "none", seed: int = 7) -> Verdict:
    """Record once, cut many times."""
    verdict, started = Verdict(), time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        folder, work = Path(place) / "memory", Path(place) / "work"
        work.mkdir()
        events = record(folder, adds=adds, threads=threads, fault=fault, seed=seed)
        for image, acknowledged in cuts(events, rounds, seed):
            judge(image, acknowledged, work, verdict)
    verdict.seconds = round(time.monotonic() - started, 1)
    return verdict


def main() -> None:
    """The large numbers, by command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--adds", type=int, default=240)
    parser.add_argument("--fault", choices=FAULTS, default="none")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    print(json.dumps(vars(run(given.rounds, adds=given.adds, fault=given.fault, seed=given.seed))))


if __name__ == "__main__":
    main()
