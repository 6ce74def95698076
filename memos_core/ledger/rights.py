"""Who may see what, held against the audit: names, owners and grants are as its lines say they became."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from memos_core.ledger import tables as t
from memos_core.ledger.base import Finding
from memos_core.ledger.key import fingerprint
from memos_core.ledger.rows import AuditRow, PrincipalRow


@dataclass
class Told:
    """What the lines of the audit say, taken together: what was erased, the cubes with their owners, the grants that hold."""

    erased: set[int] = field(default_factory=set)
    cubes: dict[int, tuple[int, int]] = field(default_factory=dict)
    grants: dict[tuple[int, int], str] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    """By transaction, the name of the key that sealed it."""

    def take(self, row: AuditRow) -> None:
        """The next line. One that was tampered with may hold anything; that is told of by itself."""
        self.keys[row.tx] = row.key
        with suppress(TypeError, ValueError):
            self._take(row, _json(row.detail))

    def _take(self, row: AuditRow, detail: dict[str, Any]) -> None:
        if row.verb == "erase":
            self.erased.update(detail.get("erased", ()))
            self.erased.update(detail.get("messages", ()))
        self.cubes.update({nr: (owner, own) for nr, owner, own in detail.get("cubes", ())})
        for cube, principal in detail.get("revoked", ()):
            self.grants.pop((cube, principal), None)
        self.grants.update({(cube, principal): role for cube, principal, role in detail.get("granted", ())})


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def rights(connection: sa.Connection, key: bytes, told: Told) -> Iterator[Finding]:
    """What differs between the tables that say who may see what, and the audit."""
    mine = fingerprint(key)
    for raw in connection.execute(sa.select(t.principals)):
        somebody = PrincipalRow._make(raw)
        if somebody.salt is None:
            if not somebody.id.startswith("erased-"):
                yield Finding(f"{somebody.kind} {somebody.nr}", "has a name, and no code that it is theirs")
        elif told.keys.get(somebody.tx) == mine and not hmac.compare_digest(somebody.sealed(key).mac, somebody.mac):
            yield Finding(f"{somebody.kind} {somebody.nr}", "was changed")
    cubes = {row[0]: (row[1], row[2]) for row in connection.execute(sa.select(t.cubes.c.nr, t.cubes.c.owner, t.cubes.c.own))}
    for nr in sorted(cubes.keys() | told.cubes.keys()):
        if cubes.get(nr) != told.cubes.get(nr):
            yield Finding(f"cube {nr}", "is not the one, or not the owner's, that the audit names")
    held = sa.select(t.grants.c.cube, t.grants.c.principal, t.grants.c.role).where(t.grants.c.until.is_(None))
    grants = {(row[0], row[1]): row[2] for row in connection.execute(held)}
    for cube, principal in sorted(grants.keys() | told.grants.keys()):
        if grants.get((cube, principal)) != told.grants.get((cube, principal)):
            yield Finding(f"grant of cube {cube} to {principal}", "is not what the audit says")
    both = t.items.join(t.versions, sa.and_(t.versions.c.item == t.items.c.nr, t.versions.c.cube != t.items.c.cube))
    for (nr,) in connection.execute(sa.select(t.items.c.nr).select_from(both).distinct()):
        yield Finding(f"memory {nr}", "stands in another cube than its versions")
