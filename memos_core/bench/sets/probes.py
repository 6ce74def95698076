"""Isolation and deletion: what must never come back. Every foreign probe has an owner's twin that must succeed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos_core.bench.host import PeerProcess, PeerSpec
from memos_core.bench.ours import open_memory, said
from memos_core.bench.sets.talk import small_talk
from memos_core.errors import NotFound

if TYPE_CHECKING:
    from memos_core import MOS
    from memos_core.inference.base import Embedder

USERS, LINES = 12, 8
START = datetime(2024, 6, 3, 7, tzinfo=UTC)
_SYLLABLES = "ba ke li mo nu ra se ti vo zu da fe gi ho ju".split()


def _canary(draw: random.Random) -> str:
    """A word that is said nowhere else."""
    return "".join(draw.choice(_SYLLABLES) for _ in range(5))


def stories(seed: int) -> dict[str, tuple[str, list[str]]]:
    """User -> canary word, and what the user said; the first line holds the canary."""
    draw = random.Random(seed)
    told = {}
    for number in range(USERS):
        canary = _canary(draw)
        told[f"i{number}"] = (canary, [f"The code of my safe is {canary}, keep it secret.", *(small_talk(draw) for _ in range(LINES))])
    return told


def question(canary: str) -> str:
    return f"What is the code of the safe, is it {canary}?"


def vector_texts(seed: int) -> list[str]:
    told = stories(seed)
    return [*(line for _, lines in told.values() for line in lines), *(question(canary) for canary, _ in told.values())]


def _refused(read: Callable[[], Any]) -> str:
    """What a read gave, as text; "" where the system says that there is nothing for this asker."""
    try:
        return _spell(read())
    except NotFound:
        return ""


def _spell(found: Any) -> str:
    if hasattr(found, "model_dump_json"):
        return str(found.model_dump_json())
    return " ".join(map(_spell, found)) if isinstance(found, list | tuple) else repr(found)


def reads(mos: MOS, user: str, canary: str, memory_id: str, session: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every way to read, as one asker, towards one canary."""
    yield "search", lambda: mos.search(question(canary), user_id=user, top_k=50)
    yield "list", lambda: mos.list(user_id=user, limit=200)
    yield "get", lambda: mos.get(memory_id, user_id=user)
    yield "history", lambda: mos.history(memory_id, user_id=user)
    yield "sessions.messages", lambda: mos.sessions.messages(session, user_id=user)
    yield "search with a filter", lambda: mos.search("safe", user_id=user, filter={"text": {"contains": canary}})
    yield "list by session", lambda: mos.list(user_id=user, filter={"session_id": session}, limit=200)


def _load(mos: MOS, seed: int) -> dict[str, str]:
    """Adds everybody's story; gives the id of each canary's memory."""
    ids = {}
    for user, (_, lines) in stories(seed).items():
        messages = [said(line, id=f"{user}-{n}", at=START + timedelta(seconds=30 * n)) for n, line in enumerate(lines)]
        ids[user] = mos.add(messages[:1], user_id=user, session_id=f"s-{user}").memory_ids[0]
        mos.add(messages[1:], user_id=user, session_id=f"s-{user}")
    mos.wait(timeout=600)
    return ids


def isolation(home: Path, embedder: Embedder | None, seed: int) -> tuple[int, int, int]:
    """(probes by others, of these foreign text came back, owners' twins that failed)."""
    told, probes, leaks, lost = stories(seed), 0, 0, 0
    with open_memory(home, embedder) as mos:
        ids = _load(mos, seed)
        for owner, (canary, _) in told.items():
            for asker in told:
                for _, read in reads(mos, asker, canary, ids[owner], f"s-{owner}"):
                    seen = canary in _answers_only(_refused(read), canary)
                    probes += asker != owner
                    leaks += asker != owner and seen
                    lost += asker == owner and not seen
    return probes, leaks, lost


def _answers_only(text: str, canary: str) -> str:
    """Without the question's own words, should an answer repeat what was asked."""
    return text.replace(question(canary), "")


def deletion(home: Path, embedder: Embedder | None, seed: int) -> dict[str, list[str]]:
    """After delete and after erase: the reads through which a canary still came back. Both lists must be empty.

    A deleted memory is archived: its history, and what was said in the session, stay readable by their owner.
    """
    told = stories(seed)
    back: dict[str, list[str]] = {"delete": [], "erase": []}
    with open_memory(home, embedder) as mos:
        ids = _load(mos, seed)
        for number, (user, (canary, _)) in enumerate(told.items()):
            verb = ("delete", "erase")[number % 2]
            getattr(mos, verb)([ids[user]], user_id=user)
            kept = ("get", "history", "sessions.messages") if verb == "delete" else ()
            for name, read in reads(mos, user, canary, ids[user], f"s-{user}"):
                if name not in kept and canary in _answers_only(_refused(read), canary):
                    back[verb].append(name)
    return back


def peer(spec: PeerSpec, home: Path, vectors: tuple[Path, Path], seed: int, install: bool) -> tuple[int, int, int]:
    """(foreign canaries that came back, owners' canaries not found, canaries that came back after the delete)."""
    told, leaks, lost, back = stories(seed), 0, 0, 0
    with PeerProcess(spec, home=home, texts=vectors[0], vectors=vectors[1], install=install) as process:
        for user, (_, lines) in told.items():
            process.ask("fill", user=user, ids=[f"{user}/{n}" for n in range(len(lines))], contents=lines)
        asked = [question(canary) for canary, _ in told.values()]
        for asker in told:
            found = process.ask("search", user=asker, queries=asked, k=20)["hits"]
            for owner, hits in zip(told, found, strict=True):
                seen = _holds(hits, told[owner][0])
                leaks += asker != owner and seen
                lost += asker == owner and not seen
        for user, (canary, _) in told.items():
            process.ask("delete", user=user, ids=[f"{user}/0"])
            back += _holds(process.ask("search", user=user, queries=[question(canary)], k=20)["hits"][0], canary)
    return leaks, lost, back


def _holds(hits: Sequence[Sequence[str]], canary: str) -> bool:
    return any(canary in text for _, text in hits)
