"""`memos fsck`, `rebuild` and `worker`."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from memos_core.cli.desk import engines
from memos_core.cli.options import AsJson, Home

if TYPE_CHECKING:
    from memos_core.ledger.base import Finding
    from memos_core.wiring.engines import Engines


_LOOK_SECONDS = 0.2


def fsck(
    anchor: Annotated[str | None, typer.Option(help="The audit_head of a receipt that you kept.", show_default=False)] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check the file, the audit's chain, the code of every row, and the index against the ledger.

    Only with an anchor can it be proved that no lines are missing at the end. Exit code 1 when something is wrong.
    """
    from memos_core.cli import show

    with engines(home) as found, show.busy("reading everything ..."):
        findings = [*found.ledger.verify(anchor=anchor), *_index(found)]
    if as_json:
        show.put_json({"sound": not findings, "anchored": anchor is not None, "findings": findings})
    else:
        for finding in findings:
            show.say(f"[red]{show.escape(finding.where)}[/]: {show.escape(finding.what)}")
        sound = "[green]Sound:[/] memories, messages, grants and the audit are as they were written."
        show.say(f"[bold red]{show.plural(len(findings), 'finding')}.[/]" if findings else sound)
        if anchor is None:
            show.note("[dim]Without --anchor (the audit_head of a receipt) it can't be proved that nothing is missing at the end.[/]")
    if findings:
        raise typer.Exit(1)


def rebuild(home: Home = None, as_json: AsJson = False) -> None:
    """Make the index anew from the ledger, vectors included. Ctrl-C while it embeds leaves the rest to the next process."""
    from memos_core.cli import examine, show
    from memos_core.mos.rebuilding import rebuild as make_anew

    with engines(home) as found:
        with show.busy("building ..."):
            count, work = make_anew(found)
        tasks = {unit.task for unit in work}
        with show.bar("embedding", len(work)) as progress:
            while open_units := examine.left(found, tasks):
                progress.update(progress.task_ids[0], completed=len(work) - open_units)
                time.sleep(0.1)
    if as_json:
        show.put_json({"memories": count, "embedded": len(work)})
    else:
        show.say(f"[green]Built anew:[/] {show.memories(count)}" + (", embedded again" if work else ""))


def worker(
    once: Annotated[bool, typer.Option("--once", help="Do what waits, then end.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Do the background work of a folder in a process of its own, until Ctrl-C or SIGTERM. The batch in hand is finished first."""
    from memos_core.cli import show

    with engines(home, start=not once) as found:
        if once:
            done = 0
            while count := found.scheduler.drain_once():
                done += count
            if as_json:
                show.put_json({"done": done})
            else:
                show.note(f"[dim]{show.plural(done, 'unit')} of work done.[/]")
            return
        with _ending() as ended:
            found.scheduler.start()
            show.note("[dim]Working; Ctrl-C ends it.[/]")
            while not ended:
                time.sleep(_LOOK_SECONDS)
        if signal.SIGINT in ended:
            raise KeyboardInterrupt
        show.note("[dim]Ended; what is left waits for the next worker.[/]")


@contextmanager
def _ending() -> Iterator[set[int]]:
    """The signals to end that came, noted rather than raised: an exception could strike anywhere and be swallowed. One that was
    ignored before stays so. After the block, they strike as ever."""
    came: set[int] = set()
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    caught = {one: old for one, old in before.items() if old not in (signal.SIG_IGN, None)}
    for one in caught:
        signal.signal(one, lambda number, _: came.add(number))
    try:
        yield came
    finally:
        for one, old in caught.items():
            signal.signal(one, old)


def _index(found: Engines) -> Iterator[Finding]:
    """Whether the index holds as many memories as the ledger."""
    from memos_core.cli.examine import holdings
    from memos_core.ledger.base import Finding

    indexed, kept = int(found.index.health().facts["current"]), holdings(found)["memories"]
    if indexed != kept:
        yield Finding("index", f"holds {indexed:,} of {kept:,} memories; `memos rebuild` makes it anew")
