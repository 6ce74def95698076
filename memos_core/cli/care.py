"""`memos fsck`, `rebuild` and `worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_core.cli.desk import opened
from memos_core.cli.options import AsJson, Home, Tenant


def fsck(
    anchor: Annotated[str | None, typer.Option(help="The audit_head of a receipt that you kept.", show_default=False)] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check the file, the audit's chain, the code of every row, and the index against the ledger.

    Only with an anchor can it be proved that no lines are missing at the end. Exit code 1 when something is wrong.
    """
    from memos_core.cli import show

    with opened(home, "default") as mos, show.busy("reading everything ..."):
        findings = list(mos.verify(anchor=anchor))
    if as_json:
        show.put_json({"sound": not findings, "anchored": anchor is not None, "findings": findings})
    else:
        for finding in findings:
            show.say(f"[red]{show.escape(finding.where)}[/]: {show.escape(finding.what)}")
        show.say(
            f"[bold red]{show.plural(len(findings), 'finding')}.[/]" if findings else "[green]Sound:[/] everything is as it was written."
        )
        if anchor is None:
            show.note("[dim]Without --anchor (the audit_head of a receipt) it can't be proved that nothing is missing at the end.[/]")
    if findings:
        raise typer.Exit(1)


def rebuild(home: Home = None, as_json: AsJson = False) -> None:
    """Make the index anew from the ledger, vectors included."""
    from memos_core.cli import show

    with opened(home, "default") as mos, show.busy("building ..."):
        count = mos.rebuild()
    if as_json:
        show.put_json({"memories": count})
    else:
        show.say(f"[green]Built anew:[/] {show.memories(count)}")


def worker(
    once: Annotated[bool, typer.Option("--once", help="Do what waits, then end.")] = False,
    home: Home = None,
    tenant: Tenant = "default",
) -> None:
    """Do the background work of a folder in a process of its own, until Ctrl-C."""
    import threading

    from memos_core.cli import show

    with opened(home, tenant, new=True) as mos:
        mos.work()
        if once:
            mos.wait()
            return
        show.note("[dim]Working; Ctrl-C ends it.[/]")
        threading.Event().wait()
