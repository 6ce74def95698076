"""The embedder on a folder: the installed model, and exports that others made."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from memos_core.errors import EmbedderUnavailable
from memos_core.inference.install import install_embedder
from memos_core.inference.onnx import QUERIES, OnnxEmbedder

TABLE = np.random.default_rng(3).normal(size=(32, 8)).astype("float32")


@pytest.fixture(scope="session")
def installed(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("installed")
    return install_embedder(place / "cache", source=str(tiny.write(place / "files")), model=tiny.model)


def export(
    folder: Path, rules: dict[str, Any], *, kind: int = TensorProto.INT64, output: str = "last_hidden_state", extra: str = ""
) -> Path:
    """A model whose vector for each token is a row of TABLE, in the layout and with the inputs of a usual export."""
    names = ["input_ids", "attention_mask", "token_type_ids", *([extra] if extra else [])]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Gather", ["zeros", "token_type_ids"], ["kinds"]),
        helper.make_node("Add", ["rows", "kinds"], [output]),
    ]
    constants = [numpy_helper.from_array(TABLE, "table"), numpy_helper.from_array(np.zeros((2, 8), "float32"), "zeros")]
    puts = [helper.make_tensor_value_info(name, kind, ["n", "length"]) for name in names]
    outs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", "length", 8])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", puts, outs, constants), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    (folder / "onnx").mkdir(parents=True)
    onnx.save(model, folder / "onnx" / "model.onnx")
    (folder / "tokenizer.json").write_text(json.dumps(rules))
    return folder


def configure(folder: Path, name: str, value: Any) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(value))


def unit(vector: Any) -> Any:
    return vector / np.linalg.norm(vector)


def test_each_row_is_of_unit_length(installed: Path) -> None:
    vectors = OnnxEmbedder(installed).embed(["a cat", "the dog runs", "rain"])
    assert vectors.shape == (3, 32)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_texts_give_no_rows(installed: Path) -> None:
    assert OnnxEmbedder(installed).embed([]).shape == (0, 32)


def test_a_text_has_one_vector_whatever_stands_beside_it(installed: Path) -> None:
    embedder = OnnxEmbedder(installed)
    alone = embedder.embed(["a cat sat"])[0]
    among = embedder.embed(["the dog runs in rain or sun on the mat", "a cat sat", ""])[1]
    assert (alone == among).all()
    assert (alone == embedder.query("a cat sat")).all()


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "half \ud83d a pair", "猫", "👩‍👩‍👧", "a" * 1_000_000, "a " * 500_000, "\n" * 5000, "[PAD] [CLS]"]
)
def test_any_text_has_a_vector(installed: Path, text: str) -> None:
    assert np.isclose(np.linalg.norm(OnnxEmbedder(installed).query(text)), 1, atol=1e-6)


def test_only_so_many_tokens_are_read(installed: Path) -> None:
    embedder = OnnxEmbedder(installed)
    fits = " ".join(["cat", "dog"] * 15)
    assert (embedder.query(fits) == embedder.query(fits + " rain" * 100)).all()
    assert (embedder.query(fits) != embedder.query(fits[:-3] + "rain")).any()


def test_a_repeated_question_is_remembered_and_an_old_one_forgotten(installed: Path) -> None:
    embedder = OnnxEmbedder(installed)
    first = embedder.query("a cat")
    assert embedder.query("a cat") is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0
    for number in range(QUERIES):
        embedder.query(f"dog {number}")
    assert embedder.query("a cat") is not first


def test_threads_get_the_vectors_that_one_gets(installed: Path) -> None:
    embedder = OnnxEmbedder(installed)
    texts = [" ".join(["cat", "dog", "rain", "sun"][at % 4 :]) + " the" * (at % 9) for at in range(40)]
    expected, wrong = embedder.embed(texts), []

    def check() -> None:
        if not (embedder.embed(texts) == expected).all() or not (embedder.query(texts[7]) == expected[7]).all():
            wrong.append(threading.get_ident())

    threads = [threading.Thread(target=check) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_copy_elsewhere_has_the_same_digest(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(installed, tmp_path / "copy")
    assert OnnxEmbedder(tmp_path / "copy").digest == OnnxEmbedder(installed).digest


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
def test_vectors_for_tokens_are_averaged(tiny: Any, tmp_path: Path, kind: int) -> None:
    embedder = OnnxEmbedder(export(tmp_path / "model", tiny.rules, kind=kind))
    assert (embedder.name, embedder.dim, embedder.languages, embedder.max_tokens) == ("model", 8, frozenset(), 512)
    assert np.allclose(embedder.query("a cat"), unit(TABLE[[2, 4, 5, 3]].mean(0)), atol=1e-6)


def test_the_pooling_and_length_of_an_export_are_followed(tiny: Any, tmp_path: Path) -> None:
    folder = export(tmp_path / "model", tiny.rules)
    plain = OnnxEmbedder(folder).digest
    configure(folder, "1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    configure(folder, "sentence_bert_config.json", {"max_seq_length": 16})
    embedder = OnnxEmbedder(folder)
    assert np.allclose(embedder.query("a cat"), unit(TABLE[2]), atol=1e-6)
    assert embedder.max_tokens == 16
    assert embedder.digest != plain


def test_the_prefixes_of_an_export_are_put_before_texts_and_questions(tiny: Any, tmp_path: Path) -> None:
    folder = export(tmp_path / "model", tiny.rules)
    plain = OnnxEmbedder(folder)
    configure(folder, "config_sentence_transformers.json", {"prompts": {"query": "query: ", "document": "text: "}})
    prefixed = OnnxEmbedder(folder)
    assert (prefixed.query("cat") == plain.query("query: cat")).all()
    assert (prefixed.embed(["cat"]) == plain.embed(["text: cat"])).all()
    assert prefixed.digest != plain.digest


def _no_graph(folder: Path) -> None:
    (folder / "onnx" / "model.onnx").unlink()


def _no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _bad_graph(folder: Path) -> None:
    (folder / "onnx" / "model.onnx").write_bytes(b"\x08\x07 not a graph")


def _cut_graph(folder: Path) -> None:
    graph = folder / "onnx" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-40])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_graph, r"no model\.onnx"),
        (_no_tokenizer, r"no tokenizer\.json"),
        (_bad_graph, "onnxruntime"),
        (_cut_graph, "onnxruntime"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "tokenizer"),
        (lambda folder: (folder / "tokenizer.json").write_text("[]"), "tokenizer"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer"),
        (lambda folder: configure(folder, "1_Pooling/config.json", {"pooling_mode_max_tokens": True}), "pooling"),
        (lambda folder: configure(folder, "1_Pooling/config.json", []), "JSON object"),
        (lambda folder: configure(folder, "embedder.json", {"name": "x"}), "damaged"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(tiny: Any, tmp_path: Path, spoil: Any, said: str) -> None:
    folder = export(tmp_path / "model", tiny.rules)
    spoil(folder)
    with pytest.raises(EmbedderUnavailable, match=said):
        OnnxEmbedder(folder)


def test_a_graph_that_wants_more_than_a_text_is_refused(tiny: Any, tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match="pixel_values"):
        OnnxEmbedder(export(tmp_path / "model", tiny.rules, extra="pixel_values"))


def test_a_graph_that_fails_while_it_runs_is_unavailable(tiny: Any, tmp_path: Path) -> None:
    rules = json.loads(json.dumps(tiny.rules))
    rules["model"]["vocab"]["[SEP]"] = 9000
    rules["post_processor"]["special_tokens"]["[SEP]"]["ids"] = [9000]
    with pytest.raises(EmbedderUnavailable, match="failed"):
        OnnxEmbedder(export(tmp_path / "model", rules))
