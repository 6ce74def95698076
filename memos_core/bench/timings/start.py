"""In fresh processes: how long the import takes, how long until the first hit, how much memory a memory costs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

_AGAIN = "import sys; sys.dont_write_bytecode = False; "
"""Byte code is kept, as in any installation: the first of the runs writes it, and is not counted."""
_IMPORT = _AGAIN + "import time; t = time.perf_counter(); from memos_core import MOS; print(time.perf_counter() - t)"


class ChildFailed(Exception):
    """A fresh process ended with an error; the other questions can still be answered."""


def _child(code: str, *arguments: str) -> tuple[float, str]:
    """Seconds from before the process is started until it prints a line, and the line. Raises ChildFailed."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        took = time.perf_counter() - start
        process.stdout.read()
    if process.returncode or not line:
        raise ChildFailed(f"a fresh process ended with {process.returncode}")
    return took, line.strip()


def import_seconds(rounds: int = 7) -> list[float]:
    """Seconds of `from memos_core import MOS` in fresh processes."""
    return [float(_child(_IMPORT)[1]) for _ in range(rounds + 1)][1:]


_FIRST = (
    _AGAIN
    + """
from memos_core import MOS
with MOS(sys.argv[1]) as mos:
    found = mos.search(sys.argv[2], user_id="one", top_k=10)
    print(len(found), flush=True)
"""
)


def first_hit_seconds(home: Path, question: str, rounds: int = 5) -> list[float]:
    """Seconds from the start of a process to its first hits in a folder that holds user `one`'s memories."""
    times = []
    for _ in range(rounds + 1):
        took, line = _child(_FIRST, str(home), question)
        if line == "0":
            raise ChildFailed("the first search found nothing")
        times.append(took)
    return times[1:]


_GROWN = """
import json, sys, time
from memos_core.bench.machine import rss
from memos_core.bench.ours import open_memory
from memos_core.bench.vectors import Seeded
from pathlib import Path
with open_memory(Path(sys.argv[1]), Seeded()) as mos:
    questions = json.loads(sys.argv[2])
    for question in questions:
        mos.search(question, user_id="few", top_k=10)
    before = rss()
    for question in questions * 20:
        mos.search(question, user_id="one", top_k=10)
        time.sleep(0.01)
    print(json.dumps([after - first for after, first in zip(rss(), before)]), flush=True)
"""


def grown_bytes(home: Path, questions: list[str]) -> tuple[int, int]:
    """By how many bytes a process grows when it searches user `one`'s memories after user `few`'s: its own, and mapped file pages."""
    own, mapped = json.loads(_child(_GROWN, str(home), json.dumps(questions[:10]))[1])
    return int(own), int(mapped)
