"""What recall gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ranking:
    """Memories by the ledger's numbers, best first, and columns of the same length.

    `scores` order this ranking, lie in 0..1 and do not depend on how many were asked for. `relevances` are the embedder's
    cosines, 0..1; of a memory without a vector, the share of the query's terms that it holds. `whys` name what each step
    lent, in units of the score. `took` is in milliseconds by step.
    """

    nrs: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    relevances: tuple[float, ...] = ()
    whys: tuple[Mapping[str, float], ...] = ()
    degraded: tuple[str, ...] = ()
    took: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.nrs)
