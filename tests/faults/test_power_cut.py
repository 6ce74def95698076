"""An acknowledged add survives a power cut at any point; and the simulator sees faults that are planted."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.faults.power_cut import FAULTS


def _cut(*arguments: str) -> dict[str, Any]:
    """In a process of its own: the recorder stands below all of its SQLite."""
    command = [sys.executable, "-m", "tests.faults.power_cut", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def test_two_thousand_power_cuts_lose_nothing_that_was_acknowledged() -> None:
    verdict = _cut("--rounds", "2000", "--adds", "200")
    assert verdict["rounds"] == 2000
    assert verdict["acknowledged"] > 100_000
    assert (verdict["lost"], verdict["corrupt"], verdict["torn"]) == (0, 0, 0), verdict["first"]


@pytest.mark.parametrize("fault", FAULTS[1:])
def test_a_planted_fault_is_found(fault: str) -> None:
    verdict = _cut("--rounds", "150", "--adds", "100", "--fault", fault)
    assert verdict["lost"] + verdict["torn"] > 0, verdict
