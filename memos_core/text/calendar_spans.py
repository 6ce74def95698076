"""Stretches of the calendar in UTC, half open: days, weeks from Monday, months, seasons, years, and feasts.

Seasons are the meteorological ones of the northern half of the earth; winter 2022 ends in February 2023.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import IntEnum

Interval = tuple[datetime, datetime]
Yearly = Callable[[int], Interval]
"""What comes back each year: from the year to its interval."""


class Tense(IntEnum):
    """Which way the sentence looks."""

    PAST = -1
    UNKNOWN = 0
    FUTURE = 1


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SEASONS = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}
PARTS = {"morning": (6, 12), "noon": (11, 14), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 30)}


def midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def day(moment: datetime, shift: int = 0) -> Interval:
    start = midnight(moment) + timedelta(days=shift)
    return start, start + timedelta(days=1)


def date(year: int, month_nr: int, day_nr: int, last: int | None = None) -> Interval:
    """One day, or the days up to `last` of the same month."""
    start = datetime(year, month_nr, day_nr, tzinfo=UTC)
    end = datetime(year, month_nr, last, tzinfo=UTC) if last else start
    if end < start:
        raise ValueError("the days run backwards")
    return start, end + timedelta(days=1)


def part(of: Interval, name: str) -> Interval:
    """A part of a day: the night runs on until six the next morning."""
    start, end = PARTS[name]
    return of[0] + timedelta(hours=start), of[0] + timedelta(hours=end)


def week(moment: datetime, shift: int = 0) -> Interval:
    start = midnight(moment) - timedelta(days=moment.astimezone(UTC).weekday() - 7 * shift)
    return start, start + timedelta(days=7)


def weekend(moment: datetime, shift: int = 0) -> Interval:
    start, end = week(moment, shift)
    return start + timedelta(days=5), end


def weekday(moment: datetime, which: int, shift: int) -> Interval:
    """That day of this week, of the next (1) or of the one before (-1)."""
    return day(week(moment, shift)[0], which)


def month(year: int, month_nr: int, count: int = 1) -> Interval:
    """A month by number; numbers beyond 1..12 run on into other years."""
    first, past = (year * 12 + month_nr - 1, year * 12 + month_nr - 1 + count)
    return _first_of(first), _first_of(past)


def _first_of(months: int) -> datetime:
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def year(number: int, count: int = 1) -> Interval:
    return datetime(number, 1, 1, tzinfo=UTC), datetime(number + count, 1, 1, tzinfo=UTC)


def yearly_month(month_nr: int) -> Yearly:
    return lambda number: month(number, month_nr)


def yearly_season(name: str) -> Yearly:
    return lambda number: month(number, SEASONS[name], 3)


def yearly_date(month_nr: int, day_nr: int, last: int | None = None) -> Yearly:
    return lambda number: date(number, month_nr, day_nr, last)


def _thanksgiving(number: int) -> Interval:
    first = datetime(number, 11, 1, tzinfo=UTC)
    return day(first, (3 - first.weekday()) % 7 + 21)


FEASTS: dict[str, Yearly] = {
    "christmas eve": yearly_date(12, 24),
    "christmas": yearly_date(12, 24, 26),
    "new year's eve": yearly_date(12, 31),
    "new year's day": yearly_date(1, 1),
    "halloween": yearly_date(10, 31),
    "valentine's day": yearly_date(2, 14),
    "thanksgiving": _thanksgiving,
}


def _occurrences(what: Yearly, said: datetime) -> list[Interval]:
    """Those of the years around; ten on each side, so that the 29th of February is found."""
    found = []
    for number in range(max(1, said.year - 10), min(9998, said.year + 10) + 1):
        try:
            found.append(what(number))
        except ValueError:
            continue
    return found


def last_of(what: Yearly, said: datetime) -> Interval:
    """The latest that is over."""
    return max(found for found in _occurrences(what, said) if found[1] <= midnight(said))


def next_of(what: Yearly, said: datetime) -> Interval:
    """The first that is still to begin."""
    return min(found for found in _occurrences(what, said) if found[0] > said)


def this_of(what: Yearly, said: datetime) -> Interval:
    """The one that runs now, else that of the current year."""
    running = [found for found in _occurrences(what, said) if found[0] <= said < found[1]]
    return running[0] if running else what(said.year)


def any_of(what: Yearly, said: datetime, tense: Tense) -> Interval:
    """The one that is meant where no year is named: by the tense, else the nearest, sooner the past one."""
    found = _occurrences(what, said)
    if tense is Tense.PAST:
        return max(one for one in found if one[0] <= said)
    if tense is Tense.FUTURE:
        return min(one for one in found if one[1] > midnight(said))
    return min(found, key=lambda one: (max(one[0] - said, said - one[1], timedelta(0)), one[0]))


def back(said: datetime, count: int, unit: str, widest: int | None = None) -> Interval:
    """So many units ago, as exactly as the unit says; `widest` where the count is vague ("a few"). Negative counts look ahead."""
    far = count if widest is None else widest
    earlier, later = sorted((far, count), reverse=True)
    return _shifted(said, -earlier, unit)[0], _shifted(said, -later, unit)[1]


def _shifted(said: datetime, count: int, unit: str) -> Interval:
    if unit in ("minute", "hour"):
        length = timedelta(minutes=1) if unit == "minute" else timedelta(hours=1)
        moment = said.astimezone(UTC) + count * length
        return moment - length / 2, moment + length / 2
    if unit in ("day", "night"):
        return day(said, count)
    if unit == "week":
        return day(said, 7 * count - 3)[0], day(said, 7 * count + 3)[1]
    if unit == "weekend":
        return weekend(said, count)
    if unit == "month":
        return month(said.astimezone(UTC).year, said.astimezone(UTC).month + count)
    return year(said.astimezone(UTC).year + count * (10 if unit == "decade" else 1))


def window(said: datetime, count: int, unit: str) -> Interval:
    """From so many units ago until now; with a negative count from now on."""
    now = said.astimezone(UTC)
    if unit in ("month", "year", "decade"):
        months = count * {"month": 1, "year": 12, "decade": 120}[unit]
        first = month(now.year, now.month - months)[0]
        other = first + min(midnight(now) - month(now.year, now.month)[0], timedelta(days=27))
    else:
        lengths = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "week": timedelta(days=7), "weekend": timedelta(days=7)}
        other = now - count * lengths.get(unit, timedelta(days=1))
        other = other if unit in ("minute", "hour") else midnight(other)
    return (other, now) if count >= 0 else (now, other + timedelta(days=1))
