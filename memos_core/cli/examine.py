"""What a folder holds and how far it is from what the embedded engine is good for. Values only; `doctor` shows them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from memos_core.cli.show import memories, plural, size
from memos_core.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from memos_core.wiring.engines import Engines

SCOPE_LIMIT = 300_000
"""Memories in one cube up to which an exact scan answers within about 12 ms; beyond, a server with an approximate index does better."""
SEGMENT_BYTES = 900
"""What a memory takes while its scope is in use: a float16 vector of 384 and its terms."""
SPARE_BYTES = 1 << 30
MANY = 10_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `state` is ok, note or bad; `mend` the command or the change that helps."""

    name: str
    state: str
    finding: str
    mend: str = ""


def holdings(engines: Engines, model: str | None = None) -> dict[str, Any]:
    """Counts by the tables, bytes by the files; with a model's digest, how many memories lack a vector of it, up to `MANY`."""
    with engines.ledger.glance() as book:
        counts = _counts(book.connection)
    files = {path.name: path.stat().st_size for path in sorted(engines.home.iterdir()) if path.is_file()}
    lacking = None if model is None else len(engines.index.unembedded(model, MANY))
    return counts | {"without_vector": lacking, "index": engines.index.health().facts, "files": files, "bytes": sum(files.values())}


def _counts(connection: sa.Connection) -> dict[str, Any]:
    import sqlalchemy as sa

    from memos_core.ledger import tables as t
    from memos_core.ledger.read import LIVE

    def count(*columns: Any, where: Any = None) -> int:
        query = sa.select(sa.func.count()).select_from(*columns)
        return int(connection.execute(query if where is None else query.where(where)).scalar_one())

    live = t.items.c.state.in_(LIVE)
    largest = sa.select(sa.func.count()).select_from(t.items).where(live).group_by(t.items.c.cube).order_by(sa.func.count().desc()).limit(1)
    return {
        "memories": count(t.items, where=live),
        "versions": count(t.versions),
        "messages": count(t.messages, where=t.messages.c.until.is_(None)),
        "cubes": count(t.cubes),
        "largest_cube": int(connection.execute(largest).scalar() or 0),
        "tenants": int(connection.execute(sa.select(sa.func.count(sa.distinct(t.cubes.c.tenant)))).scalar_one()),
        "work_waiting": count(t.outbox, where=t.outbox.c.dead == 0),
        "work_failed": count(t.outbox, where=t.outbox.c.dead != 0),
    }


def left(engines: Engines, tasks: set[int]) -> int:
    """How much of these tasks is still to be done."""
    import sqlalchemy as sa

    from memos_core.ledger import tables as t

    with engines.ledger.glance() as book:
        query = sa.select(sa.func.count()).select_from(t.outbox).where(t.outbox.c.task.in_(tasks), t.outbox.c.dead == 0)
        return int(book.connection.execute(query).scalar_one())


def checks(
    settings: Settings, embedder: dict[str, Any], held: dict[str, Any] | None, ledger: Mapping[str, Any] = MappingProxyType({})
) -> list[Check]:
    """Everything that is looked at; what needs an open folder only where there is one. `ledger` is what it says of itself."""
    found = [_embedder(embedder), _audit(settings, ledger)]
    if held is not None:
        found += _vectors(held)
        found += [_work(held), _scope(held), _memory(settings, held), _disk(Path(settings.home))]
    return found


def _embedder(embedder: dict[str, Any]) -> Check:
    if embedder["usable"]:
        languages = ", ".join(embedder["languages"]) if isinstance(embedder["languages"], list) else embedder["languages"]
        return Check("embedder", "ok", f"{embedder['embedder']}, languages: {languages}, digest {embedder['digest'][:12]}")
    return Check("embedder", "note", f"{embedder['problem']}; search is by words alone", embedder["mend"])


def _audit(settings: Settings, ledger: Mapping[str, Any]) -> Check:
    first, now = ledger.get("audit_key"), ledger.get("key_in_use")
    if first != now:
        words = f"{now}, but this folder was begun with {first}: what was written with that one can't be proven with this one"
        return Check("audit key", "note", words, "run memos fsck with each of them: MEMOS_AUDIT_KEY takes what a key file holds")
    if settings.audit_key:
        return Check("audit key", "ok", "given by MEMOS_AUDIT_KEY")
    file = settings.audit_key_file
    return Check(
        "audit key",
        "ok" if file.exists() else "note",
        f"{file}, kept apart from the memory" if file.exists() else f"made with the first memory: {file}",
    )


def _vectors(held: dict[str, Any]) -> list[Check]:
    lacking = held["without_vector"]
    if lacking is None or not held["memories"]:
        return []
    if not lacking:
        return [Check("vectors", "ok", f"of all {memories(held['memories'])}")]
    count = f"{lacking:,}{' or more' if lacking == MANY else ''} of {memories(held['memories'])}"
    mend = "memos worker --once" if held["work_waiting"] else "memos rebuild"
    return [Check("vectors", "note", f"{count} have none of this model yet and are found by words", mend)]


def _work(held: dict[str, Any]) -> Check:
    if held["work_failed"]:
        return Check("background work", "bad", f"{plural(held['work_failed'], 'unit')} gave up", "memos tasks list; memos tasks retry TASK")
    if held["work_waiting"]:
        return Check("background work", "note", f"{plural(held['work_waiting'], 'unit')} left to do", "memos worker --once")
    return Check("background work", "ok", "nothing waits")


def _scope(held: dict[str, Any]) -> Check:
    largest = held["largest_cube"]
    words = f"{memories(largest)}; the embedded engine is good for about {SCOPE_LIMIT:,}"
    if largest <= SCOPE_LIMIT:
        return Check("largest cube", "ok", words)
    return Check(
        "largest cube", "note", f"{words}; searches there take over 12 ms", "split it by cube, or use an index server when it is available"
    )


def _memory(settings: Settings, held: dict[str, Any]) -> Check:
    need, limit = held["memories"] * SEGMENT_BYTES, settings.segment_bytes
    words = f"all in use at once take {size(need)} of the {size(limit)} set for them"
    if need <= limit:
        return Check("memory of scopes", "ok", words)
    return Check("memory of scopes", "note", f"{words}; the least used are built again when asked", "raise MEMOS_SEGMENT_BYTES")


def _disk(home: Path) -> Check:
    free = shutil.disk_usage(home).free
    network = _network(home)
    if network:
        return Check(
            "disk",
            "bad",
            f"{network}: a network file system; SQLite's locks are not safe there",
            "keep the folder on a disk of this machine",
        )
    words = f"{free / 1e9:,.1f} GB free"
    return Check("disk", "ok", words) if free > SPARE_BYTES else Check("disk", "note", words, "free some space")


def _network(home: Path) -> str:
    """The kind of network file system that a folder is on, "" for a disk of this machine or where that can't be seen."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return ""
    best, kind = "", ""
    for line in mounts.read_text(errors="replace").splitlines():
        fields = line.split(" ")
        point = fields[1].rstrip("/") + "/"
        if len(fields) > 2 and (os.path.realpath(home) + "/").startswith(point) and len(point) > len(best):
            best, kind = point, fields[2]
    return kind if kind.startswith(("nfs", "cifs", "smb", "afs", "ceph", "glusterfs", "fuse.sshfs")) else ""
