"""The verbs that change conversations as a whole, behind the desk: replace and delete."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from memos_core.errors import InvalidInput
from memos_core.governance.access import Standing, standing
from memos_core.ledger import sessions as talk
from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen, dump
from memos_core.ledger.read import LIVE, Book, micros, moment
from memos_core.ledger.rows import MessageRow, VersionRow
from memos_core.model.answer import Deletion, Receipt
from memos_core.model.ids import new_id
from memos_core.model.message import Message
from memos_core.mos import adding, beside, changing, inputs
from memos_core.mos.conversing import elsewhere, missing, the_one, unclear
from memos_core.mos.entries import extra_of
from memos_core.mos.handle import Handle
from memos_core.mos.requests import Request
from memos_core.mos.verbs import is_memory
from memos_core.reader.messages import read_content
from memos_core.reader.skim import Skimmed, skim
from memos_core.sql.schema import chunks

_WIDTH = len(MessageRow._fields)
_VERSION = len(VersionRow._fields)


@dataclass(slots=True)
class _Merge:
    """A conversation as it stands against the one that is wanted."""

    ids: list[str] = field(default_factory=list)
    new: list[Message] = field(default_factory=list)
    """New ones and such that say something else now, ready for the writer."""
    changed: list[int] = field(default_factory=list)
    again: list[tuple[MessageRow, Message, int]] = field(default_factory=list)
    """The same words, but another time, or other JSON round them."""
    kept: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


def replace(
    handle: Handle, session_id: Any, messages: Any, user_id: Any, agent_id: Any, cube_id: Any, learn: Any, request_id: Any
) -> Receipt:
    """See Sessions.replace."""
    asker = handle.asker(user_id, agent_id)
    session = str(inputs.name("session_id", session_id, needed=True))
    named = inputs.name("cube_id", cube_id)
    if not isinstance(learn, bool):
        raise InvalidInput("learn", "true or false is needed.")
    wanted = _read(messages, session)
    request = Request("replace session", request_id, lambda: inputs.fingerprint(session, named, messages, learn))
    beside.forbid(handle, asker, cube_id=named)

    def skimmed_of(new: Sequence[Message]) -> Skimmed:
        return skim(new, learn=learn, own=lambda line: is_memory(handle, asker, line))

    def plan(pen: Pen, book: Book) -> tuple[dict[str, Any], adding.Added, tuple[str, ...]]:
        if (told := request.told(pen)) is not None:
            return told, adding.Added(), skimmed_of([wanted[nr] for nr in told["new"]]).skipped
        seen = standing(book, asker)
        found = the_one(book, seen, session, named)
        if found is not None:
            seen.demand(found.cube, "writer")
        rows = [] if found is None else talk.said(pen.connection, [found.cube], [found.nr])
        merge = _merge(rows, wanted, pen.at)
        skimmed = skimmed_of(merge.new)
        target = seen.cube_ids[found.cube] if found is not None else named
        added = adding.write(pen, book, adding.Addition(
            asker=asker, messages=merge.new, skimmed=skimmed, session_id=session, write_to=target, tags=(), info={}, expires=None,
            talk=True, embed=handle.engines.wants_vectors))  # fmt: skip
        for old, message, said in merge.again:
            _say_again(pen, old, message, said)
        _close(pen, book, seen, merge, set(added.memory_ids), session)
        memory_ids = list(dict.fromkeys([*_live_ids(book, [*merge.kept, *(old.nr for old, _, _ in merge.again)]), *added.memory_ids]))
        new = {message.id for message in merge.new}
        answer = {"memory_ids": memory_ids, "message_ids": merge.ids, "task_id": added.task_id,
                  "new": [nr for nr, one in enumerate(merge.ids) if one in new]}  # fmt: skip
        request.answer(pen, answer)
        return answer, added, skimmed.skipped

    written = handle.engines.ledger.append(asker, "replace session", plan)
    answer, added, skipped = written.value
    handle.started(added)
    return Receipt(
        memory_ids=tuple(answer["memory_ids"]), message_ids=tuple(answer["message_ids"]), task_id=answer["task_id"], skipped=skipped,
        audit_head=written.head,
    )  # fmt: skip


def _read(messages: Any, session: str) -> list[Message]:
    """The messages wanted, each with the session's id; an empty list is allowed and empties the session."""
    if isinstance(messages, (list, tuple)) and not messages:
        return []
    read = [message.evolve(session_id=session) for message in read_content(messages)]
    ids = [message.id for message in read if message.id is not None]
    if len(set(ids)) != len(ids):
        twice = next(one for nr, one in enumerate(ids) if one in ids[:nr])
        raise InvalidInput("messages", f"the id '{twice[:80]}' stands twice.", "Give every message an id of its own, or none.")
    return read


def _merge(rows: Sequence[Any], wanted: Sequence[Message], now: int) -> _Merge:
    """Recognise by id, else by what was said; give everything a time that puts it in its place."""
    merge = _Merge()
    by_id = {row.id: row for row in rows}
    named = {message.id for message in wanted if message.id is not None}
    by_words: dict[tuple[Any, ...], deque[Any]] = {}
    for row in rows:
        if row.id not in named:
            by_words.setdefault((row.role, row.name, row.content), deque()).append(row)
    matched = [_match(message, by_id, by_words) for message in wanted]
    place = (_start(wanted, matched, now), 0)
    for message, row in zip(wanted, matched, strict=True):
        first = row[_WIDTH] if row is not None else 1 << 62
        said = micros(message.at) if message.at is not None else row.said if row is not None else place[0]
        if message.at is None and (said, first) <= place:
            said = place[0] + 1
        place = (said, first)
        _decide(merge, message, row, said)
    taken = {row.nr for row in matched if row is not None}
    merge.gone = [row.nr for row in rows if row.nr not in taken]
    return merge


def _match(message: Message, by_id: dict[str, Any], by_words: dict[tuple[Any, ...], deque[Any]]) -> Any:
    if message.id is not None:
        return by_id.get(message.id)
    same = by_words.get((message.role, message.name, message.content))
    return same.popleft() if same else None


def _start(wanted: Sequence[Message], matched: Sequence[Any], now: int) -> int:
    """Just before the first message whose time is known, should new ones come before it."""
    for message, row in zip(wanted, matched, strict=True):
        if message.at is not None or row is not None:
            known = micros(message.at) if message.at is not None else int(row.said)
            return known if message is wanted[0] else known - len(wanted)
    return now


def _decide(merge: _Merge, message: Message, row: Any, said: int) -> None:
    """Keep, write anew with the same words, or hand it to the writer."""
    if row is None or row.content != message.content:
        named = message.evolve(at=moment(said), id=message.id or (row.id if row is not None else new_id()))
        merge.new.append(named)
        merge.ids.append(str(named.id))
        if row is not None:
            merge.changed.append(row.nr)
        return
    merge.ids.append(row.id)
    raw = dump(message.raw) if message.raw is not None else None
    if (row.said, row.role, row.name, row.raw, row.extra) == (said, message.role, message.name, raw, extra_of(message)):
        merge.kept.append(row.nr)
    else:
        merge.again.append((MessageRow._make(row[:_WIDTH]), message, said))


def _say_again(pen: Pen, old: MessageRow, message: Message, said: int) -> None:
    """A new version of the message; what was made from the old one was made from it."""
    ref = pen.say(
        cube=old.cube, session=old.session, message_id=old.id, version=old.version + 1, role=message.role, name=message.name,
        content=message.content, extra=extra_of(message), raw=dump(message.raw) if message.raw is not None else None, said=said,
        closes=old.nr,
    )  # fmt: skip
    query = sa.select(t.sources.c.item, t.sources.c.start, t.sources.c.end).where(t.sources.c.ref == old.nr, t.sources.c.kind == "message")
    for item, start, end in pen.connection.execute(query).all():
        pen.cite(item, ref, said=said, span=None if start is None else (start, end))


def _close(pen: Pen, book: Book, seen: Standing, merge: _Merge, told: set[str], session: str) -> list[str]:
    """Take messages out, and archive what was made from nothing else; not what the session tells again elsewhere."""
    if not merge.gone:
        return []
    talk.close(pen, merge.gone)
    handled = {item for nr in merge.changed for item in talk.made_only_from(pen.connection, [nr])}
    items = [item for item in talk.made_only_from(pen.connection, [*merge.gone, *merge.changed]) if item not in handled]
    archived = []
    for row in book.rows(items):
        if row[11] in LIVE and row[_VERSION] not in told:
            rest = VersionRow._make(row[:_VERSION])._replace(state="archived")
            changing.revise(pen, seen, row, rest, verb="delete", why=f"session {session} no longer tells it", embed=False)
            archived.append(row[_VERSION])
    return archived


def _live_ids(book: Book, messages: Iterable[int]) -> list[str]:
    """The ids of the live memories made from these messages."""
    items: dict[int, None] = {}
    for part in chunks(list(messages)):
        query = sa.select(t.sources.c.item).where(t.sources.c.ref.in_(part), t.sources.c.kind == "message").order_by(t.sources.c.item)
        items.update({row[0]: None for row in book.connection.execute(query)})
    return [row[_VERSION] for row in book.rows(list(items)) if row[11] in LIVE]


def delete(handle: Handle, session_id: Any, user_id: Any, agent_id: Any, cube_id: Any, request_id: Any) -> Deletion:
    """See Sessions.delete."""
    session = str(inputs.name("session_id", session_id, needed=True))
    named = inputs.name("cube_id", cube_id)
    request = Request("delete session", request_id, lambda: inputs.fingerprint(session, named))
    beside.forbid(handle, handle.asker(user_id, agent_id), cube_id=named)

    def plan(pen: Pen, book: Book, seen: Standing) -> list[str]:
        if (told := request.told(pen)) is not None:
            return list(told["ids"])
        found = the_one(book, seen, session, named)
        if found is None:
            raise unclear(session) if named is None and elsewhere(book, seen, session) else missing(session)
        seen.demand(found.cube, "writer")
        changing.acting(pen, seen)
        gone = [row.nr for row in talk.said(pen.connection, [found.cube], [found.nr])]
        archived = _close(pen, book, seen, _Merge(gone=gone), set(), session)
        request.answer(pen, {"ids": archived})
        return archived

    written = handle.write(handle.asker(user_id, agent_id), "delete session", plan)
    return Deletion(memory_ids=tuple(written.value))
