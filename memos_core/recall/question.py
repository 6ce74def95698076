"""What a query asks: its terms, the speakers it names, its kind, the dates it names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from memos_core.recall.roles import MACHINES, ROLES, USERS
from memos_core.text.dates import MICRO, Span, dates_named
from memos_core.text.kinds import (
    asks_advice,
    asks_before,
    asks_what_you_said,
    asks_when,
    in_first_person,
    says_now,
    speaks_of_now,
    speaks_of_past,
    without_markers,
)
from memos_core.text.words import analyse

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Question:
    """A query, interpreted. `names` are the speakers that it names, `asker` those who are "I" in it, folded.

    `present`: it asks how things are; `current`: it says so outright. `dates` are those on which something may have been said: not
    the evening for which a film is asked for. `now` is in microseconds since the epoch.
    """

    text: str
    terms: tuple[str, ...]
    names: tuple[str, ...]
    asker: frozenset[str]
    first_person: bool
    of_you: bool
    when: bool
    present: bool
    current: bool
    past: bool
    advice: bool
    dates: tuple[Span, ...]
    now: int

    @property
    def speaker(self) -> frozenset[str]:
        """Whose words are asked for, folded: the one speaker named; the machine's for "what did you say"; who asks, for "I"."""
        if self.names:
            one = frozenset(name.casefold() for name in self.names)
            return (self.asker if one <= self.asker else one) if len(one) == 1 else frozenset()
        if self.of_you:
            return MACHINES
        return self.asker if self.first_person else frozenset()


def interpret(query: str, speakers: Iterable[str], asker: frozenset[str], now: datetime) -> Question:
    """The question in a query, put to a scope in which these speakers speak."""
    names = named(query, {name.casefold(): name for name in (*asker, *speakers)}.values())
    past = asks_before(query)
    asked_for, at = asks_advice(query), round(now.timestamp() * MICRO)
    dates = tuple(span for span in dates_named(query, now) if span.yearly or span.end <= at or (span.start <= at and speaks_of_past(query)))
    present = not past and not asked_for and speaks_of_now(query)
    advice = asked_for and not names
    terms = dict.fromkeys(analyse(query))
    if past or present:
        terms = dict.fromkeys(analyse(without_markers(query))) or terms
    if names:
        of_names = {term for name in names for term in analyse(name)}
        terms = {term: None for term in terms if term not in of_names} or terms
    return Question(
        text=query,
        terms=tuple(terms),
        names=names,
        asker=frozenset(name.casefold() for name in asker) | USERS,
        first_person=in_first_person(query),
        of_you=asks_what_you_said(query),
        when=asks_when(query) and not advice,
        present=present,
        current=present and says_now(query),
        past=past,
        advice=advice,
        dates=dates,
        now=at,
    )


@lru_cache(maxsize=4096)
def _parts(name: str) -> tuple[str, ...]:
    folded = name.casefold()
    return () if folded in ROLES else tuple(_WORD.findall(folded))


def named(query: str, speakers: Iterable[str]) -> tuple[str, ...]:
    """The speakers, roles left out, whose name stands in the query: whole, or the first word of a longer name."""
    words = _WORD.findall(query.casefold())
    present = set(words)
    found = []
    for name in speakers:
        parts = _parts(name)
        if parts and parts[0] in present:
            whole = len(parts) == 1 or f" {' '.join(parts)} " in f" {' '.join(words)} "
            found.append((whole, name))
    exact = any(whole for whole, _ in found)
    return tuple(sorted(name for whole, name in found if whole or not exact))


@lru_cache(maxsize=4096)
def _called(name: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    called = rf"\b(?:{re.escape(name)}|{re.escape(_parts(name)[0])})"
    return re.compile(called + r"['\u2019]s\b", re.IGNORECASE), re.compile(called + r"\b", re.IGNORECASE)


def spoken(query: str, names: tuple[str, ...]) -> str | None:
    """The query as the one speaker it names would put it: the name replaced by "I" or "my". None where it names none or several."""
    if len(names) != 1:
        return None
    theirs, them = _called(names[0])
    return them.sub("I", theirs.sub("my", query))
