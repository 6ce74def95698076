"""What a failed try tells about the work: whether it counts, and whether it says anything about a single unit."""

from __future__ import annotations

from dataclasses import dataclass

from memos_core.errors import DiskFull, EmbedderUnavailable, LedgerUnavailable, MemosError, StorageError

_SHORT = 160


@dataclass(frozen=True, slots=True)
class Failure:
    """Why units were not done.

    `counted`: it is one of the tries that units have; where the storage can't be reached just now, it is none of theirs.
    `shared`: it seems to be about all units alike.
    """

    error: str
    retryable: bool = True
    counted: bool = True
    shared: bool = False


def failure(exc: Exception) -> Failure:
    """What an error means. One that is not ours may be anything: it is tried again."""
    if isinstance(exc, (LedgerUnavailable, DiskFull)):
        return Failure(_clean(exc), counted=False, shared=True)
    if isinstance(exc, EmbedderUnavailable):
        return Failure(_clean(exc), retryable=exc.retryable, shared=True)
    if isinstance(exc, MemosError):
        return Failure(_clean(exc), retryable=exc.retryable or isinstance(exc, StorageError))
    told = _clean(exc)[:_SHORT]
    return Failure(f"{type(exc).__name__}: {told}" if told else type(exc).__name__)


def _clean(exc: Exception) -> str:
    """Its message on one line, as a database can keep it."""
    try:
        told = str(exc)
    except (ValueError, TypeError, AttributeError, LookupError):  # a message that can't be made is none
        return ""
    return " ".join(told.encode("utf-8", "replace").decode().replace("\x00", " ").split())
