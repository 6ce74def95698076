"""The verbs on the raw lane that write and look up, behind the desk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memos_core.errors import InvalidInput, VersionConflict
from memos_core.ledger import records
from memos_core.ledger.pen import Pen
from memos_core.ledger.read import Book, moment
from memos_core.ledger.records import Lane, RecordRow, namespace_of, space_of
from memos_core.ledger.tasks import LEASE_MICROS
from memos_core.model.answer import Record
from memos_core.model.filter import RECORD, Filter, Join, Leaf
from memos_core.model.ids import new_id
from memos_core.model.scope import Asker
from memos_core.mos import inputs
from memos_core.mos.adding import Added
from memos_core.mos.handle import Handle
from memos_core.mos.record_inputs import Put, Ready, key, lane, read_puts, ready, record, space
from memos_core.mos.requests import Request

_PUT = ("space", "key", "value", "ttl", "paths")
_TOLD = ("version", "created", "updated", "expires")
"""What a put is told that it did not say itself. Nothing else of it is kept: what is deleted is gone."""

__all__ = ["Put", "delete", "get", "namespaces", "put", "read_puts", "sweep"]


def _asker(handle: Handle, user_id: Any, agent_id: Any) -> Asker:
    """Who is written down; in the lane of nobody in particular, nobody."""
    return Asker(handle.tenant, inputs.name("user_id", user_id), inputs.name("agent_id", agent_id))


def put(handle: Handle, puts: Sequence[Put], user_id: Any, agent_id: Any, request_id: Any) -> list[Record]:
    """See Records.put and put_many."""
    where, engines = lane(handle.tenant, user_id, agent_id), handle.engines
    now = engines.clock()
    several = [ready(one, where, now, wants_vectors=engines.wants_vectors) for one in puts]
    request = Request("put records", request_id, lambda: _asked(several))
    if not several:
        return []

    def plan(pen: Pen, book: Book) -> tuple[list[RecordRow], Added]:
        if (told := request.told(pen)) is not None:
            again = zip(several, told["rows"], strict=True)
            return [one.row._replace(**dict(zip(_TOLD, facts, strict=True))) for one, facts in again], Added()
        rows = [_write(pen, where, one, now) for one in several]
        embed = {row.nr: row.version for row, one in zip(rows, several, strict=True) if one.embed}
        added = Added()
        if embed:
            added.task_id = new_id()
            added.work = pen.enqueue(added.task_id, "embed record", list(embed.items()), due=pen.now + LEASE_MICROS + 10_000 * len(embed))
        pen.detail["records"] = len(rows)
        request.answer(pen, {"rows": [[getattr(row, name) for name in _TOLD] for row in rows]})
        return rows, added

    rows, added = engines.ledger.append(_asker(handle, user_id, agent_id), "put records", plan).value
    handle.started(added)
    return [record(row) for row in rows]


def _asked(several: Sequence[Ready]) -> bytes:
    """What tells one request from another: all but the time."""
    return inputs.fingerprint([(*(getattr(one.row, name) for name in _PUT), one.vectors, one.if_version) for one in several])


def _write(pen: Pen, where: Lane, one: Ready, now: int) -> RecordRow:
    old = records.one(pen.connection, where, one.row.space, one.row.key, now)
    if one.if_version is not None and one.if_version != (old.version if old else 0):
        held = f"has version {old.version}" if old else "is not there"
        raise VersionConflict(f"Record '{one.row.key[:80]}' {held}, if_version is {one.if_version}; read it again and repeat the change.")
    row = one.row if old is None else one.row._replace(version=old.version + 1, created=old.created)
    written = records.write(pen, row)
    if one.vectors:
        records.keep_vectors(pen.connection, written.nr, "", one.vectors)
    return written


def get(handle: Handle, keys: Any, refresh_ttl: Any, user_id: Any, agent_id: Any) -> list[Record | None]:
    """See Records.get and get_many."""
    where, now = lane(handle.tenant, user_id, agent_id), handle.engines.clock()
    if not isinstance(keys, (list, tuple)) or any(not isinstance(one, (list, tuple)) or len(one) != 2 for one in keys):
        raise InvalidInput("keys", "a list of (namespace, key) is needed.")
    wanted = [(space("namespace", namespace), key(name)) for namespace, name in keys]
    if len(wanted) == 1:
        with handle.engines.ledger.glance() as book:
            rows = [records.one(book.connection, where, *wanted[0], now)]
    else:
        with handle.engines.ledger.book() as book:
            rows = [records.one(book.connection, where, one, name, now) for one, name in wanted]
    renew(handle, [row for row in rows if row is not None], refresh_ttl, now)
    if refresh_ttl:
        rows = [row if row is None or row.ttl is None else row._replace(expires=now + row.ttl) for row in rows]
    return [None if row is None else record(row) for row in rows]


def renew(handle: Handle, rows: Sequence[RecordRow], refresh_ttl: Any, now: int) -> None:
    """Start the time to live of what was read anew, where that is wanted and there is one."""
    if not isinstance(refresh_ttl, bool):
        raise InvalidInput("refresh_ttl", "true or false is needed.")
    living = [row for row in rows if row.ttl is not None]
    if refresh_ttl and living:
        handle.engines.ledger.write(lambda connection: records.refresh(connection, living, now))


def delete(
    handle: Handle, namespace: Any, keys: Any, filter: Any, everything: Any, user_id: Any, agent_id: Any, request_id: Any
) -> int:
    """See Records.delete."""
    where, now = lane(handle.tenant, user_id, agent_id), handle.engines.clock()
    place = space("namespace", namespace)
    if (keys is not None) + (filter is not None) + (everything is True) != 1 or not isinstance(everything, bool):
        raise InvalidInput("keys", "or a filter, or everything=True is needed, and only one of them.")
    names = None if keys is None else [key(keys)] if isinstance(keys, str) else [key(one) for one in _several(keys)]
    wanted = None if filter is None else Filter.parse(filter, RECORD)
    asked = None if names is None else sorted(names)
    request = Request("delete records", request_id, lambda: inputs.fingerprint(place, asked, str(wanted), everything))

    def plan(pen: Pen, book: Book) -> int:
        if (told := request.told(pen)) is not None:
            return int(told["count"])
        if names is not None:
            found = [row for name in dict.fromkeys(names) if (row := records.one(pen.connection, where, place, name, 0)) is not None]
        else:
            passes = accepts(wanted)
            found = [row for row in records.in_space(pen.connection, where, place) if passes(row)]
        if found:
            records.remove(pen.connection, [row.nr for row in found])
            pen.detail["records"] = len(found)
        count = sum(row.expires is None or row.expires > now for row in found)
        request.answer(pen, {"count": count})
        return count

    return handle.engines.ledger.append(_asker(handle, user_id, agent_id), "delete records", plan).value


def _several(keys: Any) -> Sequence[Any]:
    if not isinstance(keys, (list, tuple, set, frozenset)):
        raise InvalidInput("keys", "a key or a list of keys is needed.")
    return list(keys)


_READ: dict[str, Callable[[Any], Any]] = {
    "key": lambda row: row.key,
    "namespace": lambda row: list(namespace_of(row.space)),
    "value": lambda row: json.loads(row.value),
    "version": lambda row: row.version,
    "created_at": lambda row: moment(row.created),
    "updated_at": lambda row: moment(row.updated),
    "expires_at": lambda row: None if row.expires is None else moment(row.expires),
}
"""A record's fields, as filters ask for them."""


def accepts(wanted: Filter | None) -> Callable[[Any], bool]:
    """Whether a row passes; only what the filter asks for is read out of it."""
    if wanted is None:
        return lambda row: True
    asked = {name: _READ[name] for name in columns(wanted.root)}
    return lambda row: wanted.matches({name: read(row) for name, read in asked.items()})


def columns(node: Leaf | Join) -> set[str]:
    """The columns that a filter asks for."""
    return {node.path[0]} if isinstance(node, Leaf) else set().union(*map(columns, node.parts))


def sweep(handle: Handle, user_id: Any, agent_id: Any) -> int:
    """See Records.sweep."""
    where, now = lane(handle.tenant, user_id, agent_id), handle.engines.clock()

    def plan(pen: Pen, book: Book) -> int:
        gone = records.expired(pen.connection, where, now)
        if gone:
            records.remove(pen.connection, gone)
            pen.detail["records"] = len(gone)
        return len(gone)

    return handle.engines.ledger.append(_asker(handle, user_id, agent_id), "sweep records", plan).value


def namespaces(
    handle: Handle, match: Any, max_depth: Any, limit: Any, offset: Any, user_id: Any, agent_id: Any
) -> tuple[tuple[str, ...], ...]:
    """See Records.namespaces."""
    where, now = lane(handle.tenant, user_id, agent_id), handle.engines.clock()
    conditions = _conditions(match)
    depth = None if max_depth is None else inputs.whole("max_depth", max_depth, 1, 1000)
    limit, offset = inputs.whole("limit", limit, 1, 1_000_000), inputs.whole("offset", offset, 0, 1 << 31)
    start = next((labels[: labels.index("*")] if "*" in labels else labels for kind, labels in conditions if kind == "prefix"), ())
    with handle.engines.ledger.glance() as book:
        spaces = records.spaces(book.connection, where, space_of(start), now)
    found = {namespace[:depth] for namespace in map(namespace_of, spaces) if all(_fits(namespace, *one) for one in conditions)}
    return tuple(sorted(found)[offset : offset + limit])


def _conditions(match: Any) -> list[tuple[str, tuple[str, ...]]]:
    if match is None:
        return []
    pairs = list(match.items()) if isinstance(match, Mapping) else match
    if not isinstance(pairs, (list, tuple)) or any(not isinstance(one, (list, tuple)) or len(one) != 2 for one in pairs):
        raise InvalidInput("match", "pairs of a kind and labels are needed.", 'Write [("prefix", ("users", "*"))].')
    found = []
    for kind, labels in pairs:
        if kind not in ("prefix", "suffix"):
            raise InvalidInput("match", f"'{str(kind)[:40]}' is not known.", "Use prefix or suffix.")
        space("match", labels)
        found.append((str(kind), tuple(labels)))
    return found


def _fits(namespace: tuple[str, ...], kind: str, labels: tuple[str, ...]) -> bool:
    if len(namespace) < len(labels):
        return False
    part = namespace[: len(labels)] if kind == "prefix" else namespace[len(namespace) - len(labels) :]
    return all(wanted in ("*", label) for wanted, label in zip(labels, part, strict=True))
