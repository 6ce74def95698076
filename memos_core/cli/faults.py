"""Errors in words, with the exit code that belongs to them."""

from __future__ import annotations

import json
import sys

from memos_core.errors import InvalidInput, MemosError

_NEXT = {
    "NewerSchema": "Upgrade it: pip install --upgrade memos-kernel",
    "LedgerCorrupt": "See what is damaged: memos fsck",
    "LedgerUnavailable": "The same command may work in a moment.",
    "CubeExists": "Load it as a second copy: memos load PATH --as-new",
    "MemoryNotFound": "Ids are shown by `memos list` and `memos search`; say who asks with --user or --agent.",
    "CubeNotFound": "A cube is named by its id, which `memos cubes list` shows; say who asks with --user or --agent.",
    "TaskNotFound": "Ids are shown by `memos tasks list`.",
    "TaskFailed": "See: memos tasks list",
    "EmbedderUnavailable": "Search goes on by words; see: memos embedder status",
}


def tell(exc: MemosError | OSError, *, as_json: bool) -> int:
    """Say on stderr what went wrong; 2 for bad input, else 1."""
    code = 2 if isinstance(exc, InvalidInput) else 1
    kind = type(exc).__name__
    if as_json:
        field = exc.field if isinstance(exc, InvalidInput) else None
        _put(kind, message(exc), field=field, retryable=isinstance(exc, MemosError) and exc.retryable)
        return code
    from memos_core.cli.show import escape, note

    note(f"[bold red]{'Bad input' if code == 2 else 'Error'}[/]  {escape(message(exc))}")
    if hint := _NEXT.get(kind):
        note(f"[dim]{hint}[/]")
    return code


def misused(words: str, code: int) -> int:
    """What the parser of the command line says, for programs."""
    _put("UsageError", words)
    return code


def _put(kind: str, words: str, *, field: str | None = None, retryable: bool = False) -> None:
    error = {"kind": kind, "message": words, "field": field, "retryable": retryable}
    print(json.dumps({"error": error}, ensure_ascii=False), file=sys.stderr)


def message(exc: MemosError | OSError) -> str:
    """The error's own words; of the operating system's: what, and which file."""
    if isinstance(exc, MemosError):
        return str(exc)
    reason = exc.strerror or str(exc) or type(exc).__name__
    return f"{reason}: {exc.filename}" if exc.filename else reason
