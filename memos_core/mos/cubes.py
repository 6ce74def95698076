"""mos.cubes: containers of memory, shared and moved."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos_core.model.answer import Cube, CubeManifest, Page
    from memos_core.mos.handle import Handle


class Cubes:
    """Everybody's own cube is made at their first add; further ones are made here, shared by grants, and carried elsewhere."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def create(
        self,
        name: str,
        *,
        cube_id: str | None = None,
        user_id: str | None = None,
        agent_id: str | None = None,
        request_id: str | None = None,
    ) -> Cube:
        """A new cube, owned by the asker. CubeExists when that id is taken."""
        from memos_core.mos.sharing import create

        return create(self._handle, name, cube_id, user_id, agent_id, request_id)

    def list(self, *, user_id: str | None = None, agent_id: str | None = None) -> Page[Cube]:
        """The cubes that the asker may read, newest first, with the role that they have in each; what they mounted, too."""
        from memos_core.mos.sharing import list_cubes

        return list_cubes(self._handle, user_id, agent_id)

    def share(
        self, cube_id: str, *, with_user: str | None = None, with_agent: str | None = None, role: str = "reader",
        user_id: str | None = None, agent_id: str | None = None, request_id: str | None = None,
    ) -> None:  # fmt: skip
        """Let a user or an agent read a cube (reader), write to it (writer), or do all (owner); in place of the role they had.

        Owners only. Somebody who is not known yet is written down.
        """
        from memos_core.mos.sharing import share

        share(self._handle, cube_id, with_user, with_agent, role, user_id, agent_id, request_id)

    def unshare(
        self,
        cube_id: str,
        *,
        with_user: str | None = None,
        with_agent: str | None = None,
        user_id: str | None = None,
        agent_id: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Take the right back; from then on they find nothing of it, whenever they look at. Not from who made the cube."""
        from memos_core.mos.sharing import unshare

        unshare(self._handle, cube_id, with_user, with_agent, user_id, agent_id, request_id)

    def dump(self, cube_id: str, path: str | PathLike[str], *, user_id: str | None = None, agent_id: str | None = None) -> CubeManifest:
        """Write a cube to a new place: one archive where the name has an ending (.memcube, .zip, ...), else a folder.

        Whole or not at all. Readers may: they can read all of it anyway.
        """
        from memos_core.mos.moving import dump

        return dump(self._handle, cube_id, path, user_id, agent_id)

    def load(
        self, path: str | PathLike[str], *, as_new: bool = False, user_id: str | None = None, agent_id: str | None = None,
        request_id: str | None = None,
    ) -> Cube:  # fmt: skip
        """Take in a dumped cube, as the asker's own, with its ids, versions and times. Everything is checked first.

        `as_new` gives new ids. What it says of trust is not believed: all is marked as imported. CubeCorrupt, CubeExists.
        """
        from memos_core.mos.moving import load

        return load(self._handle, path, as_new, user_id, agent_id, request_id)

    def mount(self, path: str | PathLike[str], *, user_id: str | None = None, agent_id: str | None = None) -> Cube:
        """Read a dumped cube without loading it: searched and listed with the asker's own, in this handle only, until unmounted.

        Checked as by `verify`, and as it is now: what becomes of the files later is not noticed. Nothing is written there.
        It is known from now on, as of no earlier time. CubeCorrupt; CubeExists when it, or a memory of it, is here already.
        """
        from memos_core.mos.mounting import mount

        return mount(self._handle, path, user_id, agent_id)

    def unmount(self, cube_id: str, *, user_id: str | None = None, agent_id: str | None = None) -> None:
        """Let go of a mounted cube; nothing of it is found any more. Closing the memory does it, too."""
        from memos_core.mos.mounting import unmount

        unmount(self._handle, cube_id, user_id, agent_id)

    def verify(self, path: str | PathLike[str]) -> CubeManifest:
        """Check a dumped cube: names, sizes, digests, and every line. CubeCorrupt; writes nothing, runs nothing."""
        from memos_core.mos.moving import verify

        return verify(path)
