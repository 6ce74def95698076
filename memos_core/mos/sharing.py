"""The verbs on cubes here, behind the desk: make, list, share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from memos_core.errors import CubeExists, InvalidInput
from memos_core.governance.access import RANK, Standing
from memos_core.ledger import tables as t
from memos_core.ledger.grants import revoke
from memos_core.ledger.pen import Pen
from memos_core.ledger.read import Access, Book, moment
from memos_core.model.answer import Cube, Page
from memos_core.model.ids import new_id
from memos_core.mos import beside, inputs
from memos_core.mos.adding import own_cube
from memos_core.mos.changing import acting
from memos_core.mos.handle import Handle
from memos_core.mos.requests import Request


def create(handle: Handle, name: Any, cube_id: Any, user_id: Any, agent_id: Any, request_id: Any) -> Cube:
    """See Cubes.create."""
    asker = handle.asker(user_id, agent_id)
    label = str(inputs.name("name", name, needed=True))
    wanted = inputs.name("cube_id", cube_id)
    request = Request("create cube", request_id, lambda: inputs.fingerprint(label, wanted))

    def plan(pen: Pen, book: Book) -> str:
        if (told := request.told(pen)) is not None:
            return str(told["id"])
        made = wanted or new_id()
        if taken(pen.connection, asker.tenant, made):
            raise CubeExists(f"cube_id: '{made[:80]}' is taken.")
        own_cube(pen, book, asker)
        pen.open_cube(made, label, owner_of(pen), own=False)
        request.answer(pen, {"id": made})
        return made

    made = handle.engines.ledger.append(asker, "create cube", plan).value
    return one(handle, user_id, agent_id, made)


def taken(connection: sa.Connection, tenant: str, cube_id: str) -> bool:
    """Whether this tenant has a cube of that id, whoever owns it."""
    query = sa.select(t.cubes.c.nr).where(t.cubes.c.tenant == tenant, t.cubes.c.id == cube_id)
    return connection.execute(query).first() is not None


def owner_of(pen: Pen) -> int:
    """Who owns what this transaction makes: the user, or an agent that asks alone."""
    user, agent = (int(part) for part in pen.by.split(":"))
    return user or agent


def one(handle: Handle, user_id: Any, agent_id: Any, cube_id: str) -> Cube:
    """A cube as the asker sees it."""
    with handle.read(handle.asker(user_id, agent_id)) as (book, seen, _):
        return _cubes(book, [seen.named(cube_id)])[0]


def list_cubes(handle: Handle, user_id: Any, agent_id: Any) -> Page[Cube]:
    """See Cubes.list."""
    with handle.read(handle.asker(user_id, agent_id)) as (book, seen, _):
        cubes = _cubes(book, sorted(seen.access, key=lambda entry: (-entry.at, -entry.cube)))
    if handle.mounts:
        from memos_core.mos.mounting import mounted

        cubes = sorted([*mounted(handle, seen.asker), *cubes], key=lambda cube: cube.created_at, reverse=True)
    return Page(items=tuple(cubes), total=len(cubes))


def _cubes(book: Book, access: list[Access]) -> list[Cube]:
    names = book.names({entry.owner for entry in access})
    return [
        Cube(id=a.cube_id, name=a.name, owner=names[a.owner], role=a.role, created_at=moment(a.at), own=a.own) for a in access
    ]  # fmt: skip


def _grantee(with_user: Any, with_agent: Any) -> tuple[str, str]:
    """With whom: a kind and a name."""
    user, agent = inputs.name("with_user", with_user), inputs.name("with_agent", with_agent)
    if (user is None) == (agent is None):
        raise InvalidInput("with_user", "or with_agent is needed, and only one of them.")
    return ("user", user) if user is not None else ("agent", str(agent))


def share(
    handle: Handle, cube_id: Any, with_user: Any, with_agent: Any, role: Any, user_id: Any, agent_id: Any, request_id: Any
) -> None:
    """See Cubes.share."""
    wanted, (kind, name) = str(inputs.name("cube_id", cube_id, needed=True)), _grantee(with_user, with_agent)
    if not isinstance(role, str) or role not in RANK:
        raise InvalidInput("role", f"{role!r:.40} is not known.", "Use reader, writer or owner.")
    request = Request("share cube", request_id, lambda: inputs.fingerprint(wanted, kind, name, role))

    def plan(pen: Pen, book: Book, seen: Standing) -> None:
        if request.told(pen) is not None:
            return
        cube = _owned(pen, seen, wanted)
        known = book.principal(pen.asker.tenant, kind, name)
        if known is not None and known[0] == cube.owner:
            raise InvalidInput(f"with_{kind}", f"'{name[:80]}' made this cube and stays its owner.")
        if known is None:
            nr = pen.open_principal(kind, name)
            pen.open_cube(new_id(), "", nr, own=True)
        else:
            nr = known[0]
            revoke(pen, cube.cube, nr)
        pen.grant(cube.cube, nr, role)
        request.answer(pen, {})

    asker = handle.asker(user_id, agent_id)
    beside.forbid(handle, asker, cube_id=wanted)
    handle.write(asker, "share cube", plan)


def unshare(handle: Handle, cube_id: Any, with_user: Any, with_agent: Any, user_id: Any, agent_id: Any, request_id: Any) -> None:
    """See Cubes.unshare."""
    wanted, (kind, name) = str(inputs.name("cube_id", cube_id, needed=True)), _grantee(with_user, with_agent)
    request = Request("unshare cube", request_id, lambda: inputs.fingerprint(wanted, kind, name))

    def plan(pen: Pen, book: Book, seen: Standing) -> None:
        if request.told(pen) is not None:
            return
        cube = _owned(pen, seen, wanted)
        known = book.principal(pen.asker.tenant, kind, name)
        if known is not None and known[0] == cube.owner:
            raise InvalidInput(f"with_{kind}", f"'{name[:80]}' made this cube and stays its owner.")
        if known is None or all(entry.cube != cube.cube for entry in book.access(known[0])):
            raise InvalidInput(f"with_{kind}", f"'{name[:80]}' has no role in this cube.")
        revoke(pen, cube.cube, known[0])
        request.answer(pen, {})

    asker = handle.asker(user_id, agent_id)
    beside.forbid(handle, asker, cube_id=wanted)
    handle.write(asker, "unshare cube", plan)


def _owned(pen: Pen, seen: Standing, cube_id: str) -> Access:
    """A cube that the asker owns."""
    cube = seen.named(cube_id)
    seen.demand(cube.cube, "owner")
    acting(pen, seen)
    return cube
