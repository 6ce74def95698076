"""What the verbs give back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import PrivateAttr

from memos_core.errors import InvalidInput
from memos_core.model.frozen import FrozenDict, Value
from memos_core.model.memory import Memory
from memos_core.model.render import counting, render

T = TypeVar("T")


class Receipt(Value):
    """An add that is on disk and findable. `skipped` names what was kept but could not be read or learnt."""

    memory_ids: tuple[str, ...]
    message_ids: tuple[str, ...]
    task_id: str | None
    skipped: tuple[str, ...] = ()
    audit_head: str


class Hit(Value):
    """A memory that was found. `score` orders one search; `relevance` is absolute for an embedder; both 0..1."""

    memory: Memory
    score: float
    relevance: float
    why: FrozenDict = FrozenDict()


class Recollection(Value):
    """What a search found, best first. `degraded` says what could not be used; `took` is in milliseconds by step."""

    hits: tuple[Hit, ...] = ()
    degraded: tuple[str, ...] = ()
    took: FrozenDict = FrozenDict()
    _count: Callable[[str], int] | None = PrivateAttr(default=None)

    def __iter__(self) -> Iterator[Hit]:  # type: ignore[override]
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, index: int) -> Hit:
        return self.hits[index]

    def __bool__(self) -> bool:
        return bool(self.hits)

    def prompt(self, max_tokens: int | None = None, *, count_tokens: Callable[[str], int] | None = None) -> str:
        """The text to put before a model: quoted data with who and when, best first, within `max_tokens`."""
        if max_tokens is not None and (isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1):
            raise InvalidInput("max_tokens", f"a whole number from 1 on is needed, not {str(max_tokens)[:40]!r}.")
        return render([hit.memory for hit in self.hits], max_tokens=max_tokens, count_tokens=counting(count_tokens) or self._count)


class Page(Value, Generic[T]):
    """A part of a listing, newest first. `next_cursor` is None on the last page; `total` counts them all."""

    items: tuple[T, ...]
    next_cursor: str | None = None
    total: int

    def __iter__(self) -> Iterator[T]:  # type: ignore[override]
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> T:
        return self.items[index]


class Deletion(Value):
    """What was archived: not found any more, restorable."""

    memory_ids: tuple[str, ...]


class ErasureReceipt(Value):
    """What was erased, and what each store says after reading back: done, pending or failed."""

    id: str
    memory_ids: tuple[str, ...]
    message_count: int = 0
    stores: FrozenDict
    checked_at: datetime
    audit_head: str


class Cube(Value):
    """A container of memory. `role` is what the asker may do with it: reader, writer or owner. `mounted`: here in this handle only."""

    id: str
    name: str = ""
    owner: str
    role: str
    created_at: datetime
    own: bool = False
    mounted: bool = False


class Session(Value):
    """A conversation that was given a `session_id`: how many messages stand in it, when the first and the last were said."""

    id: str
    cube_id: str
    messages: int
    first_at: datetime
    last_at: datetime


class CubeManifest(Value):
    """What a dumped cube holds: each file's size in bytes and sha256."""

    format: int
    schema_version: int
    cube_id: str
    name: str = ""
    created_at: datetime
    counts: FrozenDict
    files: tuple[FrozenDict, ...]


class Task(Value):
    """Background work. `state` is waiting, running, done or failed; times are UTC."""

    id: str
    kind: str
    state: str
    tries: int = 0
    total: int = 0
    left: int = 0
    error: str | None = None
    created_at: datetime
    done_at: datetime | None = None


class Record(Value):
    """A raw JSON value under a namespace and a key, exactly as it was put."""

    namespace: tuple[str, ...]
    key: str
    value: Any
    version: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    score: float | None = None
