"""The one analyser: text -> terms. What is indexed and what is asked go through it alike, on every back end."""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib

import Stemmer

from memos_core.text.irregular import BASES

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_PIECES = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:['\u2019][^\W_{_CJK}]+)?")
_ASCII = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)?")
_IS_CJK = re.compile(rf"[{_CJK}]")

STOP_WORDS = frozenset(
    """a about above after again all also am an and any are aren't as at be because been before being below between
    both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each few for from
    further had hadn't has hasn't have haven't having he her here hers herself him himself his how i i'd i'll i'm i've
    if in into is isn't it it's its itself just let's me more most my myself no nor not now of off on once only or other our
    ours ourselves out over own same she should shouldn't so some such than that that's the their theirs them themselves
    then there there's these they they'd they'll they're they've this those through to too under until up us very was
    wasn't we we'd we'll we're we've were weren't what what's when where which while who whom why will with won't would
    wouldn't yes yeah oh you you'd you'll you're you've your yours yourself yourselves""".split()
)
"""English function words. They carry no topic, and in BM25 they cost more than they give."""

_CACHE_LIMIT = 200_000
_stemmers = threading.local()
_known: dict[str, str] = dict.fromkeys(STOP_WORDS, "")


def _term(word: str) -> str:
    """The term of one lower-case word, "" for a stop word."""
    term = _known.get(word)
    if term is None:
        stemmer = getattr(_stemmers, "porter", None)
        if stemmer is None:
            stemmer = _stemmers.porter = Stemmer.Stemmer("porter", 0)
        bare = word.split("'", 1)[0]
        bare = bare if len(bare) > 1 else word.replace("'", "")
        term = "" if bare in STOP_WORDS else stemmer.stemWord(BASES.get(bare, bare))
        if len(_known) > _CACHE_LIMIT:
            _known.clear()
            _known.update(dict.fromkeys(STOP_WORDS, ""))
        _known[word] = term
    return term


def analyse(text: str) -> list[str]:
    """The terms of a text in order: folded, stop words out, irregular forms and Porter stems; Chinese, Japanese and Korean as bigrams."""
    if text.isascii():
        known = _known.get  # another thread may empty it at any time
        return [term for piece in _ASCII.findall(text.lower()) if (term := _term(piece) if (kept := known(piece)) is None else kept)]
    text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    terms: list[str] = []
    for piece in _PIECES.findall(text.casefold()):
        if _IS_CJK.match(piece):
            terms.extend(piece[i : i + 2] for i in range(len(piece) - 1)) if len(piece) > 1 else terms.append(piece)
        elif term := _term(piece):
            terms.append(term)
    return terms


def code(term: str) -> int:
    """A term as 32 bits, the same on every machine (CRC-32). 0 is never a term's code: it separates passages."""
    return zlib.crc32(term.encode()) or 1


def is_cjk(text: str) -> bool:
    """Whether Chinese, Japanese or Korean script makes up most of the letters of a text."""
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and sum(bool(_IS_CJK.match(c)) for c in letters) * 2 > len(letters)
