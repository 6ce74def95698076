"""Cutting long texts into passages, and whether a text says when."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from memos_core.text.passages import passages
from memos_core.text.times import holds_time
from memos_core.text.words import analyse

SENTENCE = "This is sentence number seven, with about a dozen words in all of it."


def test_a_short_text_stays_whole_without_the_space_around_it() -> None:
    assert passages("  Hello there. How are you?\n") == [(2, 27)]


def test_a_blank_text_has_no_passages() -> None:
    assert passages("") == passages(" \n\t ") == []


def test_long_texts_are_cut_at_the_ends_of_sentences() -> None:
    text = " ".join([SENTENCE] * 50)
    cut = [text[start:end] for start, end in passages(text)]
    assert len(cut) >= 5 and all(part.endswith(".") and 60 <= len(part.split()) <= 160 for part in cut)


def test_a_sentence_without_end_is_cut_between_words() -> None:
    text = "word " * 1000
    assert all(text[start:end].split() == ["word"] * ((end - start + 1) // 5) for start, end in passages(text))


def test_chinese_is_cut_at_its_own_full_stops() -> None:
    text = "今天天气很好，我们去公园。" * 60
    cut = [text[start:end] for start, end in passages(text)]
    assert len(cut) > 2 and all(part.endswith("。") for part in cut)


@given(st.text(alphabet="ab c.!?\n。今天é", max_size=3000), st.integers(3, 200))
def test_passages_are_in_order_and_leave_out_nothing_but_space(text: str, words: int) -> None:
    spans = passages(text, words)
    assert all(start < end for start, end in spans)
    covered = "".join(text[start:end] for start, end in spans)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_words_of_the_calendar_say_when() -> None:
    for text in ("I went there yesterday.", "In 2019 we met.", "See you next Friday!", "three weeks ago", "我们昨天见面", "last summer"):
        assert holds_time(text, analyse(text)) and holds_time(text), text
    for text in ("My dog hates trams.", "She may march on.", "我喜欢樱花"):
        assert not holds_time(text, analyse(text)), text
