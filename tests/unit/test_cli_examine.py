"""What the doctor thinks of what it sees: the thresholds, without a memory of that size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memos_core.cli.examine import MANY, SCOPE_LIMIT, checks
from memos_core.settings import Settings

WORDS = {"usable": False, "problem": "none, as set", "mend": "unset MEMOS_EMBEDDER"}
SMALL = {"memories": 10, "largest_cube": 10, "without_vector": 0, "work_waiting": 0, "work_failed": 0}


def seen(tmp_path: Path, **held: Any) -> dict[str, tuple[str, str, str]]:
    settings = Settings(home=str(tmp_path), audit_key="a key for tests alone", segment_bytes=1 << 20)
    return {check.name: (check.state, check.finding, check.mend) for check in checks(settings, WORDS, SMALL | held)}


def test_a_small_memory_has_nothing_to_mend_but_the_embedder(tmp_path: Path) -> None:
    found = seen(tmp_path)
    assert {name for name, (state, _, _) in found.items() if state != "ok"} <= {"embedder", "disk"}
    assert found["embedder"][2] == "unset MEMOS_EMBEDDER"


@pytest.mark.parametrize(
    ("held", "name", "state", "words"),
    [
        ({"largest_cube": SCOPE_LIMIT + 1}, "largest cube", "note", "300,001"),
        ({"memories": 100_000}, "memory of scopes", "note", "MB"),
        ({"work_failed": 3}, "background work", "bad", "3 units gave up"),
        ({"work_waiting": 1}, "background work", "note", "1 unit left"),
        ({"without_vector": 4}, "vectors", "note", "4 of 10 memories"),
        ({"without_vector": MANY}, "vectors", "note", "10,000 or more"),
    ],
)
def test_what_outgrows_the_engine_is_named_with_what_mends_it(
    tmp_path: Path, held: dict[str, int], name: str, state: str, words: str
) -> None:
    found = seen(tmp_path, **held)[name]
    assert found[0] == state and words in found[1] and found[2]


def test_a_folder_that_was_begun_with_another_audit_key_is_noted() -> None:
    settings = Settings(audit_key="a key for tests alone")
    same = {"audit_key": "aa", "key_in_use": "aa"}
    states = [checks(settings, WORDS, None, facts)[1].state for facts in (same, same | {"key_in_use": "bb"})]
    assert states == ["ok", "note"]


def test_without_a_folder_only_the_machine_is_looked_at(tmp_path: Path) -> None:
    assert [check.name for check in checks(Settings(home=str(tmp_path)), WORDS, None)] == ["embedder", "audit key"]
