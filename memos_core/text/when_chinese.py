"""How Chinese says when: the common words, simplified and traditional."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from memos_core.text import calendar_spans as on
from memos_core.text.calendar_spans import Yearly
from memos_core.text.when_english import Found, Read

_DIGITS = "零一二三四五六七八九十"
_N = r"(?:\d{1,3}|[一二两兩三四五六七八九十]{1,3})"
_NEAR = {"前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2, "後天": 2}
_DAYS = _NEAR | {"大前天": -3, "大后天": 3, "大後天": 3}
_PARTS = {"早上": "morning", "上午": "morning", "早": "morning", "下午": "afternoon", "中午": "noon", "晚上": "evening", "晚": "evening"}
_YEARS = {"前年": -2, "去年": -1, "今年": 0, "明年": 1, "后年": 2, "後年": 2}
_SEASONS = {"春": "spring", "夏": "summer", "秋": "fall", "冬": "winter"}
_UNITS = {"天": "day", "日": "day", "周": "week", "週": "week", "星期": "week", "礼拜": "week", "月": "month", "年": "year", "小时": "hour"}
_PART = rf"(?P<part>{'|'.join(_PARTS)})?"
_SHIFTS = {"上上": -2, "上": -1, "这": 0, "這": 0, "本": 0, "下": 1, "下下": 2}
_SHIFT = r"(?P<shift>上上|下下|上|这|這|本|下)"


def numeral(text: str) -> int:
    """Digits, or Chinese numerals up to ninety-nine."""
    if text.isdigit():
        return int(text)
    text = text.replace("两", "二").replace("兩", "二")
    tens, ten, ones = text.partition("十")
    if not ten:
        return _DIGITS.index(text)
    return (_DIGITS.index(tens) if tens else 1) * 10 + (_DIGITS.index(ones) if ones else 0)


def _day(m: re.Match[str]) -> Read:
    part = _PARTS.get(m["part"] or "")
    shift = _DAYS[m["day"]] if len(m["day"]) > 1 else {"昨": -1, "今": 0, "明": 1}[m["day"]]
    return lambda said, tense: on.part(on.day(said, shift), part) if part else on.day(said, shift)


def _week(m: re.Match[str]) -> Read:
    shift, which = _SHIFTS[m["shift"]], m["which"]
    if not which:
        return lambda said, tense: on.week(said, shift)
    if which in "末":
        return lambda said, tense: on.weekend(said, shift)
    target = 6 if which in "日天" else _DIGITS.index(which) - 1
    return lambda said, tense: on.weekday(said, target, shift)


def _month(m: re.Match[str]) -> Read:
    return lambda said, tense: on.month(said.year, said.month + _SHIFTS[m["shift"]])


def _in_year(m: re.Match[str], base: Callable[[datetime], int]) -> Read:
    if m["season"]:
        what: Yearly = on.yearly_season(_SEASONS[m["season"]])
        return lambda said, tense: what(base(said))
    if not m["m"]:
        return lambda said, tense: on.year(base(said))
    month, day = numeral(m["m"]), numeral(m["d"]) if m["d"] else 0
    if not 1 <= month <= 12:
        raise ValueError(m[0])
    return lambda said, tense: on.date(base(said), month, day) if day else on.month(base(said), month)


def _which_year(m: re.Match[str]) -> Read:
    return _in_year(m, lambda said: said.year + _YEARS[m["year"]])


def _named_year(m: re.Match[str]) -> Read:
    return _in_year(m, lambda said: int(m["year"]))


def _month_and_day(m: re.Match[str]) -> Read:
    month, day = numeral(m["m"]), numeral(m["d"])
    on.date(2000, month, day)
    return lambda said, tense: on.any_of(on.yearly_date(month, day), said, tense)


def _before(m: re.Match[str]) -> Read:
    unit, way = _UNITS[m["unit"]], 1 if m["way"].endswith("前") else -1
    if m["n"] == "半":
        if unit != "year":
            raise ValueError(m[0])
        return lambda said, tense: on.back(said, way * 6, "month")
    least, most = (2, 5) if m["n"] in ("几", "幾") else (numeral(m["n"]),) * 2
    return lambda said, tense: on.back(said, way * least, unit, way * most)


_IN_YEAR = rf"(?:的?(?P<season>[春夏秋冬])[天季]?|的?(?P<m>{_N})月(?:份|(?P<d>{_N})[日号號]?)?)?"
_LISTED: tuple[tuple[str, Callable[[re.Match[str]], Read], tuple[bool, bool]], ...] = (
    (rf"(?P<year>(?:19|20)\d\d)年{_IN_YEAR}", _named_year, (False, False)),
    (rf"(?P<year>{'|'.join(_YEARS)}){_IN_YEAR}", _which_year, (True, False)),
    (rf"(?P<n>{_N}|几|幾|半)个?個?(?P<unit>小时|星期|礼拜|[天日周週月年])(?P<way>之前|以前|前|之后|以后|后|後)", _before, (True, False)),
    (rf"(?<![年\d])(?P<m>{_N})月(?P<d>{_N})[日号號]", _month_and_day, (False, True)),
    (rf"{_SHIFT}[个個]?(?:周|週|星期|礼拜)(?P<which>[一二三四五六日天末])?", _week, (True, False)),
    (rf"{_SHIFT}[个個]?月", _month, (True, False)),
    (rf"(?P<day>大?前天|大?[后後]天|[昨今明][天日]){_PART}", _day, (True, False)),
    (r"(?P<day>[昨今明])(?P<part>早|晚)", _day, (True, False)),
)
_FORMS = tuple((re.compile(pattern), make, flags) for pattern, make, flags in _LISTED)
_HINTS = re.compile("[天日年月周週星礼早晚]")


def chinese(text: str) -> Iterator[Found]:
    """The expressions in a text, the surest first; they do not overlap."""
    if text.isascii() or not _HINTS.search(text):
        return
    claimed = bytearray(len(text))
    for pattern, make, (relative, yearly) in _FORMS:
        for m in pattern.finditer(text):
            if claimed.find(1, *m.span()) >= 0:
                continue
            claimed[slice(*m.span())] = b"\1" * len(m[0])
            try:
                read = make(m)
            except (ValueError, OverflowError):
                continue
            yield Found(m.span(), read, relative, yearly)


