"""The machine, run for so many steps: `python -m tests.model.run --steps 100000`, each time with other draws."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Verbs

STEPS = 60
"""Steps of one history; of one with a planted fault, which should show early, half of them."""


def run(steps: int, *, phases: Sequence[Phase] = (Phase.generate, Phase.shrink), repeatable: bool = False, history: int = STEPS) -> int:
    """At least so many steps; how many there were. Raises what the machine found, in a history as short as the phases make it."""
    start = Verbs.steps
    while (left := steps - (Verbs.steps - start)) > 0:
        chosen = settings(
            max_examples=left // (history - 5) + 1, stateful_step_count=history, phases=phases, derandomize=repeatable,
            deadline=None, database=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        )  # fmt: skip
        run_state_machine_as_test(Verbs, settings=chosen)
    return Verbs.steps - start


def steps_until_noticed(steps: int) -> int | None:
    """After how many steps a difference was found, the replay of its history included; None where there was none."""
    start = Verbs.steps
    try:
        run(steps, phases=[Phase.generate], repeatable=True, history=STEPS // 2)
    except Exception:
        return Verbs.steps - start
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--as-found", action="store_true", help="show a difference at once, in the long history in which it was found")
    began, given = time.perf_counter(), parser.parse_args()
    done = run(given.steps, phases=[Phase.generate] if given.as_found else [Phase.generate, Phase.shrink])
    took = time.perf_counter() - began
    sys.stdout.write(f"{done} steps in {took:.0f} s, {done / took:.0f} a second: no difference\n")


if __name__ == "__main__":
    main()
