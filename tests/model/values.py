"""The nouns of the model."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Asker = tuple[str | None, str | None]
"""A user's name and an agent's; at least one of them."""
RANK = {"reader": 0, "writer": 1, "owner": 2}
MICRO = timedelta(microseconds=1)


class Refused(Exception):
    """The verb must raise the error of this name, and nothing may change."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True)
class Version:
    """One version of a memory."""

    number: int
    text: str
    speaker: str
    trust: str
    tags: tuple[str, ...]
    info: dict[str, Any]
    state: str
    user: str | None
    agent: str | None
    session: str | None
    said: datetime
    at: datetime
    expires: datetime | None
    valid: tuple[datetime | None, datetime | None]
    verb: str
    by: str


@dataclass(frozen=True)
class Item:
    """A memory: its versions and the versions of messages that it was made from, as (message, version)."""

    id: str
    order: int
    cube: str
    versions: tuple[Version, ...]
    sources: tuple[tuple[int, int], ...]

    @property
    def newest(self) -> Version:
        return self.versions[-1]

    @property
    def live(self) -> bool:
        return self.newest.state == "activated"


@dataclass(frozen=True)
class Said:
    """A message: `versions` are its texts, `open` whether the newest one stands in its session."""

    order: int
    id: str
    cube: str
    session: str | None
    role: str
    name: str | None
    versions: tuple[str, ...]
    said: datetime
    open: bool = True


@dataclass(frozen=True)
class Cube:
    """A container; `owner` is a number of somebody in `World.known`."""

    id: str
    name: str
    owner: int
    own: bool
    order: int


@dataclass(frozen=True)
class Words:
    """A message as a caller passes it."""

    role: str
    content: str
    name: str | None = None
    id: str | None = None
    time: datetime | None = None


@dataclass
class Clock:
    """The time of one folder: recorded times never go back, even if the clock does."""

    now: datetime
    last: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self) -> datetime:
        """The time that the next write is recorded at."""
        self.last = max(self.now, self.last + MICRO)
        return self.last


def words(text: str) -> str:
    """What makes two texts the same: case, spaces and a last full stop don't matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(" .!")


def validity(text: str) -> tuple[datetime | None, datetime | None]:
    """When the two sentences that say so were true."""
    if "since 2019" in text:
        return datetime(2019, 1, 1, tzinfo=UTC), None
    if "from 2017 to 2019" in text:
        return datetime(2017, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    return None, None
