"""The arithmetic of the benches: pure functions over what was found and how long it took."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence
from itertools import accumulate
from statistics import fmean

Found = Sequence[Collection[str]]
"""What one search found: for each hit, best first, the ids of the messages that it holds."""


def recall_at(found: Found, evidence: Collection[str], k: int) -> float:
    """The share of the evidence that stands in the first k hits. `evidence` is not empty."""
    seen = {key for hit in found[:k] for key in hit}
    return sum(key in seen for key in evidence) / len(evidence)


def recall_within(found: Found, costs: Sequence[int], evidence: Collection[str], budget: int) -> float:
    """The same over the hits that fit into `budget` tokens, best first, the first that does not fit ends it."""
    fits = sum(total <= budget for total in accumulate(costs))
    return recall_at(found, evidence, fits)


def rank_of(found: Found, key: str) -> int | None:
    """The position (from 0) of the first hit that holds this message."""
    return next((rank for rank, hit in enumerate(found) if key in hit), None)


def above(found: Found, first: str, second: str) -> bool:
    """Whether `first` was found, and before `second` (which need not be found at all)."""
    a, b = rank_of(found, first), rank_of(found, second)
    return a is not None and (b is None or a < b)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least `share` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def interval(values: Sequence[float], *, rounds: int = 1000, seed: int = 7) -> tuple[float, float]:
    """A 95 % confidence interval of the mean, by the percentile bootstrap over the values (Efron 1979)."""
    draw = random.Random(seed)
    means = sorted(fmean(draw.choices(values, k=len(values))) for _ in range(rounds))
    return percentile(means, 0.025), percentile(means, 0.975)
