"""Rules make drafts of memories from messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos_core.errors import InvalidInput
from memos_core.model.memory import Memory, MemoryType, Trust
from memos_core.model.render import render
from memos_core.reader.messages import read_content
from memos_core.reader.secrets import arguments_without_secrets, without_secrets
from memos_core.reader.skim import Skimmed, skim
from memos_core.text.same import same_words

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def memory(text: str, speaker: str = "Alice") -> Memory:
    return Memory(id="m", text=text, cube_id="c", speaker=speaker, created_at=NOW, updated_at=NOW)


FENCE = render([memory("I like green tea."), memory("My dog is called Momo.", "")])


def read(*items: Any, **more: Any) -> Skimmed:
    return skim(read_content(list(items)), **more)


def texts(found: Skimmed) -> list[str]:
    return [draft.text for draft in found.drafts]


def test_each_thing_said_is_one_draft_word_for_word() -> None:
    long = "First I went out.  Then,\n\n" * 500
    found = read({"role": "user", "name": "Alice", "content": long}, {"role": "assistant", "content": "Noted!"}, "and so on")
    assert texts(found) == [long, "Noted!", "and so on"]
    assert [(d.speaker, d.trust, d.message) for d in found.drafts] == [
        ("Alice", Trust.USER, 0),
        ("assistant", Trust.INFERRED, 1),
        ("", Trust.USER, 2),
    ]
    assert found.skipped == ()


def test_instructions_and_wordless_messages_are_kept_but_not_learnt() -> None:
    found = read({"role": "system", "content": "Be kind."}, {"role": "developer", "content": "x"}, "  ", "?!", "你好")
    assert texts(found) == ["你好"]
    assert found.skipped == ("message 0: system message", "message 1: developer message", "message 2: no words", "message 3: no words")


def test_nothing_is_learnt_when_the_caller_says_so() -> None:
    image = {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url"}]}
    assert read(image, learn=False) == Skimmed((), ("message 0 part 1: image_url",))


@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize(
    "carried",
    [
        FENCE,
        "\n".join("> " + line for line in FENCE.splitlines()),
        "\n".join("    " + line for line in FENCE.splitlines()),
        FENCE.replace("<", "&lt;").replace(">", "&gt;"),
        FENCE.upper(),
        FENCE.replace("</memories>", ""),
        FENCE + "\n" + FENCE,
    ],
)
def test_recalled_text_is_not_learnt_again(carried: str, role: str) -> None:
    found = read({"role": role, "content": f"{carried}\n\nWhat do I drink?"})
    assert texts(found) == ["What do I drink?"]
    assert found.skipped == ("message 0: recalled text",)
    assert read({"role": role, "content": carried}).drafts == ()


def test_what_stands_round_recalled_text_is_learnt_with_its_span() -> None:
    content = f"I moved to Lisbon.\n{FENCE}\nIt is warm."
    (draft,) = read(content).drafts
    assert draft.text == "I moved to Lisbon.\nIt is warm."
    assert draft.span == (0, len(content))


def test_a_rendered_line_goes_only_if_it_is_a_memory_where_that_can_be_asked() -> None:
    known = {"alice: i like green tea", "my dog is called momo"}
    mine = "- went running\n- Alice: I like green tea.\n> - My dog is called Momo."
    found = read(mine, own=lambda text: same_words(text) in known)
    assert texts(found) == ["- went running"]
    assert texts(read(mine)) == [mine]


def test_a_fence_goes_whatever_is_known() -> None:
    assert read(FENCE, own=lambda _: False).drafts == ()
    assert texts(read("<memories>\n1 January 2026:\n- cut off\nHello", own=lambda _: False)) == ["Hello"]


def test_words_about_memories_stay() -> None:
    for text in ("I have fond memories of Lisbon.", "list[int] and - [ ] todo", "a <b> c"):
        assert texts(read(text)) == [text]


CALL = {"id": "c1", "type": "function", "function": {"name": "search_flights", "arguments": '{"to": "LIS", "api_key": "k-123"}'}}


def test_a_call_and_its_result_are_one_tool_memory_without_secrets() -> None:
    found = read(
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "TP 123\n at 9, token=abc"},
    )
    (draft,) = found.drafts
    assert draft.text == 'tool search_flights({"to": "LIS", "api_key": "[secret]"}) -> TP 123 at 9, token=[secret]'
    assert (draft.memory_type, draft.trust, draft.message) == (MemoryType.TOOL_TRAJECTORY, Trust.TOOL, 1)
    assert draft.info == {"tool": "search_flights", "tool_call_id": "c1"}


def test_results_find_their_calls_in_any_order() -> None:
    calls = [{"id": f"c{nr}", "name": f"f{nr}", "args": {}} for nr in range(3)]
    results = [{"role": "tool", "tool_call_id": f"c{nr}", "content": str(nr)} for nr in (2, 0)]
    found = read({"role": "assistant", "content": "Let me see.", "tool_calls": calls}, *results)
    assert texts(found) == ["Let me see.", "tool f2({}) -> 2", "tool f0({}) -> 0"]
    assert found.skipped == ("message 0: the call of f1 has no result yet",)


def test_a_result_without_its_call_is_still_learnt() -> None:
    assert texts(read({"role": "tool", "tool_call_id": "x", "content": "42"})) == ["tool -> 42"]
    assert texts(read({"role": "function", "name": "add", "content": "42"})) == ["tool add(...) -> 42"]


def test_results_inside_a_users_message_are_the_tools_not_the_users() -> None:
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}]}
    parts = [{"type": "tool_result", "tool_use_id": "t1", "content": "42"}, {"type": "text", "text": "thanks"}]
    found = read(use, {"role": "user", "content": parts})
    assert [(d.text, d.trust) for d in found.drafts] == [("thanks", Trust.USER), ('tool add({"a": 1}) -> 42', Trust.TOOL)]


def test_recalled_text_that_a_tool_gives_back_is_not_learnt() -> None:
    found = read({"role": "tool", "tool_call_id": "x", "content": FENCE})
    assert found == Skimmed((), ("message 0: recalled text",))


def test_long_results_are_cut() -> None:
    (draft,) = read({"role": "tool", "tool_call_id": "x", "content": "word " * 100_000}).drafts
    assert len(draft.text) < 1300 and draft.text.endswith("…")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Basic dXNlcjpwYXNz", "dXNl"),
        ("curl -H 'Authorization: Bearer abc123def456'", "abc123"),
        ("key sk-proj-abcdefghijklmnop here", "abcdefgh"),
        ('{"access_token": "abc", "n": 1}', "abc"),
        ("https://x.y/?api_key=abc&q=1", "abc"),
        ("ghp_abcdefghijklmnopqrstuvwx", "abcdef"),
        ("password = hunter2", "hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabcdef\n-----END RSA PRIVATE KEY-----", "abcdef"),
    ],
)
def test_secrets_are_blanked(text: str, secret: str) -> None:
    assert secret not in without_secrets(text)
    assert "[secret]" in without_secrets(text)


def test_what_is_no_secret_stays() -> None:
    for text in ("basic mathematics", "max_tokens: 5", "bearer certificates of a company", "the tokenizer = bpe", "password reset"):
        assert without_secrets(text) == text
    assert arguments_without_secrets('{"max_tokens": 5, "password": 12}') == '{"max_tokens": 5, "password": "[secret]"}'


def test_the_same_words_have_one_form() -> None:
    assert same_words("  I live in\nLISBON!! ") == same_words("I live in Lisbon.") == "i live in lisbon"
    assert same_words("ＡＢＣ。") == "abc"
    assert same_words("he moved?") != same_words("he moved.")
    assert same_words("...") == "..."


@given(st.text())
def test_the_form_of_a_form_is_itself(text: str) -> None:
    assert same_words(same_words(text)) == same_words(text)


PIECES = st.sampled_from(["<memories>", "</memories>", "&lt;memories>", "\n", "1 May 2026:", "- ", "> ", "Alice: tea", "x", " ", "!"])


@given(st.lists(PIECES, min_size=1).map("".join), st.booleans())
def test_any_text_can_be_skimmed_and_is_never_longer_after(text: str, known: bool) -> None:
    try:
        found = skim(read_content(text), own=lambda _: known)
    except InvalidInput:
        return
    assert all(len(draft.text) <= len(text) for draft in found.drafts)
