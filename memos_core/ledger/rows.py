"""Rows as named tuples, in the order of their tables' columns, and what their authentication codes cover."""

from __future__ import annotations

import hmac
from typing import NamedTuple


class MessageRow(NamedTuple):
    """A message as it was said."""

    nr: int
    id: str
    cube: int
    session: int
    version: int
    tx: int
    until: int | None
    role: str
    name: str | None
    content: str
    extra: str | None
    raw: str | None
    said: int
    user_id: str | None
    agent_id: str | None
    salt: bytes | None
    mac: bytes

    def sealed(self, key: bytes) -> MessageRow:
        """The row with its code over everything but `until`."""
        return MessageRow._make((*self[:16], seal(key, self.salt, (*self[:6], *self[7:15]))))


class VersionRow(NamedTuple):
    """One version of a memory."""

    item: int
    version: int
    cube: int
    tx: int
    at: int
    verb: str
    by: str
    why: str
    text: str
    speaker: str
    memory_type: str
    state: str
    user_id: str | None
    agent_id: str | None
    session: int
    context: int | None
    tags: str
    info: str
    trust: str
    said: int
    valid_from: int | None
    valid_to: int | None
    expires: int | None
    merged_to: str | None
    salt: bytes | None
    mac: bytes

    def sealed(self, key: bytes) -> VersionRow:
        """The row with its code over everything it says."""
        return VersionRow._make((*self[:25], seal(key, self.salt, self[:24])))


class PrincipalRow(NamedTuple):
    """Somebody who asks: a user or an agent."""

    nr: int
    tenant: str
    kind: str
    id: str
    tx: int
    salt: bytes | None
    mac: bytes

    def sealed(self, key: bytes) -> PrincipalRow:
        """The row with its code over everything."""
        return PrincipalRow._make((*self[:6], seal(key, self.salt, self[:5])))


class SourceRow(NamedTuple):
    """Which message, or else what, a memory was made from. `label` names what is not a message."""

    item: int
    ref: int
    start: int | None
    end: int | None
    said: int
    tx: int
    kind: str
    label: str | None


class Head(NamedTuple):
    """The last line of a tenant's chain: what the next one is chained to."""

    seq: int
    mac: bytes
    key: str


START = Head(0, b"", "")


class AuditRow(NamedTuple):
    """One line of the audit: what one transaction did. `key` is the fingerprint of the key that sealed it and its rows."""

    tx: int
    tenant: str
    seq: int
    at: int
    user: int
    agent: int
    verb: str
    detail: str
    key: str
    digest: bytes
    mac: bytes

    def sealed(self, key: bytes, head: Head) -> AuditRow:
        """The row chained to the tenant's line before it, whatever key that one names."""
        return self._replace(mac=seal(key, head.mac, (*self[:10], head.key)))

    @property
    def head(self) -> Head:
        """What the tenant's next line is chained to."""
        return Head(self.seq, self.mac, self.key)


def seal(key: bytes, salt: bytes | None, values: tuple[object, ...]) -> bytes:
    """HMAC-SHA-256 over the salt and the values. Without the salt, which erasure destroys, it can't be linked to a text."""
    return hmac.digest(key, (salt or b"") + repr(values).encode("utf-8", "surrogatepass"), "sha256")
