"""What callers pass as content becomes messages, or a refusal that names the field."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos_core.errors import InvalidInput
from memos_core.model.message import Message, ToolCall
from memos_core.reader.messages import MAX_MESSAGES, read_content
from memos_core.reader.verbatim import MAX_RAW, MAX_TEXT

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def one(item: Any) -> Message:
    (message,) = read_content(item)
    return message


def user(**more: Any) -> dict[str, Any]:
    return {"role": "user", "content": "hi", **more}


def test_a_string_is_a_user_message() -> None:
    assert read_content("hello", at=AT, session_id="s") == [Message(content="hello", at=AT, session_id="s")]


def test_a_mapping_keeps_every_key_word_for_word() -> None:
    raw = user(id="m1", name="Alice", chat_time="2023-05-20T02:21:00+02:00", mood={"joy": [1, 2.5, None, True]})
    message = one(raw)
    assert message.raw == raw
    assert (message.id, message.name, message.content) == ("m1", "Alice", "hi")
    assert message.at == datetime(2023, 5, 20, 0, 21, tzinfo=UTC)


def test_the_kept_json_is_frozen_and_not_the_callers_object() -> None:
    raw = user(info={"a": [1]})
    message = one(raw)
    raw["info"]["a"].append(2)
    assert message.raw is not None and message.raw["info"] == {"a": [1]}
    with pytest.raises(TypeError):
        message.raw["info"]["a"].append(3)


def test_strings_mappings_and_messages_mix_in_one_list() -> None:
    given_message = Message(role="assistant", content="b", at=AT)
    found = read_content(["a", given_message, user()], at=datetime(2020, 1, 1, tzinfo=UTC), session_id="s")
    assert [(m.role, m.content) for m in found] == [("user", "a"), ("assistant", "b"), ("user", "hi")]
    assert found[1].at == AT
    assert {m.session_id for m in found} == {"s"}


def test_readable_parts_are_joined_and_others_named() -> None:
    parts = [
        "zero",
        {"type": "text", "text": "one"},
        {"type": "image_url", "image_url": {"url": "data:"}},
        {"type": "input_text", "text": "three"},
        {"type": "output_text", "text": {"value": "four"}},
        {"type": "refusal", "refusal": "five"},
        {"type": ["odd"]},
        {"text": "seven"},
    ]
    _, message = read_content(["first", {"role": "assistant", "content": parts}])
    assert message.content == "zero\none\nthree\nfour\nfive\nseven"
    assert message.unread == ("message 1 part 2: image_url", "message 1 part 6: unknown")
    assert message.raw is not None and message.raw["content"] == parts


def test_openai_tool_calls_come_with_no_content() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    message = one({"role": "assistant", "content": None, "tool_calls": [call]})
    assert message.tool_calls == (ToolCall(id="c1", name="f", arguments='{"a": 1}'),)
    assert message.content == ""


@pytest.mark.parametrize(
    "extra",
    [
        {"tool_calls": [{"id": "", "name": "f", "args": {"a": 1}}]},
        {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
        {"function_call": {"name": "f", "arguments": '{"a": 1}'}},
        {"content": [{"type": "tool_use", "id": "", "name": "f", "input": {"a": 1}}]},
    ],
)
def test_calls_of_other_shapes_are_the_same_call(extra: dict[str, Any]) -> None:
    assert one({"role": "assistant", "content": None, **extra}).tool_calls == (ToolCall(name="f", arguments='{"a": 1}'),)


@pytest.mark.parametrize(
    ("said", "text", "unread"),
    [
        ({"content": None, "refusal": "I can't."}, "I can't.", ()),
        ({"refusal": "I can't."}, "I can't.", ()),
        ({"content": "Well.", "refusal": "I can't."}, "Well.\nI can't.", ()),
        ({"content": None, "audio": {"id": "a", "transcript": "Hello there"}}, "Hello there", ()),
        ({"content": "Hello there", "audio": {"id": "a", "transcript": "Hello there"}}, "Hello there", ()),
        ({"content": None, "audio": {"id": "a"}}, "", ("message 1: audio",)),
        ({"content": "Hi", "audio": {"id": "a", "transcript": ""}}, "Hi", ("message 1: audio",)),
        ({"content": "Hi", "refusal": None, "audio": None}, "Hi", ()),
        ({"content": "Hi", "refusal": 5, "audio": 5}, "Hi", ()),
    ],
)
def test_a_refusal_and_the_transcript_of_audio_are_what_was_said(said: dict[str, Any], text: str, unread: tuple[str, ...]) -> None:
    _, message = read_content(["first", {"role": "assistant", **said}])
    assert (message.content, message.unread) == (text, unread)
    assert message.raw == {"role": "assistant", **said}


def test_a_tool_result_keeps_its_call_id_and_may_be_empty() -> None:
    message = one({"role": "tool", "tool_call_id": "c1", "content": ""})
    assert (message.role, message.tool_call_id, message.content) == ("tool", "c1", "")


def test_the_older_function_role_is_a_tool() -> None:
    message = one({"role": "function", "name": "f", "content": "4"})
    assert (message.role, message.name) == ("tool", "f")


def test_a_user_message_of_tool_results_alone_is_the_tools() -> None:
    parts = [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "42"}]}]
    message = one({"role": "user", "content": parts})
    assert (message.role, message.tool_call_id, message.content) == ("tool", "t1", "42")


def test_a_tool_result_beside_the_users_words_is_not_taken_for_them() -> None:
    parts = [{"type": "tool_result", "tool_use_id": "t1", "content": "42"}, {"type": "text", "text": "thanks"}]
    message = one({"role": "user", "content": parts})
    assert (message.role, message.content) == ("user", "thanks")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2023-05-20T02:21:00Z", (2023, 5, 20, 2, 21)),
        ("2023-05-20 02:21", (2023, 5, 20, 2, 21)),
        ("2023-05-20", (2023, 5, 20, 0, 0)),
        (1684549260, (2023, 5, 20, 2, 21)),
        (1684549260.0, (2023, 5, 20, 2, 21)),
        (1684549260000, (2023, 5, 20, 2, 21)),
        ("1684549260", (2023, 5, 20, 2, 21)),
        ("2023/05/20 (Sat) 02:21", (2023, 5, 20, 2, 21)),
        ("1:56 pm on 8 May, 2023", (2023, 5, 8, 13, 56)),
        ("12/31/2023, 5:01 PM", (2023, 12, 31, 17, 1)),
        ("Sat, 20 May 2023 04:21:00 +0200", (2023, 5, 20, 2, 21)),
        ("2023年5月20日 02:21", (2023, 5, 20, 2, 21)),
        ("20 mai 2023", (2023, 5, 20, 0, 0)),
        (datetime(2023, 5, 20, 2, 21), (2023, 5, 20, 2, 21)),
        (datetime(2023, 5, 20, 2, 21).date(), (2023, 5, 20, 0, 0)),
    ],
)
def test_times_are_read_as_people_and_programs_write_them(written: Any, expected: tuple[int, ...]) -> None:
    assert one(user(chat_time=written)).at == datetime(*expected, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize("written", ["yesterday", "May", "20 May", "x", "", "05/06/2023", True, [], 1e300, "9999-12-31T23:00:00-10:00"])
def test_a_time_that_would_have_to_be_guessed_is_refused_by_name(written: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_content([user(), user(chat_time=written)])
    assert caught.value.field == "content[1].chat_time"
    assert "ISO 8601" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("", "content"),
        ([], "content"),
        ([""], "content[0]"),
        (b"bytes", "content"),
        (None, "content"),
        (7, "content"),
        ({1: 2}, "content"),
        ({}, "content.role"),
        ({"role": "user"}, "content.content"),
        (["a", {"role": "king", "content": "x"}], "content[1].role"),
        ({"role": ["user"], "content": "x"}, "content.role"),
        ({"role": "user", "content": ""}, "content.content"),
        ({"role": "user", "content": None}, "content.content"),
        ({"role": "user", "content": []}, "content.content"),
        ({"role": "assistant", "content": None, "refusal": None, "audio": None}, "content.content"),
        ({"role": "assistant", "content": None, "refusal": ""}, "content.content"),
        ({"role": "user", "content": {"text": "x"}}, "content.content"),
        ({"role": "user", "content": 5}, "content.content"),
        ({"role": "user", "content": [5]}, "content.content[0]"),
        ({"role": "user", "content": [{"type": "text"}]}, "content.content[0].text"),
        ({"role": "user", "content": "x", "id": 5}, "content.id"),
        ({"role": "user", "content": "x", "name": {}}, "content.name"),
        ({"role": "user", "content": "x", "name": "n" * 600}, "content.name"),
        ({"role": "tool", "content": "x", "tool_call_id": 5}, "content.tool_call_id"),
        ({"role": "assistant", "tool_calls": {}}, "content.tool_calls"),
        ({"role": "assistant", "tool_calls": [5]}, "content.tool_calls[0]"),
        ({"role": "assistant", "tool_calls": [{"function": {}}]}, "content.tool_calls[0].function.name"),
        ({"role": "assistant", "function_call": "f"}, "content.function_call"),
        ("a\0b", "content"),
        ({"role": "user", "content": "a\0b"}, "content.content"),
        ([{"role": "user", "content": "a\ud800b"}], "content[0].content"),
        ({"role": "user", "content": "x", "more": {"deep": ["a\udfff"]}}, "content.more.deep[0]"),
        ({"role": "user", "content": "x", "more": {1, 2}}, "content.more"),
        ({"role": "user", "content": "x", "more": [float("nan")]}, "content.more[0]"),
        ({"role": "user", "content": "x", "more": 1 << 20_000}, "content.more"),
        ("x" * (MAX_TEXT + 1), "content"),
        ("ä" * (MAX_TEXT // 2 + 1), "content"),
        (["x"] * (MAX_MESSAGES + 1), "content"),
        (Message(role="king", content="x"), "content.role"),
        (Message(content=""), "content.content"),
        (Message(content="x", at=datetime(2020, 1, 1)), "content.at"),
    ],
)
def test_what_can_not_be_used_is_refused_by_its_field(content: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_content(content)
    assert caught.value.field == field
    str(caught.value).encode()


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at: has no time zone"):
        read_content("x", at=datetime(2020, 1, 1))


def test_json_without_end_is_refused() -> None:
    loop: dict[str, Any] = user()
    loop["self"] = loop
    with pytest.raises(InvalidInput, match="nested deeper"):
        read_content(loop)
    wide: list[Any] = []
    for _ in range(40):
        wide = [wide] * 20
    with pytest.raises(InvalidInput, match=f"larger than {MAX_RAW:,}"):
        read_content(user(more=wide))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["role", "content", "id", "name", "chat_time", "tool_calls", "tool_call_id", "function_call", "x"])
ROLES = st.sampled_from(["user", "assistant", "tool", "system", "king"])


@settings(max_examples=400)
@given(st.one_of(JSON, st.lists(st.dictionaries(KEYS, JSON | ROLES, max_size=6), max_size=3)))
def test_any_json_is_read_back_the_same_or_refused(content: Any) -> None:
    try:
        found = read_content(content)
    except InvalidInput as refused:
        assert refused.field.startswith("content")
        return
    items = content if isinstance(content, list) else [content]
    for message, item in zip(found, items, strict=True):
        assert message.content == item if isinstance(item, str) else json.loads(json.dumps(message.raw)) == item


@given(st.fixed_dictionaries({"role": st.just("user"), "content": st.text(min_size=1)}, optional={"x": JSON}))
def test_the_callers_json_makes_the_round_trip(raw: dict[str, Any]) -> None:
    try:
        message = one(raw)
    except InvalidInput as refused:
        assert "\0" in json.dumps(raw, ensure_ascii=False).replace("\\u0000", "\0") or "lone" in str(refused)
        return
    assert message.raw == raw
    assert list(message.raw or {}) == list(raw)
