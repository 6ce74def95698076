"""The whole of recall over tables made by hand and by chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos_core.errors import EmbedderUnavailable
from memos_core.index.base import Candidates
from memos_core.inference.base import Embedder
from memos_core.recall.pipeline import recall
from memos_core.recall.ranking import Ranking
from tests.unit.recall.tables import DAY, NOW, TODAY, TableView, rows


class North(Embedder):
    """Embeds everything as north and keeps what it was given."""

    name, digest, dim, languages, max_tokens = "north", "n", 2, frozenset({"en"}), 256

    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        self.seen.extend(texts)
        return np.array([[0.0, 1.0]] * len(texts), np.float32)


class Away(North):
    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        raise EmbedderUnavailable


def search(table: Candidates, query: str = "Where does Ana live?", **given: Any) -> Ranking:
    asked = {"embedder": North(), "where": None, "now": NOW, "top_k": 10} | given
    return recall(query, TableView(table, [[0.0, 1.0]] * len(table)), **asked)


@st.composite
def tables(draw: st.DrawFn) -> Candidates:
    n = draw(st.integers(1, 24))
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    session = np.sort(seed.integers(-1, 4, n))
    previous = np.array([i - 1 if i and session[i] == session[i - 1] >= 0 else -1 for i in range(n)])
    following = np.array([i + 1 if i + 1 < n and previous[i + 1] == i else -1 for i in range(n)])
    lexical = np.maximum(0, seed.normal(2, 3, n)).round(1)
    return rows(
        n,
        speakers=("Ana", "Ben", "assistant"),
        nr=seed.permutation(n) + 1,
        lexical=lexical,
        matched=np.where(lexical > 0, seed.integers(1, 3, n), 0),
        dense=seed.uniform(-0.2, 1, n).round(1),
        relevance=seed.uniform(-0.2, 1, n).round(1),
        said=TODAY - seed.integers(0, 5, n) * DAY,
        length=seed.integers(1, 60, n),
        speaker=seed.integers(-1, 3, n),
        session=session,
        session_score=np.where(session >= 0, session * 1.5, 0),
        session_size=[int((session == s).sum()) if s >= 0 else 1 for s in session],
        previous=previous,
        following=following,
        timed=seed.random(n) < 0.3,
        asks=seed.random(n) < 0.3,
    )


QUERIES = ("Where does Ana live?", "When did Ben move in May?", "what did I eat before", "tea", "   ")


@given(tables(), st.sampled_from(QUERIES), st.integers(1, 30))
def test_scores_order_the_hits_lie_in_0_to_1_and_do_not_depend_on_how_many_are_asked_for(table: Candidates, query: str, k: int) -> None:
    few, all_ = search(table, query, top_k=k), search(table, query, top_k=100)
    assert list(few.scores) == sorted(few.scores, reverse=True)
    assert all(0 <= s <= 1 for s in (*few.scores, *few.relevances))
    assert (few.nrs, few.scores, few.relevances, few.whys) == (all_.nrs[:k], all_.scores[:k], all_.relevances[:k], all_.whys[:k])


@given(tables(), st.sampled_from(QUERIES), st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_changes_nothing(table: Candidates, query: str, seed: int) -> None:
    new = np.random.default_rng(seed).permutation(len(table))
    where = np.append(np.argsort(new), -1)
    columns = {
        name: where[getattr(table, name)[new]] if name in ("previous", "following") else getattr(table, name)[new]
        for name in table.__slots__
        if name not in ("speakers", "here", "degraded", "embedded", "kept")
    }
    mixed = rows(len(table), speakers=table.speakers, **columns)
    assert search(mixed, query).nrs == search(table, query).nrs


@given(tables(), st.sampled_from(QUERIES))
def test_why_adds_up_to_the_score(table: Candidates, query: str) -> None:
    found = search(table, query)
    for score, why in zip(found.scores, found.whys, strict=True):
        if 0 < score < 1:
            assert sum(why.values()) == pytest.approx(score, abs=0.001)


def test_equal_scores_are_ordered_by_newest_then_number() -> None:
    table = rows(4, nr=[4, 3, 2, 1], said=[TODAY - DAY, TODAY, TODAY - DAY, TODAY - DAY], relevance=[0.1] * 4, dense=[0.5] * 4)
    assert search(table, "suggest a tea").nrs == (3, 1, 2, 4)


def test_a_threshold_cuts_by_relevance_and_not_by_score() -> None:
    table = rows(3, relevance=[0.2, 0.6, 0.4], dense=[0.9, 0.2, 0.4])
    assert search(table, min_relevance=0.4).nrs == (3, 2)
    assert search(table, min_relevance=0.7).nrs == ()


def test_without_an_embedder_relevance_is_the_share_of_the_querys_words() -> None:
    table = rows(2, lexical=[4, 1], matched=[2, 1])
    found = search(table, "green tea", embedder=None)
    assert found.relevances == (1.0, 0.5)
    assert found.degraded == ("no embedder: found by words alone",)


def test_a_failing_embedder_leaves_the_search_by_words_and_is_named() -> None:
    found = search(rows(1, lexical=[1], matched=[1]), "tea", embedder=Away())
    assert found.nrs == (1,)
    assert "embedder unavailable" in found.degraded[0]


def test_a_script_the_embedder_does_not_know_is_ranked_by_words() -> None:
    asked = North()
    found = search(rows(1, lexical=[1], matched=[1]), "我住在哪里", embedder=asked)
    assert asked.seen == []
    assert "language" in found.degraded[0]


def test_the_query_is_embedded_as_the_named_speaker_would_put_it_and_their_name_is_no_term() -> None:
    asked = North()
    view = TableView(rows(1, speakers=("Ana", "Ben"), speaker=[0]), [[0.0, 1.0]])
    recall("What did Ana name Ana's cat?", view, embedder=asked, where=None, now=NOW, top_k=1)
    assert asked.seen == ["What did I name my cat?"]
    assert view.asked[0].terms == ("name", "cat")


def test_an_empty_scope_gives_an_empty_ranking() -> None:
    found = search(rows(0))
    assert len(found) == 0
    assert set(found.took) == {"interpret", "embed", "gather", "rank"}
