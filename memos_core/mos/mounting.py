"""The verbs mount and unmount, behind the desk.

A mounted cube is read from a private book in a temporary folder: checked and loaded like any other, but neither into the
memory nor anywhere that outlives the handle. At its own place nothing is written, ever.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from memos_core.cube.box import opened
from memos_core.cube.check import contents
from memos_core.errors import CubeExists, CubeNotFound, Forbidden
from memos_core.ledger import loading
from memos_core.ledger.read import moment
from memos_core.model.answer import Cube
from memos_core.model.scope import Asker
from memos_core.mos import inputs
from memos_core.mos.beside import Mount, beside
from memos_core.mos.handle import Handle
from memos_core.mos.moving import place, take_in
from memos_core.mos.sharing import taken

_spans = count(1 << 20)
"""What the numbers of each mount begin with: above those of any memory and, for seven million mounts, below 2 ** 63."""
_TRANSACTIONS = 20
"""Bits of a transaction's number below the span."""


def mount(handle: Handle, path: Any, user_id: Any, agent_id: Any) -> Cube:
    """See Cubes.mount."""
    asker, source = handle.asker(user_id, agent_id), place(path)
    with handle.mounting, opened(source) as box:
        found = contents(box)
        _refuse_known(handle, asker, box.manifest.cube_id, list(found.memories))
        made = _open(handle, source.absolute(), box.manifest.cube_id)
        try:
            take_in(made.handle, asker, box, found, as_new=False)
            cube = _shown(made, asker)
            handle.mounts = (*handle.mounts, made)
        except BaseException:
            made.close()
            raise
    return cube


def _refuse_known(handle: Handle, asker: Asker, cube_id: str, memory_ids: Sequence[str]) -> None:
    """CubeExists where an id would name two things."""
    with handle.engines.ledger.glance() as book:
        known = taken(book.connection, asker.tenant, cube_id) or asker.tenant in loading.tenants_of(book.connection, memory_ids)
    with beside(handle, asker) as mounts:
        for other in mounts:
            with other.handle.engines.ledger.glance() as book:
                known = known or other.cube_id == cube_id or bool(loading.tenants_of(book.connection, memory_ids))
    if known:
        raise CubeExists("This cube, or a memory of it, is here already; nothing was mounted.")


def _open(handle: Handle, path: Path, cube_id: str) -> Mount:
    """An empty book with numbers of its own. A fork of this process opens it anew, and never removes it."""
    from memos_core.wiring.private import make_private, open_private

    span = next(_spans)
    engines, process = make_private(handle.engines, first=span << _TRANSACTIONS), os.getpid()

    def opening() -> Any:
        return engines if os.getpid() == process else open_private(engines.home, handle.engines, first=span << _TRANSACTIONS)

    return Mount(Handle(opening, handle.tenant), path, cube_id, span)


def unmount(handle: Handle, cube_id: Any, user_id: Any, agent_id: Any) -> None:
    """See Cubes.unmount."""
    asker, wanted = handle.asker(user_id, agent_id), str(inputs.name("cube_id", cube_id, needed=True))
    held = handle.mounts if handle.engines else ()
    found = [(one, access) for one in held if one.cube_id == wanted and (access := one.owned(asker)) is not None]
    if not found:
        raise CubeNotFound(f"No cube '{wanted[:80]}' is mounted here, or it is not yours.")
    mine = [one for one, access in found if access.role == "owner"]
    if not mine:
        raise Forbidden(f"The cube '{wanted[:80]}' was mounted by somebody else, who alone can unmount it.")
    with handle.mounting:
        handle.mounts = tuple(one for one in handle.mounts if one is not mine[0])
    mine[0].close()


def mounted(handle: Handle, asker: Asker) -> list[Cube]:
    """The cubes that the asker has mounted, as they see them."""
    with beside(handle, asker) as mounts:
        return [_shown(one, asker) for one in mounts]


def _shown(made: Mount, asker: Asker) -> Cube:
    with made.read(asker, None) as (book, seen, _):
        cube = seen.named(made.cube_id)
        owner = book.names({cube.owner})[cube.owner]
    return Cube(id=cube.cube_id, name=cube.name, owner=owner, role=cube.role, created_at=moment(cube.at), mounted=True)
