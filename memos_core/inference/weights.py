"""The weights of all-MiniLM-L6-v2: what they are, and reading them from a file that nobody vouches for.

They are pinned by content, not by file: a digest over the tensors that are read and one over the tokenizer's rules, so that it does not
matter who packed them. The formats hold no code; the files are size-capped and parsed by the safetensors library, which checks the header.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos_core.errors import EmbedderUnavailable
from memos_core.inference.bert import Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
SIZE_CAPS = {WEIGHTS: 100_000_000, TOKENIZER: 2_000_000}


@dataclass(frozen=True, slots=True)
class Pinned:
    """A model that is known by the digests of its content."""

    name: str
    shape: Shape
    weights: str
    tokenizer: str
    max_tokens: int
    languages: tuple[str, ...]


MINILM = Pinned(
    name="all-MiniLM-L6-v2",
    shape=Shape(layers=6, heads=12, hidden=384, inner=1536),
    weights="43fccd15abd5a47714c99e1643b1f4c40496fe5efd570d589891e99384683081",
    tokenizer="17a2e84a225bbdc450029332eca707cd6958b4d75b1fb1ba61a2848ee28a99e9",
    max_tokens=256,
    languages=("en",),
)


def read_weights(path: Path, model: Pinned) -> dict[str, NDArray[np.float32]]:
    """The tensors of a safetensors file. EmbedderUnavailable when it is damaged or holds other weights."""
    from safetensors import SafetensorError, safe_open

    _capped(path)
    try:
        with safe_open(path, framework="np") as stored:
            present = set(stored.keys())
            tensors = {name: stored.get_tensor(name) for name in sorted(model.shape.expected()) if name in present}
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as exc:
        raise EmbedderUnavailable(f"{path.name} is not a readable safetensors file: {exc}.") from exc
    if weights_digest(tensors) != model.weights:
        raise EmbedderUnavailable(f"{path.name} does not hold the weights of {model.name}; nothing was built from it.")
    return tensors


def weights_digest(tensors: dict[str, NDArray[np.float32]]) -> str:
    """sha256 over name, dtype, shape and little-endian bytes of each tensor, by name."""
    import numpy as np

    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        header = json.dumps([name, tensor.dtype.str, list(tensor.shape)], separators=(",", ":"))
        digest.update(header.encode() + b"\n")
        digest.update(tensor.reshape(-1).view("uint8").data)
    return digest.hexdigest()


def read_tokenizer(path: Path, model: Pinned) -> str:
    """The rules of a tokenizer.json, as canonical JSON. EmbedderUnavailable when they are others."""
    _capped(path)
    try:
        rules = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as exc:
        raise EmbedderUnavailable(f"{path.name} can't be read: {exc}.") from exc
    text = canonical_tokenizer(rules) if isinstance(rules, dict) else ""
    if hashlib.sha256(text.encode()).hexdigest() != model.tokenizer:
        raise EmbedderUnavailable(f"{path.name} is not the tokenizer of {model.name}; nothing was built from it.")
    return text


def canonical_tokenizer(rules: dict[str, Any]) -> str:
    """Its JSON without truncation and padding, which are the caller's choice, with sorted keys."""
    kept = {key: value for key, value in rules.items() if key not in ("truncation", "padding")}
    return json.dumps(kept | {"truncation": None, "padding": None}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _capped(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as exc:
        raise EmbedderUnavailable(f"{path} can't be read: {exc.strerror}.") from exc
    if size > SIZE_CAPS[path.name]:
        raise EmbedderUnavailable(f"{path.name} is larger than {SIZE_CAPS[path.name]:,} bytes; it is not the right file.")
