"""Statements and their updates change places as the question asks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memos_core.recall.newest import first, likenesses, mutual
from memos_core.recall.question import interpret
from tests.unit.recall.tables import DAY, NOW, TODAY, TableView, rows

OLD, NEW = TODAY - 80 * DAY, TODAY - 20 * DAY
ALIKE = [[1.0, 0.0], [0.6, 0.8]]


def order(query: str, vectors: list[list[float]] = ALIKE, scores: tuple[float, float] = (0.7, 0.6), **columns: Any) -> list[int]:
    """The numbers of an old statement (1, the better match) and a new one (2), in the order given back."""
    table = rows(2, **{"said": [OLD, NEW], "session": [1, 2], "matched": [1, 1], **columns})
    question = interpret(query, (), frozenset(), NOW)
    return table.nr[first(question, table, np.array([0, 1]), np.array(scores, np.float32), TableView(table, vectors), "m")].tolist()


def test_how_it_is_now_puts_the_new_statement_first() -> None:
    assert order("Where do I live?") == [2, 1]
    assert order("Where do I live now?") == [2, 1]


def test_how_it_was_before_puts_the_old_statement_first() -> None:
    assert order("Where did I live before?", said=[NEW, OLD]) == [2, 1]
    assert order("Where did I live before?") == [1, 2]


def test_other_questions_move_nothing() -> None:
    assert order("Where did I go in March?") == [1, 2]
    assert order("Can you suggest where I should live?") == [1, 2]


def test_unlike_statements_stay() -> None:
    assert order("Where do I live?", [[1.0, 0.0], [0.0, 1.0]]) == [1, 2]


def test_what_another_speaker_said_is_no_update() -> None:
    assert order("Where do I live?", speakers=("a", "b"), speaker=[0, 1]) == [1, 2]


def test_what_was_said_a_moment_later_in_one_session_is_no_update() -> None:
    assert order("Where do I live?", session=[1, 1], said=[OLD, OLD + 60_000_000]) == [1, 2]
    assert order("Where do I live?", session=[1, 1]) == [2, 1]


def test_what_answers_the_question_much_worse_does_not_pass_what_answers_it() -> None:
    assert order("Where do I live?", relevance=[0.8, 0.3]) == [1, 2]
    assert order("Where do I live?", relevance=[0.8, 0.6]) == [2, 1]
    assert order("Where did I live before?", said=[NEW, OLD], relevance=[0.8, 0.3]) == [1, 2]
    assert order("Where did I live before?", said=[NEW, OLD], relevance=[0.8, 0.45]) == [2, 1]


def test_a_likelier_counterpart_further_down_keeps_a_pair_apart() -> None:
    vectors = [[1.0, 0.0, 0.0], [0.5, 0.866, 0.0], [0.3, 0.9, 0.3]]
    table = rows(3, said=[OLD, NEW, NEW + DAY], session=[1, 2, 3], matched=[1, 1, 1], relevance=[0.6] * 3)
    question = interpret("Where do I live?", (), frozenset(), NOW)
    scores = np.array([0.7, 0.69, 0.68], np.float32)
    found = first(question, table, np.arange(3), scores, TableView(table, vectors), "m")
    assert table.nr[found].tolist() == [1, 3, 2], "the second and the third are each other's, not the first's"


def test_an_essay_is_no_update() -> None:
    assert order("Where do I live?", length=[8, 200]) == [1, 2]


def test_what_lies_far_below_is_no_counterpart() -> None:
    assert order("Where do I live?", scores=(1.2, 0.3)) == [1, 2]
    assert order("Where do I live?", scores=(0.9, 0.3)) == [2, 1]


def test_a_question_of_many_words_tells_of_one_occasion() -> None:
    assert order("Where is the blue cabin by the northern lake with the broken dock?") == [1, 2]


def test_only_each_others_likeliest_make_a_pair() -> None:
    assert mutual(3, {(0, 1): 0.5, (1, 2): 0.6}) == [(1, 2)]
    assert mutual(4, {(0, 1): 0.5, (2, 3): 0.6, (1, 2): 0.4}) == [(0, 1), (2, 3)]
    assert mutual(3, {}) == []


def test_statements_too_far_apart_in_score_are_not_compared() -> None:
    table = rows(3, said=[OLD, NEW, NEW + DAY], session=[1, 2, 3])
    view = TableView(table, [[1.0, 0.0], [0.6, 0.8], [0.6, 0.8]])
    alike = likenesses(table, np.array([0, 1, 2]), np.array([1.5, 0.9, 0.6], np.float32), view, "m")
    assert alike == {(0, 1): pytest.approx(0.6), (1, 2): pytest.approx(1.0)}


def test_what_holds_the_whole_question_is_not_passed_by_what_holds_a_name_of_it() -> None:
    def asked(query: str, vectors: list[list[float]], *matched: int) -> list[int]:
        return order(query, vectors, matched=list(matched), relevance=[0.6, 0.6])

    apart, alike = [[1.0, 0.0], [0.4, 0.92]], [[1.0, 0.0], [0.8, 0.6]]
    assert asked("Where does Felix work?", apart, 2, 1) == [1, 2]
    assert asked("Where does Felix work?", apart, 2, 2) == [2, 1]
    assert asked("Where does Felix work?", alike, 2, 1) == [2, 1], "it is told anew in other words"
    assert asked("Where does Felix work now?", apart, 2, 1) == [2, 1], "the news is asked for"


def test_what_is_from_where_the_asker_stands_is_not_passed_by_what_is_from_elsewhere() -> None:
    assert order("Where do I live?", here=(1,)) == [1, 2]
    assert order("Where do I live?", here=(2,)) == [2, 1]
