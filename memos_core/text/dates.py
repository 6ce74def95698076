"""The dates that a question names: "7 May 2023", "in May", "last summer", "two weeks ago". English and numeric dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MICRO = 1_000_000
DAY = 86_400 * MICRO


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` until `end`, microseconds since the epoch. `yearly`: the year was not named, any may be meant."""

    start: int
    end: int
    yearly: bool = False


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL = "january february march april may june july august september october november december"
_MONTH = "(?:" + "|".join((*_FULL.split(), "sept", *_MONTHS)) + r")\b\.?"
_SURE_MONTH = "(?:" + "|".join(m for m in _FULL.split() if m not in ("may", "march")) + r")\b"
_DAY = r"\d\d?(?:st|nd|rd|th)?\b"
_YEAR = r"(?:19|20)\d\d"
_SEASONS = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}
_SEASON = "(?:" + "|".join(_SEASONS) + ")"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COUNTED = "one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: n for n, word in enumerate(_COUNTED.split(), 1)} | {"a": 1, "an": 1, "couple": 2, "few": 3}
_UNIT_DAYS = {"day": 1, "night": 1, "week": 7, "weekend": 7, "month": 30, "year": 365}
_UNIT = "(?P<unit>day|night|weekend|week|month|year)s?"

_FORMS = re.compile(
    "|".join(
        (
            rf"(?P<iso>\b{_YEAR}-\d\d-\d\d)\b",
            rf"(?P<dmy>\b{_DAY} (?:of )?{_MONTH},? ?(?:of )?(?:{_YEAR})?)",
            rf"(?P<mdy>\b{_MONTH} {_DAY}(?!\d)(?:,? {_YEAR})?)",
            rf"(?P<my>\b{_MONTH},? (?:of )?{_YEAR})\b",
            rf"(?P<sy>\b{_SEASON} (?:of )?{_YEAR})\b",
            rf"(?P<last>\b(?:last|this|past|previous) (?:{_SEASON}|{_MONTH}|{'|'.join(_WEEKDAYS)}))\b",
            rf"(?P<m>\b{_SURE_MONTH}|\b(?:in|of|during|since|early|late|mid|by) (?:may|march)\b)",
            rf"(?P<ago>\b(?:\d+|{'|'.join(_NUMBERS)}) (?:of )?{_UNIT} ago)\b",
            r"(?P<rel>\b(?:last|this|past|previous) (?:day|night|weekend|week|month|year))\b",
            r"(?P<near>\b(?:yesterday|today|tonight|last night))\b",
            rf"(?P<y>\b{_YEAR})\b",
        )
    )
)
_HINTS = re.compile(r"\d|ago\b|last|this|past|previous|yesterday|today|tonight|may|march|" + "|".join(_FULL.split()))


def dates_named(text: str, now: datetime) -> tuple[Span, ...]:
    """The spans of time that the text names, as of `now`, in order. What can't be a date is passed over."""
    folded = text.casefold()
    return tuple(_read(folded, now)) if _HINTS.search(folded) else ()


def _read(text: str, now: datetime) -> Iterator[Span]:
    for found in _FORMS.finditer(text):
        kind = found.lastgroup if found.lastgroup != "unit" else "ago"
        try:
            yield _READERS[str(kind)](found[0], now)
        except (ValueError, OverflowError):
            continue


def _span(start: datetime, days: float, *, yearly: bool = False) -> Span:
    first = round(start.timestamp()) * MICRO
    return Span(first, first + round(days * DAY), yearly)


def _year(text: str) -> int | None:
    found = re.search(_YEAR, text)
    return int(found[0]) if found else None


def _month(text: str) -> int:
    found = re.search(rf"\b{_MONTH}", text)
    if found is None:
        raise ValueError(text)
    return _MONTHS.index(found[0][:3]) + 1


def _iso(text: str, now: datetime) -> Span:
    return _span(datetime.fromisoformat(text).replace(tzinfo=UTC), 1)


def _day(text: str, now: datetime) -> Span:
    year = _year(text)
    day = re.search(r"\b\d\d?(?!\d)", text)
    if day is None:
        raise ValueError(text)
    return _span(datetime(year or now.year, _month(text), int(day[0]), tzinfo=UTC), 1, yearly=year is None)


def _whole_month(text: str, now: datetime) -> Span:
    year = _year(text)
    return _span(datetime(year or now.year, _month(text), 1, tzinfo=UTC), 30.5, yearly=year is None)


def _season(text: str, now: datetime) -> Span:
    year = _year(text)
    month = next(first for name, first in _SEASONS.items() if name in text)
    return _span(datetime(year or now.year, month, 1, tzinfo=UTC), 91, yearly=year is None)


def _whole_year(text: str, now: datetime) -> Span:
    return _span(datetime(int(text), 1, 1, tzinfo=UTC), 365)


def _last(text: str, now: datetime) -> Span:
    """The latest such season, month or weekday that has begun ("this") or ended ("last")."""
    name = text.split()[-1]
    if name in _WEEKDAYS:
        back = (now.weekday() - _WEEKDAYS.index(name)) % 7
        return _span(_midnight(now) - timedelta(days=back or 7), 1)
    days = 91.0 if name in _SEASONS else 30.5
    month = _SEASONS[name] if name in _SEASONS else _month(name)
    year = now.year
    if datetime(year, month, 1, tzinfo=UTC) + timedelta(days=0 if text.startswith("this") else days) > now:
        year -= 1
    return _span(datetime(year, month, 1, tzinfo=UTC), days)


def _ago(text: str, now: datetime) -> Span:
    count, *_, unit, _ = text.split()
    length = _UNIT_DAYS[unit.rstrip("s")]
    number = int(count) if count.isdigit() else _NUMBERS[count]
    return _span(_midnight(now) - timedelta(days=number * length + length // 2), max(1, length))


def _relative(text: str, now: datetime) -> Span:
    which, unit = text.split()
    if unit in ("month", "year") and which in ("last", "previous"):
        first = _midnight(now).replace(day=1, month=now.month if unit == "month" else 1)
        day_before = first - timedelta(days=1)
        before = day_before.replace(day=1) if unit == "month" else day_before.replace(day=1, month=1)
        return _span(before, (first - before).days)
    days = _UNIT_DAYS[unit]
    start = _midnight(now) - timedelta(days=days if which == "this" or unit in ("day", "night") else round(1.5 * days))
    return _span(start, days + (1 if which == "this" else 0))


def _near(text: str, now: datetime) -> Span:
    return _span(_midnight(now) - timedelta(days=1 if text in ("yesterday", "last night") else 0), 1)


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


_READERS: dict[str, Callable[[str, datetime], Span]] = {
    "iso": _iso,
    "dmy": _day,
    "mdy": _day,
    "my": _whole_month,
    "sy": _season,
    "last": _last,
    "m": _whole_month,
    "ago": _ago,
    "rel": _relative,
    "near": _near,
    "y": _whole_year,
}
