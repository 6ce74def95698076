"""The verb erase: gone from every store, and a receipt that says only what was read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from memos_core.errors import InvalidInput, StorageError
from memos_core.governance.access import Standing
from memos_core.ledger import tables as t
from memos_core.ledger.erasure import Erased, closure, erase, everything, forget_cubes
from memos_core.ledger.pen import Pen
from memos_core.ledger.read import LIVE, Book, moment
from memos_core.model.answer import ErasureReceipt
from memos_core.model.filter import Filter
from memos_core.model.frozen import FrozenDict
from memos_core.mos.adding import Added, enqueue_embedding
from memos_core.mos.changing import acting, chosen
from memos_core.sql.bytes import found_in
from memos_core.sql.schema import chunks
from memos_core.wiring.engines import Engines

_SEARCHED = 64
"""Salts searched for in the raw bytes; where more went, the database is written anew first and these are a sample."""
_EVER = -(1 << 62)
"""A time before all expiry."""
_ALL_STATES = (*LIVE, "merged", "frozen", "archived")


def plan(
    pen: Pen, book: Book, seen: Standing, memory_ids: Sequence[str] | None, where: Filter | None, all_of_it: bool, *, embed: bool
) -> tuple[Erased, list[str], Added]:
    """Erase by ids, by a filter (archived and expired memories too), or everything in the asker's own cubes; owners only."""
    owned = [entry for entry in seen.access if entry.owner == seen.principal]
    if all_of_it:
        if memory_ids is not None or where is not None:
            raise InvalidInput("everything", "goes with neither memory_ids nor a filter.")
        items, messages = everything(pen.connection, [entry.cube for entry in owned])
    else:
        rows = chosen(book, seen, memory_ids, where, _EVER, states=_ALL_STATES)
        for row in rows:
            seen.demand(row[2], "owner")
        items, messages = closure(pen.connection, [row[0] for row in rows])
    acting(pen, seen)
    ids = [
        row[0] for part in chunks(sorted(items)) for row in pen.connection.execute(sa.select(t.items.c.id).where(t.items.c.nr.in_(part)))
    ]
    erased = erase(pen, items, messages)
    if all_of_it:
        _forget_owner(pen, seen, [entry.cube for entry in owned])
    again = Added(pending=list(erased.dependants))
    if embed and again.pending:
        enqueue_embedding(pen, again)
    return erased, ids, again


def _forget_owner(pen: Pen, seen: Standing, cubes: Sequence[int]) -> None:
    """The person too: their id, their sessions' names, their raw records, what they asked for by request_id."""
    who = f"{pen.asker.user_id}\x1f" if pen.asker.user_id else f"\x1f{pen.asker.agent_id}"
    forget_cubes(pen, cubes, [seen.principal] if seen.principal else [], who)
    owner = f"user:{pen.asker.user_id}" if pen.asker.user_id else f"agent:{pen.asker.agent_id}"
    mine = sa.select(t.records.c.nr).where(t.records.c.tenant == pen.asker.tenant, t.records.c.owner == owner)
    pen.connection.execute(sa.delete(t.record_vectors).where(t.record_vectors.c.record.in_(mine)))
    pen.connection.execute(sa.delete(t.records).where(t.records.c.tenant == pen.asker.tenant, t.records.c.owner == owner))


def receipt(engines: Engines, receipt_id: str, erased: Erased, ids: Sequence[str], head: str) -> ErasureReceipt:
    """Read every store back and say what is there. What was erased is erased: a store that can't be asked now is pending."""
    stores = {
        "ledger": _said(lambda: _ledger_clean(engines, erased)),
        "index": _said(lambda: engines.index.residue(erased.items) == 0),
        **_files(engines, erased),
    }
    return ErasureReceipt(
        id=receipt_id,
        memory_ids=tuple(ids),
        message_count=len(erased.messages),
        stores=FrozenDict(stores),
        checked_at=moment(engines.clock()),
        audit_head=head,
    )


def _said(check: Callable[[], bool]) -> str:
    try:
        return "done" if check() else "failed"
    except StorageError:
        return "pending"


def _ledger_clean(engines: Engines, erased: Erased) -> bool:
    """No row of these memories and messages holds a text or a salt; no source leads to them."""
    with engines.ledger.book() as book:
        for part in chunks(list(erased.items)):
            left = sa.select(sa.func.count()).where(
                t.versions.c.item.in_(part), sa.or_(t.versions.c.text != "", t.versions.c.salt.is_not(None))
            )
            if (
                book.connection.execute(left).scalar_one()
                or book.connection.execute(sa.select(sa.func.count()).where(t.sources.c.item.in_(part))).scalar_one()
            ):
                return False
        for part in chunks(list(erased.messages)):
            left = sa.select(sa.func.count()).where(
                t.messages.c.nr.in_(part), sa.or_(t.messages.c.content != "", t.messages.c.salt.is_not(None))
            )
            if book.connection.execute(left).scalar_one():
                return False
    return True


def _files(engines: Engines, erased: Erased) -> dict[str, str]:
    """The log is emptied, then the raw bytes of every file are searched for the salts: random, so nothing else holds them.

    The texts are searched for, too: the index's rows have no salt, and a page that was filled anew may keep a copy of a row.
    Where one is found the database is written anew; what it then still says was said by somebody else as well.
    """
    states = {"write-ahead log": "pending", "files": "pending"}
    salts = erased.salts[:: max(1, len(erased.salts) // _SEARCHED)]
    try:
        if engines.ledger.checkpoint(truncate=True):
            states["write-ahead log"] = "done"
            few = 0 < len(erased.salts) <= _SEARCHED
            if not (erased.items or erased.messages) or (few and not found_in(engines.home, [*salts, *erased.texts])):
                return states | {"files": "done"}
            states["write-ahead log"] = "pending"
            engines.ledger.vacuum()
            if engines.ledger.checkpoint(truncate=True):
                states = {"write-ahead log": "done", "files": "failed" if found_in(engines.home, salts) else "done"}
    except StorageError:  # somebody else is writing, or the disk is full
        pass
    except OSError:
        states["files"] = "failed"  # a file that can't be read may hold anything
    return states
