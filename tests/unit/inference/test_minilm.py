"""The real default model, where `memos embedder install` has been run."""

from __future__ import annotations

import numpy as np
import pytest

from memos_core.inference.choose import installed_folder
from memos_core.inference.onnx import OnnxEmbedder
from memos_core.settings import Settings

FOLDER = installed_folder(Settings().embedder_dir)
DIGEST = "2e4d39b4965c625bf289d0658a08afedec7025c408ee0df8b228fe0506b2e136"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no default embedder in {FOLDER}: run `memos embedder install`")


def test_it_says_what_it_is() -> None:
    embedder = OnnxEmbedder(FOLDER)
    assert (embedder.name, embedder.dim, embedder.max_tokens) == ("all-MiniLM-L6-v2", 384, 256)
    assert embedder.languages == {"en"}


def test_the_graph_is_the_same_on_every_machine() -> None:
    assert OnnxEmbedder(FOLDER).digest == DIGEST


@pytest.mark.parametrize(
    ("asked", "right", "wrong"),
    [
        ("Where does Alice live?", "I moved to Lisbon last spring.", "My dog Momo hates trams."),
        ("Does anybody own a pet?", "My dog Momo hates trams.", "The meeting starts at nine."),
        ("What is she allergic to?", "Peanuts make her face swell.", "She works at a bank."),
    ],
)
def test_what_means_the_same_is_nearer_without_a_word_in_common(asked: str, right: str, wrong: str) -> None:
    embedder = OnnxEmbedder(FOLDER)
    near, far = embedder.embed([right, wrong]) @ embedder.query(asked)
    assert near > far + 0.05


def test_case_does_not_matter_and_length_is_one() -> None:
    embedder = OnnxEmbedder(FOLDER)
    lower, upper = embedder.embed(["the café in paris", "The Café in PARIS"])
    assert (lower == upper).all()
    assert np.isclose(np.linalg.norm(lower), 1, atol=1e-6)
