"""An embedder without a model: equal words, near vectors. For tests of everything but quality."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from memos_core.inference.base import Embedder
from memos_core.text.words import analyse, code

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class HashEmbedder(Embedder):
    """The sum of one fixed random direction a term, of unit length."""

    name = "hash"
    languages: frozenset[str] = frozenset()
    max_tokens = 512

    def __init__(self, dim: int = 32, seed: int = 0) -> None:
        self.dim, self._seed = dim, seed
        self.digest = f"hash-{dim}-{seed}"
        self._direction = lru_cache(maxsize=100_000)(self._of)

    def _of(self, term: str) -> NDArray[np.float32]:
        import numpy as np

        return np.random.default_rng((self._seed, code(term))).standard_normal(self.dim).astype(np.float32)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dim) of unit length; a text without terms gets the direction of nothing."""
        import numpy as np

        rows = np.stack([np.sum([self._direction(term) for term in analyse(text) or [""]], axis=0) for text in texts])
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)
