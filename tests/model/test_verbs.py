"""All verbs against the plain model, and faults planted in the real code that this comparison must notice."""

from __future__ import annotations

import pytest
from hypothesis import Phase

from tests.model.mutants import MUTANTS
from tests.model.run import run, steps_until_noticed

STEPS = 2000
BOUND = 3000
"""Steps within which a planted fault must be noticed."""


def test_every_verb_does_what_the_desk_promises() -> None:
    assert run(STEPS, repeatable=True, phases=[Phase.generate]) >= STEPS


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_fault_is_noticed(name: str) -> None:
    with MUTANTS[name]():
        assert steps_until_noticed(BOUND) is not None, f"{name} was not noticed in {BOUND} steps"


def test_there_are_enough_planted_faults() -> None:
    assert len(MUTANTS) >= 12
