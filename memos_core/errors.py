"""What can go wrong, drawn as a tree. A class's docstring is its default message.

MemosError
|-- InvalidInput              the caller must change something   (also a ValueError)
|   `-- RequestReused         one request_id, two different requests
|-- NotFound                  absent, or not yours: the two look alike (also a LookupError)
|   |-- MemoryNotFound
|   |-- CubeNotFound
|   |-- SessionNotFound
|   `-- TaskNotFound
|-- Forbidden                 you may see it, but not do that    (also a PermissionError)
|-- Conflict
|   |-- VersionConflict       somebody else was faster
|   `-- CubeExists
|-- CubeCorrupt               a cube's bytes are not what its manifest says
|-- TaskFailed                background work gave up
|-- Closed                    the handle was closed
|-- EmbedderUnavailable       no vectors can be made right now
`-- StorageError
    |-- LedgerUnavailable     the book can't be reached now      (retryable)
    |-- DiskFull              (also an OSError)
    |-- ReadOnlyFolder        (also an OSError)
    |-- NotAMemory            the folder holds something else
    |-- NewerSchema           written by a newer version of this program
    |-- LedgerCorrupt         the file is damaged
    `-- AuditBroken           the audit chain does not verify

`.retryable` says whether the same call may succeed later; nothing else decides retries.
"""

from __future__ import annotations


class MemosError(Exception):
    """Something went wrong in the memory."""

    retryable = False

    def __init__(self, message: str | None = None, **facts: object) -> None:
        self.facts = facts
        super().__init__(message or (type(self).__doc__ or "").strip())


class InvalidInput(MemosError, ValueError):
    """The input can't be used."""

    def __init__(self, field: str, problem: str, hint: str = "") -> None:
        self.field, self.problem, self.hint = field, problem, hint
        super().__init__(f"{field}: {problem}" + (f" {hint}" if hint else ""), field=field)


class RequestReused(InvalidInput):
    """This request_id was used for a different request."""


class NotFound(MemosError, LookupError):
    """There is no such thing, or it is not yours."""


class MemoryNotFound(NotFound):
    """There is no such memory, or it is not yours."""


class CubeNotFound(NotFound):
    """There is no such cube, or it is not yours."""


class SessionNotFound(NotFound):
    """There is no such session, or it is not yours."""


class TaskNotFound(NotFound):
    """There is no such task, or it is not yours."""


class Forbidden(MemosError, PermissionError):
    """You may not do that here."""


class Conflict(MemosError):
    """It is not in the state you expect."""


class VersionConflict(Conflict):
    """The memory has a newer version; read it again and repeat the change."""


class CubeExists(Conflict):
    """A cube of that id is here already; load it with as_new=True for a second copy."""


class CubeCorrupt(MemosError):
    """The cube is not what its manifest says; nothing was loaded."""


class TaskFailed(MemosError):
    """Background work gave up; `memos tasks` shows the error and can retry it."""


class Closed(MemosError):
    """This memory was closed; open a new MOS."""


class EmbedderUnavailable(MemosError):
    """The embedder can't be used now; search goes on by words alone."""

    retryable = True


class StorageError(MemosError):
    """The storage refused."""


class LedgerUnavailable(StorageError):
    """The ledger can't be reached now; nothing was stored, try again."""

    retryable = True


class DiskFull(StorageError, OSError):
    """The disk is full; nothing was stored. Free some space and try again."""

    retryable = True


class ReadOnlyFolder(StorageError, OSError):
    """The folder can't be written to."""


class NotAMemory(StorageError):
    """The folder holds something that is not a memory."""


class NewerSchema(StorageError):
    """The memory was written by a newer version of this program; upgrade memos-kernel."""


class LedgerCorrupt(StorageError):
    """The ledger's file is damaged; restore a dump, or run `memos fsck`."""


class AuditBroken(StorageError):
    """The audit chain does not verify."""
