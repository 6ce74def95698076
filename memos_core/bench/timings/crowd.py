"""Four processes that search and one that adds, on one folder, at the same time."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from memos_core.bench.ours import open_memory
from memos_core.bench.timings.texts import Talk
from memos_core.bench.vectors import Remembering, Seeded
from memos_core.errors import MemosError

READERS = 4
READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Operations a second of all processes of a kind together, and what went wrong."""

    searches: float
    adds: float
    errors: tuple[str, ...]


def _reader(home: Path, questions: list[str], seconds: float, gate: Any, results: Queue[Any]) -> None:
    done, errors = 0, []
    with open_memory(home, Remembering(Seeded())) as mos:
        for question in questions:
            mos.search(question, user_id="one", top_k=10)
        gate.wait(READY_SECONDS)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            try:
                if not mos.search(questions[done % len(questions)], user_id="one", top_k=10):
                    errors.append("a search found nothing")
            except (MemosError, OSError) as exc:
                errors.append(f"search: {type(exc).__name__}: {exc}")
            done += 1
    results.put(("search", done, errors[:20]))


def _writer(home: Path, texts: list[str], seconds: float, gate: Any, results: Queue[Any]) -> None:
    done, errors = 0, []
    with open_memory(home, Remembering(Seeded())) as mos:
        gate.wait(READY_SECONDS)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            try:
                mos.add(f"{texts[done % len(texts)]} {done}", user_id="one", session_id="crowd")
            except (MemosError, OSError) as exc:
                errors.append(f"add: {type(exc).__name__}: {exc}")
            done += 1
    results.put(("add", done, errors[:20]))


def crowd(home: Path, questions: list[str], *, seconds: float) -> Crowd:
    """On a folder that holds user `one`'s memories already and that nobody has open."""
    context = multiprocessing.get_context("spawn")
    gate, results = context.Barrier(READERS + 1), context.Queue()
    texts = Talk(8).turns(2000)
    jobs = [context.Process(target=_reader, args=(home, questions[n::READERS][:200], seconds, gate, results)) for n in range(READERS)]
    jobs.append(context.Process(target=_writer, args=(home, texts, seconds, gate, results)))
    for job in jobs:
        job.start()
    counts, errors = {"search": 0, "add": 0}, []
    for job in jobs:
        job.join(READY_SECONDS + seconds + 60)
        if job.exitcode:
            errors.append(f"a process ended with {job.exitcode}")
        elif job.is_alive():
            job.kill()
            errors.append("a process did not end")
    while not results.empty():
        kind, done, wrong = results.get()
        counts[kind] += done
        errors += wrong
    return Crowd(counts["search"] / seconds, counts["add"] / seconds, tuple(errors))
