"""The same questions to the peers: one add, a list, a search by size, each in the peer's own process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from memos_core.bench.host import PeerFailed, PeerMissing, PeerProcess, PeerSpec

LIST = 1000


@dataclass
class Rival:
    """What one peer needed, in milliseconds; `search` by the size of the scope. `rate` is texts a second of lists of a thousand."""

    name: str
    facts: dict[str, object] = field(default_factory=dict)
    add: list[float] = field(default_factory=list)
    add_cpu: float | None = None
    rate: float | None = None
    search: dict[int, list[float]] = field(default_factory=dict)
    search_cpu: dict[int, float] = field(default_factory=dict)
    missing: str = ""


def measure(
    spec: PeerSpec,
    turns: Sequence[str],
    questions: Sequence[str],
    *,
    sizes: Sequence[int],
    rounds: int,
    home: Path,
    vectors: tuple[Path, Path],
    budget: float,
    install: bool,
    progress: Callable[[str], None],
) -> Rival:
    """Fills it to each size in turn and searches there; single adds come at the smallest size. What it took until it failed is kept."""
    rival = Rival(spec.name)
    try:
        with PeerProcess(spec, home=home, texts=vectors[0], vectors=vectors[1], install=install) as peer:
            rival.facts = peer.facts
            peer.ask("fill", user="warm", ids=["w0", "w1"], contents=list(turns[:2]))
            have = 0
            for size in sorted(size for size in sizes if size <= spec.largest):
                progress(f"{spec.name} at {size:,}")
                rival.rate = _fill(peer, turns, have, size, budget) or rival.rate
                have = size
                if not rival.add:
                    extra = [f"{text} again." for text in turns[:rounds]]
                    keys = [f"x{number}" for number in range(len(extra))]
                    added = peer.ask("add", user="one", ids=keys, contents=extra, budget=budget)
                    rival.add, rival.add_cpu = added["ms"][rounds // 10 :], added["cpu"]
                peer.ask("search", user="one", queries=list(questions[:5]), k=10, hits=False)
                found = peer.ask("search", user="one", queries=list(questions), k=10, hits=False, budget=budget)
                rival.search[size], rival.search_cpu[size] = found["ms"], found["cpu"]
    except (PeerMissing, PeerFailed) as exc:
        rival.missing = str(exc)
    return rival


def _fill(peer: PeerProcess, turns: Sequence[str], have: int, size: int, budget: float) -> float | None:
    """From `have` texts to `size`; gives texts a second. A peer that needs ten budgets for it has failed."""
    if size <= have:
        return None
    keys = [str(number) for number in range(have, size)]
    done = peer.ask("fill", user="one", ids=keys, contents=list(turns[have:size]), budget=10 * budget)
    if done["done"] < len(keys):
        raise PeerFailed(f"took {done['done']:,} of {len(keys):,} texts in {done['seconds']:.0f} s")
    return float(done["done"] / done["seconds"])
