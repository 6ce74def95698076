"""Each step of recall on a table made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memos_core.index.base import Candidates
from memos_core.recall import dialogue, evidence, moments
from memos_core.recall.question import interpret
from memos_core.recall.table import tabulate
from memos_core.recall.weights import DEFAULT
from tests.unit.recall.tables import DAY, NOW, TODAY, rows


def lent(step: Any, query: str, table: Candidates, scores: list[float] | None = None, *, asker: frozenset[str] = frozenset()) -> Any:
    question = interpret(query, table.speakers, asker, NOW)
    made = tabulate(question, table, has_vectors=bool(table.embedded.any()))
    column = step(question, made, np.array(scores or [0.0] * len(table), np.float32), DEFAULT)
    return None if column is None else [round(x, 4) for x in column.tolist()]


@pytest.mark.parametrize(
    ("query", "held", "share"),
    [
        ("Which quick dinner recipe did Ana like?", 4, 1),
        ("Which quick dinner recipe did Ana like?", 2, 1 / 2),
        ("Which quick dinner recipe did Ana like?", 1, 1 / 64),
        ("Which dinner did Ana like?", 1, 1 / 2),
        ("Could you suggest a quick dinner?", 3, 1),
        ("Could you suggest a quick dinner?", 1, 1 / 27),
    ],
)
def test_words_count_by_what_the_best_match_holds_and_less_where_they_find_by_chance(query: str, held: int, share: float) -> None:
    table = rows(2, lexical=[3, 0], matched=[held, 0], speakers=("Ana",), speaker=[0, 0])
    assert lent(evidence.words, query, table) == [pytest.approx(DEFAULT.words * share, abs=1e-4), 0]


def test_four_matching_words_of_a_long_query_count_in_full() -> None:
    query = "convert the quarterly sales report of the northern branch into euros and mail the total to finance"
    assert lent(evidence.words, query, rows(1, lexical=[5], matched=[4])) == [DEFAULT.words]


def test_what_a_vector_did_not_read_of_a_long_text_stands_by_its_words() -> None:
    table = rows(3, lexical=[4, 4, 0], matched=[1, 1, 0], relevance=[0.2, 0.2, 0.6], dense=[0.2, 0.2, 0.6], length=[100, 400, 400])
    assert lent(evidence.meaning, "hiking", table) == pytest.approx([0.2, 0.2 / 4 + 0.6 * 3 / 4, 0.6 / 4], abs=1e-4)


def test_nothing_is_lent_by_words_where_none_match() -> None:
    assert lent(evidence.words, "cilantro", rows(2)) is None


def test_a_short_reply_has_the_words_of_the_turn_before_it() -> None:
    table = rows(3, lexical=[2, 0, 0], matched=[1, 0, 0], session=[1, 1, 1], session_size=[3, 3, 3], previous=[-1, 0, 1])
    assert lent(evidence.context, "hiking", table) == [DEFAULT.context, DEFAULT.context, 0]


def test_a_long_message_does_not_have_the_words_of_the_turn_before_it() -> None:
    table = rows(2, lexical=[2, 0], matched=[1, 0], session=[1, 1], previous=[-1, 0], length=[8, 300])
    assert lent(evidence.context, "hiking", table)[1] == 0


def test_meaning_is_the_inner_product_that_the_index_gives() -> None:
    assert lent(evidence.meaning, "anything", rows(2, dense=[0.5, 0.25], relevance=[0.5, 0.2])) == [0.5, 0.25]


def test_a_memory_without_a_vector_stands_by_its_words() -> None:
    table = rows(3, dense=[0.6, 0.1, 0], relevance=[0.6, 0.1, 0], lexical=[0, 0, 4], matched=[0, 0, 2])
    assert lent(evidence.meaning, "blue kettle", table)[2] == pytest.approx(0.6)


def test_what_the_named_speaker_said_is_preferred() -> None:
    table = rows(3, speakers=("Ana", "Ben"), speaker=[0, 1, -1])
    assert lent(dialogue.who, "Where did Ben study?", table) == [0, DEFAULT.who, 0]
    assert lent(dialogue.who, "Where did Ana and Ben meet?", table) is None
    assert lent(dialogue.who, "Where did they meet?", table) is None


def test_a_query_in_the_first_person_prefers_the_askers_own_words() -> None:
    table = rows(3, speakers=("assistant", "kim"), speaker=[0, 1, -1])
    assert lent(dialogue.who, "Where do I live?", table, asker=frozenset({"", "Kim"})) == [0, DEFAULT.asker, DEFAULT.asker]


def test_what_did_you_say_prefers_the_machines_words() -> None:
    table = rows(2, speakers=("assistant",), speaker=[0, -1])
    assert lent(dialogue.who, "Which book did you recommend to me?", table, asker=frozenset({""})) == [DEFAULT.asker, 0]


def test_a_session_lends_to_its_turns_and_a_lone_message_has_the_mean() -> None:
    table = rows(4, lexical=[1] * 4, matched=[1] * 4, session=[1, 1, 2, 3], session_size=[2, 2, 5, 1], session_score=[4, 4, 2, 1])
    w = DEFAULT.session
    assert lent(dialogue.session, "hiking", table) == [w, w, w / 2, pytest.approx(w * (1 + 1 + 0.5) / 3, abs=1e-3)]


def test_sessions_of_one_message_lend_nothing() -> None:
    assert lent(dialogue.session, "hiking", rows(2, lexical=[1, 1], session=[1, 2], session_score=[3, 1])) is None


TALK: dict[str, Any] = {"session": [1, 1, 1], "session_size": [3] * 3, "previous": [-1, 0, 1], "following": [1, 2, -1]}


def test_a_turn_has_a_part_of_the_answer_to_it() -> None:
    table = rows(3, speakers=("Ana", "Ben"), speaker=[0, 1, 0], **TALK)
    best = 0.8 * DEFAULT.talk_session
    given = lent(dialogue.talk, "hiking", table, [0.1, 0.8, 0.2])
    assert given == pytest.approx([0.8 * DEFAULT.talk_next + best, 0.2 * DEFAULT.talk_next + best, best], abs=1e-3)


@pytest.mark.parametrize(
    "unlike", [{"speakers": ("assistant", "user"), "speaker": [0, 1, 0]}, {"speakers": ("Ana",), "speaker": [0] * 3, "length": [400] * 3}]
)
def test_an_essay_and_a_chat_with_a_machine_are_no_talk(unlike: dict[str, Any]) -> None:
    assert lent(dialogue.talk, "hiking", rows(3, **TALK, **unlike), [0.1, 0.8, 0.2]) is None


@pytest.mark.parametrize(
    ("speakers", "speaker", "less"),
    [
        (("Ana", "Ben"), [0, 1], [True, True]),
        (("Ana", "assistant"), [0, 1], [False, True]),
        (("assistant",), [-1, 0], [False, True]),
    ],
)
def test_a_turn_that_asks_counts_less_unless_it_is_a_users_request(speakers: tuple[str, ...], speaker: list[int], less: list[bool]) -> None:
    table = rows(2, speakers=speakers, speaker=speaker, asks=[True, True])
    assert lent(dialogue.asks, "hiking", table) == [pytest.approx(-DEFAULT.asks) if one else 0 for one in less]


def test_a_diarys_questions_and_turns_that_ask_nothing_count_in_full() -> None:
    assert lent(dialogue.asks, "hiking", rows(2, speakers=("Ana",), speaker=[0, 0], asks=[True, True])) is None
    assert lent(dialogue.asks, "hiking", rows(2, speakers=("Ana", "Ben"), speaker=[0, 1])) is None


def test_session_numbers_may_be_large() -> None:
    table = rows(2, speakers=("Ana",), speaker=[0, 0], session=[2**30, 2**30], previous=[-1, 0])
    assert lent(dialogue.talk, "hiking", table, [0.1, 0.8])[1] == pytest.approx(0.8 * DEFAULT.talk_session)


def test_a_when_question_prefers_what_holds_a_time() -> None:
    table = rows(2, timed=[True, False])
    assert lent(moments.when, "When was the move?", table) == [DEFAULT.when, 0]
    assert lent(moments.when, "Where was the move?", table) is None


def test_a_date_prefers_what_was_said_on_it_then_after_then_before() -> None:
    may = round(NOW.replace(month=5, day=7).timestamp() * 1e6)
    on, after, before, far = lent(moments.date, "What happened on 7 May 2026?", rows(4, said=[may, may + 5 * DAY, may - 5 * DAY, TODAY]))
    assert on == pytest.approx(DEFAULT.date)
    assert on > after > before > far
    assert far < 0.001


def test_a_month_without_a_year_means_any_year() -> None:
    june = round(NOW.replace(year=2023, month=6, day=10).timestamp() * 1e6)
    assert lent(moments.date, "What did we do in June?", rows(1, said=[june])) == [pytest.approx(DEFAULT.date)]


def test_no_date_named_lends_nothing() -> None:
    assert lent(moments.date, "May I ask what we march for?", rows(1)) is None
