"""The verbs that read conversations, behind the desk."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from memos_core.errors import InvalidInput, SessionNotFound
from memos_core.governance.access import Standing
from memos_core.ledger import sessions as talk
from memos_core.ledger.read import Book, moment
from memos_core.ledger.rows import MessageRow
from memos_core.model.answer import Page, Session
from memos_core.model.message import Message
from memos_core.mos import beside, inputs
from memos_core.mos.handle import Handle

_WIDTH = len(MessageRow._fields)


def list_sessions(handle: Handle, user_id: Any, agent_id: Any, limit: Any, cursor: Any) -> Page[Session]:
    """See Sessions.list."""
    limit, after = inputs.whole("limit", limit, 1, 1000), place_of(cursor)
    with handle.read(handle.asker(user_id, agent_id)) as (book, seen, _):
        cubes = seen.scope().cubes
        found = talk.talks(book.connection, cubes, after=after, limit=limit + 1)
        total = talk.count_talks(book.connection, cubes)
    items = tuple(
        Session(id=one.id, cube_id=seen.cube_ids[one.cube], messages=one.messages, first_at=moment(one.first), last_at=moment(one.last))
        for one in found[:limit]
    )
    following = cursor_at(found[limit - 1].last, found[limit - 1].nr) if len(found) > limit else None
    return Page(items=items, next_cursor=following, total=total)


def messages(handle: Handle, session_id: Any, user_id: Any, agent_id: Any, cube_id: Any, limit: Any, cursor: Any) -> Page[Message]:
    """See Sessions.messages."""
    wanted, cube = inputs.name("session_id", session_id), inputs.name("cube_id", cube_id)
    limit, after = inputs.whole("limit", limit, 1, 1000), place_of(cursor)

    def read(book: Book, seen: Standing, _: int | None) -> tuple[list[Any], int]:
        cubes = seen.scope(None if cube is None else [cube]).cubes
        sessions = None if wanted is None else [_to_read(book, seen, wanted, cube).nr]
        return talk.said(book.connection, cubes, sessions, after=after, limit=limit + 1), talk.count_said(book.connection, cubes, sessions)

    rows, total = beside.anywhere(handle, handle.asker(user_id, agent_id), read)
    page = rows[:limit]
    following = cursor_at(page[-1].said, page[-1][_WIDTH]) if len(rows) > limit else None
    return Page.model_construct(items=tuple(talk.message(row) for row in page), next_cursor=following, total=total)


def missing(session_id: str) -> SessionNotFound:
    """The error; a stranger's session gives the same."""
    return SessionNotFound(f"There is no session '{session_id[:80]}', or it is not yours.")


def the_one(book: Book, seen: Standing, session_id: str, cube_id: str | None) -> talk.Talk | None:
    """The session that a change is meant for: in the cube named, else in the asker's own. Whoever shares a cube chooses the names
    of its sessions: a name alone never leads a writer into somebody else's."""
    cube = seen.own if cube_id is None else seen.named(cube_id)
    found = [] if cube is None else talk.talks(book.connection, [cube.cube], session_id=session_id)
    return found[0] if found else None


def elsewhere(book: Book, seen: Standing, session_id: str) -> list[talk.Talk]:
    """The sessions of that name in all cubes that the asker may read."""
    return talk.talks(book.connection, seen.scope().cubes, session_id=session_id)


def _to_read(book: Book, seen: Standing, session_id: str, cube_id: str | None) -> talk.Talk:
    """The asker's own session before all others; theirs are never mixed with it."""
    found = the_one(book, seen, session_id, cube_id)
    if found is None and cube_id is None:
        several = elsewhere(book, seen, session_id)
        if len(several) > 1:
            raise unclear(session_id)
        found = several[0] if several else None
    if found is None:
        raise missing(session_id)
    return found


def unclear(session_id: str) -> InvalidInput:
    """The error where a session is not the asker's own, and which one is meant can't be told."""
    where = f"is needed: the session '{session_id[:80]}' is in another cube than your own."
    return InvalidInput("cube_id", where, "`sessions.list` names it.")


def cursor_at(said: int, nr: int) -> str:
    """A place in an order, as text."""
    return base64.urlsafe_b64encode(f"{said}:{nr}".encode()).decode()


def place_of(cursor: Any) -> tuple[int, int] | None:
    """The place that a cursor names."""
    text = inputs.name("cursor", cursor)
    if text is None:
        return None
    try:
        said, number = base64.urlsafe_b64decode(text.encode()).decode().split(":")
        place = int(said), int(number)
    except (ValueError, UnicodeError, binascii.Error) as exc:
        raise InvalidInput("cursor", "is not one of ours.", "Pass the next_cursor of the page before.") from exc
    if any(abs(part) >= 1 << 63 for part in place):
        raise InvalidInput("cursor", "is not one of ours.", "Pass the next_cursor of the page before.")
    return place
