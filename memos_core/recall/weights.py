"""What each step may lend at most. One flat set for every source: a step is off where its source lacks what it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """In units of a cosine."""

    words: float = 0.15
    context: float = 0.15
    meaning: float = 1.0
    who: float = 0.3
    asker: float = 0.15
    session: float = 0.15
    here: float = 0.05
    when: float = 0.15
    date: float = 0.35
    asks: float = 0.1
    talk_next: float = 0.1
    talk_session: float = 0.05

    @property
    def total(self) -> float:
        """The most that one memory can have: scores are shares of it."""
        own = self.words + self.context + self.meaning + self.who + self.session + self.here + self.when + self.date
        return own * (1 + self.talk_next + self.talk_session)


DEFAULT = Weights()
WORDS_ALONE = Weights(words=0.25, context=0.25, session=0.3, meaning=0.0, asks=0.03)
"""Without vectors: what meaning lent is not there, so words weigh more against who and when."""
