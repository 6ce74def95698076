"""Search beside a bare scan of one float16 vector a memory; what a filter and a second user cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from memos_core.bench.ours import open_memory
from memos_core.bench.timings.adds import Pair
from memos_core.bench.timings.texts import sessions
from memos_core.inference.base import Embedder

if TYPE_CHECKING:
    from memos_core import MOS

TOP_K = 10
KINDS = 10


@dataclass(frozen=True, slots=True)
class Filled:
    """What filling a folder took: seconds of the adds, and until all vectors were there."""

    add_seconds: float
    wait_seconds: float


def fill(mos: MOS, turns: list[str], user: str, *, size: int = 100) -> Filled:
    """Everything into one scope, session by session; `info.kind` is one of ten, by session."""
    start = time.perf_counter()
    for number, (session, batch) in enumerate(sessions(turns, size)):
        mos.add(batch, user_id=user, session_id=session, info={"kind": f"k{number % KINDS}"})
    added = time.perf_counter()
    mos.wait(timeout=3600)
    return Filled(added - start, time.perf_counter() - added)


def _scan(embedder: Embedder, turns: list[str]) -> Callable[[str], Any]:
    """The bare limit: one numkong pass over one float16 vector a memory."""
    import numkong
    import numpy as np

    rows = np.concatenate([embedder.embed(turns[at : at + 5000]).astype(np.float16) for at in range(0, len(turns), 5000)])
    return lambda question: numkong.cdist(embedder.embed([question]).astype(np.float16), rows, "dot")


def timed(call: Callable[[str], Any], argument: str) -> tuple[float, float]:
    """Milliseconds of one call by the clock, and of the processor in this thread."""
    start, busy = time.perf_counter(), time.thread_time()
    call(argument)
    return 1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - busy)


def interleaved(calls: Sequence[Callable[[str], Any]], questions: Sequence[str], budget: float) -> list[list[tuple[float, float]]]:
    """`timed` of each call for each question, turn about, so that noise hits all alike; ends when `budget` seconds are spent."""
    took: list[list[tuple[float, float]]] = [[] for _ in calls]
    end = time.perf_counter() + budget
    for number, question in enumerate(questions):
        order = range(len(calls)) if number % 2 == 0 else reversed(range(len(calls)))
        for which in order:
            took[which].append(timed(calls[which], question))
        if time.perf_counter() > end:
            break
    return took


def pair(ours: Sequence[tuple[float, float]], bare: Sequence[tuple[float, float]]) -> Pair:
    return Pair(tuple(wall for wall, _ in ours), tuple(wall for wall, _ in bare), fmean(cpu for _, cpu in ours))


def warm(search: Callable[[str], Any], questions: Sequence[str], budget: float = 20.0) -> None:
    """Until the hot path answers: at least two hundred searches or the budget of seconds."""
    end = time.perf_counter() + budget
    for question in questions[:200]:
        search(question)
        if time.perf_counter() > end:
            break


def by_size(
    home: Path, embedder: Embedder, turns: list[str], questions: Sequence[str], *, budget: float, session: int = 100
) -> tuple[Pair, Filled]:
    """Search in one scope of `turns`, each beside a bare scan."""
    with open_memory(home, embedder) as mos:
        filled = fill(mos, turns, "one", size=session)
        for question in questions:
            embedder.query(question)

        def search(question: str) -> object:
            return mos.search(question, user_id="one", top_k=TOP_K)

        warm(search, questions)
        ours, bare = interleaved((search, _scan(embedder, turns)), questions, budget)
    return pair(ours, bare), filled


def ratios(folder: Path, embedder: Embedder, turns: list[str], questions: Sequence[str], *, budget: float) -> dict[str, Pair]:
    """With a filter beside without, and with another user's equal memory in the folder beside alone."""
    with open_memory(folder / "one", embedder) as alone, open_memory(folder / "two", embedder) as shared:
        fill(alone, turns, "one")
        fill(shared, turns, "one")
        fill(shared, [f"{text} Indeed." for text in turns], "two")
        only = {"info.kind": "k3"}

        def plain(question: str) -> object:
            return alone.search(question, user_id="one", top_k=TOP_K)

        def filtered(question: str) -> object:
            return alone.search(question, user_id="one", top_k=TOP_K, filter=only)

        def beside(question: str) -> object:
            return shared.search(question, user_id="one", top_k=TOP_K)

        for call in (plain, filtered, beside):
            warm(call, questions, 5.0)
        base, some, two = interleaved((plain, filtered, beside), questions, budget)
    return {"a filter that keeps 10%": pair(some, base), "a second user as large": pair(two, base)}


def question_embedding(embedder: Embedder, questions: Sequence[str]) -> list[float]:
    """Milliseconds of the vector of each question; each is asked once, so nothing is cached."""
    for question in questions[:10]:
        embedder.query(f"{question} now")
    return [timed(embedder.query, question)[0] for question in questions]
