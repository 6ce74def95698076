"""What kind of question a text is, and which dates it names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memos_core.recall.embedded_text import alone, with_context
from memos_core.recall.question import interpret, named, spoken
from memos_core.text.asking import ends_asking
from memos_core.text.dates import DAY, dates_named
from memos_core.text.kinds import asks_before, asks_what_you_said, asks_when, in_first_person
from memos_core.text.times import holds_time
from memos_core.text.words import analyse

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def asks_now(text: str) -> bool:
    return interpret(text, (), frozenset(), NOW).present


@pytest.mark.parametrize(
    "text",
    ["Where do I live?", "What's Mia's job now?", "Which phone does Ben have?", "my dentist", "Who is our landlord?", "我现在住在哪里"],
)
def test_how_it_is_now(text: str) -> None:
    assert asks_now(text)
    assert not asks_before(text)


@pytest.mark.parametrize(
    "text",
    ["Where did I live before?", "What was my previous job?", "What did Ben use to drive?", "Who used to be my dentist?", "我以前住在哪里"],
)
def test_how_it_was_before(text: str) -> None:
    assert asks_before(text)
    assert not asks_now(text)


@pytest.mark.parametrize(
    "text",
    [
        "Where did Ana go on Friday?",
        "Which cities has Ana been to?",
        "Suggest a dinner recipe",
        "What does Ana say about it?",
        "Should I sell it?",
    ],
)
def test_neither_how_it_is_nor_how_it_was(text: str) -> None:
    assert not asks_now(text)
    assert not asks_before(text)


def test_words_that_mark_a_change_are_no_terms_of_such_a_question() -> None:
    assert interpret("Where was my previous home before I moved?", (), frozenset(), NOW).terms == ("home",)
    assert "move" in interpret("When did the statue move?", (), frozenset(), NOW).terms
    assert interpret("the latest?", (), frozenset(), NOW).terms == ("latest",)


def test_questions_for_a_time() -> None:
    assert all(map(asks_when, ("When did we meet?", "What year was it?", "How long ago was that?", "我们什么时候见面")))
    assert not any(map(asks_when, ("Where did we meet?", "What is the whenever?")))


def test_who_speaks_of_whom() -> None:
    assert in_first_person("What's my name?")
    assert asks_what_you_said("Which book did you recommend?")
    assert not asks_what_you_said("Which book should I read?")


def test_speakers_are_named_whole_or_by_first_name_and_roles_never() -> None:
    assert named("What did Ana's brother say?", ("Ana", "Ben")) == ("Ana",)
    assert named("Did Ana call?", ("Ana Lima", "Ben")) == ("Ana Lima",)
    assert named("Did Ana Lima call?", ("Ana Lima", "Ana Roth")) == ("Ana Lima",)
    assert named("user interface for the assistant", ("user", "assistant")) == ()
    assert named("A banana", ("Ana",)) == ()


def test_a_query_is_put_as_its_one_speaker_would() -> None:
    assert spoken("Where does Ana keep Ana's keys?", ("Ana",)) == "Where does I keep my keys?"
    assert spoken("Where do Ana and Ben meet?", ("Ana", "Ben")) is None
    assert spoken("What did C++ Joe (dev) say?", ("C++ Joe (dev)",)) is not None


@pytest.mark.parametrize(
    ("text", "first", "days"),
    [
        ("on 7 May 2023", "2023-05-07", 1),
        ("May 7th, 2023", "2023-05-07", 1),
        ("2023-05-07", "2023-05-07", 1),
        ("in August 2023", "2023-08-01", 30.5),
        ("summer of 2021", "2021-06-01", 91),
        ("back in 2022", "2022-01-01", 365),
        ("yesterday", "2026-11-20", 1),
        ("last Friday", "2026-11-20", 1),
        ("last month", "2026-10-01", 31),
        ("last year", "2025-01-01", 365),
        ("last summer", "2026-06-01", 91),
        ("two weeks ago", "2026-11-04", 7),
    ],
)
def test_dates_that_a_question_names(text: str, first: str, days: float) -> None:
    (span,) = dates_named(f"What happened {text}?", NOW)
    assert datetime.fromtimestamp(span.start / 1e6, UTC).date().isoformat() == first
    assert (span.end - span.start) / DAY == days


@pytest.mark.parametrize("text", ["May I march on?", "31 February 2020", "a 5 star hotel", "room 1234567", ""])
def test_what_is_no_date_is_passed_over(text: str) -> None:
    assert dates_named(text, NOW) == ()


def test_times_in_a_text() -> None:
    assert all(map(holds_time, ("I went yesterday", "two weeks ago", "in May", "Sept 3", "at 5 pm", "昨天我去了", "since 2019")))
    assert not any(map(holds_time, ("We may go", "second to none", "march on", "")))


def test_a_time_is_known_with_the_terms_and_without() -> None:
    for text in (
        "I went yesterday",
        "in May",
        "at 5 pm",
        "We may go",
        "second to none",
        "march on",
        "the 1990s",
        "昨天我去了",
        "every other Friday",
        "",
    ):
        assert holds_time(text) == holds_time(text, analyse(text)), text


@pytest.mark.parametrize("text", ["What did you plant there?", "Nice! What did you plant there?", "“And you?”", "你种了什么？"])
def test_a_text_that_is_mostly_its_last_question_ends_asking(text: str) -> None:
    assert ends_asking(text)


@pytest.mark.parametrize("text", ["", "...", "We moved to a house by the lake last spring. And you?", "Did you? I did.", "Where? There!"])
def test_a_text_that_tells_more_than_it_asks_does_not_end_asking(text: str) -> None:
    assert not ends_asking(text)


@pytest.mark.parametrize(
    "text",
    ["Where did I live before Antwerp?", "Who was my dentist before Dr. Lam?", "What did I wear before glasses?", "Did Ana use to?"],
)
def test_what_came_before_a_thing_is_asked_about_the_state_before_it(text: str) -> None:
    assert asks_before(text)


@pytest.mark.parametrize("text", ["What did Ana do before the race?", "What did we say before 2020?", "What does Ana use to paint?"])
def test_what_came_before_an_occasion_is_not_about_a_former_state(text: str) -> None:
    assert not asks_before(text)


def test_when_something_is_is_about_now_and_when_it_was_is_not() -> None:
    assert asks_now("When is our wedding?") and asks_now("When does the meeting start?")
    assert not asks_now("When did we marry?") and not asks_now("When has she been there?")


def test_advice_is_asked_by_who_asks_and_about_no_time_that_was() -> None:
    asked = interpret("When should I schedule my deep work?", (), frozenset(), NOW)
    assert asked.advice and not asked.when
    told = interpret("When would Ana like to move?", ("Ana",), frozenset(), NOW)
    assert told.when and not told.advice


def test_peoples_names_are_embedded_and_roles_are_not() -> None:
    assert alone("Ana", "hello") == "Ana: hello"
    assert alone("assistant", "hello") == alone("", "hello") == "hello"
    assert with_context("Ana", "Coffee?", "", "Yes") == "Ana: Coffee?\nYes"
    assert with_context("Ana", "word " * 61, "", "Yes") is None
