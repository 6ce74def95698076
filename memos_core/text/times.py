"""Whether a text says when. English, with the commonest words of Chinese, Japanese and Korean."""

from __future__ import annotations

import re
from collections.abc import Collection

from memos_core.text.words import analyse

_MONTHS = "january february april june july august september october november december"
_WEEKDAYS = "mondays? tuesdays? wednesdays? thursdays? fridays? saturdays? sundays?"
_ALONE = "yesterday today tonight tomorrow recently lately nowadays noon midnight weekends? christmas easter thanksgiving halloween"
_SEASONS = "mornings? evenings? summers? winters? springs? falls? autumns?"
_UNITS = "seconds? minutes? hours? days? nights? weeks? months? years? decades? semesters? " + _SEASONS
_SHORT = "jan feb mar march apr may jun jul aug sep sept oct nov dec"
_WHICH = "last next this past coming previous following every each same other earlier later"
_COUNTS = "an? one two three four five six seven eight nine ten eleven twelve few couple several many"


def _any(words: str) -> str:
    return "(?:" + "|".join(words.split()) + ")"


_PHRASES = re.compile(
    "|".join(
        (
            rf"\b{_any(_ALONE)}\b",
            rf"\b{_any(_MONTHS)}\b",
            rf"\b{_any(_WEEKDAYS)}\b",
            rf"\b{_any(_WHICH)} (?:\w+ |couple of )?(?:{_any(_UNITS)}|may|march)\b",
            rf"\b(?:\d+|{_any(_COUNTS)})(?: of| more)? {_any(_UNITS)}\b",
            rf"\b(?:in|since|during|until|by|of|early|late|mid) (?:the )?(?:may|march|{_any(_SEASONS)}|\d0s)\b",
            rf"\b{_any(_SHORT)}\.? \d",
            rf"\b\d\d?(?:st|nd|rd|th)? (?:of )?{_any(_SHORT)}\b",
            r"\b(?:19|20)\d\d(?:s|-\d\d)?\b",
            r"\b\d\d?/\d\d?(?:/\d\d(?:\d\d)?)?\b",
            r"\b\d\d?(?::\d\d)? ?[ap]\.?m\b",
            r"\bnew year",
        )
    )
)
_ASIAN = re.compile(
    "[今昨明前后後去]天|[今去明前]年|[上下这這本]个?(?:月|周|星期|礼拜)|[0-9一二三四五六七八九十]+[年月日号號]|周[一二三四五六日末天]|星期[一二三四五六日天]"
    "|昨日|今日|明日|先週|来週|先月|来月|어제|오늘|내일|지난|다음 ?[주달해]"
)
_DIGIT = re.compile(r"\d")
_SURE = frozenset(analyse(f"{_MONTHS} {_WEEKDAYS} {_ALONE}".replace("s?", ""))) - frozenset(analyse("recent late"))
_HINTS = frozenset(analyse(f"{_UNITS} {_SHORT} recently lately".replace("s?", "")))


def holds_time(text: str, terms: Collection[str] | None = None) -> bool:
    """Whether the text holds a time expression: a date, a weekday, "two weeks ago", "last summer".

    `terms` is what `analyse` makes of the text, where it is known: they decide most texts, and spare the rest the search.
    """
    known = analyse(text) if terms is None else terms
    if not _SURE.isdisjoint(known):
        return True
    if (not _HINTS.isdisjoint(known) or _DIGIT.search(text)) and _PHRASES.search(text.casefold()):
        return True
    return not text.isascii() and _ASIAN.search(text) is not None
