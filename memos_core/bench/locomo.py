"""Reads a file of LoCoMo's shape: conversations of many sessions, and questions with the turns that answer them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from memos_core.errors import InvalidInput

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
"""The data's own numbers. 5 is adversarial: nothing in the conversation answers it, so there is nothing to find."""

_TURN_ID = re.compile(r"D:?(\d+):(\d+)")
_SECONDS_A_TURN = 5


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. `text` is what is added and what a hit must hold to count."""

    id: str
    session: str
    speaker: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    category: int
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


def _time(text: str) -> datetime:
    return datetime.strptime(text.strip(), "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _turns(talk: Mapping[str, Any], captions: bool) -> list[Turn]:
    turns: list[Turn] = []
    numbers = sorted(int(key.removeprefix("session_")) for key in talk if re.fullmatch(r"session_\d+", key))
    for number in numbers:
        start = _time(talk[f"session_{number}_date_time"])
        for position, turn in enumerate(talk[f"session_{number}"]):
            photo = turn.get("blip_caption") if captions else None
            text = f"{turn['text']} [photo: {photo}]" if photo else turn["text"]
            at = start + timedelta(seconds=_SECONDS_A_TURN * position)
            turns.append(Turn(turn["dia_id"], f"session_{number}", turn["speaker"], text, at))
    return turns


def _questions(asked: list[Any], known: set[str]) -> list[Question]:
    """Those of the four categories whose evidence is in the conversation; a few ids in the data are misspelt."""
    questions = []
    for entry in asked:
        ids = [f"D{a}:{int(b)}" for part in entry.get("evidence") or () for a, b in _TURN_ID.findall(part)]
        evidence = tuple(dict.fromkeys(key for key in ids if key in known))
        if entry["category"] in CATEGORIES and evidence:
            questions.append(Question(entry["question"], entry["category"], evidence))
    return questions


def load(path: Path, *, captions: bool = False, limit: int | None = None) -> list[Conversation]:
    """The conversations of a file; with `captions`, what a vision model said of a shared photo is part of the turn's text.

    `limit` keeps the first so many turns of each and the questions that these answer. Raises InvalidInput.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        conversations = []
        for number, entry in enumerate(entries):
            turns = _turns(entry["conversation"], captions)[:limit]
            questions = _questions(entry["qa"], {turn.id for turn in turns})
            conversations.append(Conversation(str(entry.get("sample_id", number)), tuple(turns), tuple(questions)))
    except OSError as exc:
        raise InvalidInput("file", f"{path} can't be read: {exc.strerror}.") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        hint = "It wants a list of {conversation: {session_1: [...], session_1_date_time}, qa: [{question, evidence, category}]}."
        raise InvalidInput("file", f"{path} is not of LoCoMo's shape ({type(exc).__name__}: {exc}).", hint) from exc
    if not any(conversation.questions for conversation in conversations):
        raise InvalidInput("file", f"{path} has no question of categories 1 to 4 with evidence.")
    return conversations
