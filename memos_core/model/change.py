"""What the ledger tells its projections: entries opened and closed by one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a memory, as the engines below the desk see it.

    `nr` is the ledger's own number of the memory, `cube` that of its cube, `tx` the transaction that wrote it.
    `context` is the `nr` of the memory said just before it in the same session, if any. `said` is in microseconds
    since the epoch, UTC. `fields` holds what filters may ask for, under the names of `Memory`'s columns; times in it are
    microseconds since the epoch, too. `terms` is what `analyse` makes of the text, where that is known already.
    """

    nr: int
    version: int
    cube: int
    tx: int
    text: str
    speaker: str
    session: str | None
    context: int | None
    said: int
    fields: Mapping[str, Any]
    terms: Sequence[str] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Applied:
    """What one `append` wrote: its transaction, when, and what that means for projections.

    `closed` are memories whose entry is no longer current (a newer one may be in `opened`); `erased` those whose
    every trace must go. A projection applies closed, then erased, then opened.
    """

    tx: int
    at: int
    opened: tuple[Entry, ...] = ()
    closed: tuple[int, ...] = ()
    erased: tuple[int, ...] = ()


class Work(NamedTuple):
    """A unit of work on one version of one memory."""

    nr: int
    task: int
    kind: str
    item: int
    version: int
    tries: int
