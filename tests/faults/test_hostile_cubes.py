"""Cubes made to do harm: every one is refused, nothing is written, nothing is stored, little memory is used."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memos_core import MOS, CubeCorrupt, InvalidInput, NewerSchema, Settings
from tests.faults.hostile import CASES, NAMES, Files, folder, ordered, packed, settled, spelled


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The files of a cube that is well."""
    home = tmp_path_factory.mktemp("good")
    with MOS(str(home / "memory"), settings=quiet(home)) as mos:
        team = mos.cubes.create("team", user_id="alice").id
        talk = [
            {"role": "user", "content": "My dog Momo hates trams.", "mood": 1.5},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}],
            },
        ]
        ids = mos.add(talk, user_id="alice", session_id="walks", write_to=team).memory_ids
        mos.update(ids[0], text="My dog Momo loves trams.", user_id="alice")
        mos.add("We release on Monday.", user_id="alice", write_to=team)
        mos.cubes.dump(team, home / "team", user_id="alice")
    return {name: (home / "team" / name).read_bytes() for name in NAMES}


def quiet(home: Path) -> Settings:
    return Settings(embedder="none", durability="normal", config_dir=str(home / "config"), cache_dir=str(home / "cache"))


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MOS]:
    home = tmp_path_factory.mktemp("victim")
    with MOS(str(home / "memory"), settings=quiet(home)) as mos:
        mos.add("Mine.", user_id="carol")
        yield mos


def everything(top: Path) -> dict[str, int]:
    """Names and sizes below a folder; what a refused cube must not change."""
    return {str(entry): entry.lstat().st_size for entry in top.rglob("*")}


def rows(mos: MOS) -> int:
    with mos._handle.engines.ledger.book() as book:
        return int(book.connection.exec_driver_sql("SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM items)").scalar_one())


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 150


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_cube_is_refused(name: str, good: Files, victim: MOS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    cube = CASES[name](good, tmp_path / "work" / "evil")
    before, stored, outside = everything(tmp_path), rows(victim), sorted(Path("/tmp").glob("evil*"))
    carol = victim.bind(user_id="carol")
    for attempt in (carol.cubes.verify, carol.cubes.load, carol.cubes.mount):
        with pytest.raises((CubeCorrupt, InvalidInput, NewerSchema)):
            attempt(cube)
    assert victim._handle.mounts == ()
    assert (everything(tmp_path), rows(victim), sorted(Path("/tmp").glob("evil*"))) == (before, stored, outside)
    shutil.rmtree(tmp_path / "work")


@pytest.mark.parametrize("kind", ["folder", "archive", "by hand"])
def test_the_same_cube_unharmed_is_taken(kind: str, good: Files, open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    if kind == "folder":
        cube = folder(good, tmp_path / "cube")
    elif kind == "archive":
        cube = packed(ordered(good), tmp_path / "cube.zip")
    else:
        cube = tmp_path / "cube.zip"
        cube.write_bytes(spelled({n: (zlib.compressobj(9, 8, -15), c) for n, c in ordered(good)}, "", b"", 0, 0))
    assert open_mos("other").cubes.load(cube, user_id="carol").name == "team"


def test_a_manifest_that_is_settled_again_is_taken(good: Files, open_mos: Callable[..., MOS], tmp_path: Path) -> None:
    assert open_mos("other").cubes.load(folder(settled(good), tmp_path / "cube"), user_id="carol").name == "team"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the largest memory of a process is read from /proc")
def test_bombs_cost_little_memory(good: Files, tmp_path: Path) -> None:
    cubes = [CASES[name](good, tmp_path / f"{nr}") for nr, name in enumerate(CASES) if "bomb" in name or "100 MB" in name or "huge" in name]
    program = (
        "import re, sys\nfrom pathlib import Path\nfrom memos_core.cube.check import check\nfrom memos_core.errors import MemosError\n"
        "for one in sys.argv[1:]:\n    try:\n        check(Path(one))\n        sys.exit(9)\n    except MemosError:\n        pass\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run([sys.executable, "-c", program, *map(str, cubes)], capture_output=True, text=True, check=True)
    assert len(cubes) >= 6 and int(done.stdout) < 256 * 1024
