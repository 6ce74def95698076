"""`memos bench`: measure recall and speed here, beside what one would pick instead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos_core.cli.options import AsJson, given

if TYPE_CHECKING:
    from memos_core.bench.report import Report

app = typer.Typer(help="Measure recall and speed on this machine, beside other systems.", no_args_is_help=True)

Peers = Annotated[list[str] | None, typer.Option("--peer", help="Only this other system; `none` for none. Repeatable.", show_default=False)]
Out = Annotated[Path | None, typer.Option("--out", help="A folder for the JSON and the plots.", file_okay=False, show_default=False)]
Install = Annotated[bool, typer.Option("--install/--no-install", help="Fetch other systems that are missing into a cache of their own.")]


@app.command()
def recall(
    path: Annotated[Path | None, typer.Argument(help="A file of LoCoMo's shape.", exists=True, dir_okay=False, show_default=False)] = None,
    peers: Peers = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="Only this set of the bench's own; `none` for none. Repeatable.", show_default=False)
    ] = None,
    captions: Annotated[bool, typer.Option("--captions", help="Take photos' captions as part of what was said.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first turns of each conversation.", show_default=False)] = None,
    install: Install = True,
    seed: Annotated[int, typer.Option(help="For the sets that are made up.")] = 1,
    vectors: Annotated[
        Path | None, typer.Option(help="A file that keeps the vectors for the next run.", dir_okay=False, show_default=False)
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """How much of what answers a question comes back.

    [dim]memos bench recall locomo.json --peer none
    memos bench recall --set updates[/]
    """
    from memos_core.bench import recall as measured
    from memos_core.cli import show

    with show.busy("measuring ...") as tell:
        report = measured.run(
            path, peers=_names(peers), sets=_names(sets), captions=captions, limit=limit, install=install, seed=seed, progress=tell
        )
    _tell(report, out, as_json)


@app.command()
def speed(
    peers: Peers = None,
    sizes: Annotated[
        list[int] | None,
        typer.Option("--size", help="Memories in the scope. Repeatable. [dim]Default: 1,000, 10,000 and 100,000[/]", show_default=False),
    ] = None,
    parts: Annotated[list[str] | None, typer.Option("--part", help="Only this part, like adds. Repeatable.", show_default=False)] = None,
    rounds: Annotated[int | None, typer.Option(min=10, help="Operations that make a percentile.", show_default=False)] = None,
    million: Annotated[bool, typer.Option("--million", help="Also a scope of a million memories.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="A folder on the disk to measure.", exists=True, file_okay=False, show_default=False)
    ] = None,
    install: Install = True,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """How fast it adds and finds, each figure beside the bare limit of this machine.

    [dim]memos bench speed --peer none --out ./figures
    memos bench speed --size 10000 --part searches --rounds 200[/]
    """
    from memos_core.bench import speed as measured
    from memos_core.cli import show

    options = given(sizes=sizes, parts=parts, rounds=rounds, folder=folder)
    with show.busy("measuring ...") as tell:
        report = measured.run(peers=_names(peers), million=million, install=install, progress=tell, **options)
    _tell(report, out, as_json)


def _names(given: list[str] | None) -> list[str] | None:
    return [] if given == ["none"] else given or None


def _tell(report: Report, out: Path | None, as_json: bool) -> None:
    from memos_core.cli import show

    if out is not None:
        for path in report.write(out):
            show.note(f"[dim]written: {show.escape(str(path))}[/]")
    if as_json:
        show.put_json(report.to_dict())
    else:
        report.show(show.console())
    if not report.passed:
        raise typer.Exit(1)
