"""`memos import`: chats and notes of one's own, file by file, each conversation in one transaction."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memos_core.cli.desk import opened
from memos_core.cli.options import Agent, AsJson, Home, Tenant, User, given, who

if TYPE_CHECKING:
    from memos_core import MOS
    from memos_core.cli.parcels import Parcel, Taken

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Chats (.json, .jsonl) and notes (.md, .txt).", exists=True, dir_okay=False, show_default=False),
]


def bring(
    files: Files,
    write_to: Annotated[str | None, typer.Option("--to", help="The cube to write to.", show_default=False)] = None,
    learn: Annotated[bool, typer.Option("--learn/--no-learn", help="Make memories of it, or only keep what was said.")] = True,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="End when all is found by meaning too, or at once.")] = True,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Read chats and notes of your own.

    All files are checked before anything is kept. Interrupted, the same command goes on where it stopped;
    repeated, it changes nothing; with a file that has grown, it adds what is new.

    [dim]memos import chats.jsonl notes.md --user alice[/]
    """
    from memos_core.cli import parcels, show

    asker = who(user, agent)
    options: dict[str, Any] = {**asker, **given(write_to=write_to), "learn": learn}
    with show.busy("checking the files ..."):
        total = parcels.count(files)
    with opened(home, tenant, new=True) as mos:
        before = mos.list(**asker, limit=1).total
        taken = _take(mos, files, total, options)
        new = mos.list(**asker, limit=1).total - before
        _show(taken, new, as_json)
        if wait:
            _embed(mos, [task for one in taken for task in one.tasks], asker)


def _take(mos: MOS, files: list[Path], total: int, options: dict[str, Any]) -> list[Taken]:
    from memos_core.cli import parcels, show

    taken: list[Taken] = []
    with show.bar("reading", total) as progress:
        for file in files:
            one = parcels.Taken(file)
            taken.append(one)
            for parcel in parcels.parcels(file):
                _add(mos, parcel, one, options)
                progress.advance(progress.task_ids[0], len(parcel.messages))
    return taken


def _add(mos: MOS, parcel: Parcel, one: Taken, options: dict[str, Any]) -> None:
    one.note(parcel.notes)
    if not parcel.messages:
        return
    receipt = mos.add(list(parcel.messages), session_id=parcel.session_id, **given(info=parcel.info or None), **options)
    one.add(parcel, receipt)


def _embed(mos: MOS, tasks: list[str], asker: dict[str, Any]) -> None:
    """Show how far the embedding is, until it is done. Ctrl-C leaves the rest to the next process."""
    from memos_core.cli import show

    states = [mos.tasks.status(task, **asker) for task in tasks]
    open_tasks = {task.id: task.left for task in states if task.state in ("waiting", "running")}
    total = sum(task.total for task in states)
    with show.bar("embedding", total) as progress:
        while open_tasks:
            time.sleep(0.1)
            states = [mos.tasks.status(task, **asker) for task in open_tasks]
            open_tasks = {task.id: task.left for task in states if task.state in ("waiting", "running")}
            progress.update(progress.task_ids[0], completed=total - sum(open_tasks.values()))
            for task in states:
                if task.state == "failed":
                    show.note(f"[yellow]Not embedded:[/] {show.escape(task.error or '')} [dim]memos tasks retry {task.id}[/]")


def _show(taken: list[Taken], new: int, as_json: bool) -> None:
    from memos_core.cli import show

    if as_json:
        show.put_json(
            {
                "files": [one.counts() for one in taken],
                "messages": sum(one.messages for one in taken),
                "memories": sum(len(one.memories) for one in taken),
                "new": new,
            }
        )
        return
    numbers = ("conversations", "messages", "memories", "left out")
    made = show.table("file", *numbers, right=numbers)
    for one in taken:
        made.add_row(show.escape(one.file.name), *(f"{n:,}" for n in (one.conversations, one.messages, len(one.memories), one.left_out)))
    show.say(made)
    known = sum(len(one.memories) for one in taken) - new
    show.say(f"[green]{show.memories(new)} new[/]" + (f", {known:,} known before" if known > 0 else ""))
    for one in taken:
        for reason, count in one.reasons.most_common(8):
            show.note(f"[yellow]{show.escape(one.file.name)}[/]: {count:,} left out or not read: {show.escape(reason)}")
