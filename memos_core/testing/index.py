"""The index port's conformance: subclass it, give it a bed, change nothing.

    class TestMine(IndexConformance):
        @pytest.fixture
        def bed(self, tmp_path):
            ...
            yield Bed(index, write)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from memos_core.index.base import Candidates, Index, Probe, Vectors
from memos_core.model.change import Applied
from memos_core.model.filter import Filter
from memos_core.testing.entries import assert_same, entry, opened, rows, scope, unit
from memos_core.testing.plain_index import PlainIndex

TALK = opened(
    entry(1, "I moved to Lisbon last spring.", speaker="Ann", session="s1", tags=["home"], info={"place": 1}),
    entry(2, "Lisbon is lovely, I was there on Monday.", speaker="Bob", session="s1", context=1, tags=[]),
    entry(3, "My dog hates trams, and trams hate my dog.", speaker="Ann", session="s1", context=2, info={"place": True}),
    entry(4, "The dog ate my homework.", speaker="Ann", session="s2", created_at=5_000_000),
    entry(5, "我们明天去公园看樱花", session="s2", context=4),
    entry(6, "No session here. " + "Trams run all night in this town, says the driver of the last one. " * 40),
    entry(7, "Lisbon and a dog, in another cube.", cube=2, speaker="Cid", session="s1"),
    entry(8, "Soon gone: the dog.", expires_at=100),
)


@dataclass
class Bed:
    """An index to test, and how to write to it: one commit of these transactions, visible when it returns."""

    index: Index
    write: Callable[[list[Applied]], None]

    def gather(self, *terms: str, cubes: tuple[int, ...] = (1, 2), until: int | None = None, now: int = 50, **probe: object) -> Candidates:
        """What a question finds."""
        return self.index.view(scope(*cubes, until=until), now=now).gather(Probe(terms, **probe))  # type: ignore[arg-type]


class IndexConformance:
    """What every index does."""

    @pytest.fixture
    def bed(self) -> Bed:
        raise NotImplementedError("give a bed")

    @pytest.fixture
    def plain(self, bed: Bed) -> Bed:
        """The bed is filled; a plain index beside it holds the same."""
        index = PlainIndex()
        index.ride(None, [TALK])
        bed.write([TALK])
        vectors = [Vectors(1, 1, 1, unit(1, 0, 0)), Vectors(2, 1, 1, unit(0, 1, 0), unit(1, 1, 0)), Vectors(7, 1, 2, unit(0, 0, 1))]
        for one in (index, bed.index):
            one.put_vectors("model", vectors)
        return Bed(index, lambda applied: index.ride(None, applied))

    def test_an_empty_scope_holds_nothing(self, bed: Bed) -> None:
        view = bed.index.view(scope(9), now=0)
        assert (view.size, view.speakers, len(view.gather(Probe(("dog",))))) == (0, frozenset(), 0)
        assert len(bed.index.view(scope(), now=0).gather(Probe(()))) == 0

    def test_what_was_committed_is_found_by_its_words(self, bed: Bed, plain: Bed) -> None:
        for terms in (("dog",), ("lisbon", "dog", "tram"), ("公园", "樱花"), ("nothing",), ()):
            for cubes in ((1,), (2,), (1, 2)):
                assert_same(bed.gather(*terms, cubes=cubes), plain.gather(*terms, cubes=cubes))

    def test_meaning_is_the_mean_of_alone_and_with_context(self, bed: Bed, plain: Bed) -> None:
        vector = np.array([0.5, 2.0, -1.0], np.float32)
        found = bed.gather("dog", vector=vector, model="model")
        assert_same(found, plain.gather("dog", vector=vector, model="model"))
        assert found.dense[rows(found)[2]] == pytest.approx((2.0 + 2.5 / 2**0.5) / 2, abs=2e-3)
        assert found.degraded

    def test_vectors_of_another_model_are_never_compared(self, bed: Bed, plain: Bed) -> None:
        found = bed.gather("dog", vector=unit(1, 0, 0), model="another")
        assert not found.dense.any() and not found.relevance[:].any() and not found.embedded.any() and found.degraded
        assert not bed.index.view(scope(1), now=0).vectors([1, 2], "another").any()

    def test_vectors_come_back_with_unit_length(self, bed: Bed, plain: Bed) -> None:
        found = bed.index.view(scope(1, 2), now=50).vectors([7, 3, 2], "model")
        np.testing.assert_allclose(found, [[0, 0, 1], [0, 0, 0], [0, 1, 0]], atol=1e-3)

    @pytest.mark.parametrize(
        "where",
        [
            {"tags": {"contains": "home"}}, {"tags": {"empty": True}}, {"info.place": 1}, {"info.place": True}, {"info.place": {"ne": 2}},
            {"created_at": {"gte": 5}}, {"created_at": {"lt": 5}}, {"not": {"created_at": {"exists": True}}},
            {"or": [{"info.place": {"in": [True]}}, {"tags": {"any": ["home"]}}]}, {"info.place": {"gt": 0}}, {"info.place": {"nin": [1]}},
        ],
    )  # fmt: skip
    def test_a_filter_means_what_the_grammar_says(self, bed: Bed, plain: Bed, where: dict[str, object]) -> None:
        parsed = Filter.parse(where)
        assert_same(bed.gather("dog", "lisbon", where=parsed), plain.gather("dog", "lisbon", where=parsed))

    def test_the_askers_session_is_told(self, bed: Bed, plain: Bed) -> None:
        for cubes in ((1,), (2,), (1, 2)):
            found, known = bed.gather("dog", cubes=cubes, session="s1"), plain.gather("dog", cubes=cubes, session="s1")
            assert set(found.nr[np.isin(found.session, found.here)]) == set(known.nr[np.isin(known.session, known.here)])
        assert not np.isin(found.session, bed.gather("dog", session="no such session").here).any()

    def test_the_expired_is_not_there(self, bed: Bed, plain: Bed) -> None:
        assert 8 in rows(bed.gather("dog", now=99)) and 8 not in rows(bed.gather("dog", now=100))
        assert_same(bed.gather("dog", now=100), plain.gather("dog", now=100))

    def test_a_newer_version_replaces_the_older(self, bed: Bed, plain: Bed) -> None:
        newer = opened(entry(3, "My cat loves trams.", tx=2, version=2, speaker="Eve", session="s1", context=2), closed=(3,))
        for one in (bed, plain):
            one.write([newer])
        assert_same(bed.gather("cat", "dog"), plain.gather("cat", "dog"))
        assert bed.index.view(scope(1), now=50).speakers == {"Ann", "Bob", "Eve"}

    def test_what_was_closed_is_gone_and_its_neighbours_know(self, bed: Bed, plain: Bed) -> None:
        for one in (bed, plain):
            one.write([opened(closed=(2,), tx=2)])
        found = bed.gather("dog")
        assert_same(found, plain.gather("dog"))
        assert found.previous[rows(found)[3]] == -1 and found.following[rows(found)[1]] == -1

    def test_then_is_as_it_was_then(self, bed: Bed, plain: Bed) -> None:
        before = plain.gather("dog", "cat", vector=unit(1, 2, 3), model="model")
        for one in (bed, plain):
            one.write([opened(entry(9, "A cat.", tx=2)), opened(closed=(4,), tx=3)])
        assert_same(bed.gather("dog", "cat", vector=unit(1, 2, 3), model="model", until=1), before)
        for until in (0, 2, 3, None):
            assert_same(bed.gather("dog", "cat", until=until), plain.gather("dog", "cat", until=until))

    def test_of_the_erased_nothing_stays(self, bed: Bed, plain: Bed) -> None:
        bed.gather("dog", vector=unit(1, 0, 0), model="model")
        bed.gather("dog", until=1)
        for one in (bed, plain):
            one.write([opened(erased=(1,), tx=2)])
        assert bed.index.residue([1]) == 0 and bed.index.residue([2]) > 0
        assert not bed.index.view(scope(1), now=50).vectors([2], "model").any(), "made with the erased as its context"
        for until in (None, 1):
            assert_same(bed.gather("lisbon", until=until), plain.gather("lisbon", until=until))

    def test_a_late_vector_of_the_erased_is_dropped(self, bed: Bed, plain: Bed) -> None:
        bed.write([opened(erased=(1,), tx=2)])
        bed.index.put_vectors("model", [Vectors(1, 1, 1, unit(1, 0, 0)), Vectors(2, 1, 1, unit(0, 1, 0), unit(1, 0, 0))])
        assert bed.index.residue([1]) == 0
        found = bed.gather("dog", vector=unit(1, 0, 0), model="model")
        assert found.dense[rows(found)[2]] == pytest.approx(0, abs=1e-3), "its context vector came from the erased"

    def test_putting_a_vector_twice_changes_nothing(self, bed: Bed, plain: Bed) -> None:
        before = bed.gather("dog", vector=unit(1, 1, 1), model="model")
        bed.index.put_vectors("model", [Vectors(1, 1, 1, unit(1, 0, 0))])
        assert_same(bed.gather("dog", vector=unit(1, 1, 1), model="model"), before)

    def test_the_same_version_seen_anew_keeps_its_vector(self, bed: Bed, plain: Bed) -> None:
        again = opened(entry(1, "I moved to Lisbon last spring.", tx=2, speaker="Ann", session="s2", context=5), closed=(1,))
        for one in (bed, plain):
            one.write([again])
        vector = unit(1, 0, 0)
        assert_same(bed.gather("lisbon", vector=vector, model="model"), plain.gather("lisbon", vector=vector, model="model"))
