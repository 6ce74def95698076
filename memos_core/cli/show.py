"""Everything that the commands print goes through here: answers to stdout, the rest to stderr."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import markup
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Progress

_PIPE_WIDTH, _WIDE = 160, 60
"""How wide tables are when nobody looks at them in a terminal; and from what width on ids stand in one line."""


_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {127: 0x2421} | dict.fromkeys(range(128, 160), 0xFFFD)
"""What stands for control characters, which could move the cursor, change what is shown or name the window."""


def console(*, stderr: bool = False) -> Console:
    """A console on the stream as it is now. Colours only on a terminal, and not with NO_COLOR."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else shutil.get_terminal_size((_PIPE_WIDTH, 25)).columns
    return Console(file=stream, width=width, highlight=False, emoji=False)


def visible(text: str) -> str:
    """A text as a terminal may be given it: lines and tabs stay, other control characters become signs for them."""
    return text.replace("\r\n", "\n").translate(_PICTURES)


def escape(text: str) -> str:
    """A text as it has to stand in markup to be shown word for word."""
    return markup.escape(visible(text))


def say(*parts: Any) -> None:
    """An answer, in markup, for people."""
    console().print(*parts)


def note(text: str) -> None:
    """A remark beside the answer, in markup, to stderr."""
    console(stderr=True).print(text, soft_wrap=True)


def plain(text: str) -> None:
    """An answer word for word, not in markup."""
    sys.stdout.write(visible(text if text.endswith("\n") else text + "\n"))


def put_json(value: Any) -> None:
    """An answer for programs: one JSON document."""
    json.dump(value, sys.stdout, default=_simple, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
    sys.stdout.flush()


def _simple(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def table(*columns: str, title: str | None = None, right: Sequence[str] = (), fold: Sequence[str] = ()) -> Table:
    """An empty table in the house style; columns in `right` hold numbers, those in `fold` long text."""
    wide = console().width >= _WIDE
    made = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        justify: Any = "right" if name in right else "left"
        made.add_column(name, justify=justify, no_wrap=wide and name not in fold, overflow="fold", ratio=1 if name in fold else None)
    return made


def facts(rows: Iterable[tuple[str, Any]]) -> Table:
    """Names and values in two columns."""
    made = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(name, value if isinstance(value, Text) else escape(str(value)))
    return made


def when(moment: datetime | None) -> str:
    """A time as people read it, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def size(count: float) -> str:
    """Bytes in words."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit in ("B", "kB") else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 memory`, `1,200 memories`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def memories(count: int) -> str:
    """So many memories."""
    return plural(count, "memory", "memories")


def short(text: str, limit: int) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


@contextmanager
def bar(words: str, total: float | None = None) -> Iterator[Progress]:
    """A progress bar on stderr with one task, number 0; nothing is drawn where nobody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    shown = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=28), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as progress:
        progress.add_task(words, total=total)
        yield progress


@contextmanager
def busy(words: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr while something runs whose length nobody knows. What it is told stands beside it."""
    shown = console(stderr=True)
    if not shown.is_terminal:
        yield lambda line: note(f"[dim]{escape(line)}[/]")
        return
    with shown.status(words, spinner="dots") as status:
        yield lambda line: status.update(escape(line))
