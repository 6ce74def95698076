"""One face for all that is measured: remember texts for users, find them again. We and the peers answer the same asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from memos_core.bench.host import PeerFailed, PeerProcess, PeerSpec
from memos_core.bench.ours import grouped, held, open_memory, said, shown

if TYPE_CHECKING:
    from memos_core.inference.base import Embedder
    from memos_core.model.answer import Recollection

CHUNK = 500
WAIT_SECONDS = 3600
PATIENCE_SECONDS = 900
NO_VECTORS = "it needs the embedder's vectors, and there is no embedder here"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is said, in a session of a user's. `tool` carries the rest of a message in OpenAI's shape."""

    id: str
    session: str
    speaker: str
    text: str
    at: datetime
    role: str = "user"
    tool: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """All that one user's memory is given, in order."""

    user: str
    lines: tuple[Line, ...]

    @property
    def end(self) -> datetime:
        return self.lines[-1].at


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the memory of one user, when all has been said."""

    user: str
    text: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, best first, for each hit: the ids of the lines whose text it holds, and the text a model would read.

    `sources` are the ids of all lines that it was made from, whether it holds their words or not.
    """

    held: tuple[frozenset[str], ...]
    sources: tuple[frozenset[str], ...]
    texts: tuple[str, ...]
    before_newest: tuple[int, ...] = ()
    """The positions of the hits in the order that they had before recall's newest-first step; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Run:
    """One system's answers to all asks, with the seconds that remembering took and the mean milliseconds of an ask."""

    system: str
    answers: tuple[Answer, ...]
    add_seconds: float
    search_ms: float
    degraded: frozenset[str] = frozenset()


def undone(run: Run) -> Run:
    """The same run as if recall had no newest-first step: that step only lets hits change places, and `why` says which."""
    return replace(run, system=f"{run.system}, newest first undone", answers=tuple(map(_undone, run.answers)))


def _undone(answer: Answer) -> Answer:
    places = answer.before_newest
    return Answer(
        tuple(answer.held[at] for at in places),
        tuple(answer.sources[at] for at in places),
        tuple(answer.texts[at] for at in places),
    )


def _before_newest(found: Recollection) -> tuple[int, ...]:
    own = [hit.score - hit.why.get("newest", 0.0) for hit in found]
    return tuple(sorted(range(len(own)), key=lambda at: -own[at]))


def with_speaker(line: Line) -> str:
    """The text with who said it, as a framework's user would write it into a store that knows no speakers."""
    return f"{line.speaker}: {line.text}" if line.speaker else line.text


def bare(line: Line) -> str:
    return line.text


def run_ours(system: str, stories: Sequence[Story], asks: Sequence[Ask], *, home: Path, embedder: Embedder | None, k: int) -> Run:
    """Adds every story session by session, waits for the background work, then asks."""
    texts = {story.user: {line.id: line.text for line in story.lines} for story in stories}
    with open_memory(home, embedder) as mos:
        start = time.perf_counter()
        for story in stories:
            messages = [
                (line.session, said(line.text, id=line.id, at=line.at, name=line.speaker or None, role=line.role) | dict(line.tool or {}))
                for line in story.lines
            ]
            for session, run in grouped(messages):
                mos.add(run, user_id=story.user, session_id=session)
        mos.wait(timeout=WAIT_SECONDS)
        added, answers, degraded = time.perf_counter() - start, [], set[str]()
        start = time.perf_counter()
        for ask in asks:
            found = mos.search(ask.text, user_id=ask.user, top_k=k, now=ask.now)
            degraded.update(found.degraded)
            sources = tuple(frozenset(source.id for source in hit.memory.sources) for hit in found)
            ids = tuple(held(hit, texts[ask.user]) for hit in found)
            answers.append(Answer(ids, sources, tuple(shown(hit) for hit in found), _before_newest(found)))
        took = 1000 * (time.perf_counter() - start) / max(1, len(asks))
    return Run(system, tuple(answers), added, took, frozenset(degraded))


def run_peer(
    spec: PeerSpec,
    stories: Sequence[Story],
    asks: Sequence[Ask],
    *,
    home: Path,
    vectors: tuple[Path, Path],
    k: int,
    form: Callable[[Line], str],
    install: bool = True,
) -> Run:
    """The same with a peer: each line one text, its key the user's and the line's. PeerFailed when it needs too long."""
    seconds, milliseconds, answers = 0.0, 0.0, []
    end = time.monotonic() + PATIENCE_SECONDS
    with PeerProcess(spec, home=home, texts=vectors[0], vectors=vectors[1], install=install) as peer:
        for story in stories:
            keys = [f"{story.user}/{line.id}" for line in story.lines]
            done = peer.ask("fill", user=story.user, ids=keys, contents=[form(line) for line in story.lines])
            seconds += done["seconds"]
            _patient(end)
        for start in range(0, len(asks), CHUNK):
            for user, part in _by_user(asks[start : start + CHUNK]):
                found = peer.ask("search", user=user, queries=[ask.text for ask in part], k=k)
                milliseconds += sum(found["ms"])
                _patient(end)
                answers += [_answer(user, hits) for hits in found["hits"]]
    name = spec.name if form is bare else f"{spec.name}, speaker: turn"
    return Run(name, tuple(answers), seconds, milliseconds / max(1, len(asks)))


def _patient(end: float) -> None:
    if time.monotonic() > end:
        raise PeerFailed(f"needed more than {PATIENCE_SECONDS} s")


def _by_user(asks: Sequence[Ask]) -> list[tuple[str, list[Ask]]]:
    """Runs of asks of the same user, in order."""
    runs: list[tuple[str, list[Ask]]] = []
    for ask in asks:
        if not runs or runs[-1][0] != ask.user:
            runs.append((ask.user, []))
        runs[-1][1].append(ask)
    return runs


def _answer(user: str, hits: Sequence[Sequence[str]]) -> Answer:
    ids = tuple(frozenset({key.removeprefix(f"{user}/")}) for key, _ in hits)
    return Answer(ids, ids, tuple(text for _, text in hits))
