"""The scheduler's side of the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from memos_core.model.change import Work

Handler = Callable[[Sequence[Work]], None]
"""Does units of one kind. Idempotent; a MemosError it raises says by `retryable` whether trying again makes sense."""


class Outbox(Protocol):
    """Where work waits. What is claimed is leased: should this process die, another gets it."""

    def claim(self) -> list[Work]:
        """What is due and nobody holds."""
        ...

    def finish(self, work: Sequence[Work]) -> None:
        """These are done."""
        ...

    def postpone(self, work: Sequence[Work], error: str, *, retryable: bool) -> None:
        """These failed."""
        ...
