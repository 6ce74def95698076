"""The verb add: what was said is kept as said, what is learnt from it rides in the same transaction."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam as p

from memos_core.errors import Forbidden
from memos_core.governance.access import standing
from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen, dump
from memos_core.ledger.read import LIVE, Book, micros
from memos_core.ledger.rows import VersionRow
from memos_core.ledger.sessions import made_only_from
from memos_core.model.change import Entry, Work
from memos_core.model.ids import new_id
from memos_core.model.message import Draft, Message
from memos_core.model.scope import Asker
from memos_core.mos.duplicates import Known, known_by, unknown
from memos_core.mos.entries import digest_of, entry_of, extra_of, validity_of
from memos_core.reader.skim import Skimmed
from memos_core.sql.schema import Prepared
from memos_core.text.words import analyse

LEASE_MICROS = 60_000_000
EPISODE_MICROS = 30 * 60 * 1_000_000
"""Chat messages without a session, at most this far apart, are one conversation."""

_SESSION = Prepared(sa.select(t.sessions.c.nr, t.sessions.c.last_item).where(t.sessions.c.cube == p("cube"), t.sessions.c.id == p("id")))
_EPISODE = Prepared(
    sa.select(t.sessions.c.nr, t.sessions.c.last_item, t.sessions.c.id)
    .where(t.sessions.c.cube == p("cube"), t.sessions.c.implicit == 1, t.sessions.c.last_said.between(p("low"), p("high")))
    .order_by(t.sessions.c.nr.desc())
    .limit(1)
)
_SAID = Prepared(
    sa.select(t.messages.c.nr, t.messages.c.version, t.messages.c.content, t.messages.c.said, t.messages.c.until)
    .where(t.messages.c.cube == p("cube"), t.messages.c.session == p("session"), t.messages.c.id == p("id"))
    .order_by(t.messages.c.version.desc())
    .limit(1)
)
"""The newest version of a message; where `until` is set it was taken out of its session, and may be said again."""
_SAID_IN_NO_SESSION = Prepared(
    sa.select(
        t.messages.c.nr, t.messages.c.version, t.messages.c.content, t.messages.c.said, t.messages.c.until, t.messages.c.session,
        t.sessions.c.id, t.sessions.c.last_item,
    )
    .select_from(t.messages.outerjoin(t.sessions, t.sessions.c.nr == t.messages.c.session))
    .where(t.messages.c.cube == p("cube"), t.messages.c.id == p("id"), sa.or_(t.messages.c.session == 0, t.sessions.c.implicit == 1))
    .order_by(t.messages.c.until.is_(None).desc(), t.messages.c.nr.desc())
    .limit(1)
)  # fmt: skip
"""The same of a message that named no session, whichever run it stands in; and that run."""
_DERIVED = Prepared(
    sa.select(t.sources.c.item, sa.func.count())
    .where(t.sources.c.item.in_(sa.select(t.sources.c.item).where(t.sources.c.ref == p("ref"), t.sources.c.kind == "message")))
    .group_by(t.sources.c.item)
)
_LAST_SAID = Prepared(sa.select(sa.func.max(t.sources.c.said)).where(t.sources.c.item == p("item"), t.sources.c.tx >= p("tx")))


Told = tuple[Draft, int]
"""What is to be remembered, and its digest."""


@dataclass(frozen=True, slots=True)
class Addition:
    """An add that is checked and read, ready to be written."""

    asker: Asker
    messages: Sequence[Message]
    skimmed: Skimmed
    session_id: str | None
    write_to: str | None
    tags: tuple[str, ...]
    info: dict[str, Any]
    expires: int | None
    talk: bool
    """Whether it came as messages rather than as a bare string."""
    embed: bool


@dataclass(slots=True)
class Added:
    """What the transaction did."""

    memory_ids: list[str] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    task_id: str | None = None
    work: list[Work] = field(default_factory=list)
    pending: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Place:
    """Where the current message goes."""

    cube: int
    cube_id: str
    session: int = 0
    session_id: str | None = None
    label: str | None = None
    last_item: int | None = None
    last_said: int = 0


def own_cube(pen: Pen, book: Book, asker: Asker) -> tuple[int, str]:
    """The cube that the asker's words go to by default, made at the first of them. Writes down who acts."""
    numbers = {"user": 0, "agent": 0}
    found: tuple[int, str] | None = None
    for kind, who in (("user", asker.user_id), ("agent", asker.agent_id)):
        if who is None:
            continue
        known = book.principal(asker.tenant, kind, who)
        if known is None:
            nr = pen.open_principal(kind, who)
            cube_id = new_id()
            known = (nr, pen.open_cube(cube_id, "", nr, own=True), cube_id)
        numbers[kind] = known[0]
        found = found or (known[1], known[2])
    assert found is not None
    pen.acting(numbers["user"], numbers["agent"])
    return found


def write(pen: Pen, book: Book, addition: Addition) -> Added:
    """The plan: messages as said, then what is remembered of them."""
    cube, cube_id = own_cube(pen, book, addition.asker)
    if addition.write_to is not None and addition.write_to != cube_id:
        target = standing(book, addition.asker).named(addition.write_to)
        if target.role not in ("writer", "owner"):
            raise Forbidden("write_to: you may read that cube, not write to it.")
        cube, cube_id = target.cube, target.cube_id
    added = Added()
    by_message: dict[int, list[Told]] = {}
    for draft in addition.skimmed.drafts:
        by_message.setdefault(draft.message, []).append((draft, digest_of(draft.speaker, draft.memory_type, draft.text)))
    writer = _Writer(pen, book, addition, added, _Place(cube, cube_id))
    writer.look_ahead([digest for told in by_message.values() for _, digest in told])
    for nr, message in enumerate(addition.messages):
        writer.message(message, by_message.get(nr, ()))
    writer.close()
    if addition.embed and added.pending:
        enqueue_embedding(pen, added)
    return added


def enqueue_embedding(pen: Pen, added: Added) -> None:
    """Leave the embedding of what was written to this process's worker, under one task."""
    added.task_id = new_id()
    due = pen.now + LEASE_MICROS + 10_000 * len(added.pending)
    added.work = pen.enqueue(added.task_id, "embed", added.pending, due=due)


class _Writer:
    """Walks the messages of one add in order, and knows where it stands."""

    def __init__(self, pen: Pen, book: Book, addition: Addition, added: Added, place: _Place) -> None:
        self._pen, self._book, self._add, self._added, self._at = pen, book, addition, added, place
        self._seen: dict[int, list[Known]] = {}
        self._said: set[tuple[int | None, str]] = set()
        self._touched: dict[int, tuple[int, int]] = {}
        self._new: set[int] = set()
        self._tags, self._info = dump(list(addition.tags)) if addition.tags else "[]", addition.info

    def look_ahead(self, digests: Sequence[int]) -> None:
        """Find out for many memories at once which the cube does not have."""
        if len(digests) > 1:
            self._new = unknown(self._pen.connection, self._at.cube, digests)

    def message(self, message: Message, drafts: Sequence[Told]) -> None:
        """Keep a message and learn from it; the same message again changes nothing."""
        pen = self._pen
        said = pen.at if message.at is None else micros(message.at)
        before = self._stand(message, said)
        old = before if before is not None and before[4] is None else None
        same = old is not None and old[2] == message.content
        if old is not None and (same or message.at is None):
            said = self._at.last_said = old[3]
        message_id = message.id or new_id()
        self._added.message_ids.append(message_id)
        if old is not None and same:
            self._added.memory_ids += [i for nr, _ in self._derived(old[0]) if (i := self._item_id(nr))]
            return
        ref = pen.say(
            cube=self._at.cube,
            session=self._at.session,
            message_id=message_id,
            version=before[1] + 1 if before else 1,
            role=message.role,
            name=message.name,
            content=message.content,
            extra=extra_of(message),
            raw=dump(message.raw) if message.raw is not None else None,
            said=said,
            closes=old[0] if old else None,
        )
        edited = [nr for nr in made_only_from(pen.connection, [old[0]]) if self._item_id(nr)] if old else []
        for draft, digest in drafts:
            self._learn(draft, digest, ref, said, edited.pop(0) if edited else None)
        for nr in edited:
            self._retire(nr)
        if old is not None:
            pen.settle()

    def _stand(self, message: Message, said: int) -> Any:
        """Stand where the message belongs; its newest version there. One that names no session is looked for in all runs."""
        session_id = message.session_id or self._add.session_id
        if not message.id or session_id is not None:
            self._enter(session_id, said)
            return self._before(self._at.session, message.id) if message.id else None
        before = self._before(None, message.id)
        if before is None:
            self._enter(None, said)
        else:
            self._go_back(before[5], before[6], before[7], said)
        return before

    def _before(self, session: int | None, message_id: str) -> Any:
        """The newest version of this message, in this session or in none: perhaps one that this add has just written."""
        if (session, message_id) in self._said:
            self._pen.settle()
        self._said.add((session, message_id))
        if session is None:
            return _SAID_IN_NO_SESSION.one(self._pen.connection, (self._at.cube, message_id))
        return _SAID.one(self._pen.connection, (self._at.cube, session, message_id))

    def _go_back(self, session: int, label: str | None, last_item: int | None, said: int) -> None:
        """Stand in the run of messages that a message stands in already."""
        known = self._touched.get(session)
        self._at.session, self._at.session_id, self._at.label, self._at.last_said = session, None, label, said
        self._at.last_item = known[0] if known else last_item

    def close(self) -> None:
        """Leave a mark in each session where its last memory is."""
        for session, (item, said) in self._touched.items():
            self._pen.touch_session(session, item, said)

    def _enter(self, session_id: str | None, said: int) -> None:
        """Stand in the message's session; without one, in the run of messages that it continues."""
        at, pen = self._at, self._pen
        if session_id is not None:
            if at.session_id != session_id or not at.session:
                row = _SESSION.one(pen.connection, (at.cube, session_id))
                known = self._touched.get(row[0]) if row else None
                at.session = row[0] if row else pen.open_session(at.cube, session_id, implicit=False, said=said)
                at.last_item = known[0] if known else row[1] if row else None
                at.session_id = at.label = session_id
                self._flush_new_session(row is None)
        elif not self._add.talk:
            at.session, at.session_id, at.label, at.last_item = 0, None, None, None
        elif at.session_id is not None or not at.session or abs(said - at.last_said) > EPISODE_MICROS:
            self.close()
            pen.settle()
            row = _EPISODE.one(pen.connection, (at.cube, said - EPISODE_MICROS, said + EPISODE_MICROS))
            at.label = row[2] if row else f"~{new_id()}"
            at.session = row[0] if row else pen.open_session(at.cube, at.label, implicit=True, said=said)
            at.last_item, at.session_id = row[1] if row else None, None
            self._flush_new_session(row is None)
        at.last_said = said

    def _flush_new_session(self, new: bool) -> None:
        """A session opened in this add must be found again when the add comes back to it."""
        if new:
            self._pen.flush_sessions()

    def _derived(self, message: int) -> list[tuple[int, int]]:
        """Memories made from a message, and how many sources each has."""
        return [(row[0], row[1]) for row in _DERIVED.all(self._pen.connection, (message,))]

    def _item_id(self, nr: int) -> str | None:
        row = next(iter(self._book.rows([nr])), None)
        return row[len(VersionRow._fields)] if row is not None and row[11] in LIVE else None

    def _learn(self, draft: Draft, digest: int, ref: int, said: int, edits: int | None) -> None:
        """One draft: a newer version of what an edited message had told, or said again, or new."""
        terms = tuple(analyse(draft.text))
        row = self._row(draft, said, terms)
        if edits is not None:
            self._edit(edits, row, ref, digest, said, draft)
            return
        known = self._same(digest, row)
        if known is not None:
            self._again(known.nr, known.id, ref, said, draft)
            return
        item_id = new_id()
        self._seen.setdefault(digest, []).append(Known(row.item, item_id, row.valid_from, row.valid_to, row.tags, row.info))
        self._pen.remember(
            row, item_id=item_id, digest=digest, entry=entry_of(row, self._at.cube_id, self._at.session_id, self._at.label, item_id, terms)
        )
        self._pen.cite(row.item, ref, said=said, span=draft.span)
        self._remembered(row, item_id)

    def _same(self, digest: int, row: VersionRow) -> Known | None:
        """The memory that says all of this already."""
        known = self._seen.get(digest, [])
        if digest not in self._new:
            known = [*known, *known_by(self._pen.connection, self._at.cube, digest, self._add.expires)]
        return next((one for one in known if one.covers(row)), None)

    def _remembered(self, row: VersionRow, item_id: str) -> None:
        self._added.memory_ids.append(item_id)
        self._added.pending.append((row.item, row.version))
        self._at.last_item = row.item
        if self._at.session:
            self._touched[self._at.session] = (row.item, row.said)

    def _row(self, draft: Draft, said: int, terms: Sequence[str]) -> VersionRow:
        pen, add = self._pen, self._add
        valid_from, valid_to = validity_of(draft.text, said, terms)
        info = {**draft.info, **self._info} if draft.info or self._info else {}
        tags = dump(list(dict.fromkeys((*add.tags, *draft.tags)))) if draft.tags else self._tags
        return VersionRow(
            pen.number(), 1, self._at.cube, pen.tx, pen.at, "add", pen.by, "", draft.text, draft.speaker, draft.memory_type.value,
            "activated", add.asker.user_id, add.asker.agent_id, self._at.session, self._at.last_item, tags, dump(info) if info else "{}",
            draft.trust.value, said, valid_from, valid_to, add.expires, None, os.urandom(16), b"",
        )  # fmt: skip

    def _again(self, nr: int, item_id: str, ref: int, said: int, draft: Draft) -> None:
        """The same words again: one memory, one more source, and as recent as the last time it was said."""
        entry = self._pen.opened(nr) or self._entry(nr, item_id)
        self._pen.cite(nr, ref, said=said, span=draft.span)
        self._added.memory_ids.append(item_id)
        if entry is not None and said > entry.said:
            self._pen.reopen(replace(entry, tx=self._pen.tx, said=said))

    def _entry(self, nr: int, item_id: str) -> Entry | None:
        """The current entry of a memory: its newest version, said when it was last said since."""
        row = next(iter(self._book.rows([nr])), None)
        if row is None:
            return None
        version = VersionRow._make(row[: len(VersionRow._fields)])
        label, implicit = row[len(VersionRow._fields) + 1], row[len(VersionRow._fields) + 2]
        since = _LAST_SAID.one(self._pen.connection, (nr, version.tx))[0]
        entry = entry_of(version, self._at.cube_id, None if implicit else label, label, item_id)
        return entry if since is None or since <= version.said else replace(entry, said=since)

    def _edit(self, nr: int, row: VersionRow, ref: int, digest: int, said: int, draft: Draft) -> None:
        """The message was edited: what was learnt from it gets a new version."""
        old = self._book.rows([nr])[0]
        item_id = old[len(VersionRow._fields)]
        self._unsee(nr)
        self._new.clear()
        newer = row._replace(item=nr, version=old[1] + 1, verb="edit", why="the message was edited", context=old[15], session=old[14])
        self._pen.revise(newer, digest=digest, entry=entry_of(newer, self._at.cube_id, self._at.session_id, self._at.label, item_id))
        self._pen.cite(nr, ref, said=said, span=draft.span)
        self._remembered(newer, item_id)

    def _unsee(self, nr: int) -> None:
        """What this memory said before its message was edited is not known any more."""
        self._seen = {digest: [one for one in known if one.nr != nr] for digest, known in self._seen.items()}

    def _retire(self, nr: int) -> None:
        """An edited message no longer tells this."""
        old = VersionRow._make(self._book.rows([nr])[0][: len(VersionRow._fields)])
        self._unsee(nr)
        newer = old._replace(
            version=old.version + 1,
            tx=self._pen.tx,
            at=self._pen.at,
            verb="edit",
            by=self._pen.by,
            why="the message was edited",
            state="archived",
            salt=os.urandom(16),
        )
        self._pen.revise(newer, digest=None, entry=None)
