"""Made-up talk with the statistics of real talk: a Zipf vocabulary of forty thousand words, turns of conversation length.

Half of what is said are function words; the rest follows Zipf's law as Mandelbrot corrected it, p(rank) ~ 1 / (rank + 2.7).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

VOCABULARY, FUNCTION_SHARE = 40_000, 0.45
MEAN_WORDS, SPREAD = 20.0, 0.55
"""Of a turn: log-normal, about 23 words and 130 characters on average, as in recorded chats."""
SESSION, SPEAKERS = 100, ("Nora", "Felix")
START = datetime(2024, 1, 8, 9, tzinfo=UTC)
FUNCTION = (
    "the I to and a it you that of in is was for on my we have with so but be me this at just are not they like what about "
    "do all really your had if there when he she as it's I'm out up one can were been would some from an or her his them"
).split()
_SYLLABLES = (
    "ba be bi bo bra ca ce cho da de dra el en fa fi flo ga ge gri ha he in ka ke kli la le lo ma me mi mo na ne no or pa pe pla ra re "
    "ri ro sa se shi so sta ta te ti to tri un va ve vi wa we wi ya zo"
).split()


@cache
def vocabulary() -> list[str]:
    """Distinct made-up words, the frequent ones shorter; the same for every talk."""
    draw = random.Random(1)
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        longest = 2 + (len(words) > 300) + (len(words) > 8000)
        words["".join(draw.choices(_SYLLABLES, k=draw.randint(2, longest)))] = None
    return list(words)


class Talk:
    """Texts without end from one seed; the same seed gives the same texts."""

    def __init__(self, seed: int = 3) -> None:
        import numpy as np

        self._draw = np.random.default_rng(seed)
        self._words = vocabulary()
        weights = 1.0 / (np.arange(VOCABULARY) + 2.7)
        self._weights = np.cumsum(weights / weights.sum())

    def turns(self, count: int) -> list[str]:
        """So many turns."""
        import numpy as np

        lengths = np.clip(self._draw.lognormal(np.log(MEAN_WORDS), SPREAD, count), 3, 120).astype(int)
        total = int(lengths.sum())
        content = np.minimum(np.searchsorted(self._weights, self._draw.random(total)), VOCABULARY - 1)
        is_function = self._draw.random(total) < FUNCTION_SHARE
        function = self._draw.integers(0, len(FUNCTION), total)
        words = [FUNCTION[f] if light else self._words[c] for light, f, c in zip(is_function, function, content, strict=True)]
        turns, at = [], 0
        for length in lengths:
            turns.append(" ".join(words[at : at + length]).capitalize() + ".")
            at += length
        return turns

    def questions(self, turns: list[str], count: int) -> list[str]:
        """Distinct questions of about nine words, each about something that was said in one of the turns."""
        asked: dict[str, None] = {}
        while len(asked) < count:
            said = [word for word in turns[int(self._draw.integers(len(turns)))].strip(".").split() if word.lower() not in FUNCTION]
            picked = [said[int(i)] for i in self._draw.permutation(len(said))[:4]]
            if picked:
                asked[f"What did we say about {' '.join(picked).lower()}?"] = None
        return list(asked)


def messages(turns: list[str], first: int = 0) -> list[dict[str, Any]]:
    """Turns as two people's messages, thirty seconds apart; `first` is the number of the first."""
    at = START + timedelta(seconds=30 * first)
    return [
        {"role": "user", "name": SPEAKERS[n % 2], "content": text, "chat_time": (at + timedelta(seconds=30 * n)).isoformat()}
        for n, text in enumerate(turns)
    ]


def sessions(turns: list[str], size: int = SESSION) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Turns as sessions of so many messages."""
    for start in range(0, len(turns), size):
        yield f"s{start // size}", messages(turns[start : start + size], start)
