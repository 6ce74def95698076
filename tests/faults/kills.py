"""A writing process is killed at random times; what it left is opened, and held against what it had been told.

    python -m tests.faults.kills --rounds 300

The writer adds, updates, deletes and erases from four threads, durability full. It writes down each step before it begins
and when it is acknowledged; a byte of shared memory says whether a transaction is open, and so whether the kill met one.
Time is shifted on by three minutes a round, so that leases of the dead have ended when its folder is opened again.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from memos_core import MOS, MemoryNotFound, MemosError, Settings
from memos_core.ledger import group
from memos_core.testing.embedder import HashEmbedder

MEMORY = Path("/dev/shm")
"""A kill leaves what the kernel holds: a disk would only make the rounds slower."""
THREADS, CHAIN = 4, 10
"""Threads that write; rounds on one folder before a new one is begun."""
_SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split()
_FILLER = "garden river window market letter mountain bicycle kitchen teacher station".split()


@dataclass
class Story:
    """What happened to one memory: its words, and what was begun but not acknowledged when the writer died."""

    user: str
    word: str
    state: str = "live"
    """live | deleted | erased"""
    memory_id: str = ""
    begun: dict[str, Any] | None = None
    gone: list[str] = field(default_factory=list)
    """Words that it had once, in versions before."""


@dataclass
class Verdict:
    """What the rounds found."""

    rounds: int = 0
    inside: int = 0
    """Kills that met an open transaction."""
    acknowledged: int = 0
    erased: int = 0
    slowest_opening: float = 0.0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


def coined(number: int) -> str:
    """A word that no text holds by chance."""
    parts = []
    while number or len(parts) < 3:
        number, nr = divmod(number, len(_SYLLABLES))
        parts.append(_SYLLABLES[nr])
    return "q" + "".join(parts) + "q"


def opened(folder: Path, shift: int) -> MOS:
    """The folder, by a clock that is so many seconds ahead."""
    settings = Settings(durability="full", audit_key="k" * 32, embedder="none")
    return MOS(str(folder), settings=settings, embedder=HashEmbedder(), clock=lambda: datetime.now(UTC) + timedelta(seconds=shift))


@contextmanager
def announced(flag: mmap.mmap) -> Iterator[None]:
    """The first byte is 1 from after BEGIN until after COMMIT."""
    real = group.writing

    @contextmanager
    def watched(connection: Any) -> Iterator[None]:
        try:
            with real(connection):
                flag[0] = 1
                yield
        finally:
            flag[0] = 0

    group.writing = watched  # type: ignore[attr-defined]
    try:
        yield
    finally:
        group.writing = real  # type: ignore[attr-defined]


def write_until_killed(folder: Path, told: int, flag: mmap.mmap, round_nr: int, stories: dict[str, Story]) -> None:
    """The writer's process."""
    with announced(flag):
        mos = opened(folder, round_nr * 180)
        os.write(told, b'{"ready":1}\n')
        threads = [threading.Thread(target=_write, args=(mos, told, round_nr, nr, stories), daemon=True) for nr in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _write(mos: MOS, told: int, round_nr: int, thread: int, stories: dict[str, Story]) -> None:
    try:
        _steps(mos, told, round_nr, thread, stories)
    except MemosError as exc:
        os.write(told, (json.dumps({"failed": f"{type(exc).__name__}: {exc}"}) + "\n").encode())


def _steps(mos: MOS, told: int, round_nr: int, thread: int, stories: dict[str, Story]) -> None:
    chance = random.Random(round_nr * 101 + thread)
    user = f"user{thread}"
    mine = [story for story in stories.values() if story.user == user and story.state == "live"]
    count = (round_nr * THREADS + thread) * 2000

    def tell(**what: Any) -> None:
        os.write(told, (json.dumps(what) + "\n").encode())

    def fresh() -> str:
        nonlocal count
        count += 1
        return coined(count)

    while True:
        kind = chance.choice(("add", "add", "add", "list", "update", "delete", "erase")) if len(mine) > 3 else "add"
        if kind in ("add", "list"):
            words = [fresh() for _ in range(1 if kind == "add" else chance.randrange(2, 6))]
            texts = [_text(chance, word) for word in words]
            tell(do="add", user=user, words=words)
            receipt = mos.add(texts[0] if kind == "add" else texts, user_id=user, session_id=f"s{chance.randrange(3)}")
            tell(did="add", user=user, words=words, ids=receipt.memory_ids)
            mine += [Story(user, word, memory_id=one) for word, one in zip(words, receipt.memory_ids, strict=True)]
            continue
        story = mine.pop(chance.randrange(len(mine)))
        if kind == "update":
            word = fresh()
            tell(do="update", word=story.word, new=word)
            mos.update(story.memory_id, text=_text(chance, word), user_id=user)
            tell(did="update", word=story.word, new=word)
            mine.append(Story(user, word, memory_id=story.memory_id))
            continue
        tell(do=kind, word=story.word)
        if kind == "delete":
            mos.delete(story.memory_id, user_id=user)
        else:
            mos.erase(story.memory_id, user_id=user)
        tell(did=kind, word=story.word)


def _text(chance: random.Random, word: str) -> str:
    return f"The {chance.choice(_FILLER)} of {word} is near the {chance.choice(_FILLER)}, {' '.join(chance.choices(_FILLER, k=4))}."


class Notes:
    """What the writer has told so far. A list that was begun is kept whole: all of it is there, or nothing."""

    def __init__(self) -> None:
        self.stories: dict[str, Story] = {}
        self.lists: list[tuple[str, list[str]]] = []
        """Adds that were begun and not acknowledged."""
        self.failed: list[str] = []

    def take(self, lines: list[str]) -> None:
        """Go through a round's lines in order."""
        self.lists = []
        for line in lines:
            note = json.loads(line)
            if "failed" in note:
                self.failed.append(note["failed"])
            elif note.get("do") == "add":
                self.lists.append((note["user"], note["words"]))
            elif note.get("did") == "add":
                self.lists.remove((note["user"], note["words"]))
                self.stories |= {w: Story(note["user"], w, memory_id=i) for w, i in zip(note["words"], note["ids"], strict=True)}
            elif "do" in note:
                self.stories[note["word"]].begun = note
            elif "did" in note:
                self._done(note)

    def _done(self, note: dict[str, Any]) -> None:
        story = self.stories.pop(note["word"])
        story.begun = None
        if note["did"] == "update":
            story.gone.append(story.word)
            story.word = note["new"]
        else:
            story.state = {"delete": "deleted", "erase": "erased"}[note["did"]]
        self.stories[story.word] = story


def check(folder: Path, notes: Notes, shift: int) -> dict[str, Any]:
    """Open what is left, in a process of its own, and look for everything. What was begun is decided by what is found."""
    began = time.perf_counter()
    mos = opened(folder, shift)
    mos.search("garden", user_id="user0")
    took = time.perf_counter() - began
    wrong: list[str] = []
    settled: dict[str, str] = {}
    for story in notes.stories.values():
        wrong += _look(mos, story, settled)
    for user, words in notes.lists:
        there = [word for word in words if _finds(mos, user, word)]
        if there and there != words:
            wrong.append(f"a list stands half: {there} of {words}")
        for word in there:
            settled[word] = f"added {_finds(mos, user, word)}"
    wrong += [f"{finding.where}: {finding.what}" for finding in mos._handle.engines.ledger.verify()]
    wrong += _backlog(mos, folder)
    mos.close()
    with sqlite3.connect(folder / "memory.db") as connection:
        wrong += [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    return {"took": took, "wrong": wrong, "settled": settled}


def _finds(mos: MOS, user: str, word: str) -> str | None:
    found = [hit.memory.id for hit in mos.search(word, user_id=user, top_k=300) if word in hit.memory.text]
    return found[0] if found else None


def _look(mos: MOS, story: Story, settled: dict[str, str]) -> list[str]:
    """One memory against its story; what a begun step may have done is allowed, and written down as done."""
    begun = story.begun
    found = _finds(mos, story.user, story.word)
    if begun is None:
        return _settled(mos, story, found)
    if begun["do"] == "update":
        newer = _finds(mos, story.user, begun["new"])
        if bool(found) == bool(newer):
            return [f"{story.word}: an update that was begun left {found} and {newer}"]
        settled[story.word] = "updated" if newer else "unchanged"
        return []
    settled[story.word] = "unchanged" if found else {"delete": "deleted", "erase": "erased"}[begun["do"]]
    if found is None and begun["do"] == "erase":
        return _settled(mos, Story(story.user, story.word, "erased", story.memory_id, gone=story.gone), None)
    return []


def _settled(mos: MOS, story: Story, found: str | None) -> list[str]:
    if story.state == "live":
        held = mos.get(story.memory_id, user_id=story.user)
        return [] if found == story.memory_id and story.word in held.text else [f"{story.word}: acknowledged, and not found by its words"]
    wrong = [f"{story.word}: {story.state}, and found"] if found else []
    try:
        mos.get(story.memory_id, user_id=story.user)
        wrong.append(f"{story.word}: {story.state}, and got by its id")
    except MemoryNotFound:
        pass
    if story.state != "erased":
        return wrong
    with mos._handle.engines.ledger.book() as book:
        for word in (story.word, *story.gone):
            for table, column in (("versions", "text"), ("messages", "content"), ("entries", "fields")):
                query = f"SELECT count(*) FROM {table} WHERE instr({column}, ?)"
                if book.connection.exec_driver_sql(query, (word,)).scalar_one():
                    wrong.append(f"{word}: erased, and in {table}")
    return wrong


def _backlog(mos: MOS, folder: Path, patience: float = 15.0) -> list[str]:
    """Wait until every current entry has its vector and the outbox is empty."""
    query = """SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM entries e WHERE e.until IS NULL
        AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.nr = e.nr AND v.version = e.version))"""
    end = time.monotonic() + patience
    mos._handle.engines.scheduler.submit([])
    with sqlite3.connect(folder / "memory.db") as connection:
        while (left := connection.execute(query).fetchone()[0]) and time.monotonic() < end:
            time.sleep(0.02)
    connection.close()
    return [f"{left} memories still have no vector"] if left else []


def forked(work: Callable[[int], None]) -> tuple[int, int]:
    """A process that does this, and where to read what it writes."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(read)
            work(write)
            code = 0
        except BaseException as exc:
            os.write(2, f"{type(exc).__name__}: {exc}\n".encode())
            raise
        finally:
            os._exit(code)
    os.close(write)
    return child, read


def _lines(read: int) -> Iterator[str]:
    with os.fdopen(read, "r") as stream:
        for line in stream:
            if line.endswith("\n"):
                yield line


def one_round(folder: Path, notes: Notes, verdict: Verdict, nr: int, chance: random.Random, longest: float) -> None:
    """Write, kill, open, look."""
    flag = mmap.mmap(-1, 1)
    child, read = forked(lambda told: write_until_killed(folder, told, flag, nr, notes.stories))
    lines: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        for line in _lines(read):
            if '"ready"' in line:
                ready.set()
            else:
                lines.append(line)

    listener = threading.Thread(target=listen)
    listener.start()
    ready.wait(20)
    time.sleep(chance.uniform(0.005, longest))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    listener.join()
    verdict.inside += flag[0]
    verdict.rounds += 1
    notes.take(lines)
    verdict.wrong += [f"round {nr}: {what}" for what in notes.failed]
    notes.failed = []
    checker, answer = forked(lambda told: _say(told, check(folder, notes, nr * 180 + 120)))
    found = json.loads("".join(_lines(answer)) or "{}")
    os.waitpid(checker, 0)
    _judge(found, notes, verdict, nr)


def _say(told: int, answer: dict[str, Any]) -> None:
    with os.fdopen(told, "w") as out:
        out.write(json.dumps(answer) + "\n")


def _judge(found: dict[str, Any], notes: Notes, verdict: Verdict, nr: int) -> None:
    verdict.wrong += [f"round {nr}: {what}" for what in found.get("wrong", ["could not be opened"])]
    verdict.slowest_opening = max(verdict.slowest_opening, found.get("took", 99.0))
    for word, what in found.get("settled", {}).items():
        if what.startswith("added "):
            user = next(user for user, words in notes.lists if word in words)
            notes.stories[word] = Story(user, word, memory_id=what.split()[1])
        elif what == "unchanged":
            notes.stories[word].begun = None
        else:
            note = dict(notes.stories[word].begun or {})
            notes._done({"did": note["do"], "word": word, "new": note.get("new")})
    verdict.acknowledged += sum(story.state == "live" for story in notes.stories.values())
    verdict.erased += sum(story.state == "erased" for story in notes.stories.values())


def _warm() -> None:
    """Load what the processes need before there are any."""
    with tempfile.TemporaryDirectory() as place:
        mos = opened(Path(place) / "memory", 0)
        mos.add("The garden is near the river.", user_id="user0")
        mos.search("garden", user_id="user0")
        mos.wait(20)
        mos.close()


def run(rounds: int, seed: int = 0, longest: float = 0.3) -> Verdict:
    """So many kills; the processes are forked from this one, which holds no memory open."""
    verdict, chance, began = Verdict(), random.Random(seed), time.perf_counter()
    _warm()
    for start in range(0, rounds, CHAIN):
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
            notes = Notes()
            for nr in range(start, min(rounds, start + CHAIN)):
                one_round(Path(place) / "memory", notes, verdict, nr + 1, chance, longest)
    verdict.seconds = round(time.perf_counter() - began, 1)
    return verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=0.3, help="seconds of writing at most before the kill")
    given = parser.parse_args()
    print(json.dumps(vars(run(given.rounds, given.seed, given.longest))))


if __name__ == "__main__":
    main()
