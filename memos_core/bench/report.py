"""What a bench found: tables, checks against the bar, curves; as a terminal page, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Cell = str | float | int | None
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One line of what the system must show. `at_most` says on which side of the bar it must stand."""

    name: str
    measured: float | None
    bar: float
    aim: float | None = None
    at_most: bool = False
    unit: str = ""

    @property
    def passed(self) -> bool | None:
        """None where it could not be measured here."""
        return None if self.measured is None else self._meets(self.bar)

    @property
    def verdict(self) -> str:
        if self.passed is None:
            return "not measured"
        return "FAIL" if not self.passed else "aim" if self.aim is not None and self._meets(self.aim) else "pass"

    def _meets(self, bar: float) -> bool:
        assert self.measured is not None
        return self.measured <= bar if self.at_most else self.measured >= bar


@dataclass(frozen=True, slots=True)
class Curve:
    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    title: str
    x: str
    y: str
    curves: tuple[Curve, ...]
    log: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    bench: str
    machine: dict[str, Any]
    tables: tuple[Table, ...] = ()
    checks: tuple[Check, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)
    """Peer -> why it is not in the tables."""
    notes: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check that could be measured met its bar."""
        return all(check.passed is not False for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        found = asdict(self)
        found["checks"] = [asdict(check) | {"verdict": check.verdict} for check in self.checks]
        return found

    def write(self, folder: Path) -> list[Path]:
        """`<bench>.json` and one SVG a plot; gives the paths."""
        from memos_core.bench.chart import svg

        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{self.bench}.json"]
        paths[0].write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False), encoding="utf-8")
        for number, plot in enumerate(self.plots, 1):
            paths.append(folder / (f"{self.bench}.svg" if number == 1 else f"{self.bench}-{number}.svg"))
            paths[-1].write_text(svg(plot), encoding="utf-8")
        return paths

    def show(self, console: Any) -> None:
        """Prints the page on a `rich` console."""
        from rich.markup import escape

        facts = "  ".join(f"{name} {value}" for name, value in self.machine.items())
        console.print(f"[bold]memos bench {self.bench}[/]\n[dim]{escape(facts)}[/]", highlight=False)
        for table in self.tables:
            console.print(_grid(table))
        if self.checks:
            console.print(_verdicts(self.checks))
        for name, why in self.missing.items():
            console.print(f"[yellow]missing[/] {name}: {escape(why)}", highlight=False)
        for note in self.notes:
            console.print(f"[dim]{escape(note)}[/]", highlight=False)


def _text(cell: Cell, digits: int) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.{digits}f}" if abs(cell) < 1000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _grid(table: Table) -> Any:
    from rich.table import Table as Grid

    grid = Grid(title=table.title, caption=table.note or None, title_justify="left", caption_justify="left")
    for position, column in enumerate(table.columns):
        grid.add_column(column, justify="left" if position == 0 else "right", no_wrap=position == 0)
    for row in table.rows:
        grid.add_row(*(_text(cell, table.digits) for cell in row), style="bold" if str(row[0]).startswith("memos") else "")
    return grid


def _verdicts(checks: tuple[Check, ...]) -> Any:
    from rich.table import Table as Grid

    grid = Grid("what it must show", "measured", "bar", "aim", "", title="Checks", title_justify="left")
    colours = {"FAIL": "red", "pass": "green", "aim": "bold green", "not measured": "yellow"}
    for check in checks:
        sign = "<=" if check.at_most else ">="
        digits = 3 if abs(check.bar) < 10 else 0
        aim = "" if check.aim is None else f"{sign} {check.aim:,g}"
        verdict = f"[{colours[check.verdict]}]{check.verdict}[/]"
        grid.add_row(check.name, f"{_text(check.measured, digits)} {check.unit}", f"{sign} {check.bar:,g}", aim, verdict)
    return grid
