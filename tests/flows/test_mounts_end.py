"""What a mounted cube leaves behind: nothing, where it lies, in the memory and in temporary folders."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from memos_core import (
    MOS,
    Closed,
    CubeCorrupt,
    CubeNotFound,
    InvalidInput,
    MemoryNotFound,
    MemosError,
    Recollection,
)  # fmt: skip
from memos_core.testing.embedder import HashEmbedder
from tests.flows.mounted import OWN, TEAM, Team, texts

pytestmark = pytest.mark.usefixtures("temporary")


def bytes_of(path: Path) -> dict[str, tuple[str, int]]:
    """Of every file: what is in it, and when it was written."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name: (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns) for file in files}


@pytest.mark.parametrize("path", ["team", "team.zip"])
def test_nothing_is_written_at_its_place_nor_into_the_memory(
    open_mos: Callable[..., MOS], tmp_path: Path, team: Team, path: str, temporary: Path
) -> None:
    mos = open_mos("reading", embedder=HashEmbedder())
    mos.add(OWN[0], user_id="carol")
    mos.wait(30)
    before, names = bytes_of(tmp_path / path), sorted(tmp_path.iterdir())
    head = mos.add(OWN[0], user_id="carol", request_id="r").audit_head
    mos.cubes.mount(tmp_path / path, user_id="carol")
    mos.wait(30)
    mos.search("release", user_id="carol")
    assert [entry.name.startswith("memos-mount-") for entry in temporary.iterdir()] == [True]
    assert next(temporary.iterdir()).stat().st_mode & 0o077 == 0
    assert mos.add(OWN[0], user_id="carol", request_id="r").audit_head == head
    mos.cubes.unmount(team[0], user_id="carol")
    assert bytes_of(tmp_path / path) == before and sorted(tmp_path.iterdir()) == names
    assert TEAM[0].encode() not in b"".join(file.read_bytes() for file in (tmp_path / "reading").iterdir())


def test_it_can_lie_where_nothing_may_be_written(mos: MOS, tmp_path: Path, team: Team) -> None:
    for file in (tmp_path / "team").iterdir():
        file.chmod(0o400)
    (tmp_path / "team").chmod(0o500)
    try:
        mos.cubes.mount(tmp_path / "team", user_id="carol")
        assert texts(mos.search("coffee", user_id="carol"))
    finally:
        (tmp_path / "team").chmod(0o700)


def test_it_is_read_as_it_was_when_it_was_mounted(mos: MOS, tmp_path: Path, team: Team) -> None:
    mos.cubes.mount(tmp_path / "team.zip", user_id="carol")
    before = mos.search("release", user_id="carol").hits
    (tmp_path / "team.zip").write_bytes(b"something else")
    assert mos.search("release", user_id="carol").hits == before
    mos.cubes.unmount(team[0], user_id="carol")
    with pytest.raises(CubeCorrupt):
        mos.cubes.mount(tmp_path / "team.zip", user_id="carol")


def test_what_was_changed_before_is_refused_and_leaves_nothing(mos: MOS, tmp_path: Path, team: Team, temporary: Path) -> None:
    versions = tmp_path / "team" / "versions.jsonl"
    versions.write_bytes(versions.read_bytes().replace(b"first Monday", b"first Friday"))
    with pytest.raises(CubeCorrupt, match="sha256"):
        mos.cubes.mount(tmp_path / "team", user_id="carol")
    with pytest.raises(InvalidInput, match="path"):
        mos.cubes.mount(tmp_path / "nothing", user_id="carol")
    assert not len(mos.cubes.list(user_id="carol")) and list(temporary.iterdir()) == []


def test_unmounted_it_is_gone_at_once(mos: MOS, tmp_path: Path, team: Team, temporary: Path) -> None:
    cube, ids = team
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    mos.cubes.unmount(cube, user_id="carol")
    assert not mos.search("release", user_id="carol") and mos.list(user_id="carol").total == 0 and not len(mos.cubes.list(user_id="carol"))
    for call in (lambda: mos.get(ids[TEAM[0]], user_id="carol"), lambda: mos.history(ids[TEAM[0]], user_id="carol")):
        with pytest.raises(MemoryNotFound):
            call()
    with pytest.raises(CubeNotFound):
        mos.cubes.unmount(cube, user_id="carol")
    assert list(temporary.iterdir()) == []
    assert mos.cubes.mount(tmp_path / "team", user_id="carol").id == cube


def test_closing_the_memory_takes_the_temporary_folder_along(
    open_mos: Callable[..., MOS], tmp_path: Path, team: Team, temporary: Path
) -> None:
    mos = open_mos("reading", embedder=HashEmbedder())
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    assert len(list(temporary.iterdir())) == 1
    mos.close()
    assert list(temporary.iterdir()) == []
    with pytest.raises(Closed):
        mos.cubes.mount(tmp_path / "team", user_id="carol")
    assert list(temporary.iterdir()) == []


def test_a_program_that_ends_without_closing_leaves_no_temporary_folder(tmp_path: Path, team: Team, temporary: Path) -> None:
    program = (
        "import sys\nfrom memos_core import MOS, Settings\n"
        "mos = MOS(sys.argv[1], settings=Settings(embedder='none', config_dir=sys.argv[1] + '-config'))\n"
        "mos.cubes.mount(sys.argv[2], user_id='carol')\nprint(mos.search('coffee', user_id='carol')[0].memory.text)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "m"), str(tmp_path / "team")], capture_output=True, text=True, check=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )  # fmt: skip
    assert done.stdout.strip() == TEAM[3] and list(temporary.iterdir()) == []


def test_searches_go_on_while_it_comes_and_goes(mos: MOS, tmp_path: Path, team: Team) -> None:
    mos.add("Carol releases her songs.", user_id="carol")
    counts: set[int] = set()
    found: set[str] = set()
    errors: list[BaseException] = []
    done = threading.Event()

    def search() -> None:
        try:
            while not done.is_set():
                found.update(texts(mos.search("release", user_id="carol")))
                counts.add(mos.list(user_id="carol").total)
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        mos.cubes.unmount(mos.cubes.mount(tmp_path / "team", user_id="carol").id, user_id="carol")
    done.set()
    for thread in threads:
        thread.join()
    assert errors == [] and 1 in counts and counts <= {1, 1 + len(TEAM)} and "Carol releases her songs." in found


def _asked_again_if_it_may(mos: MOS, tries: int = 3) -> Recollection:
    """A search, repeated where the memory says that the same call may succeed later."""
    try:
        return mos.search("coffee", user_id="carol")
    except MemosError as exc:
        if not exc.retryable or tries == 1:
            raise
        return _asked_again_if_it_may(mos, tries - 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_reads_it_too_and_does_not_take_it_away(mos: MOS, tmp_path: Path, team: Team, temporary: Path) -> None:
    mos.cubes.mount(tmp_path / "team", user_id="carol")
    mos.search("coffee", user_id="carol")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if texts(_asked_again_if_it_may(mos)) else 2
            mos.close()
        except MemosError as exc:
            os.write(2, f"in the child: {exc!r}\n".encode())
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(list(temporary.iterdir())) == 1 and texts(mos.search("coffee", user_id="carol"))
