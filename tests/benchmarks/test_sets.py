"""The benches' own sets ask what they say they ask."""

from __future__ import annotations

import pytest

from memos_core.bench.report import Curve, Plot
from memos_core.bench.sets import preferences, probes, tools, updates
from memos_core.bench.systems import Answer, Run, Story, undone
from memos_core.bench.timings.texts import VOCABULARY, Talk
from memos_core.text.words import analyse


def _line_of(story: Story, key: str) -> tuple[int, str]:
    [found] = [(number, line.session) for number, line in enumerate(story.lines) if line.id == key]
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_update_is_told_anew_in_a_later_session(seed: int) -> None:
    stories, cases = updates.make(seed)
    by_user = {story.user: story for story in stories}
    for case in cases:
        old, new = _line_of(by_user[case.ask.user], case.old), _line_of(by_user[case.ask.user], case.new)
        assert old[0] < new[0]
        assert old[1] != new[1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_there_are_at_least_four_hundred_questions_about_updates_of_every_kind(seed: int) -> None:
    counted = [case for case in updates.make(seed)[1] if case.told in updates.TOLD]
    assert len(counted) >= 400
    for told in updates.TOLD:
        for past in (True, False):
            assert sum(case.told == told and case.past == past for case in counted) >= 100


def test_the_same_seed_tells_the_same_stories() -> None:
    assert updates.make(4, users=3) == updates.make(4, users=3)
    assert updates.make(4, users=3) != updates.make(5, users=3)
    assert preferences.make(4) == preferences.make(4)
    assert tools.make(4) == tools.make(4)
    assert probes.stories(4) == probes.stories(4)


def test_no_value_is_named_by_a_question_about_it() -> None:
    for slot in updates.SLOTS.values():
        for question in (*slot["now"], *slot["before"], *slot["now_of"], *slot["before_of"]):
            assert not [value for value in slot["values"] if value.lower() in question.lower()]


def test_no_request_shares_a_word_with_the_preference_it_needs() -> None:
    for name, said in preferences.LIKES.items():
        words = {term for text in said["said"] for term in analyse(text)}
        for request in said["requests"]:
            assert not words & set(analyse(request)), f"{name}: {request}"


def test_new_tasks_use_a_value_that_no_trace_holds() -> None:
    stories, cases = tools.make(1)
    said = {story.user: " ".join(line.text for line in story.lines) for story in stories}
    for case in cases:
        values = [value for value in tools.TOOLS[case.tool]["values"] if value in case.ask.text]
        assert values
        assert not [value for value in values if value in said[case.ask.user]]


def test_shares_are_counted_as_told() -> None:
    _, cases = updates.make(1, users=2)
    wins = tuple(_holding(case.old if case.past else case.new, case.new if case.past else case.old) for case in cases)
    assert updates.share(Run("x", wins, 0, 0), cases, past=False) == 1.0
    assert updates.share(Run("x", wins, 0, 0), cases, past=True) == 1.0
    turned = tuple(_holding(*reversed([next(iter(hit)) for hit in answer.held])) for answer in wins)
    assert updates.share(Run("x", turned, 0, 0), cases, past=False) == 0.0


def _holding(*keys: str) -> Answer:
    held = tuple(frozenset({key}) for key in keys)
    return Answer(held, held, keys)


def test_undoing_newest_first_puts_the_hits_back() -> None:
    held = (frozenset({"new"}), frozenset({"x"}), frozenset({"old"}))
    run = Run("memos", (Answer(held, held, ("new", "x", "old"), (2, 1, 0)),), 0, 0)
    assert undone(run).answers[0].texts == ("old", "x", "new")
    assert undone(run).answers[0].held[0] == {"old"}


def test_made_up_talk_has_a_large_vocabulary_and_the_length_of_chats() -> None:
    turns = Talk().turns(20_000)
    words = [word for turn in turns for word in turn.lower().strip(".").split()]
    assert 25_000 < len(set(words)) <= VOCABULARY + 60
    assert 15 < len(words) / len(turns) < 30
    assert len(set(turns)) > 19_900
    assert Talk().turns(50) == Talk().turns(50)


def test_questions_are_distinct_and_about_what_was_said() -> None:
    turns = Talk().turns(300)
    asked = Talk(2).questions(turns, 200)
    said = " ".join(turns).lower()
    assert len(set(asked)) == 200
    assert all(question.split("about ")[1].split()[0].strip("?") in said for question in asked)


def test_a_chart_is_drawn_of_plain_and_of_logarithmic_axes() -> None:
    from xml.etree import ElementTree

    from memos_core.bench.chart import svg

    for log in (False, True):
        plot = Plot("a < b", "x", "y", (Curve("memos & co", ((1.0, 0.2), (10.0, 30.0))), Curve("flat", ((1.0, 1.0),))), log)
        root = ElementTree.fromstring(svg(plot))
        assert [child.text for child in root if child.tag.endswith("text")].count("memos & co") == 1
        assert len([child for child in root if child.tag.endswith("polyline")]) == 2
