"""The verbs that ask, behind the desk: check what came, open the book, say what is there."""

from __future__ import annotations

from typing import Any

from memos_core.errors import InvalidInput
from memos_core.ledger.read import micros
from memos_core.model.answer import Page, Recollection
from memos_core.model.memory import Memory, Revision
from memos_core.model.render import counting
from memos_core.mos import beside, finding, inputs
from memos_core.mos.handle import Handle


def search(
    handle: Handle,
    query: Any,
    user_id: Any,
    agent_id: Any,
    session_id: Any,
    cube_ids: Any,
    memory_types: Any,
    filter: Any,
    top_k: Any,
    mode: Any,
    min_relevance: Any,
    as_of: Any,
    valid_at: Any,
    now: Any,
    max_tokens: Any,
    count_tokens: Any,
) -> Recollection:
    """See MOS.search."""
    if mode not in ("fast", "fine"):
        raise InvalidInput("mode", f"'{str(mode)[:40]}' is not known.", "Use fast or fine.")
    question = finding.Question(
        asker=handle.asker(user_id, agent_id),
        query=inputs.text("query", query),
        session_id=inputs.name("session_id", session_id),
        cube_ids=None if cube_ids is None else inputs.ids("cube_ids", cube_ids),
        where=inputs.conditions(filter, memory_types),
        top_k=inputs.whole("top_k", top_k, 1, 1000),
        min_relevance=inputs.share("min_relevance", min_relevance),
        as_of=inputs.when("as_of", as_of),
        valid_at=inputs.when("valid_at", valid_at),
        now=inputs.when("now", now),
        max_tokens=None if max_tokens is None else inputs.whole("max_tokens", max_tokens, 1, 10_000_000),
        count_tokens=counting(count_tokens),
        degraded=("fine: generative models are not used yet; fast was used",) if mode == "fine" else (),
    )
    return beside.search(handle, question)


def get(handle: Handle, memory_id: Any, user_id: Any, agent_id: Any, as_of: Any) -> Memory:
    """See MOS.get."""
    wanted = str(inputs.name("memory_id", memory_id, needed=True))
    return beside.anywhere(
        handle,
        handle.asker(user_id, agent_id),
        lambda book, seen, until: finding.get(book, seen, wanted, until),
        inputs.when("as_of", as_of),
    )


def list_memories(
    handle: Handle, user_id: Any, agent_id: Any, cube_ids: Any, memory_types: Any, filter: Any, limit: Any, cursor: Any, as_of: Any
) -> Page[Memory]:
    """See MOS.list."""
    where = inputs.conditions(filter, memory_types)
    limit = inputs.whole("limit", limit, 1, 1000)
    cursor = inputs.name("cursor", cursor)
    cubes = None if cube_ids is None else inputs.ids("cube_ids", cube_ids)
    moment = inputs.when("as_of", as_of)
    with beside.books(handle, handle.asker(user_id, agent_id), moment, cubes) as books:
        now = micros(moment) if moment is not None else handle.engines.clock()
        return finding.list_page(books, where=where, limit=limit, cursor=cursor, now=now)


def history(handle: Handle, memory_id: Any, user_id: Any, agent_id: Any) -> tuple[Revision, ...]:
    """See MOS.history."""
    wanted = str(inputs.name("memory_id", memory_id, needed=True))
    return beside.anywhere(handle, handle.asker(user_id, agent_id), lambda book, seen, _: finding.history(book, seen, wanted))
