"""What a terminal is given: nothing that steers it, whoever said it; and groups of commands that answer by themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memos_core.cli import main, show

STEERS = "\x1b[2J\x1b]0;mine\x07 then \x9b31m\x7f red\b\rover"
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command and gives its answer."""
    monkeypatch.setenv("MEMOS_EMBEDDER", "none")
    for name in ("home", "config", "cache"):
        monkeypatch.setenv("MEMOS_HOME" if name == "home" else f"MEMOS_{name.upper()}_DIR", str(tmp_path / name))

    def command(*args: str) -> str:
        assert main(args) == 0
        return capsys.readouterr().out

    return command


def test_control_characters_become_signs_and_lines_and_tabs_stay() -> None:
    assert show.visible("a\x1b[0m\x00\x7f\x9b\tb\nc\r\nd\re") == "a\u241b[0m\u2400\u2421\ufffd\tb\nc\nd\u240de"
    assert show.visible("Grüße, 你好 [bold]") == "Grüße, 你好 [bold]"


def test_no_memory_steers_the_terminal(run: Run) -> None:
    message = {"role": "user", "name": "Eve", "content": f"Hello {STEERS}"}
    kept = json.loads(run("add", json.dumps([message]), "--messages", "--user", "eve", "--json"))["memory_ids"][0]
    for command in (["search", "hello", "--why"], ["search", "hello", "--prompt"], ["list"], ["get", kept], ["history", kept]):
        shown = run(*command, "--user", "eve")
        assert "Hello \u241b[2J\u241b]0;mine\u2407" in shown
        assert not set(shown) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))}
    assert json.loads(run("get", kept, "--user", "eve", "--json"))["text"] == f"Hello {STEERS}"


def test_who_wrote_a_version_is_shown_word_for_word(run: Run) -> None:
    kept = json.loads(run("add", "Hello.", "--user", "[/red]", "--json"))["memory_ids"][0]
    assert "user:[/red]" in run("history", kept, "--user", "[/red]")


def test_tasks_alone_are_listed_and_the_embedder_alone_tells_its_state(run: Run) -> None:
    run("add", "Hello.", "--user", "eve")
    assert json.loads(run("tasks", "--json")) == json.loads(run("tasks", "list", "--json"))
    assert json.loads(run("embedder", "--json")) == json.loads(run("embedder", "status", "--json"))
    assert run("tasks") == run("tasks", "list") and run("embedder") == run("embedder", "status") != ""


@pytest.mark.parametrize("args", ["tasks --json list", "tasks --home {} list --json", "embedder --json status"])
def test_what_stands_before_a_command_is_meant_for_it(run: Run, tmp_path: Path, args: str) -> None:
    run("add", "Hello.", "--user", "eve")
    assert isinstance(json.loads(run(*(arg.format(tmp_path / "home") for arg in args.split()))), dict)


def test_one_asker_stays_the_asker_of_the_command_that_follows(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from memos_core.mos.tasks import Tasks

    run("add", "Hello.", "--user", "eve")
    asked: list[Any] = []
    listed = Tasks.list
    monkeypatch.setattr(Tasks, "list", lambda self, **given: asked.append(given["user_id"]) or listed(self, **given))
    run("tasks", "--user", "eve", "list")
    run("tasks", "--user", "eve", "list", "--user", "bob")
    assert asked == ["eve", "bob"]
