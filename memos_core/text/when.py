"""When something was, from how people say it: half-open intervals in UTC, counted from the time of saying.

A small grammar of our own knows English, Chinese and dates in numbers (`when_english`, `when_chinese`); where it is silent
a library may read other languages (`when_foreign`), in the background. What could as well be something else ("may",
"march", a weekday with nothing that says which) is left alone: no time is better than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from memos_core.text import calendar_spans as on
from memos_core.text.calendar_spans import Interval, Tense
from memos_core.text.when_chinese import chinese
from memos_core.text.when_english import Found, english, number

MAX_READ, MAX_FOUND = 20_000, 64
"""Characters of a text that are read, and expressions that are taken from it."""


@dataclass(frozen=True, slots=True)
class When:
    """A stretch of time that a text names: from `start` until `end`, UTC; None where it is open ("since 2019").

    `phrase` stands at `span` of the text. `relative`: it was counted from the time of saying ("last week"), else it is
    a date by itself. `yearly`: the year was not named but chosen by the tense, so another may be meant.
    """

    start: datetime | None
    end: datetime | None
    phrase: str
    span: tuple[int, int]
    relative: bool = False
    yearly: bool = False


def resolve(text: str, said: datetime, *, library: bool = False) -> tuple[When, ...]:
    """The times that a text names, in order. `said` is aware. `library` also reads other languages, slowly (milliseconds)."""
    text, said = text[:MAX_READ], said.astimezone(UTC)
    found = sorted([*chinese(text), *english(text)], key=lambda one: one.span)
    whens = [when for one in _anchored(text, found)[:MAX_FOUND] if (when := _read(text, one, said)) is not None]
    return tuple(_joined(text, _with_foreign(text, said, whens) if library else whens))


def _with_foreign(text: str, said: datetime, own: list[When]) -> list[When]:
    from memos_core.text.when_foreign import foreign

    read = foreign(text, said, [when.span for when in own])
    more = [When(start, end, text[slice(*span)], span, relative) for span, start, end, relative in read]
    kept = [when for when in own if not any(one.span[0] < when.span[1] and when.span[0] < one.span[1] for one in more)]
    return sorted([*kept, *more], key=lambda when: when.span)


def question_dates(query: str, now: datetime) -> tuple[When, ...]:
    """The times that a question names, by the same grammar."""
    return resolve(query, now)


def validity(text: str, said: datetime) -> tuple[datetime | None, datetime | None]:
    """From when, and until when, what a text says was true: its earliest start; an end only where it names one ("until May"), or
    where a state in the past or in the future has one time ("in 2019 I lived in Rome"): what came of an event lasts."""
    whens = resolve(text, said)
    if len(whens) == 1 and _STATE.search(text):
        return whens[0].start, whens[0].end
    return span_of(whens)


def span_of(whens: tuple[When, ...]) -> tuple[datetime | None, datetime | None]:
    """What `validity` says, of times already resolved."""
    starts = [when.start for when in whens if when.start is not None]
    ends = [when.end for when in whens if when.end is not None and (when.start is None or _TO.search(when.phrase))]
    start, end = min(starts, default=None), max(ends, default=None)
    return (start, None if end is not None and start is not None and end <= start else end)


_STATE = re.compile(
    r"(?:\b(?:was|were|will be|lived|stayed|worked|studied)|['\u2019]ll be)\s+"
    r"(?:in|at|with|on|near|there|here|away|abroad|ill|sick|at home)\b(?!.*\bsince\b)",
    re.IGNORECASE | re.DOTALL,
)
_SENTENCE = re.compile(r"[.!?\n;。！？；]\s|[。！？；\n]")
_FUTURE = re.compile(
    r"\b(?:will|going to|gonna|plan|plans|planning|upcoming|tomorrow|next|soon|wait|looking forward|hop(?:e|ing) to|appointment|let's|shall"
    r"|want to|wanna|see you|getting ready|starts?|due|deadline|remind|coming|invited?|ready for|excited (?:for|about))\b|\w['\u2019]ll\b"
    r"|明|下|将|會|会|打算|计划|准备",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:was|were|did|didn['\u2019]t|had|been|went|saw|got|met|took|made|came|bought|ran|won|lost|left|ate|found|began|told|said|gave|read|wrote"
    r"|spent|became|taught|felt|heard|kept|done|held|drove|flew|grew|knew|led|paid|sold|sent|slept|spoke|swam|thought|wore|built|broke|chose|drew"
    r"|fell|back|ago|yesterday|last|(?!need|schedul|excit|invit|interest)[a-z]{2,}ed)\b|昨|上|了|过|過|去年",
    re.IGNORECASE,
)
_SINCE = re.compile(
    r"(?:\b(since|until|till|til|through|before|after)|(自从|自|从|直到|到))\s*(?:about |around |the end of |the |at least )?$",
    re.IGNORECASE,
)
_AFTERWARDS = re.compile(r"\s*(以来|起|开始)")
_RECURRING = re.compile(r"\b(?:every|each|most|all|any|same|usual|on)\s+(?:other\s+)?$", re.IGNORECASE)
_STAGE = re.compile(
    r"\b(?:(early|beginning of|start of|mid|middle of|late|end of)|(first|second) half of|(first|second|third|fourth|last) (week|weekend)"
    r" of|(earlier|later))[\s-]+(?:in |on )?(?:the )?$",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"\b(?:the|(\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|a couple of|a few|few|several))"
    r"\s+(day|week|weekend|month|year)s?\s+(before|prior to|after|following)\s+$",
    re.IGNORECASE,
)
_LINK = re.compile(r"\s*(?:,\s*)?(?:before|prior to|on|as of)\s+", re.IGNORECASE)
_FROM = re.compile(r"(?:\b(?:from|between)\s+(?:about |early |late |the )?|从\s*)$", re.IGNORECASE)
_TO = re.compile(r"\s*(?:\b(?:to|until|till|through|and)\b|到|至|[-\u2013])\s*(?:about |early |late |the )?", re.IGNORECASE)


def _anchored(text: str, found: list[Found]) -> list[Found]:
    """"Last Friday before 10 April 2023": the relative one is counted from the date behind it, and both are one."""
    joined: list[Found] = []
    for one in found:
        before = joined[-1] if joined else None
        if before is not None and before.relative and not one.relative and _LINK.fullmatch(text, before.span[1], one.span[0]):
            joined[-1] = _from_date(before, one)
        else:
            joined.append(one)
    return joined


def _from_date(relative: Found, date: Found) -> Found:
    def read(said: datetime, tense: Tense) -> Interval | None:
        there = date.read(said, tense)
        return None if there is None else relative.read(there[0], Tense.PAST)

    return Found((relative.span[0], date.span[1]), read, relative=False, yearly=date.yearly)


def _read(text: str, one: Found, said: datetime) -> When | None:
    lead = text[max(0, one.span[0] - 40) : one.span[0]]
    if _recurs(text, one, lead):
        return None
    since = _SINCE.search(lead)
    word = (since[1] or since[2]).casefold() if since else "since" if _AFTERWARDS.match(text, one.span[1]) else ""
    try:
        interval = one.read(said, _tense(text, one, word))
        if interval is None:
            return None
        (start, end), left = _narrowed(interval, lead, said)
    except (ValueError, OverflowError):
        return None
    if start >= end:
        return None
    span = (one.span[0] - left, one.span[1])
    when = When(start, end, text[slice(*span)], span, one.relative, one.yearly)
    return when if left and word in ("before", "after") else _opened(when, word)


def _recurs(text: str, one: Found, lead: str) -> bool:
    """Every Friday, on Fridays: not a time but a habit."""
    habit = _RECURRING.search(lead)
    return habit is not None and not habit[0].casefold().startswith("on") and one.relative


def _opened(when: When, word: str) -> When:
    """Since, until, before and after leave one side open."""
    if word in ("since", "自从", "自"):
        return replace(when, end=None)
    if word in ("until", "till", "til", "through", "直到"):
        return replace(when, start=None)
    if word == "before":
        return replace(when, start=None, end=when.start)
    return replace(when, start=when.end, end=None) if word == "after" else when


def _tense(text: str, one: Found, word: str) -> Tense:
    """By what leads in, else by the nearest word in the sentence that tells."""
    if word in ("since", "自从", "自"):
        return Tense.PAST
    if word in ("until", "till", "til", "直到"):
        return Tense.FUTURE
    start, end = max(0, one.span[0] - 200), one.span[1] + 200
    cuts = [cut.end() for cut in _SENTENCE.finditer(text, start, one.span[0])]
    start = cuts[-1] if cuts else start
    stop = _SENTENCE.search(text, one.span[1], end)
    end = stop.start() if stop else min(end, len(text))
    past, future = (_nearest(cue, text, (start, end), one.span) for cue in (_PAST, _FUTURE))
    return Tense.UNKNOWN if past == future else Tense.PAST if past < future else Tense.FUTURE


def _nearest(cue: re.Pattern[str], text: str, within: tuple[int, int], span: tuple[int, int]) -> int:
    far = 10**6
    for m in cue.finditer(text, *within):
        if m.end() <= span[0]:
            far = min(far, span[0] - m.end())
        elif m.start() >= span[1]:
            far = min(far, m.start() - span[1])
    return far


def _narrowed(interval: Interval, lead: str, said: datetime) -> tuple[Interval, int]:
    """The part of it that is meant ("early", "the end of", "the week before"), and how many characters that takes."""
    stage = _STAGE.search(lead)
    if stage:
        return _stage(interval, stage, said), len(lead) - stage.start()
    counted = _COUNTED.search(lead)
    if counted and interval[1] - interval[0] <= timedelta(days=7):
        least, most = number(counted[1]) if counted[1] else (1, 1)
        way = 1 if counted[3].casefold() in ("before", "prior to") else -1
        return on.back(interval[0], way * least, counted[2].casefold(), way * most), len(lead) - counted.start()
    return interval, 0


_THIRDS = {"early": 0, "beginning of": 0, "start of": 0, "mid": 1, "middle of": 1, "late": 2, "end of": 2}


def _stage(interval: Interval, stage: re.Match[str], said: datetime) -> Interval:
    start, end = interval
    if stage[5]:
        return (start, said) if stage[5].casefold() == "earlier" else (max(start, said), end)
    if stage[3]:
        nth = ("first", "second", "third", "fourth", "last").index(stage[3].casefold())
        first = end - timedelta(days=7) if nth == 4 else start + timedelta(days=7 * nth)
        return on.weekend(first) if stage[4].casefold() == "weekend" else (first, first + timedelta(days=7))
    pieces, nth = (2, 0 if stage[2].casefold() == "first" else 1) if stage[2] else (3, _THIRDS[stage[1].casefold()])
    days = (end - start) // timedelta(days=1)
    if days < 7:
        return interval
    cut = [start + timedelta(days=round(days * piece / pieces)) for piece in range(pieces + 1)]
    return cut[nth], cut[nth + 1]


def _joined(text: str, whens: list[When]) -> Iterator[When]:
    """From the one to the other: both ends of one stretch."""
    waiting: When | None = None
    for when in whens:
        if waiting is None:
            waiting = when
            continue
        lead = text[max(0, waiting.span[0] - 20) : waiting.span[0]]
        both = _FROM.search(lead) and _TO.fullmatch(text, waiting.span[1], when.span[0]) and _ends(waiting, when)
        if both:
            span = (waiting.span[0], when.span[1])
            yield When(*both, text[slice(*span)], span, waiting.relative or when.relative, waiting.yearly and when.yearly)
            waiting = None
        else:
            yield waiting
            waiting = when
    if waiting is not None:
        yield waiting


def _ends(first: When, last: When) -> Interval | None:
    """Both ends; where one has a year and the other's was only chosen, the chosen one follows."""
    start, end = first.start, last.end
    if start is None or end is None:
        return None
    if first.yearly and not last.yearly and not last.relative:
        start = _in_year(start, end.year)
        start = start if start < end else _in_year(start, end.year - 1)
    elif end <= start and last.yearly:
        end = _in_year(end, end.year + 1)
    return (start, end) if end > start else None


def _in_year(moment: datetime, year: int) -> datetime:
    return moment.replace(year=year, day=28 if (moment.month, moment.day) == (2, 29) else moment.day)


__all__ = ["When", "question_dates", "resolve", "span_of", "validity"]
