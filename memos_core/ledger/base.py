"""The ledger port: the book of record."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from memos_core.model.change import Applied
from memos_core.model.scope import Asker

if TYPE_CHECKING:
    import sqlalchemy as sa

    from memos_core.ledger.pen import Pen
    from memos_core.ledger.read import Book

T = TypeVar("T")
Rider = Callable[["sa.Connection", Sequence[Applied]], None]
"""Takes part in a transaction: an index that lives in the same database writes its rows here."""


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """A transaction that is on disk: what the plan gave back, what projections must know, the audit's new head."""

    value: T
    applied: Applied | None
    head: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that `verify` found wrong."""

    where: str
    what: str


class Ledger(ABC):
    """Everything that is remembered, in transactions that are on disk when they are acknowledged."""

    @abstractmethod
    def append(self, asker: Asker, verb: str, plan: Callable[[Pen, Book], T]) -> Written[T]:
        """Run a plan inside one write transaction and commit what it wrote, with its line in the audit.

        Raises what the plan raises, with nothing stored; LedgerUnavailable, DiskFull, ReadOnlyFolder.
        """

    @abstractmethod
    def book(self) -> AbstractContextManager[Book]:
        """The book, to read from at one moment."""

    @abstractmethod
    def write(self, work: Callable[[sa.Connection], T], *, durable: bool = False) -> T:
        """A transaction of a projection or of a task's bookkeeping: no audit; where not `durable`, a power cut may
        undo it (it is made again), but never anything appended before it."""

    @abstractmethod
    def verify(self, *, anchor: str | None = None) -> Iterator[Finding]:
        """Everything that is not as it was written: audit chain, codes of versions and messages, pointers."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the storage."""

    def glance(self) -> AbstractContextManager[Book]:
        """The book for a single question, without a transaction round it where that is cheaper."""
        return self.book()

    def moment(self) -> int:
        """A number that is another one after every commit of anybody. A ledger that can't tell gives a new one each time."""
        return time.monotonic_ns()

    def checkpoint(self, *, truncate: bool = False) -> bool:
        """Move what is logged into the storage proper; with `truncate`, leave no log. False when it could not be done now."""
        return True

    def vacuum(self) -> None:  # noqa: B027
        """Write the storage anew, without the slack in which old bytes may stand."""

    def rest(self) -> None:  # noqa: B027
        """Let nobody write until `go_on`: the process is about to fork."""

    def let_go(self) -> None:  # noqa: B027
        """Close what is open still, now that nothing more can be opened."""

    def go_on(self) -> None:  # noqa: B027
        """After `rest`."""

    def facts(self) -> dict[str, Any]:
        """What `doctor` shows."""
        return {}
