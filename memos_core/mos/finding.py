"""The verbs that read: search, get, list, history."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from memos_core.errors import EmbedderUnavailable, InvalidInput, MemoryNotFound
from memos_core.governance.access import Standing, standing
from memos_core.ledger.freshness import marks
from memos_core.ledger.read import LIVE, Book, fields, memory, micros, moment
from memos_core.ledger.rows import VersionRow
from memos_core.model.answer import Hit, Page, Recollection
from memos_core.model.filter import TIMES, Filter, Join, Leaf
from memos_core.model.frozen import FrozenDict
from memos_core.model.memory import Memory, Revision
from memos_core.model.render import estimate_tokens, fitting
from memos_core.model.scope import Asker, Scope
from memos_core.wiring.engines import Engines
from memos_core.wiring.shelf import Moment

if TYPE_CHECKING:
    from memos_core.inference.base import Embedder

_WIDTH = len(VersionRow._fields)


@dataclass(frozen=True, slots=True)
class Question:
    """A search that is checked."""

    asker: Asker
    query: str
    session_id: str | None
    cube_ids: Sequence[str] | None
    where: Filter | None
    top_k: int
    min_relevance: float | None
    as_of: datetime | None
    valid_at: datetime | None
    now: datetime | None
    max_tokens: int | None
    count_tokens: Callable[[str], int] | None
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """A book that is searched beside the memory itself: its engines, what of it, and the `span` that all its numbers begin with."""

    engines: Engines
    known: Moment
    scope: Scope
    span: int


SPAN = 40
"""Bits of a number below its span. The memory itself has the spans below 1 << 20."""


def in_micros(where: Filter | None) -> Filter | None:
    """The filter with its times as the ledger's rows hold them; an index translates by itself."""
    return None if where is None else Filter(_node_micros(where.root))


def _node_micros(node: Leaf | Join) -> Leaf | Join:
    if isinstance(node, Join):
        return replace(node, parts=tuple(_node_micros(part) for part in node.parts))
    if node.path[0] not in TIMES:
        return node
    if isinstance(node.value, tuple):
        return replace(node, value=tuple(micros(v) if isinstance(v, datetime) else v for v in node.value))
    return replace(node, value=micros(node.value)) if isinstance(node.value, datetime) else node


def valid_filter(when: datetime) -> Filter:
    """What was true at a time: begun by then (or said by then), and not ended. What only has an end ("until 2020") had begun."""
    unknown = Filter.where("valid_from", "exists", False)
    said = Filter.where("valid_to", "exists", True) | Filter.where("created_at", "lte", when)
    begun = Filter.where("valid_from", "lte", when) | (unknown & said)
    return begun & (Filter.where("valid_to", "exists", False) | Filter.where("valid_to", "gt", when))


def search(engines: Engines, question: Question, beside: Sequence[Layer] = ()) -> Recollection:
    """Scope, view, recall, hydrate, cut. What is beside ranks as if it were in the memory itself."""
    from memos_core.recall.pipeline import recall

    started = perf_counter()
    embedder, unavailable = _embedder(engines)
    known = engines.shelf.now()
    scope = _scope(engines, known, question)
    now = _now(engines, question)
    where = question.where
    if question.valid_at is not None:
        where = valid_filter(question.valid_at) if where is None else where & valid_filter(question.valid_at)
    view = engines.index.view(scope, now=micros(now), moment=known.number)
    for layer in beside:
        view = view.beside(layer.engines.index.view(layer.scope, now=micros(now), moment=layer.known.number))
    ranking = recall(
        question.query,
        view,
        embedder=embedder,
        where=where,
        now=now,
        top_k=question.top_k,
        asker_names=frozenset({"", question.asker.user_id or question.asker.agent_id or ""}),
        session=question.session_id,
        min_relevance=question.min_relevance,
    )
    others = {layer.span for layer in beside}
    found = _hydrate(engines, known, scope, [nr for nr in ranking.nrs if nr >> SPAN not in others] if others else ranking.nrs)
    for layer in beside:
        found |= _hydrate(layer.engines, layer.known, layer.scope, [nr for nr in ranking.nrs if nr >> SPAN == layer.span])
    hits = [
        Hit.made(memory=found[nr], score=score, relevance=relevance, why=FrozenDict(why))
        for nr, score, relevance, why in zip(ranking.nrs, ranking.scores, ranking.relevances, ranking.whys, strict=True)
        if nr in found
    ]
    if question.max_tokens is not None:
        hits = _within(hits, question.max_tokens, question.count_tokens or estimate_tokens)
    took = FrozenDict({**ranking.took, "all": round((perf_counter() - started) * 1000, 4)})
    answer = Recollection.made(hits=tuple(hits), degraded=(*question.degraded, *(unavailable or ranking.degraded)), took=took)
    answer._count = question.count_tokens
    return answer


def _embedder(engines: Engines) -> tuple[Embedder | None, tuple[str, ...]]:
    """The embedder; where it can't be loaded, search goes on by words and says why."""
    try:
        return engines.embedder(), ()
    except EmbedderUnavailable as exc:
        return None, (f"embedder unavailable: {exc}",)


def _scope(engines: Engines, known: Moment, question: Question) -> Scope:
    if question.as_of is None:
        return seen_now(engines, known, question.asker).scope(question.cube_ids, session_id=question.session_id)
    with engines.ledger.glance() as book:
        until = book.position(question.as_of)
        return standing(book, question.asker, until=until).scope(question.cube_ids, session_id=question.session_id, until=until)


def seen_now(engines: Engines, known: Moment, asker: Asker) -> Standing:
    """What an asker may see now, looked up once between two commits."""
    seen = known.standing.get(asker)
    if seen is None:
        with engines.ledger.glance() as book:
            seen = known.standing[asker] = standing(book, asker)
    return seen


def _now(engines: Engines, question: Question) -> datetime:
    return question.now or question.as_of or moment(engines.clock())


def _hydrate(engines: Engines, known: Moment, scope: Scope, numbers: Sequence[int]) -> dict[int, Memory]:
    """The memories that were found: of the asker's cubes only, and only what is alive, whatever an index says."""
    cubes = set(scope.cubes)
    kept = known.found if scope.until is None else {}
    found = {nr: kept[nr][1] for nr in numbers if nr in kept and kept[nr][0] in cubes}
    missing = [nr for nr in numbers if nr not in found]
    if missing:
        with engines.ledger.glance() as book:
            if scope.until is None:
                known.renew(marks(book.connection, [nr for nr in missing if nr in known.before]))
            found.update((nr, kept[nr][1]) for nr in missing if nr in kept and kept[nr][0] in cubes)
            missing = [nr for nr in missing if nr not in found]
            rows = [row for row in book.rows(missing, scope.until) if row[2] in cubes and row[11] in LIVE]
            fresh = book.marked(rows, book.cube_ids([row[2] for row in rows]), scope.until)
        for row in rows:
            read, mark = fresh[row[0]]
            found[row[0]] = read
            if scope.until is None:
                known.keep(row[0], row[2], read, mark)
    return found


def _within(hits: list[Hit], budget: int, count: Callable[[str], int]) -> list[Hit]:
    """As many of the best as the prompt has room for."""
    kept = {memory.id for memory in fitting([hit.memory for hit in hits], budget, count)}
    return [hit for hit in hits if hit.memory.id in kept]


def get(book: Book, seen: Standing, memory_id: str, until: int | None) -> Memory:
    """One memory that the asker may see; a merged one as the tombstone that it is."""
    row = row_of(book, seen, memory_id, until)
    return book.memories([row], seen.cube_ids, until)[row[0]]


def row_of(
    book: Book, seen: Standing, memory_id: str, until: int | None = None, *, states: Sequence[str] = (*LIVE, "merged", "frozen")
) -> Any:
    """The newest row of a memory; MemoryNotFound also for what is not the asker's or not in one of these states."""
    known = book.numbers([memory_id]).get(memory_id)
    if known is not None and seen.role(known[1]) is not None and known[2] != "erased":
        for row in book.rows([known[0]], until):
            if row[11] in states:
                return row
    raise MemoryNotFound(f"There is no memory '{memory_id[:80]}', or it is not yours.")


Shelved = tuple[Book, Scope, dict[int, str]]
"""A book, what of it is asked, and the ids of its cubes."""


def list_page(books: Sequence[Shelved], *, where: Filter | None, limit: int, cursor: str | None, now: int) -> Page[Memory]:
    """A page, newest first. The cursor names a place in the order, not a count: writes in between shift nothing."""
    after = None if cursor is None else _place(cursor)
    rows: list[Any] = []
    total = 0
    for book, scope, cube_ids in books:
        some, count = _listed(book, scope, cube_ids, where, limit, after, now)
        rows, total = [*rows, *some], total + count
    if len(books) > 1:
        rows.sort(key=lambda row: (row[19], row[0]), reverse=True)
    page = rows[:limit]
    found: dict[int, Memory] = {}
    for book, scope, cube_ids in books:
        found |= book.memories([row for row in page if row[2] in cube_ids], cube_ids, scope.until)
    following = base64.urlsafe_b64encode(f"{page[-1][19]}:{page[-1][0]}".encode()).decode() if len(rows) > limit else None
    return Page.model_construct(items=tuple(found[row[0]] for row in page), next_cursor=following, total=total)


def _listed(
    book: Book, scope: Scope, cube_ids: dict[int, str], where: Filter | None, limit: int, after: tuple[int, int] | None, now: int
) -> tuple[list[Any], int]:
    if where is not None:
        return _matching(book, scope, cube_ids, in_micros(where) or where, limit, after, now)
    rows = list(book.scan(scope.cubes, until=scope.until, now=now, after=after, limit=limit + 1))
    return rows, book.count(scope.cubes, until=scope.until, now=now)


def _matching(
    book: Book, scope: Scope, cube_ids: dict[int, str], where: Filter, limit: int, after: tuple[int, int] | None, now: int
) -> tuple[list[Any], int]:
    rows: list[Any] = []
    total = 0
    for row in book.scan(scope.cubes, until=scope.until, now=now):
        if not where.matches(fields_of(row, cube_ids)):
            continue
        total += 1
        if len(rows) <= limit and (after is None or (row[19], row[0]) < after):
            rows.append(row)
    return rows, total


def fields_of(row: Any, cube_ids: dict[int, str]) -> dict[str, Any]:
    """A joined row's fields, as filters ask for them."""
    version = VersionRow._make(row[:_WIDTH])
    return fields(version, cube_ids.get(version.cube, ""), None if row[_WIDTH + 2] else row[_WIDTH + 1], row[_WIDTH])


def matching_ids(book: Book, scope: Scope, cube_ids: dict[int, str], where: Filter, now: int, states: Sequence[str] = LIVE) -> list[Any]:
    """All rows in a scope that pass a filter."""
    wanted = in_micros(where) or where
    return [row for row in book.scan(scope.cubes, until=None, now=now, states=states) if wanted.matches(fields_of(row, cube_ids))]


def _place(cursor: str) -> tuple[int, int]:
    try:
        said, number = base64.urlsafe_b64decode(cursor.encode()).decode().split(":")
        if not (-(1 << 63) <= int(said) < 1 << 63 and -(1 << 63) <= int(number) < 1 << 63):
            raise ValueError("no such place")
        return int(said), int(number)
    except (ValueError, UnicodeError, binascii.Error, AttributeError) as exc:
        raise InvalidInput("cursor", "is not one of ours.", "Pass the next_cursor of the page before.") from exc


def history(book: Book, seen: Standing, memory_id: str) -> tuple[Revision, ...]:
    """All versions, oldest first, with who made them, when and why."""
    row = row_of(book, seen, memory_id, states=(*LIVE, "merged", "frozen", "archived"))
    rows = book.history(row[0])
    names = book.names({int(n) for r in rows for n in r[6].split(":")})
    sources = book.memories(rows[-1:], seen.cube_ids)[row[0]].sources
    return tuple(
        Revision.model_construct(
            memory=memory(r, seen.cube_ids.get(r[2], ""), sources),
            verb=r[5],
            by=" via ".join(names[int(n)] for n in r[6].split(":") if int(n)) or "memos",
            at=moment(r[4]),
            why=r[7],
        )
        for r in rows
    )
