"""One durable add beside a bare commit of the same text to the same disk, in one loop; and adds of lists."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from memos_core.bench.ours import open_memory
from memos_core.bench.timings.texts import Talk, messages
from memos_core.inference.base import Embedder

LIST = 1000


@dataclass(frozen=True, slots=True)
class Pair:
    """Milliseconds of our operation, and of the bare one that was done right after it."""

    ours: tuple[float, ...]
    bare: tuple[float, ...]
    cpu: float
    """Mean milliseconds of processor time of the calling thread in ours: what a busy machine does not blow up."""


def _bare(path: Path, durability: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={durability.upper()}")
    connection.execute("CREATE TABLE said (id INTEGER PRIMARY KEY, body BLOB)")
    return connection


def single(home: Path, embedder: Embedder, *, durability: str, rounds: int, alone: bool) -> Pair:
    """`rounds` adds of one text. With `alone` each add finds the background work done, as a user's does; else they come in a burst."""
    turns = Talk(5).turns(rounds + 20)
    ours, bare, cpu = [], [], []
    home.mkdir(parents=True)
    connection = _bare(home / "bare.db", durability)
    with open_memory(home / "memory", embedder, durability=durability) as mos:
        for number, text in enumerate(turns):
            start, busy = time.perf_counter(), time.thread_time()
            mos.add(text, user_id="one", session_id="burst")
            between, busy = time.perf_counter(), time.thread_time() - busy
            if alone:
                mos.wait()
            again = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO said (body) VALUES (?)", (text.encode(),))
            connection.execute("COMMIT")
            end = time.perf_counter()
            if number >= 20:
                ours.append(1000 * (between - start))
                bare.append(1000 * (end - again))
                cpu.append(1000 * busy)
    connection.close()
    return Pair(tuple(ours), tuple(bare), fmean(cpu))


def lists(home: Path, embedder: Embedder, *, rounds: int) -> tuple[float, float, float]:
    """(memories a second of adds of a thousand messages, the slowest such add in ms, seconds until the last vector)."""
    turns = Talk(6).turns((rounds + 1) * LIST)
    took = []
    with open_memory(home, embedder) as mos:
        for number in range(rounds + 1):
            batch = messages(turns[number * LIST : (number + 1) * LIST], number * LIST)
            start = time.perf_counter()
            mos.add(batch, user_id="one", session_id=f"list-{number}")
            took.append(time.perf_counter() - start)
        start = time.perf_counter()
        mos.wait(timeout=600)
        waited = time.perf_counter() - start
    return LIST / fmean(took[1:]), 1000 * max(took[1:]), waited
