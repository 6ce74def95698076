"""Faults planted in the real code, one at a time. Each must be noticed: a test that notices none of them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from memos_core.governance import access
from memos_core.index.embedded import EmbeddedIndex, columns
from memos_core.ledger import erasure
from memos_core.ledger import tables as t
from memos_core.ledger.pen import Pen
from memos_core.ledger.read import Book
from memos_core.model import filter as grammar
from memos_core.model.scope import Scope
from memos_core.mos import adding, changing, entries, erasing, finding, handle, requests, sharing, verbs
from memos_core.reader.skim import skim
from memos_core.recall import pipeline
from memos_core.wiring import shelf

Mutant = Callable[[], AbstractContextManager[object]]
MUTANTS: dict[str, Mutant] = {}


def mutant(plant: Callable[[], Iterator[None]]) -> Mutant:
    """Register a fault under its function's name."""
    planted = contextmanager(plant)
    MUTANTS[plant.__name__] = planted
    return planted


@mutant
def an_agent_lends_its_users_all_its_rights() -> Iterator[None]:
    ranks = {"reader": -1, "writer": -1, "owner": -1}

    def lifted(book: Book, asker: Any, *, until: int | None = None) -> access.Standing:
        with patch.object(access, "RANK", ranks):
            return real(book, asker, until=until)

    real = access.standing
    with patch.object(access, "standing", lifted), patch.object(adding, "standing", lifted), patch.object(handle, "standing", lifted):
        yield


@mutant
def a_deleted_memory_stays_in_the_index() -> Iterator[None]:
    real = Pen.revise

    def revise(self: Pen, row: Any, *, digest: int | None, entry: Any) -> None:
        real(self, row, digest=digest, entry=entry)
        if row.verb == "delete":
            self._closed.remove(row.item)

    with patch.object(Pen, "revise", revise):
        yield


@mutant
def update_does_not_look_at_the_version() -> Iterator[None]:
    real = changing.update

    def update(pen: Any, book: Any, seen: Any, memory_id: str, change: Any, **more: Any) -> Any:
        return real(pen, book, seen, memory_id, changing.Change(change.text, change.tags, change.info, change.expires, None), **more)

    with patch.object(changing, "update", update):
        yield


@mutant
def as_of_misses_the_write_of_that_moment() -> Iterator[None]:
    real = Book.position
    with patch.object(Book, "position", lambda self, when: real(self, when - timedelta(microseconds=1))):
        yield


@mutant
def as_of_sees_one_write_too_many() -> Iterator[None]:
    real = Book.position
    with patch.object(Book, "position", lambda self, when: real(self, when) + 1):
        yield


@mutant
def erasing_leaves_what_was_said() -> Iterator[None]:
    with patch.object(erasure, "_blank_messages", lambda connection, part: None):
        yield


@mutant
def erasing_everything_leaves_the_names_of_sessions() -> Iterator[None]:
    def forget(pen: Any, cubes: Any, principals: Any, who: str) -> None:
        real(pen, [], principals, who)
        for cube in cubes:
            pen.connection.execute(sa.update(t.cubes).where(t.cubes.c.nr == cube).values(name=""))

    real = erasure.forget_cubes
    with patch.object(erasing, "forget_cubes", forget), patch.object(erasure, "_forget_sessions", lambda *_: None):
        yield


@mutant
def erasing_leaves_what_was_said_before_an_edit() -> Iterator[None]:
    with patch.object(erasure, "_all_versions", lambda connection, messages: messages):
        yield


@mutant
def duplicates_are_merged_across_speakers() -> Iterator[None]:
    real = entries.digest_of
    without: Callable[[str, str, str], int] = lambda speaker, memory_type, text: real("", memory_type, text)  # noqa: E731
    with patch.object(adding, "digest_of", without), patch.object(changing, "digest_of", without):
        yield


@mutant
def a_grant_outlives_its_end() -> Iterator[None]:
    def revoke(pen: Pen, cube: int, principal: int) -> None:
        pen.detail["revoked"] = [[cube, principal]]

    with patch.object(sharing, "revoke", revoke):
        yield


@mutant
def search_finds_what_has_expired() -> Iterator[None]:
    real = EmbeddedIndex.view

    def view(self: EmbeddedIndex, scope: Scope, *, now: int, moment: int | None = None) -> Any:
        return real(self, scope, now=0, moment=moment)

    with patch.object(EmbeddedIndex, "view", view):
        yield


@mutant
def people_of_one_name_are_one_in_all_tenants() -> Iterator[None]:
    real = Book.principal

    def principal(self: Book, tenant: str, kind: str, name: str) -> Any:
        return real(self, "a", kind, name) or real(self, "b", kind, name)

    with patch.object(Book, "principal", principal):
        yield


@mutant
def not_equal_matches_other_types() -> Iterator[None]:
    real = grammar.passes

    def passes(value: Any, op: str, wanted: Any) -> bool:
        return not grammar._same(value, wanted) if op == "ne" else real(value, op, wanted)

    with patch.object(grammar, "passes", passes), patch.object(columns, "passes", passes):
        yield


@mutant
def history_loses_its_first_version() -> Iterator[None]:
    real = Book.history
    with patch.object(Book, "history", lambda self, item: real(self, item)[-2:]):
        yield


@mutant
def a_request_is_not_recognised() -> Iterator[None]:
    with patch.object(requests, "asked_before", lambda *_: None), patch.object(Pen, "answer", lambda *_: None):
        yield


@mutant
def restore_takes_the_newest_version() -> Iterator[None]:
    real = changing.restore

    def restore(pen: Any, book: Any, seen: Any, memory_id: str, version: int | None, **more: Any) -> Any:
        return real(pen, book, seen, memory_id, None, **more)

    with patch.object(changing, "restore", restore):
        yield


@mutant
def a_page_skips_what_was_said_at_the_same_time() -> Iterator[None]:
    real = finding._place
    with patch.object(finding, "_place", lambda cursor: (real(cursor)[0], 0)):
        yield


@mutant
def learning_can_not_be_switched_off() -> Iterator[None]:
    with patch.object(verbs, "skim", lambda messages, learn=True, own=None: skim(messages, own=own)):
        yield


@mutant
def recorded_times_go_back() -> Iterator[None]:
    real = Pen.__init__

    def start(self: Pen, connection: Any, *, now: int, **more: Any) -> None:
        real(self, connection, now=now, **more)
        self.at = now

    with patch.object(Pen, "__init__", start):
        yield


@mutant
def what_was_read_is_kept_too_long() -> Iterator[None]:
    with patch.object(shelf.Shelf, "now", lambda self: self._moment):
        yield


@mutant
def an_edited_message_is_learnt_anew() -> Iterator[None]:
    with patch.object(adding, "made_only_from", lambda *_: []):
        yield


@mutant
def search_does_not_filter() -> Iterator[None]:
    whole = pipeline.recall

    def recall(*given: Any, where: Any, **more: Any) -> Any:
        return whole(*given, where=None, **more)

    with patch.object(pipeline, "recall", recall):
        yield


@mutant
def writers_may_erase() -> Iterator[None]:
    real = access.Standing.demand

    def demand(self: access.Standing, cube: int, role: str) -> None:
        real(self, cube, "writer" if role == "owner" else role)

    with patch.object(access.Standing, "demand", demand):
        yield
