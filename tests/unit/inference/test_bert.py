"""The graph of the default embedder against a plain forward pass of the same weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from memos_core.errors import InvalidInput
from memos_core.inference.bert import Shape, build_graph, quantise

IDS = [[2, 5, 6, 7, 8, 9, 3], [2, 10, 11, 3, 0, 0, 0], [2, 3, 0, 0, 0, 0, 0]]
MASK = [[1] * 7, [1] * 4 + [0] * 3, [1] * 2 + [0] * 5]


def run(model: Any, ids: Any, mask: Any) -> NDArray[np.float32]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {"input_ids": np.array(ids, dtype="int64"), "attention_mask": np.array(mask, dtype="int64")}
    vectors: NDArray[np.float32] = session.run(["sentence_embedding"], feed)[0]
    return vectors


def forward(tensors: dict[str, NDArray[np.float32]], shape: Shape, ids: list[int]) -> NDArray[np.float64]:
    """One text without padding, as the papers write it, in float64."""
    at = {name: tensor.astype("float64") for name, tensor in tensors.items()}
    dense = lambda x, name: x @ at[f"{name}.weight"].T + at[f"{name}.bias"]  # noqa: E731

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + shape.epsilon)
        return scaled * at[f"{name}.LayerNorm.weight"] + at[f"{name}.LayerNorm.bias"]

    position, kind = at["embeddings.position_embeddings.weight"][: len(ids)], at["embeddings.token_type_embeddings.weight"][0]
    x = norm(at["embeddings.word_embeddings.weight"][ids] + position + kind, "embeddings")
    width = shape.hidden // shape.heads
    for layer in range(shape.layers):
        name = f"encoder.layer.{layer}"
        query, key, value = (dense(x, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        mixed = np.empty_like(query)
        for head in range(shape.heads):
            part = slice(head * width, (head + 1) * width)
            scores = np.exp(query[:, part] @ key[:, part].T / math.sqrt(width))
            mixed[:, part] = scores / scores.sum(-1, keepdims=True) @ value[:, part]
        x = norm(dense(mixed, f"{name}.attention.output.dense") + x, f"{name}.attention.output")
        inner = dense(x, f"{name}.intermediate.dense")
        inner = 0.5 * inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = norm(dense(inner, f"{name}.output.dense") + x, f"{name}.output")
    mean: NDArray[np.float64] = x.mean(0)
    return mean / np.linalg.norm(mean)


def test_the_graph_equals_a_plain_forward_pass_with_and_without_padding(tiny: Any) -> None:
    model = build_graph(tiny.tensors, tiny.model.shape, quantised=False)
    onnx.checker.check_model(model, full_check=True)
    expected = [forward(tiny.tensors, tiny.model.shape, ids[: sum(mask)]) for ids, mask in zip(IDS, MASK, strict=True)]
    assert np.abs(run(model, IDS, MASK) - np.array(expected)).max() < 2e-6


def test_int8_points_the_same_way_as_the_plain_forward_pass(tiny: Any) -> None:
    model = build_graph(tiny.tensors, tiny.model.shape, quantised=True)
    onnx.checker.check_model(model, full_check=True)
    for ids, mask in zip(IDS, MASK, strict=True):
        alone = run(model, [ids[: sum(mask)]], [[1] * sum(mask)])[0]
        assert alone @ forward(tiny.tensors, tiny.model.shape, ids[: sum(mask)]) >= 0.98
    assert model.ByteSize() < build_graph(tiny.tensors, tiny.model.shape, quantised=False).ByteSize() / 1.5


def test_the_same_weights_give_the_same_bytes(tiny: Any) -> None:
    first, second = (build_graph(tiny.tensors, tiny.model.shape, quantised=True).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_quantised_lines_are_within_half_a_step_and_a_line_of_zeros_stays_zero() -> None:
    values = np.random.default_rng(1).normal(size=(5, 9)).astype("float32")
    values[2] = 0
    whole, scales = quantise(values, axis=1)
    assert np.abs(whole).max() == 63
    assert (np.abs(whole * scales - values) <= scales / 2 + 1e-7).all()
    assert not whole[2].any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("encoder.layer.1.output.dense.bias"), "missing"),
        (lambda t: t.update({"embeddings.LayerNorm.bias": np.zeros(31, "float32")}), "shape"),
        (lambda t: t.update({"encoder.layer.0.output.dense.weight": np.zeros((64, 32), "float32")}), "shape"),
        (lambda t: t.update({"embeddings.LayerNorm.weight": np.full(32, np.nan, "float32")}), "finite"),
    ],
)
def test_tensors_that_do_not_fit_are_refused_by_name(tiny: Any, change: Any, said: str) -> None:
    tensors = dict(tiny.tensors)
    change(tensors)
    with pytest.raises(InvalidInput, match=said):
        build_graph(tensors, tiny.model.shape, quantised=False)
