"""Preferences: found among hundreds of lines of small talk, for a request that does not name them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean

from memos_core.bench.metrics import rank_of
from memos_core.bench.sets.phrases import phrases
from memos_core.bench.sets.talk import REPLIES, dress, small_talk
from memos_core.bench.systems import Ask, Line, Run, Story

LIKES: dict[str, dict[str, list[str]]] = phrases("preferences")
"""Preference -> `said`, ways to say it; `requests` it matters for."""

LIKES_A_USER, LINES_A_SESSION, SESSIONS = 5, 30, 10
START = datetime(2024, 5, 6, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    ask: Ask
    wanted: str


def make(seed: int, users: int = 8) -> tuple[list[Story], list[Case]]:
    """`users` times five preferences among three hundred lines of talk with an assistant; two requests for each."""
    draw = random.Random(seed)
    stories, cases = [], []
    for number in range(users):
        user, keys = f"p{number}", draw.sample(sorted(LIKES), LIKES_A_USER)
        where = dict(zip(keys, draw.sample(range(SESSIONS), LIKES_A_USER), strict=True))
        lines: list[Line] = []
        for session in range(SESSIONS):
            said = [(f"talk-{session}-{n}", small_talk(draw)) for n in range(LINES_A_SESSION)]
            said += [(key, dress(draw.choice(LIKES[key]["said"]), draw)) for key in keys if where[key] == session]
            draw.shuffle(said)
            at = START + timedelta(days=9 * session)
            for position, (key, text) in enumerate(said):
                at += timedelta(seconds=30)
                lines.append(Line(key, f"s{session}", "", text, at))
                if position % 2:
                    lines.append(Line(f"{key}-reply", f"s{session}", "", draw.choice(REPLIES), at + timedelta(seconds=5), "assistant"))
        stories.append(Story(user, tuple(lines)))
        cases += [Case(Ask(user, request, lines[-1].at + timedelta(days=1)), key) for key in keys for request in LIKES[key]["requests"]]
    return stories, cases


def hit_at(run: Run, cases: Sequence[Case], k: int) -> float:
    """The share of requests whose preference is among the first k hits."""
    ranks = [rank_of(answer.held, case.wanted) for answer, case in zip(run.answers, cases, strict=True)]
    return fmean(rank is not None and rank < k for rank in ranks)
