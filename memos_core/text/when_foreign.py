"""Dates in languages that our own grammar does not know, by a library.

It is slow and eager: given prose it finds dates in "so" or "mar". So it is shown only short phrases that can hardly be
anything else, with the languages they can belong to. Half a second to import: for the background alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from memos_core.text import calendar_spans as on
from memos_core.text.calendar_spans import Interval

MAX_TRIED = 8
_UNITS = (
    r"(?:tage?n?|wochen?|monate?n?|jahre?n?|jours?|semaines?|mois|an(?:née)?s?|d[ií]as?|semanas?|mes(?:es)?|años?|giorn[oi]|settiman[ae]|mes[ei]"
    r"|ann[oi]|anos?|dias?|m[eê]s(?:es)?)"
)
_EUROPEAN = ("de", "fr", "es", "it", "pt", "nl", "ru", "pl")
_WORDS = ("un una uno um uma", "dos due dois duas", "tres tre três", "cuatro quattro quatro", "cinco cinque", "seis sei")
_NUMBERS = {word: str(nr) for nr, words in enumerate(_WORDS, 1) for word in words.split()}
_CANDIDATES: tuple[tuple[re.Pattern[str], tuple[str, ...], bool], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), languages, relative)
    for pattern, languages, relative in (
        (r"\b\d{1,2}\.?\s(?:de\s|di\s)?[^\W\d_]{3,10}\.?\s(?:de\s|del\s)?(?:19|20)\d\d\b", _EUROPEAN, False),
        (r"(?:19|20)\d\d年\d{1,2}月\d{1,2}日", ("ja",), False),
        (r"(?:19|20)\d\d년 ?\d{1,2}월 ?\d{1,2}일", ("ko",), False),
        (rf"\bvor\s\w+\s{_UNITS}\b|\b(?:vorgestern|gestern|übermorgen)\b", ("de",), True),
        (rf"\bil y a\s\w+\s{_UNITS}\b|\b(?:avant-hier|après-demain|aujourd['’]hui)\b", ("fr",), True),
        (rf"\bhace\s\w+\s{_UNITS}\b|\b(?:anteayer|ayer|pasado mañana)\b", ("es",), True),
        (rf"\b\w+\s{_UNITS}\sfa\b|\b(?:ieri|dopodomani)\b", ("it",), True),
        (rf"\bhá\s\w+\s{_UNITS}\b|\b(?:anteontem|ontem)\b", ("pt",), True),
    )
)

ForeignDate = tuple[tuple[int, int], datetime, datetime, bool]


def foreign(text: str, said: datetime, known: Sequence[tuple[int, int]] = ()) -> list[ForeignDate]:
    """(span, start, end, relative) of each phrase that the library can read and that is not in `known`; `MAX_TRIED` are tried."""
    found: list[ForeignDate] = []
    fresh = (one for one in _phrases(text) if not any(start <= one[0][0] and one[0][1] <= end for start, end in known))
    for span, languages, relative in islice(fresh, MAX_TRIED):
        interval = _read(text[slice(*span)], languages, said)
        if interval is not None and not any(one[0][0] < span[1] and span[0] < one[0][1] for one in found):
            found.append((span, *interval, relative))
    return sorted(found)


def _phrases(text: str) -> Iterator[tuple[tuple[int, int], tuple[str, ...], bool]]:
    for pattern, languages, relative in _CANDIDATES:
        for m in pattern.finditer(text):
            yield m.span(), languages, relative


@lru_cache(maxsize=64)
def _parser(languages: tuple[str, ...], said: datetime) -> Any:
    from dateparser.date import DateDataParser

    settings = {"RELATIVE_BASE": said.replace(tzinfo=None), "PARSERS": ["relative-time", "absolute-time"], "STRICT_PARSING": False}
    return DateDataParser(languages=list(languages), settings=settings)


def _read(phrase: str, languages: tuple[str, ...], said: datetime) -> Interval | None:
    plain = " ".join(_NUMBERS.get(word.casefold(), word) for word in phrase.split())
    found = _parser(languages, said.astimezone(UTC)).get_date_data(plain)
    if found.date_obj is None:
        return None
    moment = found.date_obj.replace(tzinfo=UTC)
    if found.period == "week":
        return on.day(moment - timedelta(days=3))[0], on.day(moment + timedelta(days=3))[1]
    if found.period == "month":
        return on.month(moment.year, moment.month)
    return on.year(moment.year) if found.period == "year" else on.day(moment)
