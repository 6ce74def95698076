"""Opening the memory for one command."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from memos_core.errors import InvalidInput, TaskFailed
from memos_core.settings import Settings

if TYPE_CHECKING:
    from memos_core import MOS
    from memos_core.wiring.engines import Engines


def settings(home: Path | None) -> Settings:
    """The settings of the environment, with the folder that was named."""
    return Settings.load(home=None if home is None else str(home))


@contextmanager
def opened(home: Path | None, tenant: str, *, new: bool = False) -> Iterator[MOS]:
    """The memory in a folder, closed afterwards. Only with `new` is a folder made that is not there yet."""
    chosen = settings(home)
    check(Path(chosen.home), new)
    from memos_core import MOS

    with MOS(chosen.home, tenant=tenant, settings=chosen) as mos:
        yield mos


def settle(mos: MOS, timeout: float = 60.0) -> None:
    """Let the background work that this command started end; what is left, another process does."""
    from memos_core.cli.show import busy, escape, note

    try:
        with busy("embedding ..."):
            _wait(mos, timeout)
    except (TimeoutError, TaskFailed) as exc:
        note(f"[yellow]Not done yet:[/] {escape(str(exc))} [dim]memos worker --once[/] does it later; until then it is found by words.")


def _wait(mos: MOS, timeout: float) -> None:
    """Until it is done, or it is known that it will not be soon."""
    end = time.monotonic() + timeout
    while True:
        try:
            mos.wait(0.5)
        except TimeoutError:
            errors = [task.error for task in mos.tasks.list() if task.error and task.state in ("waiting", "running")]
            if errors or time.monotonic() > end:
                raise TimeoutError(errors[0] if errors else f"after {timeout:.0f} s.") from None
        else:
            return


@contextmanager
def engines(home: Path | None, *, start: bool = True) -> Iterator[Engines]:
    """What lies below the verbs, for commands that look after a folder rather than at somebody's memories. Without `start`
    the background work is left to the command."""
    chosen = settings(home)
    check(Path(chosen.home), new=False)
    from memos_core.wiring import open_engines

    found = open_engines(chosen.home, chosen, start=start)
    try:
        yield found
    finally:
        found.released()


def check(home: Path, new: bool) -> None:
    """Refuse what can't be a memory's folder; unless it is `new`, also one that is not there."""
    if home.exists() and not home.is_dir():
        raise InvalidInput("home", f"{home} is a file, not a folder.", "Name the memory's folder with --home.")
    if not new and not home.exists():
        raise InvalidInput("home", f"there is no folder {home}.", "Name the memory's folder with --home; `memos add` makes a new one.")
