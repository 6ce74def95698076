"""A BERT sentence encoder as an ONNX graph, written down operator by operator from its tensors.

The architecture is that of Devlin et al. 2018 (arXiv:1810.04805) with the exact GELU; the sentence vector is the mean of the last
layer over the tokens that are not padding, brought to unit length (Reimers and Gurevych 2019, arXiv:1908.10084).

Two things are folded into the tensors, which leaves the result as it is: the token type is always 0, so its row is added to every
position, and the 1/sqrt(d) of attention goes into the query's weights. Query, key and value are one matrix product.

Quantised, weights are int8 with a scale for each output (each row of the word table), activations uint8 with a scale found at run
time: the scheme of onnxruntime's dynamic quantisation, written here because then the graph's bytes depend on the weights alone and
not on the version of a tool. Weights use 7 of the 8 bits: products of a pair then fit 16 bits, so that CPUs without VNNI, which add
pairs with saturation, get the same vectors. The scale of activations spans a batch: a text's vector is its own only in a batch of one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memos_core.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[np.float32]]

OPSET, IR_VERSION, LEVELS = 17, 8, 63


@dataclass(frozen=True, slots=True)
class Shape:
    """What the names of the tensors don't say: how many heads, and the epsilon of the layer norms."""

    layers: int
    heads: int
    hidden: int
    inner: int
    epsilon: float = 1e-12

    def expected(self) -> dict[str, tuple[int | None, ...]]:
        """The tensors that are read, with their shapes; None is any length."""
        hidden, inner = self.hidden, self.inner
        names: dict[str, tuple[int | None, ...]] = {
            "embeddings.word_embeddings.weight": (None, hidden),
            "embeddings.position_embeddings.weight": (None, hidden),
            "embeddings.token_type_embeddings.weight": (None, hidden),
            "embeddings.LayerNorm.weight": (hidden,),
            "embeddings.LayerNorm.bias": (hidden,),
        }
        for layer in range(self.layers):
            at = f"encoder.layer.{layer}."
            for part in ("self.query", "self.key", "self.value", "output.dense"):
                names |= {f"{at}attention.{part}.weight": (hidden, hidden), f"{at}attention.{part}.bias": (hidden,)}
            names |= {f"{at}intermediate.dense.weight": (inner, hidden), f"{at}intermediate.dense.bias": (inner,)}
            names |= {f"{at}output.dense.weight": (hidden, inner), f"{at}output.dense.bias": (hidden,)}
            for part in ("attention.output", "output"):
                names |= {f"{at}{part}.LayerNorm.weight": (hidden,), f"{at}{part}.LayerNorm.bias": (hidden,)}
        return names


def check_tensors(tensors: Tensors, shape: Shape) -> None:
    """Refuses tensors that are missing, of another shape, or hold something that is not a number."""
    import numpy as np

    for name, wanted in shape.expected().items():
        if name not in tensors:
            raise InvalidInput("weights", f"the tensor {name} is missing.")
        found = tensors[name]
        if len(found.shape) != len(wanted) or any(w not in (None, f) for w, f in zip(wanted, found.shape, strict=True)):
            raise InvalidInput("weights", f"the tensor {name} has the shape {list(found.shape)}.")
        if not np.isfinite(found).all():
            raise InvalidInput("weights", f"the tensor {name} holds values that are not finite numbers.")


def build_graph(tensors: Tensors, shape: Shape, *, quantised: bool) -> Any:
    """The encoder as an `onnx.ModelProto`: input_ids and attention_mask, int64 (n, length) -> sentence_embedding, float32 (n, hidden)."""
    from onnx import TensorProto, helper

    check_tensors(tensors, shape)
    graph = _Graph(tensors, shape, quantised)
    bias = graph.mask_bias()
    states = graph.embeddings()
    for layer in range(shape.layers):
        states = graph.layer(states, bias, f"encoder.layer.{layer}.")
    graph.pool(states)
    made = helper.make_graph(
        graph.nodes,
        "sentence_encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "length"]) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["n", shape.hidden])],
        graph.constants,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="memos-kernel")


def quantise(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric, with one scale for each line along `axis`, in LEVELS steps on each side of 0: values, scales."""
    import numpy as np

    scales = np.abs(values).max(axis=axis, keepdims=True) / np.float32(LEVELS)
    scales = np.where(scales > 0, scales, 1).astype("float32")
    return np.rint(values / scales).astype("int8"), scales


@dataclass
class _Graph:
    tensors: Tensors
    shape: Shape
    quantised: bool
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def outputs(self, kind: str, *inputs: str, count: int) -> list[str]:
        from onnx import helper

        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(count)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=names[0]))
        return names

    def constant(self, name: str, value: Any, kind: str = "float32") -> str:
        import numpy as np
        from onnx import numpy_helper

        if name not in self.known:
            self.known.add(name)
            self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=kind, order="C"), name))
        return name

    def mask_bias(self) -> str:
        """0 where there is a token, -10,000 where there is padding, to be added to the scores: (n, 1, 1, length)."""
        from onnx import TensorProto

        mask = self.op("Cast", "attention_mask", output="mask", to=TensorProto.FLOAT)
        missing = self.op("Sub", self.constant("one", 1.0), mask)
        wide = self.op("Unsqueeze", missing, self.constant("axes_1_2", [1, 2], "int64"))
        return self.op("Mul", wide, self.constant("hidden_score", -10000.0))

    def embeddings(self) -> str:
        at = "embeddings."
        typed = self.tensors[f"{at}position_embeddings.weight"] + self.tensors[f"{at}token_type_embeddings.weight"][0]
        length = self.op("Gather", self.op("Shape", "input_ids"), self.constant("index_1", [1], "int64"))
        positions = self.op("Slice", self.constant("positions", typed), self.constant("index_0", [0], "int64"), length)
        return self.norm(self.op("Add", self.words(self.tensors[f"{at}word_embeddings.weight"]), positions), at)

    def words(self, table: Any) -> str:
        from onnx import TensorProto

        if not self.quantised:
            return self.op("Gather", self.constant("words", table), "input_ids")
        values, scales = quantise(table, axis=1)
        rows = self.op("Cast", self.op("Gather", self.constant("words", values, "int8"), "input_ids"), to=TensorProto.FLOAT)
        return self.op("Mul", rows, self.op("Gather", self.constant("words.scale", scales), "input_ids"))

    def layer(self, states: str, bias: str, at: str) -> str:
        states = self.norm(self.op("Add", self.attention(states, bias, at), states), f"{at}attention.output.")
        inner = self.gelu(self.dense(states, f"{at}intermediate.dense"))
        return self.norm(self.op("Add", self.dense(inner, f"{at}output.dense"), states), f"{at}output.")

    def attention(self, states: str, bias: str, at: str) -> str:
        import numpy as np

        hidden, heads = self.shape.hidden, self.shape.heads
        scale = 1 / math.sqrt(hidden // heads)
        parts = [f"{at}attention.self.{name}" for name in ("query", "key", "value")]
        factors = np.array([scale, 1, 1], dtype="float32")
        weight = np.concatenate([self.tensors[f"{part}.weight"].T * factor for part, factor in zip(parts, factors, strict=True)], axis=1)
        offset = np.concatenate([self.tensors[f"{part}.bias"] * factor for part, factor in zip(parts, factors, strict=True)])
        joined = self.linear(states, f"{at}qkv", weight, offset)
        split = self.op("Reshape", joined, self.constant("split", [0, 0, 3, heads, hidden // heads], "int64"))
        turned = self.op("Transpose", split, perm=[2, 0, 3, 1, 4])
        query, key, value = (self.op("Gather", turned, self.constant(f"part_{i}", i, "int64"), axis=0) for i in range(3))
        scores = self.op("Add", self.op("MatMul", query, self.op("Transpose", key, perm=[0, 1, 3, 2])), bias)
        mixed = self.op("Transpose", self.op("MatMul", self.op("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
        return self.dense(self.op("Reshape", mixed, self.constant("merge", [0, 0, hidden], "int64")), f"{at}attention.output.dense")

    def dense(self, states: str, name: str) -> str:
        return self.linear(states, name, self.tensors[f"{name}.weight"].T, self.tensors[f"{name}.bias"])

    def linear(self, states: str, name: str, weight: Any, bias: Any) -> str:
        return self.op("Add", self.product(states, name, weight), self.constant(f"{name}.bias", bias))

    def product(self, states: str, name: str, weight: Any) -> str:
        from onnx import TensorProto

        if not self.quantised:
            return self.op("MatMul", states, self.constant(f"{name}.weight", weight))
        values, scales = quantise(weight, axis=0)
        activation, scale, zero = self.outputs("DynamicQuantizeLinear", states, count=3)
        whole = self.op("MatMulInteger", activation, self.constant(f"{name}.weight", values, "int8"), zero)
        factor = self.op("Mul", scale, self.constant(f"{name}.scale", scales[0]))
        return self.op("Mul", self.op("Cast", whole, to=TensorProto.FLOAT), factor)

    def norm(self, states: str, at: str) -> str:
        names = [self.constant(f"{at}LayerNorm.{part}", self.tensors[f"{at}LayerNorm.{part}"]) for part in ("weight", "bias")]
        return self.op("LayerNormalization", states, *names, axis=-1, epsilon=self.shape.epsilon)

    def gelu(self, states: str) -> str:
        """x (1 + erf(x / sqrt 2)) / 2, Hendrycks and Gimpel 2016 (arXiv:1606.08415)."""
        error = self.op("Erf", self.op("Div", states, self.constant("root_2", math.sqrt(2.0))))
        return self.op("Mul", self.op("Mul", states, self.op("Add", error, self.constant("one", 1.0))), self.constant("half", 0.5))

    def pool(self, states: str) -> None:
        mask = self.op("Unsqueeze", "mask", self.constant("axis_2", [2], "int64"))
        axis = self.constant("axis_1", [1], "int64")
        total = self.op("ReduceSum", self.op("Mul", states, mask), axis, keepdims=0)
        count = self.op("ReduceSum", mask, axis, keepdims=0)
        self.op("LpNormalization", self.op("Div", total, count), output="sentence_embedding", axis=1, p=2)
