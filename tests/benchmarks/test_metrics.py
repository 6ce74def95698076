"""The benches' arithmetic against cases counted by hand."""

from __future__ import annotations

import pytest

from memos_core.bench.metrics import above, interval, percentile, rank_of, recall_at, recall_within
from memos_core.bench.report import Check

FOUND = [{"a"}, {"x", "b"}, set(), {"c"}, {"a"}]


@pytest.mark.parametrize(
    ("evidence", "k", "share"),
    [(["a"], 1, 1.0), (["a", "b"], 1, 0.5), (["a", "b", "c"], 3, 2 / 3), (["a", "b", "c"], 4, 1.0), (["z"], 5, 0.0), (["c", "z"], 50, 0.5)],
)
def test_recall_is_the_share_of_the_evidence_in_the_first_k(evidence: list[str], k: int, share: float) -> None:
    assert recall_at(FOUND, evidence, k) == pytest.approx(share)


@pytest.mark.parametrize(("budget", "share"), [(9, 0.0), (10, 1 / 3), (29, 1 / 3), (30, 2 / 3), (59, 2 / 3), (60, 1.0)])
def test_recall_within_a_budget_stops_at_the_first_hit_that_does_not_fit(budget: int, share: float) -> None:
    assert recall_within(FOUND, [10, 20, 25, 5, 1], ["a", "b", "c"], budget) == pytest.approx(share)


def test_one_stands_above_the_other_only_when_it_was_found() -> None:
    assert above(FOUND, "a", "b")
    assert above(FOUND, "a", "never said")
    assert not above(FOUND, "b", "a")
    assert not above(FOUND, "never said", "b")
    assert not above([{"a", "b"}], "a", "b")


def test_rank_counts_from_zero() -> None:
    assert (rank_of(FOUND, "a"), rank_of(FOUND, "c"), rank_of(FOUND, "z")) == (0, 3, None)


@pytest.mark.parametrize(("share", "value"), [(0.5, 3), (0.2, 1), (0.21, 2), (0.99, 5), (1.0, 5), (0.0, 1)])
def test_percentile_is_the_nearest_rank(share: float, value: float) -> None:
    assert percentile([5, 3, 1, 4, 2], share) == value


def test_the_interval_holds_the_mean_and_narrows_with_more_values() -> None:
    low, high = interval([0.0, 1.0] * 10)
    closer = interval([0.0, 1.0] * 250)
    assert low < 0.5 < high
    assert low < closer[0] < 0.5 < closer[1] < high


def test_the_interval_of_equal_values_is_that_value() -> None:
    assert interval([0.25] * 9) == (0.25, 0.25)


@pytest.mark.parametrize(
    ("measured", "at_most", "verdict"),
    [
        (0.81, False, "pass"),
        (0.809, False, "FAIL"),
        (0.9, False, "aim"),
        (0.81, True, "pass"),
        (0.82, True, "FAIL"),
        (None, True, "not measured"),
    ],
)
def test_a_check_stands_on_the_right_side_of_its_bar(measured: float | None, at_most: bool, verdict: str) -> None:
    assert Check("x", measured, 0.81, None if at_most else 0.9, at_most).verdict == verdict
