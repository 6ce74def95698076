"""The verbs that write, behind the desk: check what came, run the plan, say what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from memos_core.errors import InvalidInput
from memos_core.governance.access import Standing, standing
from memos_core.ledger.erasure import Erased
from memos_core.ledger.pen import Pen
from memos_core.ledger.read import Book, micros
from memos_core.model.answer import Deletion, ErasureReceipt, Receipt
from memos_core.model.filter import Filter
from memos_core.model.frozen import FrozenDict
from memos_core.model.ids import new_id
from memos_core.model.memory import Memory, MemoryType
from memos_core.model.scope import Asker
from memos_core.mos import adding, beside, changing, erasing, finding, inputs
from memos_core.mos.entries import digest_of
from memos_core.mos.handle import Handle
from memos_core.mos.requests import Request
from memos_core.reader.messages import read_content
from memos_core.reader.skim import skim


def add(
    handle: Handle,
    content: Any,
    user_id: Any,
    agent_id: Any,
    session_id: Any,
    write_to: Any,
    tags: Any,
    info: Any,
    at: Any,
    expires_at: Any,
    learn: Any,
    request_id: Any,
) -> Receipt:
    """See MOS.add."""
    asker = handle.asker(user_id, agent_id)
    engines = handle.engines
    expires = inputs.when("expires_at", expires_at)
    if not isinstance(learn, bool):
        raise InvalidInput("learn", "true or false is needed.")
    session = inputs.name("session_id", session_id)
    moment = inputs.when("at", at)
    messages = read_content(content, at=moment, session_id=session)
    skimmed = skim(messages, learn=learn, own=lambda line: is_memory(handle, asker, line))
    addition = adding.Addition(
        asker=asker,
        messages=messages,
        skimmed=skimmed,
        session_id=session,
        write_to=inputs.name("write_to", write_to),
        tags=inputs.tags(tags),
        info=inputs.info(info),
        expires=None if expires is None else micros(expires),
        talk=_is_talk(content),
        embed=engines.wants_vectors,
    )
    beside.forbid(handle, asker, cube_id=addition.write_to)
    request = Request(
        "add", request_id, lambda: inputs.fingerprint(content, session, write_to, addition.tags, addition.info, moment, expires, learn)
    )

    def plan(pen: Pen, book: Book) -> tuple[dict[str, Any], adding.Added | None]:
        if (told := request.told(pen)) is not None:
            return told, None
        added = adding.write(pen, book, addition)
        answer = {"memory_ids": list(dict.fromkeys(added.memory_ids)), "message_ids": added.message_ids, "task_id": added.task_id}
        request.answer(pen, answer)
        return answer, added

    written = engines.ledger.append(asker, "add", plan)
    answer, added = written.value
    if added is not None:
        handle.started(added)
    return Receipt.model_construct(
        memory_ids=tuple(answer["memory_ids"]),
        message_ids=tuple(answer["message_ids"]),
        task_id=answer["task_id"],
        skipped=skimmed.skipped,
        audit_head=written.head,
    )


def _is_talk(content: Any) -> bool:
    """Whether it came as messages; bare strings, one or a list of them, are statements, not a conversation."""
    return not isinstance(content, str) and not (isinstance(content, Sequence) and all(isinstance(one, str) for one in content))


def is_memory(handle: Handle, asker: Asker, line: str) -> bool:
    """Whether a rendered line, "speaker: text", "place in a document: text" or "text", is a memory that the asker may read."""
    speaker, _, said = line.partition(": ")
    digests = [digest_of(who, MemoryType.LONG_TERM, words) for who, words in (("", line), (speaker, said), ("", said)) if words]
    with handle.engines.ledger.glance() as book:
        known = book.holds(standing(book, asker).scope().cubes, digests)
    return known or beside.holds(handle, asker, digests)


def update(
    handle: Handle,
    memory_id: Any,
    user_id: Any,
    agent_id: Any,
    text: Any,
    tags: Any,
    info: Any,
    expires_at: Any,
    if_version: Any,
    request_id: Any,
) -> Memory:
    """See MOS.update."""
    asker = handle.asker(user_id, agent_id)
    expires = inputs.when("expires_at", expires_at)
    change = changing.Change(
        text=None if text is None else inputs.text("text", text),
        tags=None if tags is None else inputs.tags(tags),
        info=None if info is None else inputs.info(info),
        expires=None if expires is None else micros(expires),
        if_version=None if if_version is None else inputs.whole("if_version", if_version, 1, 1 << 31),
    )
    if change.empty:
        raise InvalidInput("text", "or tags, info or expires_at is needed: nothing was to be changed.")
    wanted = str(inputs.name("memory_id", memory_id, needed=True))
    return _one(
        handle,
        asker,
        "update",
        request_id,
        (wanted, text, change.tags, change.info, expires, if_version),
        lambda pen, book, seen: changing.update(pen, book, seen, wanted, change, embed=handle.engines.wants_vectors),
    )


def restore(handle: Handle, memory_id: Any, user_id: Any, agent_id: Any, version: Any, request_id: Any) -> Memory:
    """See MOS.restore."""
    wanted = str(inputs.name("memory_id", memory_id, needed=True))
    older = None if version is None else inputs.whole("version", version, 1, 1 << 31)
    return _one(
        handle,
        handle.asker(user_id, agent_id),
        "restore",
        request_id,
        (wanted, older),
        lambda pen, book, seen: changing.restore(pen, book, seen, wanted, older, embed=handle.engines.wants_vectors),
    )


def _one(handle: Handle, asker: Asker, verb: str, request_id: Any, asked: tuple[Any, ...], plan: Callable[..., adding.Added]) -> Memory:
    """A change of one memory; what that made of it, whatever came after."""
    beside.forbid(handle, asker, memory_ids=[asked[0]])
    request = Request(verb, request_id, lambda: inputs.fingerprint(*asked))

    def whole(pen: Pen, book: Book, seen: Any) -> tuple[dict[str, Any], adding.Added | None]:
        if (told := request.told(pen)) is not None:
            return told, None
        added = plan(pen, book, seen)
        made = {"id": added.memory_ids[0], "tx": pen.tx}
        request.answer(pen, made)
        return made, added

    made, added = handle.write(asker, verb, whole).value
    if added is not None:
        handle.started(added)
    with handle.read(asker) as (book, seen, _):
        return finding.get(book, seen, made["id"], made["tx"])


def delete(handle: Handle, memory_ids: Any, user_id: Any, agent_id: Any, filter: Any, request_id: Any) -> Deletion:
    """See MOS.delete."""
    asker = handle.asker(user_id, agent_id)
    ids, where = _chosen(memory_ids, filter)
    request = Request("delete", request_id, lambda: inputs.fingerprint(ids, str(where)))
    beside.forbid(handle, asker, memory_ids=ids or ())
    now = handle.engines.clock()

    def plan(pen: Pen, book: Book, seen: Any) -> dict[str, Any]:
        if (told := request.told(pen)) is not None:
            return told
        answer = {"ids": changing.delete(pen, book, seen, ids, where, now).memory_ids}
        request.answer(pen, answer)
        return answer

    return Deletion(memory_ids=tuple(handle.write(asker, "delete", plan).value["ids"]))


def _chosen(memory_ids: Any, filter: Any) -> tuple[tuple[str, ...] | None, Filter | None]:
    """Ids or a filter; neither is never "all"."""
    if memory_ids is None and filter is None:
        raise InvalidInput("memory_ids", "or a filter is needed; nothing means nothing, never everything.")
    if memory_ids is not None and filter is not None:
        raise InvalidInput("memory_ids", "and a filter can't be combined.", "Use one of them.")
    return None if memory_ids is None else inputs.ids("memory_ids", memory_ids), None if filter is None else Filter.parse(filter)


def erase(handle: Handle, memory_ids: Any, user_id: Any, agent_id: Any, filter: Any, everything: Any, request_id: Any) -> ErasureReceipt:
    """See MOS.erase."""
    asker = handle.asker(user_id, agent_id)
    if not isinstance(everything, bool):
        raise InvalidInput("everything", "true or false is needed.")
    if everything and (memory_ids is not None or filter is not None):
        raise InvalidInput("everything", "goes with neither memory_ids nor a filter.")
    ids, where = (None, None) if everything else _chosen(memory_ids, filter)
    request = Request("erase", request_id, lambda: inputs.fingerprint(ids, str(where), everything))
    beside.forbid(handle, asker, memory_ids=ids or ())
    embed = handle.engines.wants_vectors

    def plan(pen: Pen, book: Book, seen: Standing) -> tuple[dict[str, Any], Erased, adding.Added]:
        if (told := request.told(pen)) is not None:
            return told, Erased(tuple(told["items"]), tuple(told["messages"]), (), ()), adding.Added()
        erased, gone, again = erasing.plan(pen, book, seen, ids, where, everything, embed=embed)
        answer = {"receipt": new_id(), "ids": gone, "items": erased.items, "messages": erased.messages}
        request.answer(pen, answer)
        return {**answer, "files": "searched now"}, erased, again

    written = handle.write(asker, "erase", plan)
    answer, erased, again = written.value
    handle.started(again)
    receipt = erasing.receipt(handle.engines, answer["receipt"], erased, answer["ids"], written.head)
    if answer.get("files") == "searched now":
        request.amend(handle.engines.ledger, asker, {**answer, "files": receipt.stores["files"]})
    elif answer.get("files") != "done" and receipt.stores["files"] == "done":  # what was to be searched for is gone, too
        receipt = receipt.evolve(stores=FrozenDict({**receipt.stores, "files": answer.get("files") or "pending"}))
    return receipt
