"""`memos doctor`: what is in use, what is missing, what outgrows the embedded engine."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from memos_core import __version__
from memos_core.cli.desk import check as check_folder
from memos_core.cli.desk import engines, settings
from memos_core.cli.options import AsJson, Home

if TYPE_CHECKING:
    from memos_core.cli.examine import Check

_SIGNS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "bad": "[bold red]bad[/]"}


def doctor(home: Home = None, as_json: AsJson = False) -> None:
    """Say what is in use, what is missing and what mends it, and what outgrows the embedded engine.

    Exit code 1 when something is bad.
    """
    report = _report(home)
    from memos_core.cli import show

    if as_json:
        show.put_json(report)
    else:
        _show(report)
    if any(check.state == "bad" for check in report["checks"]):
        raise typer.Exit(1)


def _report(home: Path | None) -> dict[str, Any]:
    import sqlite3

    from memos_core.cli import embedder, examine

    chosen = settings(home)
    state = embedder.state()
    folder = Path(chosen.home)
    check_folder(folder, new=True)
    held, ledger = None, {}
    if folder.is_dir() and any(folder.iterdir()):
        with engines(home) as opened:
            held, ledger = examine.holdings(opened, state.get("digest")), opened.ledger.facts()
    return {
        "version": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "home": str(folder.resolve()),
        "exists": held is not None,
        "back_ends": {name: getattr(chosen, name) for name in ("ledger", "index", "graph", "scheduler")},
        "durability": chosen.durability,
        "ledger": ledger,
        "embedder": state,
        "holds": held,
        "checks": examine.checks(replace(chosen, home=str(folder)), state, held, ledger),
    }


_DURABILITY = {"full": "what was acknowledged survives a power cut", "normal": "what was acknowledged survives a crash of the program"}


def _show(report: dict[str, Any]) -> None:
    from memos_core.cli import show

    held = report["holds"]
    rows: list[tuple[str, Any]] = [
        ("memos-kernel", f"{report['version']}, Python {report['python']}, SQLite {report['sqlite']}"),
        ("folder", report["home"] + ("" if report["exists"] else "  (no memory there yet)")),
        ("back ends", ", ".join(f"{name} {kind}" for name, kind in report["back_ends"].items() if kind != "none")),
        ("durability", f"{report['durability']}: " + _DURABILITY[report["durability"]]),
    ]
    if held is not None:
        counts = [show.memories(held["memories"])]
        counts += [show.plural(held[f"{noun}s"], noun) for noun in ("version", "message", "cube", "tenant")]
        files = [f"{name} {show.size(size)}" for name, size in held["files"].items()]
        rows += [("holds", ", ".join(counts)), ("on disk", ", ".join(files))]
    show.say(show.facts(rows))
    show.say()
    made = show.table("", "looked at", "found", fold=("found",))
    for check in report["checks"]:
        made.add_row(_SIGNS[check.state], check.name, show.escape(check.finding) + _mend(check))
    show.say(made)


def _mend(check: Check) -> str:
    from memos_core.cli import show

    return f"\n[cyan]{show.escape(check.mend)}[/]" if check.mend else ""
