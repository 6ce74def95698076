"""Who may read and write what: computed once a call, from the ledger's grants, and part of everything below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memos_core.errors import CubeNotFound, Forbidden, InvalidInput
from memos_core.ledger.read import Access, Book
from memos_core.model.scope import Asker, Scope

RANK = {"reader": 0, "writer": 1, "owner": 2}


@dataclass(frozen=True, slots=True)
class Standing:
    """An asker with the cubes that they may read, each with the best role they have in it.

    A user through an agent reads what either may read; what they write or own is the user's alone.
    """

    asker: Asker
    user: int
    agent: int
    access: tuple[Access, ...]

    @property
    def cube_ids(self) -> dict[int, str]:
        """The ids of the cubes by number."""
        return {a.cube: a.cube_id for a in self.access}

    def scope(self, cube_ids: Sequence[str] | None = None, *, session_id: str | None = None, until: int | None = None) -> Scope:
        """Everything readable, or only those of `cube_ids`; a cube that is not readable is not found."""
        if cube_ids is None:
            return Scope(self.asker, tuple(a.cube for a in self.access), session_id, until)
        by_id = {a.cube_id: a.cube for a in self.access}
        missing = [c for c in cube_ids if c not in by_id]
        if missing:
            raise CubeNotFound(f"cube_ids: there is no cube '{missing[0][:80]}', or it is not yours.")
        return Scope(self.asker, tuple(dict.fromkeys(by_id[c] for c in cube_ids)), session_id, until)

    def role(self, cube: int) -> str | None:
        """The role in a cube; None when it can't be seen."""
        return next((a.role for a in self.access if a.cube == cube), None)

    def demand(self, cube: int, role: str) -> None:
        """Forbidden, unless the asker has at least that role there."""
        held = self.role(cube)
        if held is None or RANK[held] < RANK[role]:
            raise Forbidden(f"That takes the role of {role}; you are {held or 'a stranger'} there.")

    def named(self, cube_id: str) -> Access:
        """A readable cube by its id."""
        for entry in self.access:
            if entry.cube_id == cube_id:
                return entry
        raise CubeNotFound(f"There is no cube '{cube_id[:80]}', or it is not yours.")

    @property
    def principal(self) -> int:
        """Whose number stands for the asker: the user's, or an agent's that asks alone; 0 for somebody unknown."""
        return self.user if self.asker.user_id else self.agent

    @property
    def own(self) -> Access | None:
        """The asker's own cube; None before their first add."""
        return next((a for a in self.access if a.own and a.owner == self.principal), None)


def standing(book: Book, asker: Asker, *, until: int | None = None) -> Standing:
    """What the asker may see now; with `until`, of that only what they could see then, too."""
    user = book.principal(asker.tenant, "user", asker.user_id) if asker.user_id else None
    agent = book.principal(asker.tenant, "agent", asker.agent_id) if asker.agent_id else None
    then = None if until is None else {cube for one in (user, agent) if one is not None for cube in book.held(one[0], until)}
    best: dict[int, Access] = {}
    for principal, ceiling in ((user, "owner"), (agent, "reader" if asker.user_id else "owner")):
        if principal is None:
            continue
        for entry in book.access(principal[0]):
            if then is not None and entry.cube not in then:
                continue
            role = entry.role if RANK[entry.role] <= RANK[ceiling] else ceiling
            if entry.cube not in best or RANK[best[entry.cube].role] < RANK[role]:
                best[entry.cube] = Access(entry.cube, entry.cube_id, entry.name, entry.owner, entry.own, role, entry.at)
    return Standing(asker, user[0] if user else 0, agent[0] if agent else 0, tuple(best.values()))


def asker(tenant: str, user_id: str | None, agent_id: str | None) -> Asker:
    """Who asks. There is no default "everyone"."""
    if user_id is None and agent_id is None:
        raise InvalidInput("user_id", "is missing.", "Say who asks: user_id, agent_id, or both.")
    return Asker(tenant, user_id, agent_id)
