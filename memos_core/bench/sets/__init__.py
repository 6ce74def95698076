"""Sets of the bench's own, made by seed: updates, preferences, tools, isolation, deletion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memos_core.bench.host import PeerFailed, PeerMissing, PeerSpec
from memos_core.bench.report import Check, Report, Row, Table
from memos_core.bench.sets import preferences, probes, tools, updates
from memos_core.bench.systems import NO_VECTORS, Ask, Run, Story, bare, with_speaker
from memos_core.errors import InvalidInput

if TYPE_CHECKING:
    from memos_core.bench.vectors import Remembering

SETS = ("updates", "preferences", "tools", "isolation")
"""Their names; `isolation` holds the probes after deletion too."""
OURS = "memos"
DEPTH = 20


class Bench:
    """What every set needs: the embedder, a folder, the peers, and whom to tell how far it is."""

    def __init__(
        self,
        specs: Sequence[PeerSpec],
        embedder: Remembering | None,
        folder: Path,
        seed: int,
        install: bool,
        progress: Callable[[str], None],
    ) -> None:
        self.specs, self.embedder, self.folder = specs, embedder, folder
        self.seed, self.install, self.progress = seed, install, progress

    def runs(
        self,
        name: str,
        stories: Sequence[Story],
        asks: Sequence[Ask],
        *,
        speaker: bool,
        for_peers: Sequence[Story] | None = None,
        undone: bool = False,
    ) -> tuple[list[Run], dict[str, str]]:
        """All systems on one set; peers in the form that serves them best: with speakers where there are any."""
        from memos_core.bench.recall import UNDONE, run_all

        form = with_speaker if speaker else bare
        runs, missing = run_all(
            stories,
            asks,
            self.specs,
            embedder=self.embedder,
            folder=self.folder / name,
            progress=lambda text: self.progress(f"{name}: {text}"),
            install=self.install,
            forms=(form,),
            k=DEPTH,
            for_peers=for_peers,
        )
        return [run for run in runs if undone or run.system != UNDONE], missing


def _ours(rows: Sequence[Row], column: int) -> float | None:
    values = [row[column] for row in rows if row[0] == OURS]
    return float(values[0]) if values and isinstance(values[0], int | float) else None


def _updates(bench: Bench) -> Report:
    stories, cases = updates.make(bench.seed)
    runs, missing = bench.runs("updates", stories, [case.ask for case in cases], speaker=True, undone=True)
    rows: list[Row] = [
        (
            run.system.removesuffix(", speaker: turn"),
            updates.share(run, cases, past=False),
            *(updates.share(run, cases, past=False, told=(told,)) for told in updates.TOLD),
            updates.share(run, cases, past=True),
            updates.share(run, cases, past=False, told=("aside",)),
        )
        for run in runs
    ]
    counted = [case for case in cases if case.told in updates.TOLD]
    title = f"updates: {len(counted):,} questions about {len(counted) // 2} facts that were told anew"
    columns = ("system", "new above old", "told as change", "told silently", "before: old first", "(now, told aside)")
    note = "Not found among the first ten counts as lost. Told aside: the new value shows only in passing; not in the other figures."
    checks = (Check("updates: new above old", _ours(rows, 1), 0.80), Check("updates: before, old first", _ours(rows, 4), 0.80))
    return Report("recall", {}, (Table(title, columns, tuple(rows), note),), checks, missing)


def _preferences(bench: Bench) -> Report:
    stories, cases = preferences.make(bench.seed)
    runs, missing = bench.runs("preferences", stories, [case.ask for case in cases], speaker=False)
    rows: list[Row] = [(run.system, *(preferences.hit_at(run, cases, k) for k in (1, 5, 10, 20))) for run in runs]
    title = f"preferences: {len(cases)} requests that do not name them, {len(stories[0].lines)} lines a user"
    return Report("recall", {}, (Table(title, ("system", "hit@1", "hit@5", "hit@10", "hit@20"), tuple(rows)),), (), missing)


def _tools(bench: Bench) -> Report:
    stories, cases = tools.make(bench.seed)
    texts = [tools.for_stores(story) for story in stories]
    runs, missing = bench.runs("tools", stories, [case.ask for case in cases], speaker=False, for_peers=texts)
    rows: list[Row] = [(run.system, *(tools.hit_at(run, cases, k) for k in (1, 5, 10))) for run in runs]
    title = f"tools: {len(cases)} new tasks, {len(stories[0].lines) // 4} traces a user"
    return Report("recall", {}, (Table(title, ("system", "hit@1", "hit@5", "hit@10"), tuple(rows)),), (), missing)


def _isolation(bench: Bench) -> Report:
    folder = bench.folder / "isolation"
    bench.progress("isolation: memos")
    asked, leaks, lost = probes.isolation(folder / "reads", bench.embedder, bench.seed)
    back = probes.deletion(folder / "gone", bench.embedder, bench.seed)
    after = len(back["delete"]) + len(back["erase"])
    rows: list[Row] = [(OURS, asked, leaks, lost, after)]
    missing: dict[str, str] = {}
    vectors = bench.embedder.save(probes.vector_texts(bench.seed), folder / "vectors") if bench.embedder else None
    for spec in bench.specs:
        if vectors is None:
            missing[spec.name] = NO_VECTORS
            continue
        bench.progress(f"isolation: {spec.name}")
        try:
            rows.append(
                (spec.name, probes.USERS * (probes.USERS - 1), *probes.peer(spec, folder / spec.script, vectors, bench.seed, bench.install))
            )
        except (PeerMissing, PeerFailed) as exc:
            missing[spec.name] = str(exc)
    note = "Ours over every way to read, after delete and after erase; the peers over search, after their delete."
    still = "".join(f" Still seen after {verb}: {', '.join(sorted(set(names)))}." for verb, names in back.items() if names)
    columns = ("system", "foreign probes", "foreign found", "own not found", "found after delete")
    checks = (
        Check("isolation: foreign found", leaks, 0, at_most=True),
        Check("isolation: own not found", lost, 0, at_most=True),
        Check("deletion: found after delete or erase", after, 0, at_most=True),
    )
    return Report("recall", {}, (Table("isolation and deletion", columns, tuple(rows), note + still),), checks, missing)


_RUN: dict[str, Callable[[Bench], Report]] = {
    "updates": _updates,
    "preferences": _preferences,
    "tools": _tools,
    "isolation": _isolation,
}


def run_sets(
    names: Sequence[str] | None,
    specs: Sequence[PeerSpec],
    *,
    embedder: Remembering | None,
    folder: Path,
    seed: int,
    install: bool,
    progress: Callable[[str], None],
) -> list[Report]:
    """The sets of these names, None for all. Raises InvalidInput for a name that is none."""
    if unknown := set(names or ()) - set(SETS):
        raise InvalidInput("sets", f"{', '.join(sorted(unknown))} is not known.", f"Known: {', '.join(SETS)}.")
    bench = Bench(specs, embedder, folder, seed, install, progress)
    return [_RUN[name](bench) for name in (SETS if names is None else names)]
