"""What a question is after: a time, how things are now, how they were before, advice. English, with a little Chinese."""

from __future__ import annotations

import re

from memos_core.text.irregular import BASES

_WHEN = re.compile(
    r"\bwhen\b|\bwhat (?:time|date|day|month|year|season)\b|\bwhich (?:date|day|month|year|season|weekend|week)\b"
    r"|\bhow long (?:ago|since|has|have|had)\b|\bsince when\b|什么时候|什麼時候|何时|何時|哪天|哪年|几点|いつ|언제"
)
_BEFORE = re.compile(
    r"\b(?:used to|did (?:\w+ ){1,2}use to|previous|previously|former|formerly|originally|original|in the past)\b"
    r"|\b(?:back then|at first|earlier|prior to)\b"
    r"|\bbefore\s*(?:[?.!]|$|that\b|then\b|this\b|now\b|moving\b|switching\b|changing\b|i (?:moved|switched|changed)\b"
    r"|\b(?:he|she|they) (?:moved|switched|changed)\b)"
    r"|\b(?:did|was|were|had)\b.*\bbefore (?!the\b|an?\b|her\b|his\b|their\b|my\b|our\b)[^\d\W]+(?:\W+[^\d\W]+){0,2}\W*$"
    r"|\b(?:first|initially|old|ex)\b|\bdid \w+ (?:\w+ )?(?:stop|quit|leave|give up)\b|以前|之前|曾经|過去|过去|原来"
)
_PAST = re.compile(
    r"\b(?:was|were|did|had|ago|yesterday|last|change[ds]?|changing|switch(?:ed)?|became|histor\w+|ever|once|since|until|"
    r"when(?!'s| (?:is|are|do|does)\b)|"
    r"first|before|after|during|while|originally|19\d\d|20\d\d|"
    r"why|say|says|tell|tells|mention\w*|describe\w*|explain\w*|happen\w*|according)\b|\w(?:was|were|did|had)n't\b|了吗|过吗"
)
_PRESENT = re.compile(r"\b(?:is|are|am|do|does|has|have|can)\b|\w'(?:s|re|m|ve)\b|现在|目前|最近|今")
_PERFECT = re.compile(rf"(?:\b(?:has|have)|'ve)\b.*\b(?:been|done|had|read|\w{{3,}}ed|{'|'.join(BASES)})\b")
_NOW = re.compile(
    r"\b(?:now|nowadays|currently|current|presently|these days|at the moment|at present|today|latest|newest|most recent)\b|现在|目前"
)
_KEYWORDS = 4
_ADVICE = re.compile(
    r"\b(?:recommend\w*|suggest\w*|advi[cs]e|should|would|could|might|ideas?|tips?|help me|plan|propose|how (?:can|do) i|give me|write|"
    r"best way)\b|推荐|建议"
)
_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i've|i'd|i'll|me|my|mine|myself|we|our|us)\b|我|私|俺|僕|저는|제가|나의|내가")
_OF_YOU = re.compile(
    r"\b(?:did|have|had) you\b|\byou(?:'d|'ve| had| have)? (?:said|told|suggested|recommended|mentioned|gave|given|wrote|written|"
    r"explained|listed|advised|proposed|provided|shared|showed)\b|\byour (?:advice|suggestions?|recommendations?|answer|explanation)\b"
)
_MARKERS = frozenset(
    """previous previously old former formerly originally original earlier initially past used change changed changing move moved moving
    switch switched switching current currently presently nowadays latest newest recent recently moment still""".split()
)
_MARKED = re.compile(r"[a-z]+")


def without_markers(text: str) -> str:
    """The text without the words that say which state of a thing is meant: they would find the news of a change, not the state."""
    return _MARKED.sub(lambda word: "" if word[0] in _MARKERS else word[0], text.casefold())


def asks_when(text: str) -> bool:
    """Whether the answer is a time."""
    return _WHEN.search(text.casefold()) is not None


def asks_before(text: str) -> bool:
    """Whether it asks how things were before they changed."""
    return _BEFORE.search(text.casefold()) is not None


def says_now(text: str) -> bool:
    """Whether it names the present: "now", "currently", "these days"."""
    return _NOW.search(text.casefold()) is not None


def speaks_of_past(text: str) -> bool:
    """Whether it holds a word of the past or of change."""
    return _PAST.search(text.casefold()) is not None


def speaks_of_now(text: str) -> bool:
    """Whether a question is about how things are now: it says so, or is in the present tense (or a few bare keywords) with no word of
    the past or of change. To be asked of what neither asks how things were before nor for advice."""
    folded = text.casefold()
    if says_now(text):
        return True
    if _PAST.search(folded) or _PERFECT.search(folded):
        return False
    return _PRESENT.search(folded) is not None or folded.count(" ") < _KEYWORDS


def asks_advice(text: str) -> bool:
    """Whether it asks for advice or for something to be made: it names a task, not what is known that matters for it."""
    return _ADVICE.search(text.casefold()) is not None


def asks_what_you_said(text: str) -> bool:
    """Whether it asks for what the machine said before."""
    return _OF_YOU.search(text.casefold()) is not None


def in_first_person(text: str) -> bool:
    """Whether who asks speaks of themselves."""
    return _FIRST_PERSON.search(text.casefold()) is not None
