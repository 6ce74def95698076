"""`python -m tests.model.run --steps 100000`: the machine for as long as wanted, with other draws each time."""

from __future__ import annotations

import argparse
import sys
import time

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Verbs

STEPS = 60
"""Steps of one history."""


def run(steps: int, *, seed: int | None = None, shrink: bool = True, machine: type[Verbs] = Verbs) -> int:
    """At least so many steps; how many there were. Raises what the machine found."""
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    start = Verbs.steps
    while Verbs.steps - start < steps:
        left = steps - (Verbs.steps - start)
        chosen = settings(
            max_examples=max(1, left // STEPS), stateful_step_count=STEPS, deadline=None, database=None, phases=phases,
            suppress_health_check=list(HealthCheck), derandomize=seed is not None, report_multiple_bugs=False,
        )  # fmt: skip
        run_state_machine_as_test(machine, settings=chosen)  # type: ignore[no-untyped-call]
    return Verbs.steps - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--as-found", action="store_true", help="show a difference at once, in the long history in which it was found")
    began, given = time.perf_counter(), parser.parse_args()
    done = run(given.steps, shrink=not given.as_found)
    took = time.perf_counter() - began
    sys.stdout.write(f"{done} steps in {took:.0f} s, {done / took:.0f} a second: no difference\n")


if __name__ == "__main__":
    main()
