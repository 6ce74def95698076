"""How fast it adds and finds: `memos bench speed`. Each figure stands beside the bare limit and the peers, measured in the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos_core.bench import machine
from memos_core.bench.host import choose
from memos_core.bench.metrics import percentile
from memos_core.bench.report import Check, Curve, Plot, Report, Row, Table
from memos_core.bench.vectors import Remembering, Seeded, default_embedder
from memos_core.errors import EmbedderUnavailable, InvalidInput

if TYPE_CHECKING:
    from memos_core.bench.timings.adds import Pair
    from memos_core.bench.timings.rivals import Rival

SIZES, ROUNDS, BUDGET, MILLION = (1_000, 10_000, 100_000), 1000, 15.0, 1_000_000
SEARCH_BARS = {1_000: (0.3, None), 10_000: (0.8, None), 100_000: (8.0, 4.0)}
"""Milliseconds at so many memories in the scope: the bar, the aim."""
ADD_OVER_BARE = {"full": 1.0, "normal": 0.5}
BYTES_A_VECTOR = 768
PARTS = ("adds", "lists", "searches", "ratios", "embedding", "crowd", "start", "memory")
Progress = Callable[[str], None]


def _mid(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def _late(values: Sequence[float]) -> float:
    return percentile(values, 0.99)


@dataclass
class _Bench:
    """What is asked for, and what was found so far."""

    folder: Path
    sizes: tuple[int, ...]
    rounds: int
    seconds: float
    budget: float
    progress: Progress
    rivals: list[Rival] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    @property
    def repeats(self) -> int:
        """How often what takes long is done again."""
        return max(1, min(10, self.rounds // 50))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Row], note: str = "") -> None:
        self.tables.append(Table(title, tuple(columns), tuple(rows), f"{note} Load {machine.load()}.".strip()))


def _turns(count: int) -> list[str]:
    from memos_core.bench.timings.texts import Talk

    return Talk().turns(count)


def _add_rows(bench: _Bench, durability: str, alone: bool) -> list[Row]:
    from memos_core.bench.timings.adds import single

    name = f"{durability.upper()}, {'alone' if alone else 'in a burst'}"
    bench.progress(f"one add, {name}")
    pair = single(bench.folder / f"add-{durability}-{alone}", Seeded(), durability=durability, rounds=bench.rounds, alone=alone)
    ours, bare = (_mid(pair.ours), _late(pair.ours)), (_mid(pair.bare), _late(pair.bare))
    if not alone:
        over = ADD_OVER_BARE[durability]
        bench.checks += [
            Check(f"one add, {name}: p50 over the bare commit's", ours[0] - bare[0], over, at_most=True, unit="ms"),
            Check(f"one add, {name}: p99 / the bare p99", ours[1] / bare[1], 3.0, at_most=True, unit="x"),
        ]
    return [
        (f"memos, {name}", ours[0] / bare[0], *ours, min(pair.ours), pair.cpu, "yes"),
        (f"bare commit of the text, {durability.upper()}", 1.0, *bare, min(pair.bare), None, "yes"),
    ]


def _adds(bench: _Bench) -> None:
    rows = [row for durability in ("full", "normal") for alone in (True, False) for row in _add_rows(bench, durability, alone)]
    full = rows[1][2]
    assert isinstance(full, float)
    for rival in bench.rivals:
        if rival.add:
            mid = _mid(rival.add)
            rows.append(
                (
                    rival.name,
                    mid / full,
                    mid,
                    _late(rival.add),
                    min(rival.add),
                    rival.add_cpu,
                    "yes" if rival.facts.get("durable") else "no",
                )
            )
    bench.table(
        f"one add of one text, p50 of {bench.rounds}",
        ("system", "x bare", "p50 ms", "p99 ms", "min ms", "cpu ms", "durable"),
        rows,
        "Each of our adds is followed by a bare commit of the same text to a table on the same disk. Alone: half a moment after the last, "
        "with caches gone cold. Peers against the bare FULL commit.",
    )


def _lists(bench: _Bench) -> None:
    from memos_core.bench.timings.adds import LIST, lists

    bench.progress("adds of lists")
    rate, slowest, waited = lists(bench.folder / "lists", Seeded(), rounds=bench.repeats)
    rows: list[Row] = [("memos, FULL", rate, slowest, waited)]
    rows += [(rival.name, rival.rate, None, None) for rival in bench.rivals if rival.rate]
    bench.checks.append(Check("add of a list", rate, 8000, unit="/s"))
    bench.table(f"add of {LIST:,} messages at once", ("system", "memories/s", "slowest ms", "vectors done after s"), rows)


def _searches(bench: _Bench, turns: list[str], million: bool) -> None:
    from memos_core.bench.timings.searches import by_size
    from memos_core.bench.timings.texts import Talk

    rows: list[Row] = []
    found: dict[int, Pair] = {}
    for size in (*bench.sizes, *((MILLION,) if million else ())):
        bench.progress(f"search at {size:,}")
        some = turns[:size] if size <= len(turns) else _turns(size)
        questions, budget = Talk(9).questions(some, bench.rounds), bench.budget * (8 if size >= MILLION else 2)
        embedder = Remembering(Seeded())
        pair, filled = by_size(bench.folder / f"search-{size}", embedder, some, questions, budget=budget, session=max(100, size // 1000))
        found[size] = pair
        mid, bare = _mid(pair.ours), _mid(pair.bare)
        rows.append(("memos", size, mid / bare, mid, _late(pair.ours), min(pair.ours), pair.cpu, bare, len(pair.ours)))
        bench.notes.append(
            f"{size:,} memories were added in {filled.add_seconds:.1f} s, their vectors done {filled.wait_seconds:.1f} s later."
        )
        bar, aim = SEARCH_BARS.get(size, (0.0, None))
        if bar:
            bench.checks.append(Check(f"search at {size:,}", mid, bar, aim, at_most=True, unit="ms"))
        if size == 100_000:
            bench.checks.append(Check("search at 100,000 / a bare float16 scan", mid / bare, 3.0, at_most=True, unit="x"))
    for rival in bench.rivals:
        for size, took in rival.search.items():
            bare = _mid(found[size].bare)
            rows.append((rival.name, size, _mid(took) / bare, _mid(took), _late(took), min(took), rival.search_cpu[size], bare, len(took)))
    bench.table(
        "search, ten hits, the question's vector known",
        ("system", "memories", "x bare scan", "p50 ms", "p99 ms", "min ms", "cpu ms", "bare scan ms", "searches"),
        rows,
        "Bare: one numkong pass over one float16 vector a memory, turn about with ours. Every question is new to the memory.",
    )
    bench.curves.append(Curve("memos", tuple((float(size), _mid(pair.ours)) for size, pair in found.items())))
    bench.curves.append(Curve("bare float16 scan", tuple((float(size), _mid(pair.bare)) for size, pair in found.items())))
    bench.curves += [
        Curve(rival.name, tuple((float(size), _mid(took)) for size, took in rival.search.items())) for rival in bench.rivals if rival.search
    ]


def _ratios(bench: _Bench, turns: list[str]) -> None:
    from memos_core.bench.timings.searches import ratios
    from memos_core.bench.timings.texts import Talk

    bench.progress("filter and second user")
    some = turns[: sorted(bench.sizes)[min(1, len(bench.sizes) - 1)]]
    rows: list[Row] = []
    for name, pair in ratios(
        bench.folder / "ratios", Remembering(Seeded()), some, Talk(10).questions(some, bench.rounds), budget=bench.budget
    ).items():
        rows.append((f"memos, {name}", _mid(pair.ours) / _mid(pair.bare), _mid(pair.ours), _mid(pair.bare)))
        bench.checks.append(Check(f"what {name} costs", _mid(pair.ours) / _mid(pair.bare), 1.2, at_most=True, unit="x"))
    bench.table(
        f"what it costs at {len(some):,}", ("search with", "x without", "p50 ms", "without, p50 ms"), rows, "Turn about in one loop."
    )


def _embedding(bench: _Bench) -> None:
    from memos_core.bench.sets.updates import make
    from memos_core.bench.timings.searches import question_embedding

    try:
        embedder = default_embedder()
    except EmbedderUnavailable as exc:
        bench.notes.append(f"The question's embedding was not measured: {exc}")
        bench.checks.append(Check("the question's embedding", None, 3.0, at_most=True, unit="ms"))
        return
    bench.progress("the question's embedding")
    took = question_embedding(embedder, list(dict.fromkeys(case.ask.text for case in make(1)[1])))
    bench.checks.append(Check("the question's embedding", _mid(took), 3.0, at_most=True, unit="ms"))
    row: Row = (embedder.name, _mid(took), _late(took), min(took), len(took))
    bench.table("the question's embedding", ("model", "p50 ms", "p99 ms", "min ms", "questions"), (row,))


def _small(bench: _Bench) -> int:
    """The size at which start and crowd are measured: ten thousand, or the nearest that was asked for."""
    return min(bench.sizes, key=lambda size: abs(size - 10_000))


def _crowd(bench: _Bench, turns: list[str]) -> None:
    from memos_core.bench.timings.crowd import READERS, crowd
    from memos_core.bench.timings.texts import Talk

    size = _small(bench)
    bench.progress(f"{READERS} readers and a writer")
    home = _filled(bench, turns[:size], "crowd")
    found = crowd(home, Talk(12).questions(turns[:size], 800), seconds=bench.seconds)
    bench.checks += [
        Check(f"{READERS} readers and a writer at {size:,}: searches", found.searches, 1000, unit="/s"),
        Check(f"{READERS} readers and a writer at {size:,}: adds", found.adds, 500, unit="/s"),
        Check(f"{READERS} readers and a writer: errors", len(found.errors), 0, at_most=True),
    ]
    bench.notes += [f"readers and writer: {error}" for error in dict.fromkeys(found.errors)]
    row: Row = ("memos", found.searches, found.adds, len(found.errors))
    title = f"{READERS} processes that search and one that adds, {bench.seconds:g} s, {size:,} memories"
    bench.table(title, ("system", "searches/s", "adds/s", "errors"), (row,))


def _filled(bench: _Bench, turns: list[str], name: str, embedder: Seeded | None = None) -> Path:
    """A closed folder with these turns as user `one`'s, and a few of user `few`'s."""
    from memos_core.bench.ours import open_memory
    from memos_core.bench.timings.searches import fill

    home = bench.folder / name
    with open_memory(home, Remembering(embedder or Seeded())) as mos:
        fill(mos, turns, "one")
        fill(mos, turns[:50], "few")
    return home


def _start(bench: _Bench, turns: list[str]) -> None:
    from memos_core.bench.timings.start import first_hit_seconds, import_seconds
    from memos_core.bench.timings.texts import Talk

    size = _small(bench)
    bench.progress("import and first hit")
    imports = import_seconds(bench.repeats)
    rows: list[Row] = [("from memos_core import MOS", _mid(imports), min(imports))]
    bench.checks.append(Check("from memos_core import MOS", _mid(imports), 0.3, at_most=True, unit="s"))
    try:
        home = _filled(bench, turns[:size], "start", Seeded(posing_as=default_embedder()))
    except EmbedderUnavailable:
        bench.checks.append(Check(f"process start to first hit on {size:,}", None, 0.6, at_most=True, unit="s"))
    else:
        first = first_hit_seconds(home, Talk(13).questions(turns[:size], 1)[0], bench.repeats)
        rows.append((f"process start to first hit on {size:,}", _mid(first), min(first)))
        bench.checks.append(Check(f"process start to first hit on {size:,}", _mid(first), 0.6, at_most=True, unit="s"))
    note = "The first hit pays for loading the real model and embedding the question with it; the vectors compared are the made-up ones."
    bench.table("fresh processes", ("", "p50 s", "min s"), rows, note)


def _memory(bench: _Bench, turns: list[str]) -> None:
    from memos_core.bench.ours import open_memory
    from memos_core.bench.timings.searches import fill
    from memos_core.bench.timings.start import grown_bytes
    from memos_core.bench.timings.texts import Talk

    some = turns[: min(max(bench.sizes), 100_000)]
    bench.progress(f"memory at {len(some):,}")
    counting = Remembering(Seeded())
    home = bench.folder / "grown"
    with open_memory(home, counting) as mos:
        fill(mos, some, "one", size=max(100, len(some) // 1000))
        vectors = counting.count
        fill(mos, some[:50], "few")
    grown, mapped = grown_bytes(home, Talk(14).questions(some, 10))
    each = (grown - vectors * BYTES_A_VECTOR) / len(some)
    bench.checks.append(Check("RAM a memory without its vectors", each, 1024, at_most=True, unit="B"))
    row: Row = ("memos", each, grown / 1e6, vectors * BYTES_A_VECTOR / 1e6, vectors / len(some), mapped / 1e6)
    columns = ("system", "bytes a memory", "grown MB", "of these vectors MB", "vectors a memory", "mapped file MB")
    bench.table(
        f"RAM of a process that searches {len(some):,} memories",
        columns,
        (row,),
        "Growth over a scope of 50; float16 vectors are taken off, further copies of them are not. Mapped pages are not counted.",
    )


def _versions(facts: Mapping[str, Any]) -> str:
    return "(" + (", ".join(f"{name} {version}" for name, version in facts["versions"].items()) or "standard library") + ")"


def _measure_rivals(bench: _Bench, peers: Sequence[str] | None, turns: list[str], install: bool) -> dict[str, str]:
    from memos_core.bench.timings.rivals import measure
    from memos_core.bench.timings.texts import Talk

    specs = choose(peers)
    if not specs:
        return {}
    bench.progress("vectors for the peers")
    some = turns[: max(bench.sizes)]
    asked = {size: Talk(9).questions(some[:size], bench.rounds) for size in bench.sizes}
    extra = [f"{text} again." for text in some[: bench.rounds]]
    largest = asked[max(bench.sizes)]
    vectors = Remembering(Seeded()).save([*some, *extra, *largest], bench.folder / "vectors")
    for spec in specs:
        home = bench.folder / spec.script
        bench.rivals.append(
            measure(
                spec,
                some,
                largest,
                sizes=bench.sizes,
                rounds=bench.rounds,
                home=home,
                vectors=vectors,
                budget=bench.budget,
                install=install,
                progress=bench.progress,
            )
        )
    for rival in bench.rivals:
        if rival.facts:
            bench.notes.append(f"{rival.name}: {rival.facts['note']} {_versions(rival.facts)}")
    return {rival.name: rival.missing for rival in bench.rivals if rival.missing}


def run(
    *,
    peers: Sequence[str] | None = None,
    sizes: Sequence[int] = SIZES,
    rounds: int = ROUNDS,
    seconds: float = 5.0,
    budget: float = BUDGET,
    million: bool = False,
    parts: Sequence[str] | None = None,
    folder: Path | None = None,
    install: bool = True,
    progress: Progress = lambda _: None,
) -> Report:
    """The whole bench on the disk under `folder` (default: where temporary files go).

    `rounds` operations make a percentile, unless `budget` seconds are spent before; `seconds` is how long readers and
    writer run; `parts` names which questions are measured (None: all).
    """
    from memos_core.bench.timings.start import ChildFailed

    if unknown := set(parts or ()) - set(PARTS):
        raise InvalidInput("parts", f"{', '.join(sorted(unknown))} is not known.", f"Known: {', '.join(PARTS)}.")
    if not sizes or min(sizes) < 50:
        raise InvalidInput("sizes", "must be one or more numbers of at least 50.")
    wanted = set(PARTS if parts is None else parts)
    with tempfile.TemporaryDirectory(prefix="memos-bench-", dir=folder) as name:
        bench = _Bench(Path(name), tuple(sorted(sizes)), rounds, seconds, budget, progress)
        facts = machine.describe(bench.folder)
        if machine.busy():
            bench.notes.append("The machine is busy with other work: judge by min and cpu, and by ratios measured turn about.")
        turns = _turns(max(bench.sizes))
        missing = _measure_rivals(bench, peers, turns, install)
        steps: dict[str, Callable[[], None]] = {
            "adds": lambda: _adds(bench),
            "lists": lambda: _lists(bench),
            "searches": lambda: _searches(bench, turns, million),
            "ratios": lambda: _ratios(bench, turns),
            "embedding": lambda: _embedding(bench),
            "crowd": lambda: _crowd(bench, turns),
            "start": lambda: _start(bench, turns),
            "memory": lambda: _memory(bench, turns),
        }
        for part, step in steps.items():
            if part in wanted:
                try:
                    step()
                except ChildFailed as exc:
                    bench.checks.append(Check(part, None, 0.0))
                    bench.notes.append(f"{part} was not measured to its end: {exc}")
    plots = (Plot("One search by size of the scope", "memories in the scope", "p50 ms", tuple(bench.curves), log=True),)
    return Report("speed", facts, tuple(bench.tables), tuple(bench.checks), missing, tuple(bench.notes), plots if bench.curves else ())
