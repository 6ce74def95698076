"""Files become conversations and documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memos_core.errors import InvalidInput
from memos_core.model.memory import Trust
from memos_core.reader.chats import MAX_MESSAGES, Conversation
from memos_core.reader.documents import Document, markdown
from memos_core.reader.files import read_file
from memos_core.reader.shapes import CONVERSATION_SHAPES, MESSAGE_SHAPES
from memos_core.reader.skim import skim


def chat(folder: Path, value: Any, name: str = "log.json") -> list[Conversation]:
    file = folder / name
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    found = list(read_file(file))
    assert all(isinstance(one, Conversation) for one in found)
    return found  # type: ignore[return-value]


def document(file: Path) -> Document:
    (found,) = read_file(file)
    assert isinstance(found, Document)
    return found


def said(one: Conversation) -> list[tuple[str, str | None, str]]:
    return [(message.role, message.name, message.content) for message in one.messages]


TALK = [("user", None, "hi"), ("assistant", None, "hello")]
OPENAI = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
SHARE = [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]
LANGCHAIN = [{"type": "human", "data": {"content": "hi"}}, {"type": "ai", "data": {"content": "hello"}}]
CHATGPT = {
    "title": "Greeting",
    "conversation_id": "g1",
    "current_node": "c",
    "mapping": {
        "root": {"message": None, "parent": None, "children": ["a"]},
        "a": {
            "parent": "root",
            "children": ["b", "c"],
            "message": {
                "id": "m1",
                "author": {"role": "user"},
                "create_time": 1684549260.5,
                "content": {"content_type": "text", "parts": ["hi"]},
            },
        },
        "b": {"parent": "a", "children": [], "message": {"author": {"role": "assistant"}, "content": {"parts": ["a draft"]}}},
        "c": {"parent": "a", "children": [], "message": {"author": {"role": "assistant"}, "content": {"parts": ["hello"]}}},
    },
}
CLAUDE = {
    "uuid": "u1",
    "name": "Greeting",
    "chat_messages": [
        {"uuid": "m1", "sender": "human", "text": "hi", "created_at": "2023-05-20T02:21:00Z"},
        {"uuid": "m2", "sender": "assistant", "text": "", "content": [{"type": "text", "text": "hello"}]},
    ],
}


@pytest.mark.parametrize(
    "value",
    [
        OPENAI,
        {"messages": OPENAI},
        [{"messages": OPENAI}],
        {"conversations": SHARE},
        [{"id": "x", "conversations": SHARE}],
        SHARE,
        LANGCHAIN,
        {"messages": LANGCHAIN},
        [{"type": "human", "content": "hi"}, {"type": "ai", "content": "hello"}],
        CHATGPT,
        [CHATGPT],
        [{key: value for key, value in CHATGPT.items() if key != "current_node"}],
        [CLAUDE],
        [{"sender": "user", "text": "hi"}, {"sender": "bot", "text": "hello"}],
    ],
)
def test_each_known_shape_says_the_same(tmp_path: Path, value: Any) -> None:
    (found,) = chat(tmp_path, value)
    assert said(found) == TALK
    assert found.notes == ()
    lines = "\n".join(json.dumps(item) for item in (value if isinstance(value, list) else [value]))
    assert [said(one) for one in chat(tmp_path, lines, "log.jsonl")] == [TALK]
    if "\n" in lines:
        assert [said(one) for one in chat(tmp_path, lines)] == [TALK]


def test_every_message_keeps_the_files_own_json(tmp_path: Path) -> None:
    (found,) = chat(tmp_path, [CLAUDE])
    assert [message.raw for message in found.messages] == CLAUDE["chat_messages"]


def test_exports_keep_ids_titles_and_times(tmp_path: Path) -> None:
    (gpt,) = chat(tmp_path, [CHATGPT])
    (claude,) = chat(tmp_path, [CLAUDE])
    assert (gpt.session_id, gpt.title, gpt.messages[0].id) == ("g1", "Greeting", "m1")
    assert gpt.messages[0].at == datetime(2023, 5, 20, 2, 21, 0, 500_000, tzinfo=UTC)
    assert (claude.session_id, claude.title, claude.messages[0].id) == ("u1", "Greeting", "m1")
    assert claude.messages[0].at == datetime(2023, 5, 20, 2, 21, tzinfo=UTC)
    assert {message.session_id for message in gpt.messages} == {"g1"}


def test_dialogues_of_two_people_keep_names_sessions_and_dates(tmp_path: Path) -> None:
    value = {
        "sample_id": "c1",
        "qa": [],
        "conversation": {
            "speaker_a": "Ann",
            "session_10_date_time": "1:56 pm on 8 June, 2023",
            "session_10": [{"speaker": "Bob", "dia_id": "D10:1", "text": "bye"}],
            "session_2_date_time": "1:56 pm on 8 May, 2023",
            "session_2": [{"speaker": "Ann", "dia_id": "D2:1", "text": "hi", "blip_caption": "a dog"}],
        },
    }
    first, last = chat(tmp_path, [value])
    assert (first.session_id, last.session_id) == ("c1:session_2", "c1:session_10")
    assert said(first) == [("user", "Ann", "hi")]
    assert first.messages[0].at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert first.messages[0].id == "D2:1"


def test_telegram_texts_are_joined_and_services_left_out(tmp_path: Path) -> None:
    value = {
        "name": "Ann",
        "id": 7,
        "messages": [
            {"id": 1, "type": "service", "date": "2023-05-20T02:21:00", "text": ""},
            {
                "id": 2,
                "type": "message",
                "date": "x",
                "date_unixtime": "1684549260",
                "from": "Ann",
                "text": ["see ", {"type": "link", "text": "a.b"}],
            },
        ],
    }
    (found,) = chat(tmp_path, value)
    assert said(found) == [("user", "Ann", "see a.b")]
    assert found.messages[0].at == datetime(2023, 5, 20, 2, 21, tzinfo=UTC)
    assert [said(one) for one in chat(tmp_path, {"chats": {"list": [value]}})] == [said(found)]


def test_tool_calls_in_a_log_are_learnt_as_tool_memories(tmp_path: Path) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    log = [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "4"}]
    (found,) = chat(tmp_path, log)
    assert [draft.text for draft in skim(found.messages).drafts] == ["tool f({}) -> 4"]


def test_what_can_not_be_read_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    late = {"role": "user", "content": "late", "timestamp": "soon"}
    log = [*OPENAI, {"role": "user", "content": 5}, late, {"odd": 1}, {"role": "user", "content": ""}]
    (found,) = chat(tmp_path, log)
    assert [content for *_, content in said(found)] == ["hi", "hello", "late"]
    assert len(found.notes) == 3
    assert found.notes[0].startswith("message 2 was left out: content.content")
    assert "soon" in found.notes[1] and "[4]" in found.notes[2]


def test_images_are_named_at_their_message(tmp_path: Path) -> None:
    (found,) = chat(tmp_path, [*OPENAI, {"role": "user", "content": [{"type": "image_url"}, {"type": "text", "text": "look"}]}])
    assert found.messages[2].unread == ("message 2 part 0: image_url",)


def test_conversations_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    assert [one.session_id for one in chat(tmp_path, [{"messages": OPENAI}, {"messages": OPENAI}])] == ["log", "log-2"]


def test_a_long_log_comes_in_parts_of_one_session(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"role": "user", "content": str(nr)}) for nr in range(MAX_MESSAGES + 3))
    one, two = chat(tmp_path, lines, "log.jsonl")
    assert (len(one.messages), len(two.messages)) == (MAX_MESSAGES, 3)
    assert one.session_id == two.session_id == "log"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_texts_are_read_in_the_encodings_that_say_so(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("Füße im Schnee. 你好。\r\nEnd.".encode(encoding))
    found = document(file)
    assert found.text == "Füße im Schnee. 你好。\nEnd."
    assert found.notes == ()


def test_other_bytes_are_replaced_and_said(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("Füße".encode("latin-1"))
    assert document(file).text == "F\ufffd\ufffde"
    assert document(file).notes == ("2 characters could not be read and are U+FFFD",)


def test_what_can_not_be_stored_in_json_text_is_replaced(tmp_path: Path) -> None:
    (found,) = chat(tmp_path, r'[{"role": "user", "content": "a\u0000b\ud800c\ud83d\ude00"}]')
    assert found.messages[0].content == "a\ufffdb\ufffdc😀"


MARKDOWN = """---
title: x
---
Before.

# One
First. # not a heading

```python
# no heading
```

## One *half*
Second.

Two
===
> # quoted
Third.
"""


def test_markdown_passages_know_the_headings_above_them(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text(MARKDOWN)
    found = document(file)
    assert [(draft.info.get("headings"), draft.text.split("\n")[0]) for draft in found.drafts] == [
        (None, "Before."),
        (["One"], "First. # not a heading"),
        (["One", "One *half*"], "Second."),
        (["Two"], "> # quoted"),
    ]
    assert "# no heading" in found.drafts[1].text
    for draft in found.drafts:
        assert draft.span is not None and found.text[slice(*draft.span)] == draft.text
        assert draft.trust is Trust.DOCUMENT and draft.info["document"] == "notes.md"


def test_a_long_text_is_cut_into_passages_without_loss(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(" ".join(f"This is sentence number {nr} of a long text." for nr in range(200)))
    found = document(file)
    assert len(found.drafts) > 5
    assert "".join(draft.text for draft in found.drafts).replace(" ", "") == found.text.replace(" ", "")


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["# ", "## ", "x", "\n", "```", "===", "> ", "- ", "    ", "---\n", "word. "])).map("".join))
def test_markdown_drafts_are_always_pieces_of_the_text(text: str) -> None:
    spans = [draft.span for draft in markdown("a.md", text).drafts]
    assert spans == sorted(spans)  # type: ignore[type-var]
    assert all(text[slice(*draft.span)] == draft.text for draft in markdown("a.md", text).drafts if draft.span)


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.pdf", b"%PDF-1.7", "no kind of file"),
        ("a.txt", b"%PDF-1.7 text", "binary"),
        ("a.txt", b"\x00\x01\x02", "binary"),
        ("a.json", b"\x89PNG\r\n", "binary"),
        ("a.json", b"", "not JSON"),
        ("a.json", b"[]", "empty"),
        ("a.jsonl", b"\n\n", "empty"),
        ("a.json", b"{}", "no chat log"),
        ("a.json", b"5", "no chat log"),
        ("a.json", b'[{"a": 1}]', r"a.json\[0\]: is no chat log"),
        ("a.json", b'[\n{"role": "user",\n]', "a.json:3: is not JSON"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.jsonl", b'{"role": "user", "content": "x"}\n{nope}\n', "a.jsonl:2: is not JSON"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl:1: is nested too deeply"),
        ("a.json", b"9" * 5000, "not JSON"),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_name_and_line(tmp_path: Path, name: str, content: bytes, match: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=match):
        list(read_file(tmp_path / name))


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not there"):
        list(read_file(tmp_path / "no.txt"))
    (tmp_path / "d.md").mkdir()
    with pytest.raises(InvalidInput, match="is a folder"):
        list(read_file(tmp_path / "d.md"))


def test_a_tree_that_bites_its_tail_ends(tmp_path: Path) -> None:
    node = {"parent": "a", "children": ["a", [], "b"], "message": {"author": {"role": "user"}, "content": {"parts": ["x"]}}}
    for more in ({}, {"current_node": "a"}, {"current_node": ["a"]}):
        assert sum(len(one.messages) for one in chat(tmp_path, {"mapping": {"a": node}, **more})) <= 1


KEYS = """role content from value type data messages mapping chat_messages conversation conversations session_1 speaker text chats list
parts author user human"""
WORDS = st.sampled_from(KEYS.split())
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HOSTILE)
def test_any_json_is_read_or_refused(tmp_path: Path, value: Any) -> None:
    try:
        chat(tmp_path, value)
    except InvalidInput as refused:
        assert "log.json" in refused.field


@given(st.dictionaries(WORDS, HOSTILE, max_size=6))
def test_every_shape_can_be_asked_about_anything(item: dict[str, Any]) -> None:
    assert all(shape.sniff(item) in (True, False) for shape in (*CONVERSATION_SHAPES, *MESSAGE_SHAPES))
