"""How much of what answers a question comes back: `memos bench recall`.

Questions with known evidence over conversations of LoCoMo's shape, and sets of the bench's own; every system gets
the same texts and the same vectors, and is asked the same questions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from memos_core.bench import locomo, machine
from memos_core.bench.host import PeerFailed, PeerMissing, PeerSpec, choose
from memos_core.bench.metrics import interval, recall_at, recall_within
from memos_core.bench.report import Cell, Check, Curve, Plot, Report, Row, Table
from memos_core.bench.systems import NO_VECTORS, Ask, Line, Run, Story, bare, run_ours, run_peer, undone, with_speaker
from memos_core.bench.vectors import Remembering, default_embedder, token_counter
from memos_core.errors import EmbedderUnavailable, InvalidInput

if TYPE_CHECKING:
    from memos_core.inference.base import Embedder

DEPTH, CUTS, BUDGET = 50, (1, 5, 10, 20), 1024
OURS, WORDS, UNDONE = "memos", "memos, no embedder", "memos, newest first undone"
Progress = Callable[[str], None]


def stories_of(conversations: Sequence[locomo.Conversation]) -> list[Story]:
    return [
        Story(talk.id, tuple(Line(turn.id, turn.session, turn.speaker, turn.text, turn.at) for turn in talk.turns))
        for talk in conversations
    ]


def vector_texts(stories: Sequence[Story], asks: Sequence[Ask]) -> list[str]:
    """All that a peer may want embedded."""
    lines = [line for story in stories for line in story.lines]
    return [*map(bare, lines), *map(with_speaker, lines), *(ask.text for ask in asks)]


def run_all(
    stories: Sequence[Story],
    asks: Sequence[Ask],
    specs: Sequence[PeerSpec],
    *,
    embedder: Remembering | None,
    folder: Path,
    progress: Progress,
    install: bool = True,
    forms: Iterable[Callable[[Line], str]] = (bare, with_speaker),
    k: int = DEPTH,
    for_peers: Sequence[Story] | None = None,
) -> tuple[list[Run], dict[str, str]]:
    """Ours with and without vectors, then each peer in each form; and for each peer that is missing, why.

    `for_peers` are the stories as a store takes them that knows less of messages.
    """
    plain = stories if for_peers is None else for_peers
    runs, missing = [], {}
    if embedder is not None:
        progress(OURS)
        runs.append(run_ours(OURS, stories, asks, home=folder / "memos", embedder=embedder, k=k))
        runs.append(undone(runs[0]))
    progress(WORDS)
    runs.append(run_ours(WORDS, stories, asks, home=folder / "words", embedder=None, k=k))
    vectors = embedder.save(vector_texts(plain, asks), folder / "vectors") if embedder is not None and specs else None
    for spec in specs:
        if vectors is None:
            missing[spec.name] = NO_VECTORS
            continue
        for form in forms:
            progress(f"{spec.name} ({form.__name__})")
            try:
                home = folder / f"{spec.script}-{form.__name__}"
                runs.append(run_peer(spec, plain, asks, home=home, vectors=vectors, k=k, form=form, install=install))
            except (PeerMissing, PeerFailed) as exc:
                missing[spec.name] = str(exc)
                break
    return runs, missing


def _row(run: Run, questions: Sequence[locomo.Question], count: Callable[[str], int]) -> Row:
    pairs = list(zip(run.answers, questions, strict=True))
    recalls = [fmean(recall_at(answer.held, question.evidence, k) for answer, question in pairs) for k in CUTS]
    costs = [[count(text) for text in answer.texts] for answer in run.answers]
    within = fmean(
        recall_within(answer.held, cost, question.evidence, BUDGET) for (answer, question), cost in zip(pairs, costs, strict=True)
    )
    low, high = interval([recall_at(answer.held, question.evidence, 10) for answer, question in pairs])
    return (
        run.system,
        *recalls,
        f"{low:.2f}-{high:.2f}",
        within,
        round(fmean(sum(cost[:10]) for cost in costs)),
        run.add_seconds,
        run.search_ms,
    )


def _kinds(run: Run, questions: Sequence[locomo.Question]) -> Row:
    cells: list[Cell] = [run.system]
    for category in locomo.CATEGORIES:
        values = [recall_at(a.held, q.evidence, 10) for a, q in zip(run.answers, questions, strict=True) if q.category == category]
        cells.append(fmean(values) if values else None)
    return tuple(cells)


def _curve(run: Run, questions: Sequence[locomo.Question]) -> Curve:
    cuts = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50)
    pairs = list(zip(run.answers, questions, strict=True))
    return Curve(run.system, tuple((float(k), fmean(recall_at(a.held, q.evidence, k) for a, q in pairs)) for k in cuts))


def _checks(rows: dict[str, Row], kinds: dict[str, Row]) -> list[Check]:
    ours, words, without, by_kind = rows.get(OURS), rows.get(WORDS), rows.get(UNDONE), kinds.get(OURS)

    def number(row: Row | None, column: int) -> float | None:
        value = row[column] if row else None
        return float(value) if isinstance(value, int | float) else None

    with_step, without_step = number(ours, 2), number(without, 2)
    lost = None if with_step is None or without_step is None else without_step - with_step
    return [
        Check("R@10", number(ours, 3), 0.81),
        Check("R within 1,024 tokens", number(ours, 6), 0.88),
        Check("tokens of ten hits", number(ours, 7), 450, at_most=True),
        Check("R@10 with no embedder", number(words, 3), 0.76),
        Check("R@5 lost by newest first", lost, 0.01, at_most=True),
        Check("R@10 multi-hop", number(by_kind, 1), 0.55),
        Check("R@10 open-domain", number(by_kind, 3), 0.50),
    ]


def conversations_report(
    path: Path,
    specs: Sequence[PeerSpec],
    *,
    embedder: Remembering | None,
    folder: Path,
    captions: bool,
    limit: int | None,
    install: bool,
    progress: Progress,
) -> Report:
    """The part on a file of LoCoMo's shape."""
    conversations = locomo.load(path, captions=captions, limit=limit)
    stories = stories_of(conversations)
    questions = [question for talk in conversations for question in talk.questions]
    asks = [Ask(talk.id, q.text, story.end) for talk, story in zip(conversations, stories, strict=True) for q in talk.questions]
    runs, missing = run_all(stories, asks, specs, embedder=embedder, folder=folder, progress=progress, install=install)
    tokens, count = token_counter()
    rows = [_row(run, questions, count) for run in runs]
    kinds = [_kinds(run, questions) for run in runs]
    turns = sum(len(story.lines) for story in stories)
    columns = ("system", *(f"R@{k}" for k in CUTS), "95% of R@10", f"R in {BUDGET:,} tok", "tok of 10", "add s", "search ms")
    return Report(
        "recall",
        {},
        (
            Table(f"{path.name}: {len(stories)} conversations, {turns:,} turns, {len(questions):,} questions", columns, tuple(rows)),
            Table("R@10 by kind of question", ("system", *locomo.CATEGORIES.values()), tuple(kinds)),
        ),
        tuple(_checks({str(row[0]): row for row in rows}, {str(row[0]): row for row in kinds})),
        missing,
        (
            "R@k: share of a question's evidence turns among the first k hits, mean over questions; "
            "a hit counts for the turns whose whole text it holds.",
            f"Tokens by {tokens}, of speaker and text. Photo captions are {'' if captions else 'not '}part of the turns. "
            "Times hold no embedding of peers' texts (vectors were computed beforehand). Intervals: bootstrap over questions.",
            *(f"{run.system} degraded: {', '.join(sorted(run.degraded))}" for run in runs if run.degraded and run.system == OURS),
        ),
        (Plot(f"Evidence recall, {path.name}", "hits read", "share of the evidence found", tuple(_curve(run, questions) for run in runs)),),
    )


def merge(parts: Sequence[Report], facts: dict[str, object]) -> Report:
    """Several parts of one bench as one page."""
    missing: dict[str, str] = {}
    for part in parts:
        missing |= part.missing
    return Report(
        parts[0].bench,
        dict(facts),
        tuple(table for part in parts for table in part.tables),
        tuple(check for part in parts for check in part.checks),
        missing,
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        tuple(plot for part in parts for plot in part.plots),
    )


def run(
    path: Path | None,
    *,
    peers: Sequence[str] | None = None,
    sets: Sequence[str] | None = None,
    embedder: Embedder | None = None,
    captions: bool = False,
    limit: int | None = None,
    install: bool = True,
    seed: int = 1,
    vectors: Path | None = None,
    progress: Progress = lambda _: None,
) -> Report:
    """The whole bench. `peers` and `sets` name which (None: all); `limit` takes the first turns of each conversation.

    `embedder` None takes the default one; where that is not installed, only search by words is measured, and the
    report says so. `vectors` is a file that keeps the vectors for the next run: it saves minutes, and then the seconds of
    our adds hold no embedding. Raises InvalidInput for a file that can't be used.
    """
    from memos_core.bench.sets import run_sets

    specs = choose(peers)
    note: tuple[str, ...] = ()
    shared: Remembering | None = None
    try:
        shared = Remembering(embedder or default_embedder())
        if vectors is not None:
            shared.recover(vectors)
            note = (f"{shared.count:,} vectors come from an earlier run: they are not in the seconds of our adds.",)
    except EmbedderUnavailable as exc:
        note = (f"No embedder: {exc}",)
    with tempfile.TemporaryDirectory(prefix="memos-bench-") as name:
        folder = Path(name)
        parts: list[Report] = []
        facts = machine.describe(folder) | {"embedder": shared.name if shared else "none"}
        if path is not None:
            parts.append(
                conversations_report(
                    path, specs, embedder=shared, folder=folder / "talk", captions=captions, limit=limit, install=install, progress=progress
                )
            )
        parts += run_sets(sets, specs, embedder=shared, folder=folder / "sets", seed=seed, install=install, progress=progress)
        if shared is not None and vectors is not None:
            shared.keep(vectors)
    if not parts:
        raise InvalidInput("path", "nothing to measure: neither a file nor a set.")
    parts.append(Report("recall", {}, notes=note))
    return merge(parts, facts)
