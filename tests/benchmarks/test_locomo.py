"""Reading a file of LoCoMo's shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from memos_core.bench.locomo import load
from memos_core.errors import InvalidInput

TALK: dict[str, Any] = {
    "speaker_a": "Nora",
    "speaker_b": "Felix",
    "session_2_date_time": "12:05 am on 1 March, 2024",
    "session_2": [{"speaker": "Felix", "dia_id": "D2:1", "text": "My cat is called Pepper.", "blip_caption": "a grey cat"}],
    "session_1_date_time": "1:56 pm on 8 May, 2023",
    "session_1": [
        {"speaker": "Nora", "dia_id": "D1:1", "text": "I play the harp."},
        {"speaker": "Felix", "dia_id": "D1:2", "text": "Lovely!"},
    ],
}
ASKED = [
    {"question": "What does Nora play?", "evidence": ["D1:1"], "category": 4},
    {"question": "Both?", "evidence": ["D1:1; D2:01", "D1:1"], "category": 1},
    {"question": "Misspelt", "evidence": ["D:2:1"], "category": 2},
    {"question": "Adversarial", "evidence": ["D1:1"], "category": 5},
    {"question": "No such turn", "evidence": ["D9:9", "D"], "category": 3},
    {"question": "No evidence", "evidence": [], "category": 3},
]


def _file(folder: Path, entries: object) -> Path:
    path = folder / "talk.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def test_sessions_come_in_order_and_turns_are_seconds_apart(tmp_path: Path) -> None:
    [talk] = load(_file(tmp_path, [{"conversation": TALK, "qa": ASKED, "sample_id": "c7"}]))
    assert talk.id == "c7"
    assert [turn.id for turn in talk.turns] == ["D1:1", "D1:2", "D2:1"]
    assert talk.turns[0].at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert talk.turns[2].at == datetime(2024, 3, 1, 0, 5, tzinfo=UTC)
    assert talk.turns[0].at < talk.turns[1].at
    assert talk.turns[2].speaker == "Felix"


def test_only_questions_that_the_conversation_answers_are_asked(tmp_path: Path) -> None:
    [talk] = load(_file(tmp_path, [{"conversation": TALK, "qa": ASKED}]))
    assert [(question.text, question.evidence) for question in talk.questions] == [
        ("What does Nora play?", ("D1:1",)),
        ("Both?", ("D1:1", "D2:1")),
        ("Misspelt", ("D2:1",)),
    ]


def test_captions_belong_to_the_turn_only_when_wanted(tmp_path: Path) -> None:
    path = _file(tmp_path, [{"conversation": TALK, "qa": ASKED}])
    assert load(path)[0].turns[2].text == "My cat is called Pepper."
    assert load(path, captions=True)[0].turns[2].text == "My cat is called Pepper. [photo: a grey cat]"


def test_a_limit_takes_the_questions_of_left_out_turns_with_it(tmp_path: Path) -> None:
    [talk] = load(_file(tmp_path, [{"conversation": TALK, "qa": ASKED}]), limit=2)
    assert [turn.id for turn in talk.turns] == ["D1:1", "D1:2"]
    assert [question.evidence for question in talk.questions] == [("D1:1",), ("D1:1",)]


@pytest.mark.parametrize(
    "entries", [{}, [], [{"qa": []}], [{"conversation": TALK, "qa": []}], [{"conversation": {"session_1": []}, "qa": []}], [3]]
)
def test_a_file_of_another_shape_is_refused_by_name(tmp_path: Path, entries: object) -> None:
    with pytest.raises(InvalidInput, match=r"^file: .*talk\.json"):
        load(_file(tmp_path, entries))


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere\.json can't be read"):
        load(tmp_path / "nowhere.json")
