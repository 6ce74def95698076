"""What erasing reads must not take the process's locks away: neighbours would then believe that nobody has the folder open."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from memos_core import MOS, Settings

SETTINGS = {"embedder": "none", "durability": "normal", "audit_key": "k" * 32}
NEIGHBOUR = """
    import sys
    from memos_core import MOS
    from tests.faults.test_locks import opened
    with opened(sys.argv[1]) as mos:
        print(mos.list(user_id="alice").total)
"""
HOLDER = """
    import sys
    from tests.faults.test_locks import opened, python, NEIGHBOUR
    mos = opened(sys.argv[1])
    first = mos.add("First.", user_id="alice").memory_ids[0]
    mos.add("Second.", user_id="alice")
    assert set(mos.erase(first, user_id="alice").stores.values()) == {"done"}
    assert python(NEIGHBOUR, sys.argv[1]) == "1"
    for nr in range(5):
        mos.add(f"Acknowledged {nr}.", user_id="alice")
    assert python(NEIGHBOUR, sys.argv[1]) == "6"
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""
WRITER = """
    import sys, time
    from tests.faults.test_locks import opened
    name, erases, end = sys.argv[2], sys.argv[3] == "erase", time.monotonic() + 4
    with opened(sys.argv[1]) as mos:
        count = 0
        while time.monotonic() < end:
            made = mos.add(f"{name} says {count}.", user_id=name).memory_ids[0]
            count += 1
            if erases and count % 10 == 0:
                mos.erase(made, user_id=name)
                count -= 1
                mos.add(f"{name} says {count}.", user_id=name)
                count += 1
    print(count)
"""


def opened(folder: str) -> MOS:
    return MOS(folder, settings=Settings(**SETTINGS))


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def python(script: str, *arguments: str) -> str:
    process = start(script, *arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-2000:]
    return out.strip()


@pytest.mark.skipif(os.name == "nt", reason="POSIX locks")
def test_after_an_erasure_neighbours_come_and_go_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    process = start(HOLDER, str(tmp_path / "m"))
    err = process.communicate(timeout=120)[1]
    assert process.returncode == -signal.SIGKILL, err[-2000:]
    assert python(NEIGHBOUR, str(tmp_path / "m")) == "6"


def test_two_processes_write_while_one_erases(tmp_path: Path) -> None:
    opened(str(tmp_path / "m")).close()
    writers = {name: start(WRITER, str(tmp_path / "m"), name, kind) for name, kind in (("ann", "erase"), ("ben", "add"))}
    counts = {}
    for name, process in writers.items():
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err[-2000:]
        counts[name] = int(out)
    with opened(str(tmp_path / "m")) as mos:
        assert {name: mos.list(user_id=name).total for name in counts} == counts
        assert list(mos._handle.engines.ledger.verify()) == []
