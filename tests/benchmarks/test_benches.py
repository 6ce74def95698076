"""Both benches from end to end, tiny: what they print is there, not how fast it was."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from memos_core.bench import recall, speed
from memos_core.bench.report import Report
from memos_core.bench.vectors import Seeded
from memos_core.errors import InvalidInput

WHAT = ["a red kite", "an old clock", "the blue teapot", "two bicycles", "a tin whistle", "my grey scarf"]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Two conversations of three sessions, six turns each, a question about every other turn."""
    entries = []
    for number in range(2):
        conversation: dict[str, object] = {"speaker_a": "Nora", "speaker_b": "Felix"}
        asked = []
        for session in range(1, 4):
            turns = [
                {
                    "speaker": ("Nora", "Felix")[n % 2],
                    "dia_id": f"D{session}:{n + 1}",
                    "text": f"On day {session} I found {what} in box {number}.",
                }
                for n, what in enumerate(WHAT)
            ]
            conversation |= {f"session_{session}": turns, f"session_{session}_date_time": f"9:00 am on {session} May, 2024"}
            asked += [
                {"question": f"Who found {what} on day {session}?", "evidence": [f"D{session}:{n + 1}"], "category": 1 + n % 4}
                for n, what in enumerate(WHAT)
                if n % 2
            ]
        entries.append({"conversation": conversation, "qa": asked, "sample_id": f"c{number}"})
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def _column(report: Report, table: int, name: str) -> dict[object, object]:
    found = report.tables[table]
    return {row[0]: row[found.columns.index(name)] for row in found.rows}


def test_recall_measures_us_and_a_peer_on_the_same_questions(talk: Path, tmp_path: Path) -> None:
    report = recall.run(talk, peers=["fts5"], sets=[], embedder=Seeded())
    recalls = _column(report, 0, "R@20")
    assert list(recalls) == ["memos", "memos, newest first undone", "memos, no embedder", "FTS5 by hand", "FTS5 by hand, speaker: turn"]
    assert all(value == 1.0 for value in recalls.values()), "eighteen turns a memory: all evidence is among twenty hits"
    assert report.missing == {}
    assert report.tables[0].title == "talk.json: 2 conversations, 36 turns, 18 questions"
    _is_whole(report, tmp_path)


def test_a_conversation_is_never_answered_from_another(talk: Path) -> None:
    report = recall.run(talk, peers=["fts5"], sets=["isolation"], embedder=Seeded())
    [row] = [row for row in report.tables[-1].rows if row[0] == "memos"]
    assert row[1:] == (924, 0, 0, 0)


def test_a_peer_that_is_missing_is_said_and_not_made_up(talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_CACHE_DIR", str(tmp_path / "empty"))
    report = recall.run(talk, peers=["mem0"], sets=[], embedder=Seeded(), install=False)
    assert list(report.missing) == ["mem0 infer=False"]
    assert not any("mem0" in str(row[0]) for table in report.tables for row in table.rows)


def test_without_an_embedder_search_by_words_is_measured_and_the_rest_is_said(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMOS_CACHE_DIR", str(tmp_path / "empty"))
    report = recall.run(talk, peers=["fts5"], sets=[])
    assert [row[0] for row in report.tables[0].rows] == ["memos, no embedder"]
    assert "FTS5 by hand" in report.missing
    assert report.notes[-1].startswith("No embedder: ")
    assert {check.name: check.verdict for check in report.checks}["R@10"] == "not measured"


def test_kept_vectors_serve_the_next_run_with_the_same_result(talk: Path, tmp_path: Path) -> None:
    kept = tmp_path / "vectors.npz"
    first, again = (recall.run(talk, peers=[], sets=[], embedder=Seeded(), vectors=kept) for _ in range(2))
    assert _column(first, 0, "R@5") == _column(again, 0, "R@5")
    assert first.notes[-1].startswith("0 vectors")
    assert not again.notes[-1].startswith("0 vectors")
    other = recall.run(talk, peers=[], sets=[], embedder=Seeded(seed=12), vectors=kept)
    assert other.notes[-1].startswith("0 vectors"), "another model's vectors are not taken"


@pytest.mark.parametrize("given", [{"peers": ["nobody"]}, {"sets": ["nothing"]}])
def test_unknown_names_are_refused(talk: Path, given: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidInput, match=r"is not known\. Known: "):
        recall.run(talk, embedder=Seeded(), **({"peers": [], "sets": []} | given))  # type: ignore[arg-type]


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(InvalidInput, match="neither a file nor a set"):
        recall.run(None, peers=[], sets=[], embedder=Seeded())


def test_speed_answers_all_its_questions(tmp_path: Path) -> None:
    report = speed.run(peers=["fts5"], sizes=(60, 120), rounds=20, seconds=0.5, budget=5.0, folder=tmp_path)
    assert len(report.tables) >= 7
    assert [row[:2] for row in report.tables[2].rows] == [("memos", 60), ("memos", 120), ("FTS5 by hand", 60), ("FTS5 by hand", 120)]
    assert [row[0] for row in report.tables[0].rows if row[0].startswith("FTS5")] == ["FTS5 by hand"]  # type: ignore[union-attr]
    errors = {check.name: check.measured for check in report.checks}["4 readers and a writer: errors"]
    assert errors == 0, report.notes
    assert report.missing == {}
    _is_whole(report, tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("memos-bench-")], "it cleans up behind itself"


@pytest.mark.parametrize("given", [{"parts": ["nothing"]}, {"sizes": (3,)}, {"sizes": ()}, {"peers": ["nobody"]}])
def test_speed_refuses_what_it_does_not_know(given: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        speed.run(**({"peers": [], "sizes": (60,)} | given))  # type: ignore[arg-type]


def _is_whole(report: Report, folder: Path) -> None:
    """It prints, and what is written can be read."""
    page = io.StringIO()
    report.show(Console(file=page, width=160))
    assert report.checks[0].name in page.getvalue()
    paths = report.write(folder / "out")
    assert [path.suffix for path in paths] == [".json", ".svg"]
    assert json.loads(paths[0].read_text(encoding="utf-8"))["checks"][0]["verdict"] in {"pass", "aim", "FAIL", "not measured"}
