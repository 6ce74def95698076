"""MemOS for agent frameworks: memory as an operating-system resource.

    from memos_core import MOS

    with MOS("./memory") as mos:
        mos.add("I moved to Lisbon last spring.", user_id="alice")
        print(mos.search("Where does Alice live?", user_id="alice").prompt())

Names are loaded when they are first used: importing this package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos_core.errors import (
        AuditBroken as AuditBroken,
    )

__version__ = "0.1.0"

_PLACES = {
    "memos_core.mos.desk": ("MOS",),
    "memos_core.mos.asynchronous": ("AsyncMOS",),
    "memos_core.mos.bound": ("BoundMOS",),
    "memos_core.settings": ("Settings",),
    "memos_core.model.filter": ("Filter",),
    "memos_core.model.message": ("Message", "ToolCall"),
    "memos_core.model.memory": ("Memory", "MemoryState", "MemoryType", "Revision", "Source", "Trust"),
    "memos_core.model.answer": (
        "Cube", "CubeManifest", "Deletion", "ErasureReceipt", "Hit", "Page", "Receipt", "Recollection", "Record", "Session",
        "Task",
    ),
    "memos_core.inference.base": ("Embedder",),
    "memos_core.errors": (
        "AuditBroken", "Closed", "Conflict", "CubeCorrupt", "CubeExists", "CubeNotFound", "DiskFull", "EmbedderUnavailable", "Forbidden",
        "InvalidInput", "LedgerCorrupt", "LedgerUnavailable", "MemoryNotFound", "MemosError", "NewerSchema", "NotAMemory", "NotFound",
        "ReadOnlyFolder", "RequestReused", "SessionNotFound", "StorageError", "TaskFailed", "TaskNotFound", "VersionConflict",
    ),
}  # fmt: skip
_HOME = {name: module for module, names in _PLACES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'memos_core' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
