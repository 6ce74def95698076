"""The commands: each does what it says, answers programs in JSON, and refuses bad input by naming the field."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memos_core.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMOS_EMBEDDER", "none")
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path / "memory"))
    monkeypatch.setenv("MEMOS_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("MEMOS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "memory"


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def command(*args: str, stdin: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(args)
        got = capsys.readouterr()
        return Ran(code, got.out, got.err)

    return command


@pytest.fixture
def kept(run: Run) -> str:
    """The id of a memory of Alice's."""
    return str(run("add", "I moved to Lisbon last spring.", "--user", "alice", "--json").json["memory_ids"][0])


def texts(run: Run, user: str = "alice") -> list[str]:
    return [item["text"] for item in run("list", "--user", user, "--json").json["items"]]


def test_help_groups_every_command_and_shows_an_example(run: Run) -> None:
    shown = run("--help")
    assert shown.code == 0
    for words in ("Start here", "Remember and recall", "Change and forget", "Move", "Care", "memos tour", 'memos search "Where'):
        assert words in shown.out


@pytest.mark.parametrize(
    "command",
    [
        *"tour import doctor add search list get history update delete restore erase dump load verify worker fsck rebuild".split(),
        *(f"cubes {name}" for name in ("list", "create", "share", "unshare")),
        *(f"tasks {name}" for name in ("list", "show", "retry", "drop")),
        *("embedder install", "embedder status", "bench recall", "bench speed"),
    ],
)
def test_every_command_has_help(run: Run, command: str) -> None:
    shown = run(*command.split(), "--help")
    assert shown.code == 0 and f"memos {command}" in shown.out


def test_help_loads_nothing_heavy() -> None:
    heavy = {"numpy", "sqlalchemy", "onnxruntime", "pydantic", "dateparser", "httpx", "memos_core.mos.desk"}
    code = f"import sys; from memos_core.cli import main; main(['--help']); sys.exit(bool({heavy!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_the_version_is_printed(run: Run) -> None:
    from memos_core import __version__

    assert run("--version").out.split() == ["memos-kernel", __version__]


def test_what_was_added_is_found_listed_and_got(run: Run, kept: str) -> None:
    found = run("search", "Where does Alice live?", "--user", "alice", "--json").json
    assert run("search", "Lisbon", "--user", "alice", "--json").json["hits"][0]["memory"]["id"] == kept
    assert isinstance(found["hits"], list)
    assert texts(run) == ["I moved to Lisbon last spring."]
    assert run("get", kept, "--user", "alice", "--json").json["text"] == "I moved to Lisbon last spring."


def test_what_is_shown_to_people_names_the_memory(run: Run, kept: str) -> None:
    for command in (["search", "Lisbon", "--why"], ["list"], ["get", kept], ["history", kept]):
        shown = run(*command, "--user", "alice")
        assert shown.code == 0 and "I moved to Lisbon" in shown.out and "\x1b" not in shown.out


def test_without_a_user_the_asker_is_me(run: Run) -> None:
    run("add", "The spare key hangs behind the door.")
    assert texts(run, "me") == ["The spare key hangs behind the door."]


def test_stdin_is_read_for_a_dash(run: Run) -> None:
    assert run("add", "-", "--user", "alice", stdin="Momo hates trams.").code == 0
    assert texts(run) == ["Momo hates trams."]


def test_a_chat_message_is_taken_as_json(run: Run) -> None:
    message = {"id": "m1", "role": "user", "name": "Alice", "content": "My dog Momo hates trams.", "chat_time": "2026-01-02T10:00:00Z"}
    receipt = run("add", json.dumps([message]), "--messages", "--user", "alice", "--json").json
    assert receipt["message_ids"] == ["m1"]
    memory = run("list", "--user", "alice", "--json").json["items"][0]
    assert memory["speaker"] == "Alice" and memory["created_at"].startswith("2026-01-02T10:00:00")


def test_tags_info_and_a_time_are_kept(run: Run) -> None:
    at = "2025-12-24T18:00:00Z"
    more = "--tag food --info guests=4 --info where=home --name Alice --user alice".split()
    assert run("add", "Dinner at eight.", "--at", at, *more).code == 0
    memory = run("list", "--user", "alice", "--filter", '{"info.guests": 4}', "--json").json["items"][0]
    assert memory["tags"] == ["food"] and memory["info"] == {"guests": 4, "where": "home"} and memory["speaker"] == "Alice"
    assert memory["created_at"].startswith("2025-12-24T18:00:00")


def test_the_prompt_is_text_for_a_model(run: Run, kept: str) -> None:
    shown = run("search", "Lisbon", "--user", "alice", "--prompt")
    assert shown.out.startswith("<memories>") and "I moved to Lisbon" in shown.out


def test_an_empty_search_says_who_was_asked_for(run: Run, kept: str) -> None:
    shown = run("search", "Lisbon", "--user", "bob")
    assert shown.code == 0 and shown.out == "" and "bob" in shown.err


def test_a_list_has_pages(run: Run) -> None:
    for number in range(5):
        run("add", f"Fact number {number}.", "--user", "alice")
    first = run("list", "--user", "alice", "--limit", "3", "--json").json
    second = run("list", "--user", "alice", "--limit", "3", "--cursor", first["next_cursor"], "--json").json
    assert [len(first["items"]), len(second["items"]), second["next_cursor"], first["total"]] == [3, 2, None, 5]
    assert "--cursor" in run("list", "--user", "alice", "--limit", "3").err


def test_an_update_keeps_history_and_the_past(run: Run, kept: str) -> None:
    assert run("update", kept, "--text", "I moved to Porto.", "--user", "alice", "--json").json["version"] == 2
    lines = run("history", kept, "--user", "alice", "--json").json
    assert [line["memory"]["text"] for line in lines] == ["I moved to Lisbon last spring.", "I moved to Porto."]
    then = run("get", kept, "--as-of", lines[0]["at"], "--user", "alice", "--json").json
    assert then["text"] == "I moved to Lisbon last spring."


def test_what_is_deleted_can_be_restored(run: Run, kept: str) -> None:
    assert run("delete", kept, "--user", "alice", "--json").json == {"memory_ids": [kept]}
    assert texts(run) == []
    assert run("restore", kept, "--user", "alice").code == 0
    assert texts(run) == ["I moved to Lisbon last spring."]


def test_what_is_erased_is_gone_with_a_receipt(run: Run, kept: str, home: Path) -> None:
    receipt = run("erase", kept, "--yes", "--user", "alice", "--json").json
    assert receipt["memory_ids"] == [kept] and set(receipt["stores"].values()) == {"done"}
    assert texts(run) == []
    assert not [path for path in home.iterdir() if b"Lisbon" in path.read_bytes()]


def test_nothing_is_erased_when_nobody_can_confirm(run: Run, kept: str) -> None:
    refused = run("erase", kept, "--user", "alice")
    assert refused.code == 2 and "yes" in refused.err
    assert texts(run) == ["I moved to Lisbon last spring."]


def test_erasing_everything_needs_a_name(run: Run, kept: str) -> None:
    refused = run("erase", "--everything", "--yes")
    assert refused.code == 2 and "user" in refused.err
    assert run("erase", "--everything", "--yes", "--user", "alice").code == 0
    assert texts(run) == []


def test_a_request_id_makes_a_command_safe_to_repeat(run: Run) -> None:
    for _ in range(2):
        assert run("add", "Once.", "--user", "alice", "--request-id", "r1").code == 0
    assert texts(run) == ["Once."]
    assert run("add", "Another.", "--user", "alice", "--request-id", "r1").code == 2
    assert texts(run) == ["Once."]


BAD = [
    (["add", ""], "content"),
    (["add", "  "], "content"),
    (["add", "x", "--at", "yesterday"], "at"),
    (["add", "x", "--info", "guests"], "info"),
    (["add", "{", "--messages"], "content"),
    (["add", '[{"role": "wizard", "content": "x"}]', "--messages"], "content[0].role"),
    (["add", "x", "--user", ""], "user"),
    (["add", "x", "--tenant", ""], "tenant"),
    (["add"], "CONTENT"),
    (["search", ""], "query"),
    (["search", "x", "--top-k", "0"], "top_k"),
    (["search", "x", "--top-k", "many"], "--top-k"),
    (["search", "x", "--filter", "{"], "filter"),
    (["search", "x", "--filter", "[]"], "filter"),
    (["search", "x", "--filter", '{"colour": "red"}'], "filter"),
    (["search", "x", "--filter", '{"tags": {"near": 1}}'], "filter"),
    (["search", "x", "--type", "Dream"], "type"),
    (["search", "x", "--mode", "psychic"], "mode"),
    (["search", "x", "--min-relevance", "7"], "min_relevance"),
    (["search", "x", "--as-of", "soon"], "as_of"),
    (["search", "x", "--valid-at", "soon"], "valid_at"),
    (["list", "--limit", "0"], "limit"),
    (["list", "--cursor", "nonsense"], "cursor"),
    (["get", ""], "memory_id"),
    (["update", "m"], "text"),
    (["delete"], "memory_ids"),
    (["erase", "--yes"], "memory_ids"),
    (["restore", "m", "--version", "0"], "version"),
    (["cubes", "create", ""], "name"),
    (["cubes", "share", "c", "--with", "bob", "--role", "king"], "role"),
    (["bench", "recall", "--peer", "nobody"], "peer"),
    (["embedder", "install", "--from", ""], "from"),
    (["import", "nowhere.jsonl"], "nowhere.jsonl"),
    (["verify", "nowhere.memos"], "nowhere.memos"),
    (["cook"], "cook"),
]


@pytest.mark.parametrize(("args", "field"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else value)
def test_bad_input_names_the_field_and_stores_nothing(run: Run, kept: str, args: list[str], field: str) -> None:
    refused = run(*args)
    assert refused.code == 2
    assert field.casefold() in refused.err.casefold()
    assert "Traceback" not in refused.err and refused.out == ""
    assert texts(run) == ["I moved to Lisbon last spring."] and texts(run, "me") == []


def test_for_programs_an_error_is_json_on_stderr(run: Run, kept: str) -> None:
    refused = run("search", "", "--json", "--user", "alice")
    error = json.loads(refused.err)["error"]
    assert refused.code == 2 and refused.out == "" and error["field"] == "query" and error["kind"] == "InvalidInput"


@pytest.mark.parametrize("command", ["get", "history", "update", "restore", "delete", "erase"])
def test_what_is_not_there_is_an_error_of_its_own(run: Run, kept: str, command: str) -> None:
    more = {"update": ["--text", "x"], "erase": ["--yes"]}.get(command, [])
    missing = run(command, "01ARZ3NDEKTSV4RRFFQ69G5FAV", *more, "--user", "alice")
    foreign = run(command, kept, *more, "--user", "mallory")
    assert missing.code == foreign.code == 1
    assert "Error" in missing.err and "Error" in foreign.err
    assert texts(run) == ["I moved to Lisbon last spring."]


@pytest.mark.parametrize("command", [["search", "x"], ["list"], ["get", "m"], ["fsck"], ["tasks", "list"], ["cubes", "list"]])
def test_looking_makes_no_folder(run: Run, home: Path, command: list[str]) -> None:
    refused = run(*command)
    assert refused.code == 2 and "home" in refused.err and not home.exists()


def test_a_folder_of_something_else_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear")
    refused = run("add", "x", "--home", str(tmp_path / "letters"))
    assert refused.code == 1 and "no memory" in refused.err
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["dear.txt"]


def test_a_reader_that_goes_away_is_no_error(run: Run, home: Path) -> None:
    for number in range(30):
        run("add", f"Fact number {number}: " + "and so on, " * 200, "--user", "alice")
    program = f"{sys.executable} -c 'import sys; from memos_core.cli import main; sys.exit(main())'"
    command = f"{program} list --limit 30 --user alice --json | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert len(done.stdout) == 10 and done.stderr == ""


def test_a_cube_is_made_shared_carried_and_checked(run: Run, tmp_path: Path) -> None:
    cube = run("cubes", "create", "team", "--user", "alice", "--json").json["id"]
    assert run("add", "The release is on Monday.", "--to", cube, "--user", "alice").code == 0
    assert run("cubes", "share", cube, "--with", "bob", "--user", "alice").code == 0
    assert texts(run, "bob") == ["The release is on Monday."]
    assert cube in run("cubes", "list", "--user", "bob").out
    place = tmp_path / "team.zip"
    assert run("dump", cube, str(place), "--user", "alice").code == 0
    assert run("verify", str(place), "--json").json["cube_id"] == cube
    assert run("load", str(place), "--user", "carol", "--home", str(tmp_path / "other")).code == 0
    assert run("list", "--user", "carol", "--home", str(tmp_path / "other"), "--json").json["total"] == 1
    assert run("cubes", "unshare", cube, "--with", "bob", "--user", "alice").code == 0
    assert texts(run, "bob") == []
    place.write_bytes(place.read_bytes()[:-100])
    assert run("verify", str(place)).code == 1


def test_import_reads_chats_and_notes_and_can_be_repeated(run: Run, tmp_path: Path) -> None:
    lines = [{"id": f"m{number}", "role": "user", "name": "Alice", "content": f"Fact number {number}."} for number in range(3)]
    (tmp_path / "chat.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "notes.md").write_text("# Boat\n\nThe boat is called Frieda.\n")
    first = run("import", "chat.jsonl", "notes.md", "--user", "alice", "--json").json
    again = run("import", "chat.jsonl", "notes.md", "--user", "alice", "--json").json
    assert first["messages"] == again["messages"] == 4 and first["memories"] == 4
    assert len(texts(run)) == 4


def test_importing_a_file_that_has_grown_adds_what_is_new(run: Run, tmp_path: Path) -> None:
    lines = [json.dumps({"role": "user", "content": f"Fact number {number}."}) for number in range(4)]
    (tmp_path / "chat.jsonl").write_text("\n".join(lines[:2]))
    run("import", "chat.jsonl", "--user", "alice")
    (tmp_path / "chat.jsonl").write_text("\n".join(lines))
    assert run("import", "chat.jsonl", "--user", "alice", "--json").json["new"] == 2
    assert len(texts(run)) == 4


def test_one_file_that_cannot_be_read_keeps_all_out(run: Run, kept: str, tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_text(json.dumps({"role": "user", "content": "Good."}))
    (tmp_path / "bad.jsonl").write_text(json.dumps({"role": "user", "content": "Good."}) + "\n{")
    refused = run("import", "good.jsonl", "bad.jsonl", "--user", "alice")
    assert refused.code == 2 and "bad.jsonl:2" in refused.err
    assert texts(run) == ["I moved to Lisbon last spring."]


def test_import_tells_what_it_could_not_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    refused = run("import", "broken.json", "--user", "alice")
    assert refused.code == 2 and "broken.json" in refused.err


def test_the_doctor_says_what_is_in_use_and_what_mends(run: Run, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run("doctor", "--json").json
    assert report["holds"]["memories"] == 1 and report["back_ends"]["ledger"] == "sqlite"
    monkeypatch.setenv("MEMOS_EMBEDDER", "minilm")
    assert "memos embedder install" in run("doctor").out


def test_the_doctor_needs_no_memory(run: Run, home: Path) -> None:
    report = run("doctor", "--json").json
    assert report["exists"] is False and not home.exists()


def test_fsck_finds_a_sound_memory_sound_and_a_changed_one_not(run: Run, kept: str, home: Path) -> None:
    import sqlite3

    assert run("fsck", "--json").json["sound"] is True
    with sqlite3.connect(home / "memory.db") as database:
        database.execute("UPDATE versions SET text = 'I moved to Berlin.'")
    database.close()
    found = run("fsck", "--json")
    assert found.code == 1 and found.json["findings"]


def test_an_anchor_that_is_not_in_the_chain_is_found_missing(run: Run, kept: str) -> None:
    head = run("add", "Another.", "--user", "alice", "--json").json["audit_head"]
    assert run("fsck", "--anchor", head).code == 0
    assert run("fsck", "--anchor", "00" * 32).code == 1


def test_the_index_is_made_anew(run: Run, kept: str) -> None:
    assert run("rebuild", "--json").json["memories"] == 1
    assert run("search", "Lisbon", "--user", "alice", "--json").json["hits"]


def test_tasks_and_the_worker_have_nothing_to_do_without_an_embedder(run: Run, kept: str) -> None:
    assert run("tasks", "list", "--user", "alice", "--json").json["total"] == 0
    assert run("worker", "--once").code == 0
    assert run("tasks", "show", "t1", "--user", "alice").code == 1


def test_the_embedder_status_says_what_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("embedder", "status", "--json").json["usable"] is False
    monkeypatch.setenv("MEMOS_EMBEDDER", "minilm")
    assert run("embedder", "status", "--json").json["mend"] == "memos embedder install"


@pytest.mark.parametrize(("sent", "code"), [("SIGINT", 130), ("SIGTERM", 0)])
def test_a_worker_that_is_told_to_end_does(run: Run, kept: str, sent: str, code: int) -> None:
    import signal
    import time

    heard = "signal.signal(signal.SIGINT, signal.default_int_handler)"  # whoever runs the tests may have had it ignored
    program = f"import signal, sys; {heard}; from memos_core.cli import main; sys.exit(main())"
    worker = subprocess.Popen([sys.executable, "-c", program, "worker"], stderr=subprocess.PIPE, text=True)
    try:
        assert worker.stderr is not None and "Working" in worker.stderr.readline()
        time.sleep(0.2)
        worker.send_signal(signal.Signals[sent])
        assert worker.wait(20) == code and "Traceback" not in worker.stderr.read()
    finally:
        worker.kill()
