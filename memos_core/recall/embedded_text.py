"""What of a memory is put before the embedder, alone and with the turn before it."""

from __future__ import annotations

from memos_core.recall.roles import ROLES

SHORT_WORDS = 60
"""A turn and the one before it are embedded together where both have at most this many words."""


def alone(speaker: str, text: str) -> str:
    """The text of the vector "alone". People's names are part of it; a role in a chat ("user") is not."""
    return f"{speaker}: {text}" if speaker and speaker.casefold() not in ROLES else text


def with_context(previous_speaker: str, previous_text: str, speaker: str, text: str) -> str | None:
    """The text of the vector "with context": the turn before it in its session, then the turn. None where either is long."""
    if len(previous_text.split()) > SHORT_WORDS or len(text.split()) > SHORT_WORDS:
        return None
    return f"{alone(previous_speaker, previous_text)}\n{alone(speaker, text)}"
