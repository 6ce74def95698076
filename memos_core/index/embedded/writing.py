"""What the index writes: entries in the ledger's own transaction, vectors when they have been made."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from memos_core.index.base import Vectors
from memos_core.index.embedded.schema import ASKS, TIMED, entries, erasures, index_state, vectors
from memos_core.model.change import Applied, Entry
from memos_core.model.headings import headings
from memos_core.sql.schema import Prepared, insert
from memos_core.text.words import analyse, code

_p = sa.bindparam
_OPEN = Prepared(sa.insert(entries).values({column.name: _p(f"{column.name}_") for column in entries.c if column.name != "eid"}).inline())
_CLOSE = Prepared(sa.update(entries).values(until=_p("tx_")).where(entries.c.nr == _p("nr_"), entries.c.until.is_(None)))
_CUBES = Prepared(sa.select(entries.c.cube).where(entries.c.nr == _p("nr_")).limit(1))
_ERASE = Prepared(sa.delete(entries).where(entries.c.nr == _p("nr_")))
_ERASE_VECTORS = Prepared(sa.delete(vectors).where(vectors.c.nr == _p("nr_")))
_FOLLOWERS = Prepared(sa.select(entries.c.nr).where(entries.c.context == _p("nr_")).distinct())
_ERASED = insert(erasures)
_NEXT = Prepared(sa.update(index_state).values(value=index_state.c.value + 1).where(index_state.c.name == _p("name_")))
_FIRST = insert(index_state)
_VALUE = Prepared(sa.select(index_state.c.value).where(index_state.c.name == _p("name_")))
_before = entries.alias("before")
_AT_ONCE = 64
_KEEP = sqlite.insert(vectors).values({column.name: _p(f"{column.name}_") for column in vectors.c if column.name != "vid"}).inline()
_KEEP_NEWEST = Prepared(
    _KEEP.on_conflict_do_update(
        index_elements=["nr", "version", "model"], set_={name: _KEEP.excluded[name] for name in ("cube", "stamp", "dim", "emb")}
    )
)

_codes: dict[str, int] = {}
_CODES_LIMIT = 200_000
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=lambda value: _plain(value))


def ride(connection: sa.Connection, applied: Sequence[Applied]) -> None:
    """Entries closed, erased and opened, in the caller's transaction."""
    rows: list[tuple[Any, ...]] = []
    for change in applied:
        if rows and (change.closed or change.erased):
            _OPEN.run(connection, rows)
            rows = []
        for nr in change.closed:
            _CLOSE.run(connection, [(change.tx, nr)])
        if change.erased:
            _erase(connection, change)
        rows.extend(map(_row, change.opened))
    _OPEN.run(connection, rows)


def _erase(connection: sa.Connection, change: Applied) -> None:
    """Rows and vectors go, and the vectors that were made from these texts as somebody's context."""
    for nr in change.erased:
        cube = _CUBES.one(connection, (nr,))
        for (follower,) in _FOLLOWERS.all(connection, (nr,)):
            _ERASE_VECTORS.run(connection, [(follower,)])
        _ERASE_VECTORS.run(connection, [(nr,)])
        _ERASE.run(connection, [(nr,)])
        if cube is not None:
            _ERASED.run(connection, [(cube[0], change.tx, nr)])


def _row(entry: Entry) -> tuple[Any, ...]:
    above = headings(entry.fields.get("trust", ""), entry.fields.get("info") or {})
    terms, kind = encode(entry.text, entry.speaker, entry.terms, above)
    expires = entry.fields.get("expires_at")
    return (
        entry.nr, entry.version, entry.cube, entry.tx, None, terms, entry.speaker, entry.session, entry.context, entry.said,
        _micros(expires) if expires is not None else None, kind, _encoder.encode(entry.fields),
    )  # fmt: skip


def encode(text: str, speaker: str = "", analysed: Sequence[str] | None = None, above: str = "") -> tuple[bytes, int]:
    """The terms of "speaker: text" as kept in the index, with those of the headings above it, and of what kind the text is. `analysed`
    are the text's, if they are known."""
    from memos_core.text.asking import ends_asking  # here: who only searches does without them
    from memos_core.text.passages import passages
    from memos_core.text.times import holds_time

    named = (*_named(speaker), *analyse(above)) if above else _named(speaker)
    spans = passages(text)
    timed, parts, known = False, array("I"), _codes
    for start, end in spans or [(0, 0)]:
        part = text if len(spans) == 1 else text[start:end]
        terms = analyse(part) if analysed is None or len(spans) > 1 else analysed
        timed = timed or holds_time(part, terms)
        if parts or start > (spans[0][0] if spans else 0):
            parts.append(0)
        parts.extend(sorted([known.get(term) or _code(term) for term in (*named, *terms)]))
    if sys.byteorder == "big":
        parts.byteswap()
    return parts.tobytes(), TIMED * timed + ASKS * ends_asking(text)


@lru_cache(maxsize=1024)
def _named(speaker: str) -> tuple[str, ...]:
    return tuple(analyse(speaker))


def _code(term: str) -> int:
    if len(_codes) > _CODES_LIMIT:
        _codes.clear()
    found = _codes[term] = code(term)
    return found


def _micros(when: Any) -> int:
    return int(when) if isinstance(when, int) else round(datetime.fromisoformat(str(when)).timestamp() * 1_000_000)


def _plain(value: Any) -> Any:
    """What JSON doesn't know, as filters compare it."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a field of type {type(value).__name__} can't be filtered by")


def write_vectors(connection: sa.Connection, model: str, given: Sequence[Vectors]) -> int:
    """Keep vectors, in the caller's write transaction; how many were kept. Those of erased versions are dropped, and what was
    made with an erased text as its context is kept without it."""
    stamp = bump(connection, "stamp")
    known: dict[tuple[int, int], int] = {}
    for start in range(0, len(given), _AT_ONCE):
        nrs = [one.nr for one in given[start : start + _AT_ONCE]]
        known.update(((nr, version), after) for nr, version, after in _known(len(nrs)).all(connection, tuple(nrs)))
    rows = []
    for one in {(one.nr, one.version): one for one in given}.values():
        after = known.get((one.nr, one.version))
        if after is not None:
            emb = one.alone if one.context is None or not after else np.concatenate([one.alone, one.context])
            rows.append((one.nr, one.version, model, one.cube, stamp, len(one.alone), emb.astype("<f2").tobytes()))
    _KEEP_NEWEST.run(connection, rows)
    return len(rows)


@lru_cache(maxsize=_AT_ONCE)
def _known(count: int) -> Prepared:
    """Of so many memories: the versions that have an entry, and whether the memory before is still there."""
    after = sa.func.max(sa.exists(sa.select(_before.c.nr).where(_before.c.nr == entries.c.context)))
    numbers: list[Any] = [_p(f"n{i}") for i in range(count)]
    found = sa.select(entries.c.nr, entries.c.version, after).where(entries.c.nr.in_(numbers))
    return Prepared(found.group_by(entries.c.nr, entries.c.version))


def bump(connection: sa.Connection, name: str) -> int:
    """The next value of one of the index's counters."""
    if _NEXT.run(connection, [(name,)]) == 0:
        _FIRST.run(connection, [(name, 1)])
    return int(_VALUE.one(connection, (name,))[0])


def clear(connection: sa.Connection) -> None:
    """Empty the index, to be made anew from the ledger; segments everywhere notice."""
    for table in (entries, vectors, erasures):
        connection.execute(sa.delete(table))
    bump(connection, "epoch")
