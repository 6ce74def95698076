"""Who asks, and what they may read and write. Computed once, in governance; part of every engine call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asker:
    """A user, an agent, or a user through an agent, within a tenant. At least one of the two is set."""

    tenant: str
    user_id: str | None
    agent_id: str | None

    @property
    def label(self) -> str:
        """How the audit names them."""
        parts = [f"user:{self.user_id}" if self.user_id else "", f"agent:{self.agent_id}" if self.agent_id else ""]
        return " via ".join(p for p in parts if p)


@dataclass(frozen=True, slots=True)
class Scope:
    """The cubes that one asker may read, by the ledger's own numbers, and where they stand.

    `cubes` is never "everyone": empty means nothing is readable. `until` is the ledger's transaction up to which
    the asker looks (`as_of`), None for now.
    """

    asker: Asker
    cubes: tuple[int, ...]
    session_id: str | None = None
    until: int | None = None
