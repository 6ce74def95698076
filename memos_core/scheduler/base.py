"""The scheduler port, and its side of the outbox."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from memos_core.model.change import Work

Handler = Callable[[Sequence[Work]], None]
"""Does units of one kind. Idempotent; a MemosError it raises says by `retryable` whether trying again makes sense, and any
other error is tried again."""


class Outbox(Protocol):
    """Where work waits. What is claimed is leased: should this process die, another gets it."""

    def claim(self) -> list[Work]:
        """What is due and nobody holds."""
        ...

    def finish(self, work: Sequence[Work]) -> None:
        """These are done."""
        ...

    def postpone(self, work: Sequence[Work], error: str, *, retryable: bool, counted: bool = True) -> None:
        """These failed. Where it is not `counted`, they keep the tries that they have."""
        ...

    def release(self, work: Sequence[Work]) -> None:
        """These were not begun: anybody may claim them now."""
        ...


class Scheduler(ABC):
    """Does later, at least once, what the outbox holds."""

    @abstractmethod
    def start(self) -> None:
        """Begin to work, unless it does already."""

    @abstractmethod
    def submit(self, work: Sequence[Work]) -> None:
        """Work that is committed already and leased to this process."""

    @abstractmethod
    def wait_change(self, timeout: float) -> None:
        """Until some work ended, at most that many seconds."""

    @abstractmethod
    def drain_once(self) -> int:
        """Do one batch of what there is, here and now; how many units were done or failed. Without work it does the upkeep,
        and what that finds."""

    def rest(self) -> None:  # noqa: B027
        """Finish the batch in hand and do nothing until `go_on`: the process is about to fork."""

    def go_on(self) -> None:  # noqa: B027
        """After `rest`."""

    @abstractmethod
    def close(self) -> None:
        """Finish the batch in hand and stop. What is left stays in the outbox."""
