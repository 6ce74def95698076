"""Updates: facts told early, told anew in a later session. Which of the two is found first?

Half of the users talk to an assistant and ask in the first person, half are people who talk with each other and are
asked about by name. Each fact is asked twice: how it is (the new one must stand above the old), how it was before
(the old one first). A fact that is not found among the first ten has lost.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean

from memos_core.bench.metrics import above
from memos_core.bench.sets.phrases import phrases
from memos_core.bench.sets.talk import NAMES, REPLIES, dress, small_talk
from memos_core.bench.systems import Ask, Line, Run, Story

TOLD = ("said", "silent")
"""The ways of telling anew that count: as a change, or plainly, as if it had always been so. The third is in passing, `aside`."""
SESSIONS, SLOTS_A_USER, TALK_A_SESSION = 8, 8, 5
SLOTS: dict[str, dict[str, list[str]]] = phrases("slots")
START = datetime(2024, 3, 4, 18, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """One question about a fact that changed: the ids of the line that tells the old value and of the new one."""

    ask: Ask
    old: str
    new: str
    slot: str
    told: str
    past: bool


def _questions(slot: dict[str, list[str]], name: str, dialogue: bool, draw: random.Random) -> tuple[str, str]:
    now, before = (slot["now_of"], slot["before_of"]) if dialogue else (slot["now"], slot["before"])
    return draw.choice(now).format(n=name), draw.choice(before).format(n=name)


def _filled(template: str, value: str) -> str:
    """With `a` or `an` as the value wants it."""
    return (re.sub(r"\b([Aa]) (?=\{v\})", r"\1n ", template) if value[0] in "aeio" else template).format(v=value)


def _facts(names: Sequence[str], draw: random.Random) -> list[tuple[str, str, str, str, int, int]]:
    """(slot, told, old text, new text, session of the old, session of the new) for one user."""
    facts = []
    for name in names:
        slot = SLOTS[name]
        old, new = draw.sample(slot["values"], 2)
        told = draw.choice((*TOLD, "aside"))
        template = draw.choice(slot[told])
        early, late = draw.randrange(SESSIONS // 2), draw.randrange(SESSIONS // 2, SESSIONS)
        before, after = _filled(draw.choice(slot["first"]), old), _filled(template, new)
        facts.append((name, told, dress(before, draw), dress(after, draw), early, late))
    return facts


def _story(user: str, speakers: tuple[str, str], facts: Sequence[tuple[str, str, str, str, int, int]], draw: random.Random) -> Story:
    """Sessions three weeks apart, each fact at a random place among the small talk; ids `<slot>-old` and `<slot>-new`."""
    lines: list[Line] = []
    for number in range(SESSIONS):
        said = [(f"{name}-old", old) for name, _, old, _, early, _ in facts if early == number]
        said += [(f"{name}-new", new) for name, _, _, new, _, late in facts if late == number]
        said += [(f"talk-{number}-{n}", small_talk(draw)) for n in range(TALK_A_SESSION)]
        draw.shuffle(said)
        at = START + timedelta(days=21 * number, minutes=draw.randrange(90))
        for position, (key, text) in enumerate(said):
            at += timedelta(seconds=20)
            lines.append(Line(key, f"s{number}", speakers[0], text, at))
            if speakers[1] and position % 2:
                lines.append(Line(f"{key}-other", f"s{number}", speakers[1], small_talk(draw), at + timedelta(seconds=8)))
            elif position % 2:
                lines.append(Line(f"{key}-reply", f"s{number}", "", draw.choice(REPLIES), at + timedelta(seconds=8), "assistant"))
    return Story(user, tuple(lines))


def make(seed: int, users: int = 70) -> tuple[list[Story], list[Case]]:
    """The stories and their cases: `users` times eight facts, two questions each."""
    draw = random.Random(seed)
    stories, cases = [], []
    for number in range(users):
        dialogue, user = number % 2 == 1, f"u{number}"
        name, other = draw.sample(NAMES, 2)
        facts = _facts(draw.sample(sorted(SLOTS), SLOTS_A_USER), draw)
        story = _story(user, (name, other) if dialogue else ("", ""), facts, draw)
        stories.append(story)
        for slot, told, *_ in facts:
            for past, text in enumerate(_questions(SLOTS[slot], name, dialogue, draw)):
                ask = Ask(user, text, story.end + timedelta(days=3))
                cases.append(Case(ask, f"{slot}-old", f"{slot}-new", slot, told, bool(past)))
    return stories, cases


def share(run: Run, cases: Sequence[Case], *, past: bool, told: Sequence[str] = TOLD) -> float:
    """The share of cases, told in these ways, whose wanted line came first of the two, among the first ten."""
    won = []
    for answer, case in zip(run.answers, cases, strict=True):
        if case.past == past and case.told in told:
            first, second = (case.old, case.new) if past else (case.new, case.old)
            won.append(above(answer.held[:10], first, second))
    return fmean(won)
