"""Budgets and the functions that count tokens: what they may give, and that `search` and `prompt` ask the same of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from memos_core import MOS, InvalidInput, Recollection


@pytest.fixture
def found(mos: MOS) -> Recollection:
    """What was found, with two memories in it."""
    mos.add(["The tram is late.", "The tram is red."], user_id="alice")
    return mos.search("tram", user_id="alice")


@pytest.mark.parametrize("kind", [int, float, np.int64, np.uint8, np.float64])
def test_a_counter_may_give_any_number(mos: MOS, found: Recollection, kind: Callable[[int], Any]) -> None:
    def counted(text: str) -> Any:
        return kind(len(text.split()))

    assert found.prompt(20, count_tokens=counted) == found.prompt(20, count_tokens=lambda text: len(text.split())) != ""
    budgeted = mos.search("tram", user_id="alice", max_tokens=20, count_tokens=counted)
    assert len(budgeted) == 2 and budgeted.prompt(20) == found.prompt(20, count_tokens=counted)


@pytest.mark.parametrize("given", [True, np.True_, None, "3", -1, float("nan"), float("inf"), 1 << 62])
def test_a_counter_that_gives_no_number_of_tokens_is_refused(mos: MOS, found: Recollection, given: Any) -> None:
    for ask in (
        lambda: found.prompt(20, count_tokens=lambda text: given),
        lambda: mos.search("tram", user_id="alice", max_tokens=20, count_tokens=lambda text: given),
    ):
        with pytest.raises(InvalidInput, match="number of tokens is needed") as caught:
            ask()
        assert caught.value.field == "count_tokens"


@pytest.mark.parametrize("given", [3, 0, "len", []])
def test_what_is_no_counter_is_refused_with_or_without_a_budget(found: Recollection, given: Any) -> None:
    for budget in (None, 30):
        with pytest.raises(InvalidInput) as caught:
            found.prompt(budget, count_tokens=given)
        assert caught.value.field == "count_tokens"


@pytest.mark.parametrize("budget", [True, False, 0, -1, 1.5, "30"])
def test_what_is_no_budget_is_refused(found: Recollection, budget: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        found.prompt(budget)
    assert caught.value.field == "max_tokens"
