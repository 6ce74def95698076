"""Killing the process that writes loses nothing that it had been told is stored, and brings back nothing that was erased."""

from __future__ import annotations

import json
import subprocess
import sys


def test_fifty_kills_lose_nothing_and_bring_nothing_back() -> None:
    """In a process of its own, which holds no memory open and has no threads when it forks."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.faults.kills", "--rounds", "50"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    verdict = json.loads(done.stdout)
    assert verdict["wrong"] == []
    assert verdict["rounds"] == 50
    assert verdict["inside"] >= 10
    assert verdict["acknowledged"] > 1000
    assert verdict["erased"] > 50
    assert verdict["slowest_opening"] < 5
