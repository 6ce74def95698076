"""What the verbs work with: the engines of one folder, shared by every handle on it in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos_core.index.base import Index
    from memos_core.inference.base import Embedder
    from memos_core.ledger.base import Ledger
    from memos_core.scheduler.base import Scheduler
    from memos_core.wiring.shelf import Shelf


@dataclass(slots=True)
class Engines:
    """One folder's engines. `embedder` loads on first use and is None where none is installed."""

    home: Path
    ledger: Ledger
    index: Index
    scheduler: Scheduler
    shelf: Shelf
    clock: Callable[[], int]
    embedder: Callable[[], Embedder | None]
    wants_vectors: bool
    segment_bytes: int
    released: Callable[[], None]
