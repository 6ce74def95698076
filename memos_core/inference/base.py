"""The embedder port."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from memos_core.errors import EmbedderUnavailable, MemosError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


T = TypeVar("T")
_UNIT = 0.002
"""How far from 1 a length may be: half precision loses as much."""


class Embedder(ABC):
    """Text -> vectors of unit length."""

    name: str
    """What people call it."""
    digest: str
    """What its vectors are stored under: equal digests mean comparable vectors."""
    dim: int
    languages: frozenset[str] = frozenset()
    """ISO 639-1 codes of the languages it knows; empty, as by default, means all."""
    max_tokens: int = 512
    """What it reads of a text, by default 512; the rest is ignored."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dim), each row of unit length. Raises EmbedderUnavailable when it can't answer now."""

    def query(self, text: str) -> NDArray[np.float32]:
        """(dim,) of a question; models that want a prefix before questions put it here."""
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector

    def close(self) -> None:  # noqa: B027
        """Let go of the model."""


class UnsoundVectors(MemosError):
    """The embedder gave vectors that can't be kept."""

    retryable = True


def _answer(ask: Callable[[T], NDArray[np.float32]], given: T) -> NDArray[np.float32]:
    """What an embedder gives. A panic inside a model's native code is no Exception, and would end the thread that meets it."""
    try:
        return ask(given)
    except BaseException as exc:
        if isinstance(exc, (Exception, KeyboardInterrupt, SystemExit)):
            raise
        raise UnsoundVectors(f"embedder broke off with {type(exc).__name__}") from exc


def sound_query(embedder: Embedder, text: str) -> NDArray[np.float32]:
    """The question's vector, (dim,), brought to unit length. EmbedderUnavailable; UnsoundVectors for whatever else goes wrong."""
    import numpy as np

    try:
        vector = np.asarray(_answer(embedder.query, text), np.float32)
    except (EmbedderUnavailable, UnsoundVectors):
        raise
    except Exception as exc:
        raise UnsoundVectors(f"embedder failed with {type(exc).__name__}") from exc
    square = float(vector @ vector) if vector.shape == (embedder.dim,) else 0.0
    if abs(square - 1) > _UNIT:
        if not 0 < square < np.inf:
            raise UnsoundVectors(f"embedder {embedder.name} gave no vector that can be compared")
        vector = vector / np.float32(np.sqrt(square))
    return vector


def sound_vectors(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """What the embedder makes of these texts, held against what the port promises: (n, dim), finite, each of unit length.

    A row that has a direction but another length is brought to length 1. UnsoundVectors for all else.
    """
    import numpy as np

    given = _answer(embedder.embed, texts)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            vectors = np.asarray(given, dtype="float32")
    except (TypeError, ValueError) as exc:
        raise UnsoundVectors(f"the embedder {embedder.name} gave something that is no table of numbers.") from exc
    wanted = (len(texts), embedder.dim)
    if vectors.shape != wanted:
        raise UnsoundVectors(f"the embedder {embedder.name} gave vectors of the shape {vectors.shape}, not {wanted}.")
    lengths = np.linalg.norm(vectors.astype("float64"), axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise UnsoundVectors(f"the embedder {embedder.name} gave a vector with NaN or infinity in it.")
    if (lengths == 0).any():
        raise UnsoundVectors(f"the embedder {embedder.name} gave a vector of length 0.")
    unit: NDArray[np.float32] = np.where(np.abs(lengths - 1) > _UNIT, vectors / lengths, vectors).astype("float32")
    return unit
