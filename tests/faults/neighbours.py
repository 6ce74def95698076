"""One of several processes that write to and read from one folder at the same time: started by `test_processes`.

It adds in steps, and after each step waits until it has found what every other process had added by then.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from memos_core import MOS, Settings
from memos_core.testing.embedder import HashEmbedder


def opened(folder: Path, **given: Any) -> MOS:
    """A folder with its key in the settings."""
    return MOS(str(folder), settings=Settings(durability="normal", audit_key="k" * 32, embedder="none"), embedder=HashEmbedder(), **given)


def word(name: str, step: int) -> str:
    """What a process says in a step."""
    return f"zebra{name}x{step}"


def meet(board: Path, name: str, step: int, names: list[str]) -> None:
    """Say that a step is done, and wait until all have done it."""
    (board / f"{name}-{step}").touch()
    end = time.monotonic() + 120
    while not all((board / f"{other}-{step}").exists() for other in names):
        if time.monotonic() > end:
            raise TimeoutError(f"{name} waited in vain at step {step}")
        time.sleep(0.002)


def main(folder: Path, board: Path, name: str, names: list[str], steps: int) -> dict[str, Any]:
    """What this process did, and what it missed."""
    missed, ids = [], []
    meet(board, name, -1, names)
    with opened(folder) as mos:
        for step in range(steps):
            ids.append(mos.add(f"The word is {word(name, step)}.", user_id="all", request_id=f"{name}-{step}").memory_ids[0])
            mos.add("Everybody says this.", user_id="all")
            meet(board, name, step, names)
            for other in names:
                wanted = word(other, step)
                if not any(wanted in hit.memory.text for hit in mos.search(wanted, user_id="all", top_k=3)):
                    missed.append(wanted)
            again = mos.add(f"The word is {word(name, step)}.", user_id="all", request_id=f"{name}-{step}").memory_ids[0]
            if again != ids[-1]:
                missed.append(f"{again} is another one than {ids[-1]}")
        mos.wait(60)
    return {"missed": missed, "ids": ids}


if __name__ == "__main__":
    given = sys.argv[1:]
    print(json.dumps(main(Path(given[0]), Path(given[1]), given[2], given[3].split(","), int(given[4]))))
