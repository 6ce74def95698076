"""A receipt says what was read back, also where reading back does not work; and an error told many times keeps nothing."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, LedgerUnavailable
from memos_core.ledger.sql import SqlLedger
from memos_core.mos import erasing


def test_what_can_not_be_read_back_now_is_pending_and_erased_all_the_same(mos: MOS, monkeypatch: pytest.MonkeyPatch) -> None:
    made = mos.add("Momo hates trams.", user_id="alice").memory_ids[0]

    def busy(*_: Any, **__: Any) -> bool:
        raise LedgerUnavailable("Another process holds the ledger.")

    monkeypatch.setattr(SqlLedger, "checkpoint", busy)
    stores = mos.erase(made, user_id="alice").stores
    assert (stores["ledger"], stores["write-ahead log"], stores["files"]) == ("done", "pending", "pending")
    assert mos.list(user_id="alice").total == 0


def test_a_file_that_can_not_be_read_is_not_called_clean(mos: MOS, monkeypatch: pytest.MonkeyPatch) -> None:
    made = mos.add("Momo hates trams.", user_id="alice").memory_ids[0]

    def closed(*_: Any) -> bool:
        raise PermissionError("memory.db")

    monkeypatch.setattr(erasing, "found_in", closed)
    assert mos.erase(made, user_id="alice").stores["files"] == "failed"


def test_a_repeated_erasure_says_no_more_than_the_first(mos: MOS) -> None:
    made = mos.add("Momo hates trams.", user_id="alice").memory_ids[0]
    mos._handle.engines.ledger.checkpoint(truncate=True)
    shutil.copy(Path(mos.home) / "memory.db", Path(mos.home) / "copy.db")
    for _ in range(2):
        assert mos.erase(made, user_id="alice", request_id="gone").stores["files"] == "failed"
    (Path(mos.home) / "copy.db").unlink()
    other = mos.add("Momo hates trams.", user_id="alice").memory_ids[0]
    for _ in range(2):
        assert mos.erase(other, user_id="alice", request_id="gone too").stores["files"] == "done"


def test_an_embedder_that_can_not_be_loaded_keeps_nobodys_frames(open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    mos = open_mos(settings={"embedder": f"onnx:{tmp_path / 'empty'}"})
    mos.add("Momo hates trams.", user_id="alice")
    for _ in range(30):
        assert mos.search("trams", user_id="alice").degraded
    with pytest.raises(Exception, match="has no model") as told:
        mos._handle.engines.embedder()
    assert len(traceback.extract_tb(told.value.__traceback__)) < 10
