"""From messages to drafts of memories, by rules alone: what an add does before it returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memos_core.model.memory import Trust
from memos_core.model.message import Draft, Message
from memos_core.reader.recalled import fresh
from memos_core.reader.tools import trajectories
from memos_core.text.same import same_words

_WORD = re.compile(r"[^\W_]")
_TRUST = {"user": Trust.USER, "assistant": Trust.INFERRED, "document": Trust.DOCUMENT}
_UNNAMED = {"user": "", "assistant": "assistant", "document": ""}


@dataclass(frozen=True, slots=True)
class Skimmed:
    """What to remember, in the order it was said; and, by name, what was kept but not read or not learnt."""

    drafts: tuple[Draft, ...]
    skipped: tuple[str, ...]


def skim(messages: Sequence[Message], *, learn: bool = True, own: Callable[[str], bool] | None = None) -> Skimmed:
    """One draft for each thing that a user or an assistant said, word for word, and one for each tool's result.

    What system and developer messages say is kept, not learnt; recalled text that came back is taken out first.
    `own` knows the texts of memories (see `recalled.fresh`).
    """
    skipped = [part for message in messages for part in message.unread]
    if not learn:
        return Skimmed((), tuple(skipped))
    drafts: list[Draft] = []
    for nr, message in enumerate(messages):
        if message.role in _TRUST:
            draft, note = _said(nr, message, own)
            if draft is not None:
                drafts.append(draft)
            if note:
                skipped.append(note)
        elif message.role != "tool":
            skipped.append(f"message {nr}: {message.role} message")
    if any(message.tool_calls or message.role == "tool" or _has_parts(message) for message in messages):
        more, notes = trajectories(messages, own)
        drafts = sorted([*drafts, *more], key=lambda draft: draft.message)
        skipped += notes
    return Skimmed(tuple(drafts), tuple(skipped))


def _said(nr: int, message: Message, own: Callable[[str], bool] | None) -> tuple[Draft | None, str]:
    text, span, note = message.content, None, ""
    left = fresh(text, own)
    if left is not None:
        note = f"message {nr}: recalled text"
        text = "\n".join(text[start:end] for start, end in left.pieces)
        span = (left.pieces[0][0], left.pieces[-1][1]) if left.pieces else None
    if not _WORD.search(text):
        return None, note or (f"message {nr}: no words" if text else "")
    speaker = message.name or _UNNAMED[message.role]
    return Draft(text, nr, span, trust=_TRUST[message.role], speaker=speaker), note


def _has_parts(message: Message) -> bool:
    return message.raw is not None and isinstance(message.raw.get("content"), list)


__all__ = ["Skimmed", "same_words", "skim"]
