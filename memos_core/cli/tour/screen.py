"""The tour as people see it, 80 to 100 columns wide, readable without colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from memos_core.cli import cards, show
from memos_core.cli.tour import script
from memos_core.cli.tour.steps import SHOWN, Answer, Change, Forgetting, Reading, Visit, typical

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from memos_core.cli.tour.script import Conversation
    from memos_core.model.answer import Hit

WIDEST = 100
DOT = " \N{MIDDLE DOT} "


def width() -> int:
    """How many columns there are to write in."""
    return min(show.console().width, WIDEST)


def heading(number: int, words: str) -> None:
    """The head of a step."""
    show.say(f"\n[bold]{number}  {words}[/]")


def line(markup: str) -> None:
    """A line of a step."""
    show.console().print(Padding(markup, (0, 0, 0, 3), expand=False), width=width())


def mark(holds: bool) -> str:
    """Whether something holds, as markup that says it without colours too."""
    return "[green]\N{CHECK MARK}[/]" if holds else "[bold red]\N{BALLOT X} does not hold[/]"


def opening(talk: Conversation) -> None:
    """What this is."""
    show.say(f"[bold]memos tour[/]  {escape(talk.title)}")
    line(f"[dim]No server, no key, no generative model. {' and '.join(talk.people)} talk; {talk.assistant} assists.[/]")


def reading(done: Reading, embedder: str | None) -> None:
    """How the conversation was read."""
    sizes = f"{show.plural(len(done.sizes), 'session')}, {show.plural(done.messages, 'message')}: {show.memories(done.memories)}"
    line(f"{sizes} {mark(done.holds)}")
    line(f"On disk and found by words after {sum(done.seconds):.2f} s, loading included.")
    if embedder:
        line(f"Embedded with {escape(embedder)} in the background, {done.embedding:.1f} s later.")
    if done.skipped:
        line(f"[dim]Kept but not read: {show.plural(len(done.skipped), 'part')}, like {escape(done.skipped[0])}.[/]")


def answer(found: Answer) -> None:
    """A question, the first three memories, and why the first of its evidence stands where it stands."""
    question = found.question
    show.say()
    line(f"[bold]{escape(question.ask)}[/]")
    shown = [*range(1, SHOWN + 1), *(rank for rank in found.ranks[:1] if rank > SHOWN)]
    for rank in shown:
        _hit(rank, found.hits[rank - 1], rank in found.ranks)
    line(f"    {_verdict(found)}{DOT}[dim]{found.milliseconds:.1f} ms[/]")
    if found.ranks:
        line(f"      [cyan]why: {escape(_why(found.hits[found.ranks[0] - 1]))}[/]")


def _hit(rank: int, hit: Hit, evidence: bool) -> None:
    head = Text.assemble(
        ("\N{BLACK RIGHT-POINTING SMALL TRIANGLE}" if evidence else " ", "green"), (f" {rank:<2} {hit.memory.created_at:%d %b %Y} ", "dim")
    )
    body = cards.spoken(hit.memory, limit=width() - 3 - len(head))
    if evidence:
        body.stylize("green")
    show.console().print(Padding(head + body, (0, 0, 0, 3), expand=False), width=width(), no_wrap=True, overflow="ellipsis")


def _why(hit: Hit) -> str:
    """What the steps of recall gave to the first of the evidence, the most first, in a line."""
    parts = [f"relevance {hit.relevance:.2f}"]
    parts += [f"{name} {float(worth):.2f}" for name, worth in sorted(hit.why.items(), key=lambda part: -abs(part[1]))]
    while len(DOT.join(parts)) > width() - 15:
        parts.pop()
    return DOT.join(parts)


def _verdict(found: Answer) -> str:
    if not found.question.evidence:
        words = "nothing relevant" if found.holds else "something looks relevant"
        return f"{mark(found.holds)} {found.question.kind}: {words} (best {found.relevance:.2f})"
    if not found.ranks:
        return f"{mark(False)} {found.question.kind}: the evidence is not among the first ten"
    sign = "[green]\N{CHECK MARK}[/]" if found.holds else "[yellow]-[/]"
    older = f", older at {found.older[0]}" if found.older else ""
    return f"{sign} {found.question.kind}: evidence at rank {', '.join(str(rank) for rank in found.ranks)}{older}"


def score(answers: Sequence[Answer], needed: int) -> None:
    """How many of the questions were answered."""
    held = sum(found.holds for found in answers)
    show.say()
    counted = f"[bold]{held} of {len(answers)}[/] found in the first three, or rightly nothing"
    line(f"{mark(held >= needed)} {counted}; median {typical(answers):.1f} ms.")
    for reason in dict.fromkeys(reason for found in answers for reason in found.degraded):
        line(f"[dim]{escape(reason)}[/]")


def change(done: Change) -> None:
    """A fact that changed, and the way back to before."""
    line("[dim]history[/]")
    for revision in done.history:
        _version(f"  version {revision.memory.version}, {revision.verb}", revision.memory.text)
    line(f"[dim]asked again: {escape(script.FACT_QUERY)}[/]")
    _version("  now", done.now)
    _version(f"  as of {done.before:%H:%M:%S}", done.then)
    line(f"{mark(done.holds)} The old version is history, not lost: asked as of then, it is the answer.")


def _version(label: str, text: str) -> None:
    line(f"{label:<20} {escape(show.short(text, width() - 24))}")


def forgetting(done: Forgetting) -> None:
    """What was erased, and where it was looked for afterwards."""
    erased = f"{show.memories(len(done.receipt.memory_ids))} and {show.plural(done.receipt.message_count, 'message')}"
    line(f"{done.what[0].upper()}{done.what[1:]}: erased {erased}.")
    line(f"  receipt     {escape(done.receipt.id)}")
    line("  read back   " + DOT.join(f"{escape(name)} {state}" for name, state in done.receipt.stores.items()))
    counts = DOT.join(f"{name} {done.before[name]}\N{RIGHTWARDS ARROW}{done.after[name]}" for name in done.before)
    line(f"  looked for  {counts} {mark(done.holds)}")


def visit(done: Visit) -> None:
    """A second person on the same memory."""
    line(f'Lin Yue (another user) adds: "{escape(show.short(done.own, width() - 40))}"')
    line(f"She finds it; Maya, who asks the same, finds {done.foreign} of hers. {mark(done.foreign == 0)}")
    forgetting(done.forgotten)


def closing(*, holds: bool, home: Path | None, embedder: bool) -> None:
    """What to try next."""
    show.say("\n[bold]Next[/]")
    if home is not None:
        place = f"--home {escape(str(home))} --tenant tour --user maya"
        line(f'memos search "Who is Femke?" --why {place}')
        line(f"memos list {place}")
    else:
        line("memos tour --home ./tour            [dim]the same, kept, to ask it yourself[/]")
    line("memos import FILE... --user you     [dim]your own chats: .json, .jsonl, .md, .txt[/]")
    line('memos search "..." --user you --why [dim]ask them[/]')
    if not embedder:
        line("memos embedder install              [dim]find by meaning too, not by words alone[/]")
    line("memos doctor                        [dim]what is in use, what is missing[/]")
    if not holds:
        show.say("\n[bold red]Something that was shown does not hold.[/] `memos doctor` may say why.")
