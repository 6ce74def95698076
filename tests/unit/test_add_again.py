"""Adding what was told before: repeated ids, edits, duplicates, expiry; and erasing all of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from memos_core import MOS, Message, RequestReused
from memos_core.ledger import tables as t
from memos_core.mos import adding

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def said(text: str, id: str) -> dict[str, str]:
    return {"role": "user", "content": text, "id": id}


def texts(mos: MOS, user: str = "alice") -> set[str]:
    return {memory.text for memory in mos.list(user_id=user)}


def test_one_add_may_say_a_message_and_edit_it(mos: MOS) -> None:
    receipt = mos.add([said("I had tea.", "a"), said("I had coffee.", "a")], user_id="alice", session_id="s")
    assert receipt.message_ids == ("a", "a") and len(receipt.memory_ids) == 1
    assert texts(mos) == {"I had coffee."} and [hit.memory.version for hit in mos.search("coffee", user_id="alice")] == [2]
    assert [line.memory.text for line in mos.history(receipt.memory_ids[0], user_id="alice")] == ["I had tea.", "I had coffee."]


def test_what_an_edit_took_back_and_the_same_add_tells_again_is_kept(mos: MOS) -> None:
    mos.add(said("I had tea.", "a"), user_id="alice", session_id="s")
    mos.add([said("I had coffee.", "a"), said("I had tea.", "b"), said("I had coffee.", "c")], user_id="alice", session_id="s")
    assert texts(mos) == {"I had coffee.", "I had tea."}
    assert {hit.memory.text for hit in mos.search("what did I have", user_id="alice")} == texts(mos)
    assert list(mos._handle.engines.ledger.verify()) == []


@pytest.mark.parametrize("passed", [timedelta(minutes=1), timedelta(days=2)])
def test_what_is_told_again_for_good_outlives_what_expires(open_mos: Callable[..., MOS], passed: timedelta) -> None:
    now = [NOON]
    mos = open_mos(clock=lambda: now[0])
    mos.add("I had tea.", user_id="alice", expires_at=NOON + timedelta(days=1))
    now[0] += passed
    mos.add("I had tea.", user_id="alice")
    now[0] = NOON + timedelta(days=3)
    assert texts(mos) == {"I had tea."} and len(mos.search("tea", user_id="alice")) == 1


def test_erasing_by_a_filter_takes_expired_and_archived_memories(open_mos: Callable[..., MOS]) -> None:
    now = [NOON]
    mos = open_mos(clock=lambda: now[0])
    ids = {mos.add("I had tea.", user_id="alice", tags=["x"], expires_at=NOON + timedelta(days=1)).memory_ids[0]}
    ids |= {mos.add("I had coffee.", user_id="alice", tags=["x"]).memory_ids[0]}
    mos.delete(filter={"text": {"itext": "coffee"}}, user_id="alice")
    now[0] += timedelta(days=2)
    assert set(mos.erase(filter={"tags": {"any": ["x"]}}, user_id="alice").memory_ids) == ids


def test_a_stranger_who_erases_everything_through_an_agent_leaves_the_agent_alone(mos: MOS) -> None:
    mos.add("I like oil.", agent_id="bot")
    mos.erase(everything=True, user_id="nobody", agent_id="bot")
    assert [memory.text for memory in mos.list(agent_id="bot")] == ["I like oil."]


def test_searching_by_time_finds_what_listing_finds(mos: MOS) -> None:
    mos.add("I had tea.", user_id="alice", at=NOON)
    mos.add("I drink tea since 2019.", user_id="alice", at=NOON + timedelta(days=1))
    for bounds in ({"lte": NOON}, {"gt": NOON}, {"gte": NOON, "lt": NOON + timedelta(days=1)}, {"lt": NOON.isoformat()}, {"ne": NOON}):
        where = {"created_at": bounds}
        found = {hit.memory.text for hit in mos.search("tea", user_id="alice", filter=where)}
        assert found == {memory.text for memory in mos.list(user_id="alice", filter=where)}
    assert {hit.memory.text for hit in mos.search("tea", user_id="alice", valid_at=NOON)} == {"I had tea.", "I drink tea since 2019."}
    assert {hit.memory.text for hit in mos.search("tea", user_id="alice", valid_at=datetime(2020, 1, 1))} == {"I drink tea since 2019."}


def test_a_request_with_another_time_is_another_request(mos: MOS) -> None:
    first = mos.add("I had tea.", user_id="alice", at=NOON, request_id="r")
    assert mos.add("I had tea.", user_id="alice", at=NOON, request_id="r").memory_ids == first.memory_ids
    with pytest.raises(RequestReused):
        mos.add("I had tea.", user_id="alice", at=NOON + timedelta(days=1), request_id="r")


def test_a_message_without_a_session_is_recognised_hours_later(mos: MOS) -> None:
    def tell(text: str, hours: int, **more: str) -> Any:
        return mos.add(said(text, "m1"), user_id="bob", at=NOON + timedelta(hours=hours), **more)

    first = tell("My car is red.", 0)
    again = tell("My car is red.", 2)
    assert (again.memory_ids, again.message_ids, again.audit_head) == (first.memory_ids, ("m1",), first.audit_head)
    assert tell("My car is blue.", 4).memory_ids == first.memory_ids
    assert [message.content for message in mos.sessions.messages(user_id="bob")] == ["My car is blue."]
    assert [memory.version for memory in mos.list(user_id="bob")] == [2]
    tell("My car is green.", 4, session_id="s")
    mos.add(said("My car is green.", "m1"), user_id="eve")
    assert texts(mos, "bob") == {"My car is blue.", "My car is green."} and texts(mos, "eve") == {"My car is green."}
    assert mos.erase(first.memory_ids, user_id="bob").message_count == 2
    assert [message.content for message in mos.sessions.messages(user_id="bob")] == ["My car is green."]
    assert list(mos._handle.engines.ledger.verify()) == []


def test_one_add_may_come_back_to_an_earlier_run(mos: MOS) -> None:
    times = [NOON + timedelta(hours=hours) for hours in (0, 3, 6, 6)]
    told = [("I had tea.", "a"), ("I had coffee.", "b"), ("I had milk.", "a"), ("I had water.", "c")]
    mos.add([{**said(*one), "chat_time": time.isoformat()} for one, time in zip(told, times, strict=True)], user_id="alice")
    assert texts(mos) == {"I had milk.", "I had coffee.", "I had water."}
    mos.add([{**said("I had coffee.", "b"), "chat_time": times[2].isoformat()}, said("I had nothing.", "d")], user_id="alice", at=times[3])
    said_now = [(message.id, message.content, message.session_id) for message in mos.sessions.messages(user_id="alice")]
    assert sorted(said_now) == [
        ("a", "I had milk.", None), ("b", "I had coffee.", None), ("c", "I had water.", None), ("d", "I had nothing.", None),
    ]  # fmt: skip
    assert list(mos._handle.engines.ledger.verify()) == []


def test_a_statement_is_edited_by_the_id_that_its_receipt_gave(mos: MOS) -> None:
    receipt = mos.add("My car is red.", user_id="bob")
    assert mos.add(said("My car is blue.", receipt.message_ids[0]), user_id="bob").memory_ids == receipt.memory_ids
    assert texts(mos, "bob") == {"My car is blue."}


def test_a_message_is_found_by_its_id_without_reading_the_others(mos: MOS) -> None:
    with mos._handle.engines.ledger.glance() as book:
        sql, holes = adding._SAID_IN_NO_SESSION._compiled(book.connection.dialect)
        plan = book.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (1,) * len(holes or ())).all()
        assert "messages_id (cube=? AND id=?)" in repr(plan)


def told(mos: MOS, text: str = "The office is in Porto.", **more: Any) -> str:
    return mos.add(text, user_id="alice", **more).memory_ids[0]


def test_the_same_words_are_one_memory_where_nothing_is_lost_by_it(mos: MOS) -> None:
    first = told(mos, tags=["work", "town"], info={"project": "apollo", "n": 1})
    assert told(mos) == told(mos, tags=["town"]) == told(mos, info={"n": 1}) == told(mos, session_id="later") == first


def test_the_same_words_with_other_marks_are_found_by_these(mos: MOS) -> None:
    first = told(mos, tags=["work"], info={"project": "apollo"})
    second = told(mos, tags=["urgent"])
    third = told(mos, info={"project": "gemini"})
    assert len({first, second, third}) == 3
    assert told(mos, tags=["urgent"]) == second and told(mos, info={"project": "gemini"}) == third and told(mos) == first
    for filter, wanted in (({"tags": {"contains": "urgent"}}, second), ({"info.project": "gemini"}, third)):
        assert [memory.id for memory in mos.list(user_id="alice", filter=filter)] == [wanted]
    (one,) = mos.add(["I like tea.", "I like tea."], user_id="alice", tags=["new"]).memory_ids
    assert one == told(mos, "I like tea.")


def test_the_same_words_about_another_day_are_another_memory(mos: MOS) -> None:
    days = [told(mos, "I went to the gym today.", at=f"2024-0{month}-10T18:00:00Z") for month in (1, 2)]
    again = told(mos, "I went to the gym today.", at="2024-02-10T20:00:00Z")
    assert days[0] != days[1] == again
    found = mos.search("When was I at the gym?", user_id="alice").prompt()
    assert "10 January 2024" in found and "10 February 2024" in found


def before(mos: MOS) -> list[tuple[str, str | None]]:
    """Each memory's text and that of the one said before it, in the order of their times."""
    one, other = t.versions.alias(), t.versions.alias()
    query = sa.select(one.c.text, other.c.text).outerjoin(other, other.c.item == one.c.context).order_by(one.c.said)
    with mos._handle.engines.ledger.glance() as book:
        return [(row[0], row[1]) for row in book.connection.execute(query)]


def test_a_list_that_leaves_a_run_of_messages_and_comes_back_goes_on_where_it_was(open_mos: Callable[..., MOS]) -> None:
    talk = [
        {"role": "user", "content": "An old remark about boats.", "chat_time": NOON.isoformat()},
        {"role": "user", "content": "My sister visits Lisbon.", "chat_time": (NOON + timedelta(minutes=1)).isoformat()},
        Message(role="user", content="A note about work.", session_id="work", at=NOON + timedelta(minutes=2)),
        {"role": "user", "content": "How lovely for you.", "chat_time": (NOON + timedelta(minutes=3)).isoformat()},
    ]
    at_once, one_by_one = open_mos("list"), open_mos("steps")
    at_once.add(talk[:1], user_id="alice")
    at_once.add(talk[1:], user_id="alice")
    for message in talk:
        one_by_one.add([message], user_id="alice")
    assert before(at_once) == before(one_by_one)
    assert before(at_once)[-1] == ("How lovely for you.", "My sister visits Lisbon.")
