"""The audit's key: from the settings, else from a file that only its owner can read, outside every memory.

What such a file holds can be given in the settings, too: then it is the same key.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from pathlib import Path

from memos_core.errors import InvalidInput, StorageError

_AS_IN_A_FILE = re.compile("[0-9a-f]{64}")


def audit_key(given: str | None, file: Path) -> bytes:
    """The key as bytes. A new one is made, atomically, when there is none; a file that others can read is refused."""
    if given:
        if len(given) < 16:
            raise InvalidInput("MEMOS_AUDIT_KEY", "is shorter than 16 characters.", "Make one with `openssl rand -hex 32`.")
        return bytes.fromhex(given) if _AS_IN_A_FILE.fullmatch(given) else hashlib.sha256(given.encode()).digest()
    try:
        _make(file)
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise StorageError(f"The audit key {file} can be read by others (mode {mode:o}); run `chmod 600 {file}`.")
        return bytes.fromhex(file.read_text("ascii").strip())
    except (OSError, ValueError) as exc:
        raise StorageError(f"The audit key {file} can't be used: {exc}. Set MEMOS_AUDIT_KEY, or mend the file.") from exc


def _make(file: Path) -> None:
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(secrets.token_hex(32) + "\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def fingerprint(key: bytes) -> str:
    """Names a key without telling it."""
    return hashlib.sha256(b"memos audit key\0" + key).hexdigest()[:16]
