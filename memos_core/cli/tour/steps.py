"""The steps of the tour: each does something through the public verbs and says whether what it claims holds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from memos_core.cli.tour import script
from memos_core.errors import NotFound

if TYPE_CHECKING:
    from memos_core import MOS
    from memos_core.model.answer import ErasureReceipt, Hit
    from memos_core.model.memory import Memory, Revision

SHOWN = 3
"""How many of the first memories count as found."""
DEPTH = 10
UNKNOWN = 0.3
"""A question that nobody answered must find nothing of this relevance."""
EMBED_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How long it took to remember each session, in seconds, and to embed all of it afterwards."""

    sizes: tuple[int, ...]
    memories: int
    skipped: tuple[str, ...]
    seconds: tuple[float, ...]
    embedding: float

    @property
    def messages(self) -> int:
        """How many messages were kept."""
        return sum(self.sizes)

    @property
    def holds(self) -> bool:
        """Whether everything was kept."""
        return self.messages > 0 and self.memories > 0


def start_anew(mos: MOS) -> None:
    """Forget an earlier tour in the same folder."""
    for user in (script.USER, script.GUEST):
        if mos.list(user_id=user, limit=1).total:
            mos.erase(everything=True, user_id=user)


def read(mos: MOS, talk: script.Conversation) -> Reading:
    """Remember the conversation, a session at a time."""
    clock = [time.perf_counter()]
    receipts = []
    for session in talk.sessions:
        receipts.append(mos.add(list(session.messages), user_id=script.USER, session_id=session.id))
        clock.append(time.perf_counter())
    mos.wait(EMBED_TIMEOUT)
    return Reading(
        sizes=tuple(len(receipt.message_ids) for receipt in receipts),
        memories=sum(len(receipt.memory_ids) for receipt in receipts),
        skipped=tuple(skipped for receipt in receipts for skipped in receipt.skipped),
        seconds=tuple(end - start for start, end in pairwise(clock)),
        embedding=time.perf_counter() - clock[-1],
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question found. `ranks` are those of its evidence among the first ten, `older` of what that replaced."""

    question: script.Question
    hits: tuple[Hit, ...]
    ranks: tuple[int, ...]
    older: tuple[int, ...]
    degraded: tuple[str, ...]
    milliseconds: float

    @property
    def relevance(self) -> float:
        """The best relevance among the hits."""
        return max((hit.relevance for hit in self.hits), default=0.0)

    @property
    def holds(self) -> bool:
        """Evidence among the first three, above what it replaced; for what was never said, nothing that looks relevant."""
        if not self.question.evidence:
            return self.relevance < UNKNOWN
        return bool(self.ranks) and self.ranks[0] <= SHOWN and not any(rank < self.ranks[0] for rank in self.older)


def ask(mos: MOS, question: script.Question) -> Answer:
    """Put one question."""
    start = time.perf_counter()
    found = mos.search(question.ask, user_id=script.USER, top_k=DEPTH)
    took = (time.perf_counter() - start) * 1000
    hits = tuple(found)
    return Answer(question, hits, _ranks(hits, question.evidence), _ranks(hits, question.older), tuple(found.degraded), took)


def _ranks(hits: Iterable[Hit], message_ids: Iterable[str]) -> tuple[int, ...]:
    wanted = set(message_ids)
    return tuple(rank for rank, hit in enumerate(hits, 1) if said_in(hit.memory) & wanted)


def said_in(memory: Memory) -> set[str]:
    """The ids of the messages that a memory was made from."""
    return {source.id for source in memory.sources if source.kind == "message"}


def typical(answers: Iterable[Answer]) -> float:
    """The median of the milliseconds."""
    return median(answer.milliseconds for answer in answers)


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that changed, its history, and what a search finds now and found at `before`."""

    history: tuple[Revision, ...]
    now: str
    then: str
    before: datetime

    @property
    def holds(self) -> bool:
        """Two versions or more; now the new text, then the old one."""
        return len(self.history) > 1 and self.now == script.NEW_FACT and self.then == self.history[-2].memory.text


def change(mos: MOS) -> Change:
    """Change a fact, look at its history, and travel back to before the change."""
    memory = _memory_of(mos, script.FACT_QUERY, script.FACT)
    before = datetime.now(UTC)
    time.sleep(0.002)
    mos.update(memory.id, user_id=script.USER, text=script.NEW_FACT)
    mos.wait(EMBED_TIMEOUT)
    history = tuple(mos.history(memory.id, user_id=script.USER))
    texts = [
        _text_of(mos.search(script.FACT_QUERY, user_id=script.USER, top_k=DEPTH, as_of=moment), memory.id) for moment in (None, before)
    ]
    return Change(history, texts[0], texts[1], before)


def _memory_of(mos: MOS, query: str, message_id: str) -> Memory:
    found = mos.search(query, user_id=script.USER, top_k=DEPTH)
    for hit in found:
        memory: Memory = hit.memory
        if message_id in said_in(memory):
            return memory
    raise NotFound(f"the tour's own memory of message {message_id} was not found")


def _text_of(hits: Iterable[Hit], memory_id: str) -> str:
    return next((hit.memory.text for hit in hits if hit.memory.id == memory_id), "")


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Something that was erased: the receipt, and in how many places it was before and is after."""

    what: str
    receipt: ErasureReceipt
    before: dict[str, int]
    after: dict[str, int]

    @property
    def holds(self) -> bool:
        """It was there, it is nowhere now, and no store failed."""
        return any(self.before.values()) and not any(self.after.values()) and set(self.receipt.stores.values()) == {"done"}


def forget_secret(mos: MOS, home: Path) -> Forgetting:
    """Erase what was said about a password, and look for it everywhere."""
    mark, user = script.SECRET, script.USER
    found = [hit.memory.id for hit in mos.search(script.SECRET_QUERY, user_id=user, top_k=DEPTH) if mark in hit.memory.text]
    before = places(mos, home, user, script.SECRET_QUERY, mark)
    receipt = mos.erase(found, user_id=user)
    return Forgetting("the password of the camera", receipt, before, places(mos, home, user, script.SECRET_QUERY, mark))


@dataclass(frozen=True, slots=True)
class Visit:
    """A second person on the same memory: what she finds, what the first one finds of hers, and how she is forgotten."""

    own: str
    foreign: int
    forgotten: Forgetting

    @property
    def holds(self) -> bool:
        """She finds her own, nobody else does, and afterwards nothing is left."""
        return script.GUEST_SAYS[0]["content"] == self.own and self.foreign == 0 and self.forgotten.holds


def visit(mos: MOS, home: Path) -> Visit:
    """Let a guest tell something, show that it is hers alone, and erase her."""
    kept = mos.add(list(script.GUEST_SAYS), user_id=script.GUEST, session_id="lin-1")
    mos.wait(EMBED_TIMEOUT)
    own = next((hit.memory.text for hit in mos.search(script.GUEST_QUERY, user_id=script.GUEST, top_k=1)), "")
    asked = mos.search(script.GUEST_QUERY, user_id=script.USER, top_k=DEPTH)
    foreign = sum(hit.memory.id in kept.memory_ids for hit in asked)
    before = places(mos, home, script.GUEST, script.GUEST_QUERY, script.GUEST_MARK)
    receipt = mos.erase(everything=True, user_id=script.GUEST)
    after = places(mos, home, script.GUEST, script.GUEST_QUERY, script.GUEST_MARK)
    return Visit(own, foreign, Forgetting("all of Lin Yue's", receipt, before, after))


def places(mos: MOS, home: Path, user: str, query: str, mark: str) -> dict[str, int]:
    """In how many places a word is still found: by search and by list, in what was said, and in the bytes of the folder."""
    found = mos.search(query, user_id=user, top_k=DEPTH)
    listed = mos.list(filter={"text": {"text": mark}}, user_id=user, limit=DEPTH)
    return {
        "search": sum(mark in hit.memory.text for hit in found),
        "list": len(listed.items),
        "messages": sum(mark in message.content for message in _said(mos, user)),
        "raw bytes": occurrences(home, mark),
    }


def _said(mos: MOS, user: str) -> Sequence[Any]:
    said: list[Any] = []
    cursor: str | None = None
    while True:
        page = mos.sessions.messages(user_id=user, cursor=cursor)
        said += page.items
        cursor = page.next_cursor
        if cursor is None:
            return said


def occurrences(home: Path, mark: str) -> int:
    """How often a word stands in the files of a folder, as they are on disk."""
    from memos_core.sql.bytes import count_in

    return count_in(home, mark.encode())
