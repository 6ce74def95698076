"""`memos tour`: the steps one after the other, shown or as JSON."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memos_core.cli.options import AsJson
from memos_core.errors import EmbedderUnavailable, StorageError

if TYPE_CHECKING:
    from memos_core.cli.tour.steps import Answer, Change, Forgetting, Reading, Visit

NEEDED, NEEDED_BY_WORDS = 10, 9
TENANT = "tour"


@dataclass(frozen=True, slots=True)
class Journey:
    """All that the tour did."""

    embedder: str | None
    reading: Reading
    answers: Sequence[Answer]
    change: Change
    secret: Forgetting
    visit: Visit

    @property
    def needed(self) -> int:
        """How many questions must be answered; by words alone fewer."""
        return NEEDED if self.embedder else NEEDED_BY_WORDS

    @property
    def holds(self) -> bool:
        """Whether everything that is shown holds."""
        answered = sum(answer.holds for answer in self.answers) >= self.needed
        return answered and all(step.holds for step in (self.reading, self.change, self.secret, self.visit))


def tour(
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            help="Keep the tour's memory in this folder, under the tenant `tour`. [dim]Default: a temporary one[/]",
            show_default=False,
        ),
    ] = None,
    install: Annotated[bool, typer.Option("--install/--no-install", help="Fetch the embedder when it is missing.")] = True,
    as_json: AsJson = False,
) -> None:
    """See the main job in half a minute: read a year of talk, ask, change, travel back, forget.

    No server, key or generative model is needed. The exit code is 1 when something that is shown does not hold.
    """
    embedder = _embedder(install)
    with _folder(home) as folder:
        journey = _travel(folder, embedder, shown=not as_json)
    from memos_core.cli import show
    from memos_core.cli.tour import screen

    if as_json:
        show.put_json(_report(journey))
    else:
        screen.closing(holds=journey.holds, home=home, embedder=embedder is not None)
    if not journey.holds:
        raise typer.Exit(1)


def _embedder(install: bool) -> str | None:
    """The name of the embedder that will be used; None when it is words alone, after saying so."""
    from memos_core.cli import embedder, show

    found = embedder.state()
    if not found["usable"] and found.get("mend") == embedder.INSTALL and install:
        show.note("[dim]The embedder is not installed yet; fetching it, once (91 MB).[/]")
        try:
            embedder.fetch()
        except (EmbedderUnavailable, StorageError) as exc:
            show.note(f"[yellow]No embedder:[/] {show.escape(str(exc))}")
        found = embedder.state()
    if found["usable"] is False:
        show.note("[yellow]Going on by words alone.[/] [dim]With the embedder it finds more, by meaning.[/]")
        return None
    return str(found["embedder"])


@contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    if home is not None:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="memos-tour-") as name:
        yield Path(name) / "memory"


def _travel(folder: Path, embedder: str | None, *, shown: bool) -> Journey:
    """Take every step; where it is shown, step by step while it happens."""
    from memos_core.cli import show
    from memos_core.cli.desk import opened
    from memos_core.cli.tour import screen, script, steps

    talk = script.conversation()
    with opened(folder, TENANT, new=True) as mos:
        if shown:
            screen.opening(talk)
            screen.heading(1, "Read")
        steps.start_anew(mos)
        with show.busy("reading, then embedding ..."):
            reading = steps.read(mos, talk)
        if shown:
            screen.reading(reading, embedder)
            screen.heading(2, "Ask")
        answers = []
        for question in script.questions():
            answers.append(steps.ask(mos, question))
            if shown:
                screen.answer(answers[-1])
        needed = NEEDED if embedder else NEEDED_BY_WORDS
        if shown:
            screen.score(answers, needed)
            screen.heading(3, "Change a fact, travel back in time")
        change = steps.change(mos)
        if shown:
            screen.change(change)
            screen.heading(4, "Forget")
        secret = steps.forget_secret(mos, folder)
        if shown:
            screen.forgetting(secret)
        visit = steps.visit(mos, folder)
        if shown:
            screen.visit(visit)
    return Journey(embedder, reading, answers, change, secret, visit)


def _report(journey: Journey) -> dict[str, Any]:
    """The journey as JSON."""
    from memos_core.cli.tour.steps import typical

    return {
        "holds": journey.holds,
        "embedder": journey.embedder,
        "reading": {
            "sessions": len(journey.reading.sizes),
            "messages": journey.reading.messages,
            "memories": journey.reading.memories,
            "skipped": journey.reading.skipped,
            "seconds_by_session": journey.reading.seconds,
            "embed_seconds": journey.reading.embedding,
        },
        "found": sum(answer.holds for answer in journey.answers),
        "needed": journey.needed,
        "median_ms": typical(journey.answers),
        "answers": [_answer(answer) for answer in journey.answers],
        "change": {"holds": journey.change.holds, "now": journey.change.now, "then": journey.change.then, "as_of": journey.change.before},
        "secret": _forgotten(journey.secret),
        "visit": _forgotten(journey.visit.forgotten)
        | {"own": journey.visit.own, "foreign": journey.visit.foreign, "holds": journey.visit.holds},
    }


def _answer(answer: Answer) -> dict[str, Any]:
    question = answer.question
    return {
        "id": question.id,
        "kind": question.kind,
        "ask": question.ask,
        "evidence": question.evidence,
        "ranks": answer.ranks,
        "older": answer.older,
        "holds": answer.holds,
        "ms": answer.milliseconds,
        "degraded": answer.degraded,
        "hits": answer.hits,
    }


def _forgotten(done: Forgetting) -> dict[str, Any]:
    return {"receipt": done.receipt, "before": done.before, "after": done.after, "holds": done.holds}
