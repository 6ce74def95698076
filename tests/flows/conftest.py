"""A dumped cube to be mounted, and a place of their own for temporary folders."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from memos_core import MOS
from tests.flows.mounted import TEAM, Team


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made in these tests."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


@pytest.fixture
def team(open_mos: Callable[..., MOS], tmp_path: Path) -> Team:
    """A cube dumped as `team.zip` and as the folder `team`: its id, and its memories' ids by their texts."""
    mos = open_mos("office")
    cube = mos.cubes.create("team", user_id="alice").id
    ids = {text: mos.add(text, user_id="alice", write_to=cube, session_id="meeting").memory_ids[0] for text in TEAM}
    mos.update(ids[TEAM[1]], text="The release needs three reviewers.", user_id="alice")
    for name in ("team", "team.zip"):
        mos.cubes.dump(cube, tmp_path / name, user_id="alice")
    return cube, ids
