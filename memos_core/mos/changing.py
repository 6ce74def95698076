"""The verbs that change: update, delete, restore. Each writes a new version; none touches an old one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memos_core.errors import InvalidInput, MemoryNotFound, VersionConflict
from memos_core.governance.access import Standing
from memos_core.ledger.pen import Pen, dump
from memos_core.ledger.read import LIVE, Book
from memos_core.ledger.rows import VersionRow
from memos_core.model.filter import Filter
from memos_core.mos.adding import Added, enqueue_embedding
from memos_core.mos.entries import digest_of, entry_of, validity_of
from memos_core.mos.finding import matching_ids, row_of

_WIDTH = len(VersionRow._fields)


@dataclass(frozen=True, slots=True)
class Change:
    """What an update changes; None leaves a field as it is."""

    text: str | None = None
    tags: tuple[str, ...] | None = None
    info: dict[str, Any] | None = None
    expires: int | None = None
    if_version: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return self.text is None and self.tags is None and self.info is None and self.expires is None


def acting(pen: Pen, seen: Standing) -> None:
    """Write down who did it."""
    pen.acting(seen.user, seen.agent)


def update(pen: Pen, book: Book, seen: Standing, memory_id: str, change: Change, *, embed: bool) -> Added:
    """The next version of a memory."""
    row = row_of(book, seen, memory_id)
    seen.demand(row[2], "writer")
    if change.if_version is not None and change.if_version != row[1]:
        raise VersionConflict(f"Memory {memory_id} has version {row[1]}, not {change.if_version}; read it again and repeat the change.")
    old = VersionRow._make(row[:_WIDTH])
    newer = old._replace(
        text=old.text if change.text is None else change.text,
        tags=old.tags if change.tags is None else dump(list(change.tags)),
        info=old.info if change.info is None else dump(change.info),
        expires=old.expires if change.expires is None else change.expires,
    )
    if change.text is not None:
        valid_from, valid_to = validity_of(newer.text, pen.at)
        newer = newer._replace(valid_from=valid_from, valid_to=valid_to)
    return revise(pen, seen, row, newer, verb="update", why="", embed=embed)


def revise(pen: Pen, seen: Standing, row: Any, newer: VersionRow, *, verb: str, why: str, embed: bool) -> Added:
    """Write a row's next version."""
    acting(pen, seen)
    newer = newer._replace(version=row[1] + 1, tx=pen.tx, at=pen.at, verb=verb, by=pen.by, why=why, salt=os.urandom(16))
    live = newer.state in LIVE
    label, implicit = row[_WIDTH + 1], row[_WIDTH + 2]
    entry = entry_of(newer, seen.cube_ids.get(newer.cube, ""), None if implicit else label, label, row[_WIDTH]) if live else None
    pen.revise(newer, digest=digest_of(newer.speaker, newer.memory_type, newer.text) if live else None, entry=entry)
    added = Added(memory_ids=[row[_WIDTH]], pending=[(newer.item, newer.version)] if live else [])
    if embed and added.pending:
        enqueue_embedding(pen, added)
    return added


def chosen(
    book: Book, seen: Standing, memory_ids: Sequence[str] | None, where: Filter | None, now: int, *, states: Sequence[str]
) -> list[Any]:
    """The rows named by ids, all of which must be there, or by a filter; never "all"."""
    if (memory_ids is None) == (where is None):
        raise InvalidInput(
            "memory_ids", "or a filter is needed, and only one of them.", 'Write memory_ids=[...] or filter={"field": value}.'
        )
    if memory_ids is not None:
        return [row_of(book, seen, one, states=states) for one in memory_ids]
    assert where is not None
    return matching_ids(book, seen.scope(), seen.cube_ids, where, now, states)


def delete(pen: Pen, book: Book, seen: Standing, memory_ids: Sequence[str] | None, where: Filter | None, now: int) -> Added:
    """Archive them: not found any more, restorable. With a filter, only what the asker may write to."""
    rows = chosen(book, seen, memory_ids, where, now, states=(*LIVE, "merged", "frozen", "archived") if memory_ids else LIVE)
    done = Added()
    for row in rows:
        if memory_ids is not None:
            seen.demand(row[2], "writer")
        elif seen.role(row[2]) == "reader":
            continue
        done.memory_ids.append(row[_WIDTH])
        if row[11] != "archived":
            revise(pen, seen, row, VersionRow._make(row[:_WIDTH])._replace(state="archived"), verb="delete", why="", embed=False)
    return done


def restore(pen: Pen, book: Book, seen: Standing, memory_id: str, version: int | None, *, embed: bool) -> Added:
    """Bring back an archived memory, or an older version, as a new version."""
    row = row_of(book, seen, memory_id, states=(*LIVE, "archived"))
    seen.demand(row[2], "writer")
    wanted = VersionRow._make(row[:_WIDTH])
    if version is not None:
        older = [VersionRow._make(r[:_WIDTH]) for r in book.history(row[0]) if r[1] == version]
        if not older:
            raise MemoryNotFound(f"Memory {memory_id} has no version {version}; it has {row[1]}.")
        wanted = older[0]
    return revise(pen, seen, row, wanted._replace(state="activated"), verb="restore", why=f"version {wanted.version}", embed=embed)
