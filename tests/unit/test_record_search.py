"""Searching the raw lane: by filter, by words, by vectors, by meaning."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from memos_core import MOS, Embedder, EmbedderUnavailable, Filter, InvalidInput
from memos_core.recall.record_texts import steps, texts

NS = ("users", "alice")


def keys(found: Any) -> list[str]:
    return [record.key for record in found]


def test_without_a_question_the_last_written_comes_first(mos: MOS) -> None:
    for key in "abcab":
        mos.records.put(NS, key, key)
    page = mos.records.search(NS, limit=2)
    assert (keys(page), page.total, page.items[0].score) == (["b", "a"], 3, None)
    assert keys(mos.records.search(NS, limit=2, offset=2)) == ["c"] and mos.records.search(NS, offset=9).items == ()


FILTERS: list[tuple[Any, str]] = [
    ({"value.kind": "cat"}, "ab"),
    ({"value.n": {"gt": 1}}, "bc"),
    ({"value.n": {"ne": 1}}, "bcdef"),
    ({"value.n": {"lte": 2}, "value.kind": "cat"}, "ab"),
    ({"or": [{"value.n": 1}, {"value.tags": {"contains": "x"}}]}, "ac"),
    ({"not": {"value.kind": "cat"}}, "cdef"),
    ({"path": ["value", "a.b", "c"], "eq": [1, 2]}, "d"),
    ({"value.a.b": {"exists": True}}, "d"),
    ({"value.n": None}, "e"),
    ({"value": "plain"}, "f"),
    ({"key": {"in": ["a", "f"]}}, "af"),
    ({"namespace": {"contains": "alice"}}, "abcdef"),
    ({"created_at": {"gt": "2020-01-01T00:00:00Z"}}, "abcdef"),
    ({}, "abcdef"),
]


@pytest.mark.parametrize(("filter", "expected"), FILTERS, ids=str)
def test_filters_are_the_one_grammar(mos: MOS, filter: Any, expected: str) -> None:
    values: list[Any] = [
        {"kind": "cat", "n": 1}, {"kind": "cat", "n": 2}, {"n": 3, "tags": ["x", "y"]}, {"a.b": {"c": [1, 2]}}, {"n": None, "text": "Momo"},
        "plain",
    ]  # fmt: skip
    for key, value in zip("abcdef", values, strict=True):
        mos.records.put(NS, key, value, vectors={"v": [1.0, ord(key)]})
    assert "".join(sorted(keys(mos.records.search(NS, filter=filter)))) == expected
    assert "".join(sorted(keys(mos.records.search(NS, filter=filter, query="Momo")))) == expected
    ranked = mos.records.search(NS, filter=filter, vector=[1.0, 0.0], limit=2, offset=1)
    assert (keys(ranked), ranked.total) == (list(expected)[1:3], len(expected))


def test_a_built_filter_finds_and_deletes_what_the_same_json_does(mos: MOS) -> None:
    for key, value in zip("abc", (1, 2, 3), strict=True):
        mos.records.put(NS, key, {"n": value})
    more, path = Filter.where("value.n", "gt", 1), Filter.where(["value", "n"], "lt", 3)
    assert keys(mos.records.search(NS, filter=more & path & {"key": {"in": ["a", "b"]}})) == ["b"]
    assert mos.records.delete(NS, filter=more) == 2 and keys(mos.records.search(NS)) == ["a"]


@pytest.mark.parametrize("filter", [Filter.where("info.n", "eq", 1), Filter.where("key") | Filter.where("text", "eq", "x")], ids=str)
def test_a_filter_built_for_memories_is_refused_here(mos: MOS, filter: Filter) -> None:
    mos.records.put(NS, "a", {"n": 1})
    for verb in (mos.records.search, mos.records.delete):
        with pytest.raises(InvalidInput, match="unknown field") as caught:
            verb(NS, filter=filter)
        assert caught.value.field == "filter"
    with pytest.raises(InvalidInput, match=r"unknown field 'value\.n'"):
        mos.list(filter=Filter.where("value.n", "eq", 1))


def test_a_query_ranks_by_words_and_leaves_the_rest_at_the_end(mos: MOS) -> None:
    mos.records.put(NS, "a", {"text": "the dog hates trams and buses and noise"})
    mos.records.put(NS, "b", {"text": "dogs"})
    mos.records.put(NS, "c", {"text": "a cat"})
    mos.records.put(NS, "d", {"text": "dog"}, index=False)
    mos.records.put(NS, "e", {"title": "dog", "text": "tram"}, index=["text"])
    found = mos.records.search(NS, query="dog")
    assert keys(found) == ["b", "a", "e", "d", "c"]
    scores = [record.score for record in found]
    assert scores[2:] == [None] * 3 and 1 >= scores[0] > scores[1] > 0  # type: ignore[operator]
    assert keys(mos.records.search(NS, query="trams"))[:2] == ["e", "a"]
    assert keys(mos.records.search(("nobody",), query="dog")) == []


def test_a_vector_ranks_by_exact_cosine_the_best_of_each(mos: MOS) -> None:
    mos.records.put(NS, "a", 1, vectors={"x": [3.0, 0.0], "y": [0.0, 2.0]})
    mos.records.put(NS, "b", 2, vectors={"x": [1.0, 1.0]})
    mos.records.put(NS, "c", 3, vectors={"x": [1.0, 2.0, 3.0]})
    mos.records.put(NS, "d", 4)
    mos.records.put(NS, "e", 5, vectors={"x": [-1.0, 0.0]})
    found = mos.records.search(NS, vector=[10.0, 0.0])
    assert keys(found) == ["a", "b", "e", "d", "c"]
    assert [one.score for one in found] == [pytest.approx(1.0), pytest.approx(math.sqrt(0.5)), pytest.approx(-1.0), None, None]
    assert keys(mos.records.search(NS, vector=[0, 1], field="x"))[0] == "b"


class Letters(Embedder):
    """Counts letters."""

    name, digest, dim, languages, max_tokens = "letters", "letters-1", 26, frozenset[str](), 1000

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        counts = np.array([[text.casefold().count(chr(97 + n)) + 0.001 for n in range(26)] for text in texts], np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def test_with_an_embedder_meaning_counts_once_the_worker_was_there(open_mos: Callable[..., MOS]) -> None:
    mos = open_mos(embedder=Letters())
    mos.records.put(NS, "a", {"text": "aaa bbb"})
    mos.records.put(NS, "b", {"text": "zzz", "parts": ["qq", "ababa"]}, index=["parts[*]"])
    mos.records.put(NS, "c", {"text": "abab"}, index=False)
    mos.wait(20)
    found = mos.records.search(NS, query="ababab")
    assert keys(found) == ["a", "b", "c"]
    assert found.items[0].score == pytest.approx(0.7, abs=0.01) and found.items[2].score is None
    mos.records.put(NS, "a", {"text": "zzz"})
    mos.wait(20)
    assert keys(mos.records.search(NS, query="zzzz"))[0] == "a"


def test_without_the_embedder_words_must_do(open_mos: Callable[..., MOS]) -> None:
    class Off(Letters):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise EmbedderUnavailable

    mos = open_mos(embedder=Off())
    mos.records.put(NS, "a", {"text": "trams"})
    mos.records.put(NS, "b", {"text": "buses"})
    assert [(one.key, one.score is None) for one in mos.records.search(NS, query="tram")] == [("a", False), ("b", True)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("$", ()), ("a", ("a",)), ("a.b[*].c[0]", ("a", "b", "[*]", "c", 0)), ("a[-1]", ("a", -1)), ("a[b]", None), ("", None), ("a]", None)],
)
def test_paths_are_read_exactly(path: str, expected: Any) -> None:
    assert steps(path) == expected


def test_texts_are_taken_from_where_the_paths_lead() -> None:
    value = {"title": "Tea", "parts": [{"text": "one"}, {"text": "two"}, 3], "deep": {"a": ["x", {"b": 1.5, "c": None}]}}
    assert texts(value, ["title", "parts[*].text", "nowhere", "deep"]) == [
        ("title", "Tea"), ("parts[*].text#0", "one"), ("parts[*].text#1", "two"), ("deep", "x 1.5"),
    ]  # fmt: skip
