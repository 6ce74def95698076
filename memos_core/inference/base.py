"""The embedder port."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(ABC):
    """Text -> vectors of unit length."""

    name: str
    """What people call it."""
    digest: str
    """What its vectors are stored under: equal digests mean comparable vectors."""
    dim: int
    languages: frozenset[str]
    """ISO 639-1 codes of the languages it knows; empty means all."""
    max_tokens: int
    """What it reads of a text; the rest is ignored."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dim), each row of unit length. Raises EmbedderUnavailable when it can't answer now."""

    def query(self, text: str) -> NDArray[np.float32]:
        """(dim,) of a question; models that want a prefix before questions put it here."""
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector

    def close(self) -> None:  # noqa: B027
        """Let go of the model."""
