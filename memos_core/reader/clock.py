"""When a message was said, from whatever its sender wrote: ISO 8601, epoch seconds, or a date as people write it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from memos_core.errors import InvalidInput

_HINT = "Write it as ISO 8601, like 2026-05-01T09:30:00Z, or as seconds since 1970."
_WEEKDAY = re.compile(r"\(\s*\w{2,9}\.?\s*\)")
_EITHER_WAY = re.compile(r"(?<!\d)(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}(?!\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 10**11
"""A count from here on is taken as milliseconds: as seconds it would be in the year 5138."""


def read_time(field: str, value: Any) -> datetime:
    """The moment in UTC; without a zone UTC is meant. `InvalidInput` names `field`."""
    try:
        if isinstance(value, str):
            return _utc(_iso(value) or _written(value))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _counted(value)
        if isinstance(value, datetime):
            return _utc(value)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        shown = repr(value)
        raise InvalidInput(field, f"{shown[:80]} is no time that can be read{_why(exc)}.", _HINT) from exc
    raise InvalidInput(field, f"a time is needed, not {type(value).__name__}.", _HINT)


class _Ambiguous(ValueError):
    """The day and the month could change places."""


def _why(exc: Exception) -> str:
    return ": day and month could change places" if isinstance(exc, _Ambiguous) else ""


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _counted(count: int | float) -> datetime:
    if not abs(count) < 10**15:
        raise OverflowError
    return _EPOCH + timedelta(seconds=count / 1000 if abs(count) >= _MILLISECONDS_FROM else count)


@lru_cache(maxsize=4096)
def _written(text: str) -> datetime:
    """A date as people and programs write it. A year, a month and a day must all be there; nothing is guessed."""
    bare = text.strip()
    if len(bare) > 80:
        raise ValueError("too long")
    if re.fullmatch(r"-?\d{9,13}(\.\d{1,9})?", bare):
        return _counted(float(bare))
    bare = _WEEKDAY.sub(" ", bare)
    moment = _by_dateutil(bare)
    return moment if moment is not None else _by_dateparser(bare)


def _by_dateutil(text: str) -> datetime | None:
    from dateutil import parser  # type: ignore[import-untyped, unused-ignore]

    if (either := _EITHER_WAY.search(text)) and int(either[1]) <= 12 and int(either[2]) <= 12 and either[1] != either[2]:
        raise _Ambiguous(text)
    try:
        one, other = (parser.parse(text, default=filler) for filler in (datetime(2000, 1, 1), datetime(1996, 2, 2)))
    except (ValueError, OverflowError):
        return None
    found: datetime = one
    return found if one == other else None


def _by_dateparser(text: str) -> datetime:
    import dateparser  # type: ignore[import-untyped, unused-ignore]

    settings = {"REQUIRE_PARTS": ["day", "month", "year"], "PARSERS": ["absolute-time"], "STRICT_PARSING": True}
    found: datetime | None = dateparser.parse(text, settings=settings)
    if found is None:
        raise ValueError("no date")
    return found
