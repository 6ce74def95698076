"""The tour: what ships with it is sound, and everything that it shows holds."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from memos_core.cli import main
from memos_core.cli.tour import script


@pytest.fixture(autouse=True)
def _own_audit_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes to the folders of who runs it."""
    monkeypatch.setenv("MEMOS_AUDIT_KEY", "a key for tests alone")


TALK = script.conversation()
MESSAGES = {message["id"]: message for session in TALK.sessions for message in session.messages}


def text_of(message: dict[str, object]) -> str:
    return json.dumps(message["content"], ensure_ascii=False)


def test_the_conversation_is_ten_sessions_of_about_two_hundred_messages_over_about_a_year() -> None:
    times = [datetime.fromisoformat(message["chat_time"]) for message in MESSAGES.values()]
    assert len(TALK.sessions) == 10 and len(MESSAGES) == TALK.messages == 205
    assert times == sorted(times) and len(set(times)) == len(times)
    assert 300 < (times[-1] - times[0]).days < 400


def test_the_speakers_are_two_people_an_assistant_and_her_tool() -> None:
    speakers = {(message["role"], message["name"]) for message in MESSAGES.values()}
    assert speakers == {("user", "Maya"), ("user", "Jonas"), ("assistant", "Iris"), ("tool", "find_trains")}


def test_every_tool_result_answers_a_call() -> None:
    calls = {call["id"] for message in MESSAGES.values() for call in message.get("tool_calls", ())}
    results = {message["tool_call_id"] for message in MESSAGES.values() if message["role"] == "tool"}
    assert calls == results and len(calls) == 2


def test_the_evidence_of_every_question_was_said() -> None:
    questions = script.questions()
    assert len(questions) == 12 and len({question.kind for question in questions}) == 12
    assert {message_id for question in questions for message_id in question.evidence} <= set(MESSAGES)
    assert [question.id for question in questions if not question.evidence] == ["q12"]


def test_the_secret_is_said_in_one_message_alone() -> None:
    assert [message["id"] for message in MESSAGES.values() if script.SECRET in text_of(message)] == ["s7-18"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the tour says of itself, by words alone: no model is needed for it."""
    home = tmp_path_factory.mktemp("tour") / "memory"
    with pytest.MonkeyPatch.context() as patch, (home.parent / "out.json").open("w+") as out:
        patch.setenv("MEMOS_EMBEDDER", "none")
        patch.setenv("MEMOS_AUDIT_KEY", "a key for tests alone")
        patch.setattr("sys.stdout", out)
        assert main(["tour", "--json", "--home", str(home)]) == 0
        out.seek(0)
        return {**json.load(out), "home": home}


def test_by_words_alone_it_says_so_and_holds(report: dict[str, object]) -> None:
    assert report["holds"] is True and report["embedder"] is None


def test_the_changed_fact_is_found_now_and_the_old_one_then(report: dict[str, dict[str, object]]) -> None:
    assert "19th of February" in str(report["change"]["now"])
    assert "12th of February" in str(report["change"]["then"])


def test_what_was_forgotten_is_nowhere(report: dict[str, dict[str, object]]) -> None:
    for part in ("secret", "visit"):
        assert any(report[part]["before"].values()) and not any(report[part]["after"].values())  # type: ignore[attr-defined]
    home = report["home"]
    assert isinstance(home, Path)
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files and not [path for path in files if script.SECRET.encode() in path.read_bytes()]


def test_a_guest_is_seen_by_nobody_else(report: dict[str, dict[str, object]]) -> None:
    assert report["visit"]["foreign"] == 0 and "Frankfurt" in str(report["visit"]["own"])


def test_the_kept_memory_answers_afterwards(
    report: dict[str, object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMOS_EMBEDDER", "none")
    place = ["--home", str(report["home"]), "--tenant", "tour", "--user", "maya"]
    assert main(["search", "Who is Femke?", "--json", *place]) == 0
    assert "vet" in json.loads(capsys.readouterr().out)["hits"][0]["memory"]["text"]


def test_a_second_tour_in_the_same_folder_holds_and_leaves_other_memories_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMOS_EMBEDDER", "none")
    assert main(["add", "Mine.", "--user", "maya", "--home", str(tmp_path)]) == 0
    for _ in range(2):
        capsys.readouterr()
        assert main(["tour", "--json", "--home", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["change"]["then"] != told["change"]["now"]
    assert main(["list", "--json", "--user", "maya", "--home", str(tmp_path)]) == 0
    assert [memory["text"] for memory in json.loads(capsys.readouterr().out)["items"]] == ["Mine."]


def test_it_is_shown_within_eighty_columns_without_colours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMOS_EMBEDDER", "none")
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["tour", "--home", str(tmp_path / "memory")]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    for question in script.questions():
        assert question.ask in shown


def test_with_the_embedder_ten_of_the_dozen_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from memos_core.cli import embedder

    if not embedder.state()["usable"]:
        pytest.skip("the embedder is not installed here: memos embedder install")
    assert main(["tour", "--json", "--no-install", "--home", str(tmp_path / "memory")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["found"] >= 10 and told["needed"] == 10
    assert {answer["id"]: answer["ranks"][:1] for answer in told["answers"]}["q12"] == []


def test_what_does_not_hold_makes_the_exit_code_say_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = [script.Question(f"x{number}", "misled", "When was Ebba born?", ("s1-02",)) for number in range(12)]
    monkeypatch.setattr(script, "questions", lambda: questions)
    monkeypatch.setenv("MEMOS_EMBEDDER", "none")
    assert main(["tour", "--home", str(tmp_path / "memory")]) == 1
    assert "does not hold" in capsys.readouterr().out


def test_without_a_network_it_says_so_and_goes_on_by_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from memos_core.cli import embedder
    from memos_core.errors import EmbedderUnavailable

    def no_network() -> Path:
        raise EmbedderUnavailable("the model hub can't be reached.")

    monkeypatch.setenv("MEMOS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(embedder, "fetch", no_network)
    assert main(["tour", "--home", str(tmp_path / "memory")]) == 0
    got = capsys.readouterr()
    assert "can't be reached" in got.err and "by words alone" in got.err
    assert "memos embedder install" in got.out
