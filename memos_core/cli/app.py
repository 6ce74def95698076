"""The commands and their order. Every command imports what it needs when it runs: `memos --help` loads typer and rich alone."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_core import __version__
from memos_core.cli import bench, bring, care, change, cubes, doctor, embedder, look, talk, tasks
from memos_core.cli.tour import command as tour

HELP = """Memory for agents, in one folder: durable, searchable, governed.

[dim]Try it in a minute, with no server, key or model call:[/]
  [bold]memos tour[/]

[dim]Then with your own:[/]
  [bold]memos add "I moved to Lisbon last spring." --user alice[/]
  [bold]memos search "Where does Alice live?" --user alice[/]
  [bold]memos import chats.jsonl --user alice[/]
  [bold]memos list --user alice --json | jq .total[/]
"""
EPILOG = (
    "The folder is --home, else MEMOS_HOME, else ./memory. Answers go to stdout, notes and progress to stderr. "
    "Exit codes: 0 done, 1 refused or failed, 2 bad input, 130 interrupted."
)

app = typer.Typer(
    help=HELP,
    epilog=EPILOG,
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

START, USE, CHANGE, MOVE, CARE = "Start here", "Remember and recall", "Change and forget", "Move", "Care"


def _version(asked: bool) -> None:
    if asked:
        print(f"memos-kernel {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    pass


app.command("tour", rich_help_panel=START)(tour.tour)
app.command("import", rich_help_panel=START)(bring.bring)
app.command("doctor", rich_help_panel=START)(doctor.doctor)

app.command("add", rich_help_panel=USE)(talk.add)
app.command("search", rich_help_panel=USE)(talk.search)
app.command("list", rich_help_panel=USE)(look.list_memories)
app.command("get", rich_help_panel=USE)(look.get)
app.command("history", rich_help_panel=USE)(look.history)

app.command("update", rich_help_panel=CHANGE)(change.update)
app.command("delete", rich_help_panel=CHANGE)(change.delete)
app.command("restore", rich_help_panel=CHANGE)(change.restore)
app.command("erase", rich_help_panel=CHANGE)(change.erase)

app.add_typer(cubes.app, name="cubes", rich_help_panel=MOVE)
app.command("dump", rich_help_panel=MOVE)(cubes.dump)
app.command("load", rich_help_panel=MOVE)(cubes.load)
app.command("verify", rich_help_panel=MOVE)(cubes.verify)

app.add_typer(embedder.app, name="embedder", rich_help_panel=CARE)
app.add_typer(tasks.app, name="tasks", rich_help_panel=CARE)
app.command("worker", rich_help_panel=CARE)(care.worker)
app.command("fsck", rich_help_panel=CARE)(care.fsck)
app.command("rebuild", rich_help_panel=CARE)(care.rebuild)
app.add_typer(bench.app, name="bench", rich_help_panel=CARE)
