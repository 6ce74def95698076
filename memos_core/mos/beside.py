"""What a handle reads beside its memory: mounted cubes, each a book of its own that goes with the handle.

Their numbers begin where no memory's do, so that books can be read side by side. A cube that the asker has in the memory
itself is read there, not from a mounted copy of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from memos_core.errors import Closed, Forbidden, MemosError, NotFound, TaskFailed
from memos_core.governance.access import Standing
from memos_core.ledger.read import Access, Book
from memos_core.model.answer import Recollection
from memos_core.model.scope import Asker
from memos_core.mos import finding
from memos_core.mos.finding import Layer, Question, Shelved
from memos_core.mos.handle import Handle

T = TypeVar("T")
_PATIENCE_SECONDS = 10.0


class Mount:
    """A dumped cube in a book of its own. `whose` may read it as they may read a cube that they loaded; nobody may write."""

    def __init__(self, handle: Handle, path: Path, cube_id: str, span: int) -> None:
        self.handle, self.path, self.cube_id, self.span = handle, path, cube_id, span
        self.anew()

    def anew(self) -> None:
        """Nobody reads: it is new, or this process is a fork of the one where others read."""
        self._change, self._readers, self._gone = threading.Condition(), 0, False

    def owned(self, asker: Asker) -> Access | None:
        """The cube as the asker sees it in this book, where they own what they mounted; None when it is not theirs to see."""
        engines = self.handle.engines
        access = finding.seen_now(engines, engines.shelf.now(), asker).access
        return next((entry for entry in access if entry.cube_id == self.cube_id), None)

    @contextmanager
    def read(self, asker: Asker, as_of: datetime | None) -> Iterator[tuple[Book, Standing, int | None]]:
        """See Handle.read. It is known from the moment on at which it was mounted."""
        with self.handle.read(asker, as_of) as (book, seen, until):
            yield book, _reader(seen), until

    def layer(self, question: Question) -> Layer:
        """It, to be searched."""
        engines = self.handle.engines
        known = engines.shelf.now()
        seen, until = finding.seen_now(engines, known, question.asker), None
        if question.as_of is not None:
            with self.read(question.asker, question.as_of) as (_, seen, until):
                pass
        named = None if question.cube_ids is None else [self.cube_id]
        return Layer(engines, known, _reader(seen).scope(named, session_id=question.session_id, until=until), self.span)

    @contextmanager
    def held(self) -> Iterator[bool]:
        """It stays until the end of the block; False when it is gone already."""
        with self._change:
            there = not self._gone
            self._readers += there
        try:
            yield there
        finally:
            with self._change:
                self._readers -= there
                self._change.notify_all()

    def wait(self, timeout: float | None) -> None:
        """Until its vectors are made."""
        try:
            with suppress(Closed):
                self.handle.wait(timeout)
        except TaskFailed as exc:
            raise TaskFailed(f"Vectors of the cube that is mounted from {self.path} could not be made; mount it again. {exc}") from exc

    def close(self) -> None:
        """Let it go, once nobody reads it any more."""
        with self._change:
            self._gone = True
            self._change.wait_for(lambda: not self._readers, _PATIENCE_SECONDS)
        self.handle.close()


def _reader(seen: Standing) -> Standing:
    """Of what is in a mount's book the cube alone, and only to be read."""
    return replace(seen, access=tuple(replace(entry, role="reader") for entry in seen.access if not entry.own))


@contextmanager
def beside(handle: Handle, asker: Asker) -> Iterator[list[Mount]]:
    """The mounts that an asker reads; they stay until the end of the block."""
    if not handle.mounts:
        yield []
        return
    engines = handle.engines
    here = set(finding.seen_now(engines, engines.shelf.now(), asker).cube_ids.values())
    found: list[Mount] = []
    with ExitStack() as stack:
        for mount in handle.mounts:
            if mount.cube_id not in here and stack.enter_context(mount.held()) and mount.owned(asker) is not None:
                here.add(mount.cube_id)
                found.append(mount)
        yield found


def _split(mounts: Sequence[Mount], cube_ids: Sequence[str] | None) -> tuple[Sequence[str] | None, list[Mount]]:
    """The cubes named that are not mounted, and those mounts that are meant."""
    if cube_ids is None:
        return None, list(mounts)
    mounted = {mount.cube_id for mount in mounts}
    return [one for one in cube_ids if one not in mounted], [mount for mount in mounts if mount.cube_id in cube_ids]


def search(handle: Handle, question: Question) -> Recollection:
    """See MOS.search: the memory itself and what is mounted, ranked as one."""
    if not handle.mounts:
        return finding.search(handle.engines, question)
    with beside(handle, question.asker) as mounts:
        own, meant = _split(mounts, question.cube_ids)
        layers = [mount.layer(question) for mount in meant]
        return finding.search(handle.engines, replace(question, cube_ids=own) if layers else question, layers)


@contextmanager
def books(handle: Handle, asker: Asker, as_of: datetime | None, cube_ids: Sequence[str] | None) -> Iterator[list[Shelved]]:
    """The memory's book and those of the mounts, each with what of it is asked."""
    with ExitStack() as stack:
        mounts = stack.enter_context(beside(handle, asker))
        named, meant = _split(mounts, cube_ids)
        book, seen, until = stack.enter_context(handle.read(asker, as_of))
        found = [(book, seen.scope(named, until=until), seen.cube_ids)]
        for mount in meant:
            book, seen, until = stack.enter_context(mount.read(asker, as_of))
            found.append((book, seen.scope(None if cube_ids is None else [mount.cube_id], until=until), seen.cube_ids))
        yield found


def anywhere(handle: Handle, asker: Asker, read: Callable[[Book, Standing, int | None], T], as_of: datetime | None = None) -> T:
    """What is read from the memory's book or, where it is not found there, from that of a mount."""
    try:
        with handle.read(asker, as_of) as (book, seen, until):
            return read(book, seen, until)
    except NotFound:
        with beside(handle, asker) as mounts:
            for mount in mounts:
                with suppress(NotFound), mount.read(asker, as_of) as (book, seen, until):
                    return read(book, seen, until)
        raise


def holds(handle: Handle, asker: Asker, digests: Sequence[int]) -> bool:
    """Whether a mounted cube has a live memory with one of these digests."""
    with beside(handle, asker) as mounts:
        for mount in mounts:
            with mount.read(asker, None) as (book, seen, _):
                if book.holds(seen.scope().cubes, digests):
                    return True
    return False


def forbid(handle: Handle, asker: Asker, *, memory_ids: Sequence[str] = (), cube_id: str | None = None) -> None:
    """Forbidden, where something is to be changed that is mounted."""
    with beside(handle, asker) as mounts:
        for mount in mounts:
            with mount.handle.engines.ledger.glance() as book:
                known = book.numbers(memory_ids)
            if known or mount.cube_id == cube_id:
                raise refusal(mount)


def refusal(mount: Mount) -> MemosError:
    """The error."""
    what = f"The cube '{mount.cube_id[:80]}' is mounted from {mount.path} and can only be read."
    return Forbidden(f"{what} To change it, unmount it and load it with `mos.cubes.load`.")
