"""Embedders that break their promise: what they spoil is said and tried again, and everybody else's memories get their vectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from memos_core import MOS, Embedder, InvalidInput, TaskFailed
from memos_core.inference.base import UnsoundVectors, sound_vectors
from memos_core.ledger import tables as t
from memos_core.scheduler import inline
from memos_core.testing.embedder import HashEmbedder

Spoil = Callable[[Any], Any]


class Spoilt(HashEmbedder):
    """Sound vectors, but for texts that name the kettle: those are spoilt."""

    def __init__(self, spoil: Spoil) -> None:
        super().__init__(dim=8)
        self.spoil: Spoil | None = spoil

    def embed(self, texts: Sequence[str]) -> Any:
        made = super().embed(texts)
        return self.spoil(made) if self.spoil is not None and any("kettle" in text for text in texts) else made


def broken(made: Any) -> Any:
    raise RuntimeError("CUDA error: the kettle is red")


def _filled(value: float) -> Spoil:
    return lambda made: np.full_like(made, value)


UNSOUND: dict[str, Spoil] = {
    "NaN": _filled(np.nan),
    "infinity": _filled(np.inf),
    "length 0": _filled(0.0),
    "one value is NaN": lambda made: np.where(np.arange(8) == 3, np.nan, made),
    "too few": lambda made: made[:-1],
    "too many": lambda made: np.concatenate([made, made]),
    "too short": lambda made: made[:, :5],
    "flat": lambda made: made.ravel(),
    "ragged": lambda made: [[1.0], [1.0, 2.0]],
    "nothing": lambda made: None,
    "text": lambda made: "vectors",
    "numbers too large": lambda made: made.astype("float64") * 1e300,
}


@pytest.mark.parametrize("name", UNSOUND)
def test_unsound_vectors_are_refused_in_words(name: str) -> None:
    with pytest.raises(UnsoundVectors, match="the embedder hash gave") as told:
        sound_vectors(Spoilt(UNSOUND[name]), ["the kettle is new"])
    assert told.value.retryable


DIRECTED: list[Spoil] = [lambda m: m.tolist(), lambda m: m.astype("float64"), lambda m: m * 1e20, lambda m: m / 7]


@pytest.mark.parametrize("spoil", DIRECTED)
def test_vectors_with_a_direction_are_kept_at_unit_length(spoil: Spoil) -> None:
    found = sound_vectors(Spoilt(spoil), ["the kettle is new", "the tram"])
    assert found.dtype == np.float32 and np.allclose(found, HashEmbedder(dim=8).embed(["the kettle is new", "the tram"]), atol=1e-6)


def test_sound_vectors_are_kept_bit_by_bit() -> None:
    texts = [f"text {nr}" for nr in range(50)]
    assert np.array_equal(sound_vectors(HashEmbedder(), texts), HashEmbedder().embed(texts))


@pytest.mark.parametrize("spoil", [broken, *UNSOUND.values()], ids=["raises", *UNSOUND])
def test_one_bad_text_harms_nobody_else_and_is_given_up_in_the_end(
    open_mos: Callable[..., MOS], monkeypatch: pytest.MonkeyPatch, spoil: Spoil
) -> None:
    monkeypatch.setattr(inline, "_IDLE_SECONDS", 0.02)
    now = [datetime(2026, 6, 1, tzinfo=UTC)]
    model = Spoilt(spoil)
    mos = open_mos(embedder=model, clock=lambda: now[0])
    bad = str(mos.add("The kettle is new.", user_id="alice").task_id)
    good = [str(mos.add(f"Tram number {nr} is late.", user_id=f"user{nr}").task_id) for nr in range(30)]
    mos.records.put(("users", "alice"), "k", {"text": "the kettle"})
    until = time.monotonic() + 30
    while mos.tasks.status(bad).state != "failed" and time.monotonic() < until:
        now[0] += timedelta(hours=1)
        time.sleep(0.05)
    assert [mos.tasks.status(task).state for task in good] == ["done"] * 30
    task = mos.tasks.status(bad)
    assert task.state == "failed" and task.tries == 5 and task.error is not None
    assert ("RuntimeError: CUDA error" if spoil is broken else "the embedder hash gave") in task.error
    with pytest.raises(TaskFailed, match="gave up"):
        mos.wait(20)
    with mos._handle.engines.ledger.book() as book:
        assert book.connection.execute(t.record_vectors.select()).all() == []
    model.spoil = None
    mos.tasks.retry(bad)
    while mos.tasks.status(bad).state != "done" and time.monotonic() < until:
        time.sleep(0.02)
    assert mos.tasks.status(bad).error is None


def test_what_an_error_repeats_goes_when_a_memory_is_erased(open_mos: Callable[..., MOS]) -> None:
    mos = open_mos(embedder=Spoilt(broken))
    added = mos.add(["The kettle is red.", "My kettle is old."], user_id="alice")
    task = str(added.task_id)
    until = time.monotonic() + 20
    while mos.tasks.status(task).error is None and time.monotonic() < until:
        time.sleep(0.02)
    assert "kettle" in str(mos.tasks.status(task).error)
    mos.close()
    mos = open_mos()
    mos.erase(added.memory_ids[0], user_id="alice")
    assert "kettle" not in str(mos.tasks.status(task).error)


class Nameless(HashEmbedder):
    name = ""


@pytest.mark.parametrize("given", ["minilm", 7, HashEmbedder, {"name": "x"}, lambda texts: texts, Nameless(), b"", 0, False])
def test_what_is_no_embedder_is_refused_at_once(open_mos: Callable[..., MOS], given: Any) -> None:
    with pytest.raises(InvalidInput, match="embedder") as told:
        open_mos(embedder=given)
    assert told.value.field == "embedder"


class Sparse(Embedder):
    """Says no more than it has to."""

    name, digest, dim = "sparse", "sparse", 2

    def embed(self, texts: Sequence[str]) -> Any:
        return np.array([[1.0, 0.0]] * len(texts), dtype="float32")


def test_an_embedder_that_says_nothing_of_languages_knows_them_all(open_mos: Callable[..., MOS]) -> None:
    from memos_core.inference.choose import describe

    mos = open_mos(embedder=Sparse())
    mos.add("The tram is late.", user_id="alice")
    mos.wait(20)
    assert [hit.memory.text for hit in mos.search("tram", user_id="alice")] == ["The tram is late."]
    assert (describe(Sparse())["languages"], describe(Sparse())["max_tokens"]) == ("all", 512)


def test_the_worker_once_embeds_what_has_no_vectors_of_this_model(
    open_mos: Callable[..., MOS], tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from memos_core.cli import main
    from memos_core.inference import choose

    with open_mos(embedder=HashEmbedder(seed=1)) as mos:
        mos.add([f"Tram number {nr} is late." for nr in range(300)], user_id="alice")
        mos.wait(20)
    monkeypatch.setenv("MEMOS_EMBEDDER", "openai://localhost/v1?model=hash")
    monkeypatch.setenv("MEMOS_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr(choose, "_endpoint", lambda url, key: HashEmbedder(seed=2))
    assert main(["worker", "--once", "--home", str(tmp_path / "memory")]) == 0
    assert "300 units" in capsys.readouterr().err
    with open_mos(embedder=HashEmbedder(seed=2)) as mos:
        assert mos._handle.engines.index.unembedded(HashEmbedder(seed=2).digest, 10) == []
    assert main(["worker", "--once", "--home", str(tmp_path / "memory")]) == 0
    assert "0 units" in capsys.readouterr().err


class Panic(BaseException):
    """As native code raises it: no Exception."""


class Panicking(HashEmbedder):
    """Breaks off at texts that name the kettle."""

    def embed(self, texts: Sequence[str]) -> Any:
        if any("kettle" in text for text in texts):
            raise Panic("index out of bounds")
        return super().embed(texts)


def test_a_panic_in_native_code_ends_no_thread_and_no_search(open_mos: Callable[..., MOS]) -> None:
    mos = open_mos(embedder=Panicking())
    mos.add("The kettle is red.", user_id="alice")
    with pytest.raises((TaskFailed, TimeoutError)):
        mos.wait(1)
    mos.add("The tram is late.", user_id="alice")
    until = time.monotonic() + 20
    while any("1 of 2" not in said for said in mos.search("tram", user_id="alice").degraded) and time.monotonic() < until:
        time.sleep(0.02)
    assert len(mos.search("tram", user_id="alice").degraded) == 1, "only the kettle has no vector"
    found = mos.search("red kettle", user_id="alice")
    assert found[0].memory.text == "The kettle is red." and "broke off with Panic" in found.degraded[0]


class Long(HashEmbedder):
    """The same directions, twenty times as long."""

    def embed(self, texts: Sequence[str]) -> Any:
        return super().embed(texts) * 20


class Mute(HashEmbedder):
    """Embeds what is told, not what is asked."""

    answer: Any = None

    def query(self, text: str) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_questions_vector_counts_by_its_direction_alone(open_mos: Callable[..., MOS]) -> None:
    def asked(model: Embedder, name: str) -> list[Any]:
        mos = open_mos(name, embedder=model)
        mos.add(["The river boat.", "A piano song.", "The late tram."], user_id="alice")
        mos.records.put(("notes",), "k", {"text": "The river boat."}, index=["text"], user_id="alice")
        mos.wait(20)
        hits = [(hit.memory.text, round(hit.score, 3), round(hit.relevance, 2)) for hit in mos.search("river boat", user_id="alice")]
        records = mos.records.search(("notes",), query="boat", user_id="alice").items
        return [*hits, *(round(record.score or 0, 3) for record in records)]

    assert asked(Long(), "long") == asked(HashEmbedder(), "unit")


@pytest.mark.parametrize("answer", [ValueError("no"), np.full(64, np.nan), np.zeros(64), np.ones(3), [[1.0]], "words", None])
def test_records_are_found_by_words_where_the_question_has_no_vector(open_mos: Callable[..., MOS], answer: Any) -> None:
    model = Mute()
    model.answer = answer
    mos = open_mos(embedder=model)
    for key, text in (("a", "The river boat."), ("b", "A piano song.")):
        mos.records.put(("notes",), key, {"text": text}, index=["text"], user_id="alice")
    mos.wait(20)
    found = mos.records.search(("notes",), query="piano", user_id="alice").items
    assert found[0].key == "b" and all(record.score is None or record.score >= 0 for record in found)
