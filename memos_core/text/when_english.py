"""How English, and dates written in numbers, say when: a list of forms, the surest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from memos_core.text import calendar_spans as on
from memos_core.text.calendar_spans import Interval, Tense, Yearly

Read = Callable[[datetime, Tense], Interval | None]


@dataclass(frozen=True, slots=True)
class Found:
    """A time expression: where it stands, and how to read it once one knows when it was said and which way it looks.

    `relative`: it is counted from the time of saying. `yearly`: the year is not named.
    """

    span: tuple[int, int]
    read: Read
    relative: bool = False
    yearly: bool = False


_FULL = "january february march april may june july august september october november december".split()
_MON = rf"(?P<mon>{'|'.join(_FULL)}|(?:sept|{'|'.join(on.MONTHS)})\b\.?)"
_SURE = "|".join(name for name in _FULL if name not in ("may", "march"))
_NAME = rf"{'|'.join(_FULL)}|{'|'.join(on.SEASONS)}|{'|'.join(name.replace(chr(39), '.') for name in on.FEASTS)}"
_Y = r"(?P<y>(?:19|20)\d\d)(?!\d)"
_D = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?(?:\s?[-\u2013]\s?(?P<d2>\d{1,2})(?:st|nd|rd|th)?)?"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_DAY = rf"(?P<day>{_DAYS}|(?-i:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\b\.?)"
_WHICH = r"(?P<which>last|this past|past|previous|this coming|coming|upcoming|this|next)"
_PART = r"(?P<part>morning|afternoon|evening|night)"
_WORDS = "one two three four five six seven eight nine ten eleven twelve".split()
_NUMBERS = {word: (nr, nr) for nr, word in enumerate(_WORDS, 1)} | {
    "a": (1, 1), "an": (1, 1), "a couple": (2, 2), "couple": (2, 2), "a few": (2, 5), "few": (2, 5), "several": (3, 8),
    "fifteen": (15, 15), "twenty": (20, 20), "thirty": (30, 30), "forty": (40, 40), "fifty": (50, 50), "half a": (0, 0),
}  # fmt: skip
_NUM = rf"(?P<num>\d{{1,3}}|half an?|a couple|a few|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})(?: of)?"
_UNIT = r"(?P<unit>minute|hour|day|night|weekend|week|month|year|decade)s?"
_CAPITAL_FEASTS = "Christmas Eve|Christmas|Halloween|Thanksgiving|Valentine['\u2019]s Day|New Year['\u2019]s (?:Eve|Day)"
_PREPOSITION = "in|during|since|until|till|by|of|for|around|over|before|after|from|to|through|and|between|early|late|mid"
_THING = "dollars?|euros?|pounds?|bucks|people|km|miles?|calories|steps|words|pages|meters?|kg|grams?|points?|times|square|mm|ml|px|gb"


def which(word: str) -> int:
    """-1 for last, 0 for this, 1 for next, 2 for the one that comes."""
    folded = word.casefold()
    if folded in ("coming", "this coming", "upcoming"):
        return 2
    return {"this": 0, "next": 1}.get(folded, -1)


def month_nr(name: str) -> int:
    return on.MONTHS.index(name[:3].casefold()) + 1


def yearly(name: str) -> Yearly:
    """What a month, a season or a feast is in each year."""
    folded = name.casefold().replace("\u2019", "'")
    if folded in on.FEASTS:
        return on.FEASTS[folded]
    return on.yearly_season(folded) if folded in on.SEASONS else on.yearly_month(month_nr(folded))


def number(word: str) -> tuple[int, int]:
    """The least and the most that a number word means."""
    folded = re.sub(r"\s+", " ", word.casefold())
    return (int(folded),) * 2 if folded.isdigit() else _NUMBERS.get(folded, (0, 0))


def _fixed(interval: Interval) -> Read:
    return lambda said, tense: interval


def _chosen(what: Yearly) -> Read:
    return lambda said, tense: on.any_of(what, said, tense)


def _dated(m: re.Match[str]) -> Read:
    if m["mon"] in ("may", "march", "mar") and not m["y"] and not re.search(r"\d(?:st|nd|rd|th)", m[0]):
        raise ValueError("more likely the verb")
    nr, first, last, named = month_nr(m["mon"]), int(m["d"]), int(m["d2"] or 0) or None, m["y"]
    on.date(2000, nr, first, last)
    return _fixed(on.date(int(named), nr, first, last)) if named else _chosen(on.yearly_date(nr, first, last))


def _iso(m: re.Match[str]) -> Read:
    return _fixed(on.date(int(m["y"]), int(m["m"]), int(m["d"])) if m["d"] else on.month(int(m["y"]), _real_month(m["m"])))


def _real_month(text: str) -> int:
    if not 1 <= int(text) <= 12:
        raise ValueError(text)
    return int(text)


def _numeric(m: re.Match[str]) -> Read:
    """5/20/2023, 20.5.2023. Where day and month could change places nothing is read."""
    one, two = int(m["a"]), int(m["b"])
    if m["sep"] == "." or one > 12:
        return _fixed(on.date(int(m["y"]), two, one))
    if two > 12 or one == two:
        return _fixed(on.date(int(m["y"]), one, two))
    raise ValueError("day and month could change places")


def _named_in_year(m: re.Match[str]) -> Read:
    return _fixed(yearly(m["name"])(int(m["y"])))


def _named_in_which_year(m: re.Match[str]) -> Read:
    name, shift = m["name"], which(m["which"])
    return lambda said, tense: yearly(name)(said.year + min(shift, 1))


def _which_named(m: re.Match[str]) -> Read:
    if m["name"] in ("may", "march") and m["which"].casefold() == "this":
        raise ValueError("more likely the verb")
    what, turn = yearly(m["name"]), which(m["which"])
    if turn < 0:
        return lambda said, tense: on.last_of(what, said)
    return (lambda said, tense: on.next_of(what, said)) if turn else (lambda said, tense: on.this_of(what, said))


def _named(m: re.Match[str]) -> Read:
    return _chosen(yearly(m["name"]))


def _day_of(name: str) -> int:
    return on.WEEKDAYS.index(name[:3].casefold())


def _with_part(found: Interval, name: str | None) -> Interval:
    return on.part(found, name.casefold()) if name else found


def _which_day(m: re.Match[str]) -> Read:
    target, turn, part = _day_of(m["day"]), which(m["which"]), m["part"]

    def read(said: datetime, tense: Tense) -> Interval:
        ahead = (target - said.weekday()) % 7
        if turn == 1:
            return _with_part(on.weekday(said, target, 1), part)
        if turn < 0 or (turn == 0 and tense is Tense.PAST and ahead):
            return _with_part(on.day(said, ahead - 7), part)
        return _with_part(on.day(said, ahead or (7 if turn == 2 else 0)), part)

    return read


def _day_in_which_week(m: re.Match[str]) -> Read:
    target, shift = _day_of(m["day"]), min(which(m["which"]), 1)
    return lambda said, tense: on.weekday(said, target, shift)


def _bare_day(m: re.Match[str]) -> Read:
    target, part = _day_of(m["day"]), m["part"]

    def read(said: datetime, tense: Tense) -> Interval | None:
        ahead = (target - said.weekday()) % 7 or 7
        shift = ahead if tense is Tense.FUTURE else (ahead - 7) or -7
        return None if tense is Tense.UNKNOWN else _with_part(on.day(said, shift), part)

    return read


def _which_unit(m: re.Match[str]) -> Read:
    unit, turn = m["unit"].casefold(), min(which(m["which"]), 1)

    def read(said: datetime, tense: Tense) -> Interval:
        shift = turn
        if unit == "weekend":
            if which(m["which"]) == 2 and said.weekday() < 5:
                shift = 0
            if turn == 0 and tense is Tense.PAST and said.weekday() < 4:
                shift = -1
            return on.weekend(said, shift)
        if unit == "week":
            return on.week(said, shift)
        return on.month(said.year, said.month + shift) if unit == "month" else on.year(said.year + shift)

    return read


def _before_last(m: re.Match[str]) -> Read:
    unit, count = m["unit"].casefold(), -2 if m["far"].casefold().endswith("last") else 2
    if unit == "week":
        return lambda said, tense: on.week(said, count)
    return lambda said, tense: on.back(said, -count, unit)


_NEAR = {
    "day before yesterday": -2,
    "yesterday": -1,
    "last": -1,
    "today": 0,
    "this": 0,
    "tonight": 0,
    "tomorrow": 1,
    "day after tomorrow": 2,
}


def _near(m: re.Match[str]) -> Read:
    word = re.sub(r"\s+", " ", m["near"].casefold())
    part = m.groupdict().get("part") or ("night" if word == "tonight" else None)
    return lambda said, tense: _with_part(on.day(said, _NEAR[word]), part)


def _other_day(m: re.Match[str]) -> Read:
    return lambda said, tense: (on.day(said, -7)[0], on.day(said)[0])


def _ago(m: re.Match[str]) -> Read:
    least, most = number(m["num"])
    unit = m["unit"].casefold()
    if not most:
        return _half(unit, -1)
    return lambda said, tense: on.back(said, least, unit, most)


def _half(unit: str, way: int) -> Read:
    smaller = {"year": (6, "month"), "month": (2, "week"), "day": (12, "hour"), "hour": (30, "minute"), "decade": (5, "year")}
    if unit not in smaller:
        raise ValueError(unit)
    count, name = smaller[unit]
    return lambda said, tense: on.back(said, -way * count, name)


def _ahead(m: re.Match[str]) -> Read:
    """In two weeks. Without a word that looks ahead it is how long something took."""
    least, most = number(m["num"])
    unit, sure = m["unit"].casefold(), bool(m["sure"])
    ahead = _half(unit, 1) if not most else lambda said, tense: on.back(said, -least, unit, -most)
    return lambda said, tense: ahead(said, tense) if sure or tense is Tense.FUTURE else None


def _window(m: re.Match[str]) -> Read:
    _, most = number(m["num"])
    unit, way = m["unit"].casefold(), -1 if m["way"].casefold() in ("next", "coming") else 1
    if not most:
        raise ValueError(unit)
    return lambda said, tense: on.window(said, way * most, unit)


def _lately(m: re.Match[str]) -> Read:
    unit = m["unit"].casefold()
    return lambda said, tense: on.window(said, 1, unit)


def _year_alone(m: re.Match[str]) -> Read:
    return _fixed(on.year(int(m["y"])))


def _years(m: re.Match[str]) -> Read:
    first, last = int(m["y"]), int(m["y2"])
    return _fixed(on.year(first, last - first + 1)) if last > first else _fixed(on.year(last))


def _decade(m: re.Match[str]) -> Read:
    digits = m.groupdict().get("y") or "19" + m["short"]
    return _fixed(on.year(int(digits), 10))


_ABSOLUTE, _RELATIVE, _YEARLY = (False, False), (True, False), (False, True)
_Form = tuple[str, Callable[[re.Match[str]], Read], tuple[bool, bool]]
_LISTED: tuple[_Form, ...] = (
    (r"\b(?P<y>(?:19|20)\d\d)[-/](?P<m>\d\d?)(?:[-/](?P<d>\d\d?))?(?![\d/-])", _iso, _ABSOLUTE),
    (r"(?<![\d/.])(?P<a>\d\d?)(?P<sep>[/.])(?P<b>\d\d?)(?P=sep)(?P<y>(?:19|20)\d\d)(?!\d)", _numeric, _ABSOLUTE),
    (r"(?<![\d-])(?P<y>(?:19|20)\d\d)\s?[-\u2013]\s?(?P<y2>(?:19|20)\d\d)(?![\d-])", _years, _ABSOLUTE),
    (rf"(?<![\d.:])\b{_D}\s+(?:of\s+)?{_MON}(?!\w)(?:,?\s+(?:of\s+)?{_Y})?", _dated, _YEARLY),
    (rf"\b{_MON}\s+(?:the\s+)?{_D}(?![\d:]|\.\d)(?:,?\s+{_Y})?", _dated, _YEARLY),
    (rf"\b(?P<name>{_NAME}|{'|'.join(on.MONTHS)})(?:\.?,?\s+|\s+of\s+){_Y}", _named_in_year, _ABSOLUTE),
    (rf"\b(?P<name>{_NAME})(?:,?\s+|\s+of\s+|\s+in\s+)(?P<which>last|this|next)\s+year\b", _named_in_which_year, _RELATIVE),
    (rf"\b(?P<which>last|this|next) year['\u2019]s (?P<name>{_NAME})\b", _named_in_which_year, _RELATIVE),
    (rf"\b(?P<way>past|last|next|coming)\s+{_NUM}\s+{_UNIT}\b", _window, _RELATIVE),
    (r"\b(?:(?:over|for|in|within|during|throughout)\s+the\s+(?:past|last)|the\s+past)\s+(?P<unit>week|month|year|decade)\b(?!\s+of\b)",
     _lately, _RELATIVE),
    (rf"\b{_NUM}(?:\s+more)?\s+{_UNIT}\s+ago\b", _ago, _RELATIVE),
    (rf"\b{_NUM}\s+{_UNIT}\s+(?P<sure>from\s+(?:now|today))\b", _ahead, _RELATIVE),
    (rf"\bin\s+(?:about\s+)?{_NUM}\s+{_UNIT}\b(?P<sure>['\u2019]?\s+time\b)?", _ahead, _RELATIVE),
    (rf"\b{_DAY}(?:,?\s+|\s+of\s+)(?P<which>last|this|next)\s+week\b", _day_in_which_week, _RELATIVE),
    (rf"\b(?P<which>last|this|next)\s+week\s+on\s+{_DAY}(?![\w-])", _day_in_which_week, _RELATIVE),
    (rf"\b{_WHICH}\s+{_DAY}(?![\w-])(?:\s+{_PART}\b)?", _which_day, _RELATIVE),
    (rf"\b{_WHICH}\s+(?P<name>{_NAME})\b", _which_named, _RELATIVE),
    (r"\b(?P<unit>week|weekend|month|year)\s+(?P<far>before\s+last|after\s+next)\b", _before_last, _RELATIVE),
    (rf"\b(?P<near>last|this|yesterday|tomorrow)\s+{_PART}\b", _near, _RELATIVE),
    (r"\b(?P<near>day\s+before\s+yesterday|day\s+after\s+tomorrow|tonight|yesterday|today|tomorrow)\b", _near, _RELATIVE),
    (r"\bthe\s+other\s+day\b", _other_day, _RELATIVE),
    (rf"\b{_WHICH}\s+(?P<unit>weekend|week|month|year)\b(?!\s+of\b)", _which_unit, _RELATIVE),
    (rf"\b(?:{_PREPOSITION})\s+(?:the\s+|early\s+|mid[\s-]+|late\s+){{0,2}}(?P<name>{_NAME})\b", _named, _YEARLY),
    (rf"\b(?P<name>{_SURE})\b", _named, _YEARLY),
    (rf"\b(?P<name>(?-i:{_CAPITAL_FEASTS}))\b", _named, _YEARLY),
    (rf"\b(?P<day>{_DAYS})\b(?!-)(?:\s+{_PART}\b)?", _bare_day, _RELATIVE),
    (r"\b(?P<y>(?:19|20)\d0)s\b", _decade, _ABSOLUTE),
    (r"\bthe\s+(?:(?:early|mid|late)[\s-]+)?['\u2019]?(?P<short>[5-9]0)s\b", _decade, _ABSOLUTE),
    (rf"(?<![$\u20ac\u00a3#\d.,:/-])\b(?P<y>(?:19[3-9]|20[0-6])\d)\b(?![-/:]|[.,]\d|\s*(?:{_THING}|%))", _year_alone, _ABSOLUTE),
)
_FORMS = tuple((re.compile(pattern, re.IGNORECASE), make, flags) for pattern, make, flags in _LISTED)
_HINTS = re.compile(
    r"\d|\bago\b|\b(?:last|next|past|previous|coming|this)\s|day\b|\bto(?:night|morrow)\b|new year|christmas|halloween"
    r"|\bafter next|before last"
    rf"|{'|'.join(on.SEASONS)}|{'|'.join(_FULL)}|\bin (?:an?|about|half|{'|'.join(_WORDS)}|few|several|couple)\b|from now\b",
    re.IGNORECASE,
)


def english(text: str) -> Iterator[Found]:
    """The expressions in a text, the surest first; they do not overlap."""
    if not _HINTS.search(text):
        return
    claimed = bytearray(len(text))
    for pattern, make, (relative, yearly_) in _FORMS:
        for m in pattern.finditer(text):
            span = m.span("name") if make is _named else m.span()
            if claimed.find(1, *span) >= 0:
                continue
            claimed[slice(*span)] = b"\1" * (span[1] - span[0])
            try:
                read = make(m)
            except (ValueError, OverflowError):
                continue
            yield Found(span, read, relative, yearly_ and not m.groupdict().get("y"))
