"""The same vectors for everybody: computed once, kept, handed over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memos_core.inference.base import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Remembering(Embedder):
    """An embedder that computes each text once and keeps it, so that every system sees identical vectors."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.name, self.digest, self.dim = inner.name, inner.digest, inner.dim
        self.languages, self.max_tokens = inner.languages, inner.max_tokens
        self._known: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, self._inner.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else np.empty((0, self.dim), np.float32)

    def query(self, text: str) -> NDArray[np.float32]:
        """A look-up where the text was embedded before."""
        known = self._known.get(text)
        return self.embed([text])[0] if known is None else known

    def recover(self, file: Path) -> None:
        """Takes the vectors of an earlier run, if the file is there and they are of the same model."""
        import numpy as np

        if file.exists():
            with np.load(file, allow_pickle=False) as kept:
                if kept["digest"].tobytes().decode() == self.digest:
                    self._known.update(zip(json.loads(kept["texts"].tobytes()), kept["vectors"], strict=True))

    def keep(self, file: Path) -> None:
        """Writes all that it knows, for the next run."""
        import numpy as np

        texts = np.frombuffer(json.dumps(list(self._known)).encode(), np.uint8)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            np.savez(out, digest=np.frombuffer(self.digest.encode(), np.uint8), texts=texts, vectors=np.stack(list(self._known.values())))

    @property
    def count(self) -> int:
        """How many different texts were embedded."""
        return len(self._known)

    def save(self, texts: Iterable[str], folder: Path) -> tuple[Path, Path]:
        """Writes the texts and their vectors for the peers' lookup; gives the two paths."""
        import numpy as np

        unique = list(dict.fromkeys(texts))
        folder.mkdir(parents=True, exist_ok=True)
        names, rows = folder / "texts.json", folder / "vectors.npy"
        names.write_text(json.dumps(unique), encoding="utf-8")
        np.save(rows, self.embed(unique))
        return names, rows


class Seeded(Embedder):
    """Vectors made up from a text's words: each word has a fixed direction, a text is their normalised sum.

    Texts that share words lie near each other, so searches have something to find, and a hundred thousand of them
    cost seconds. Only for measuring speed: it understands nothing. `posing_as` a model, it fills folders which that model
    can then be asked about, as if it had done the work.
    """

    def __init__(self, dim: int = 384, buckets: int = 4096, seed: int = 11, posing_as: Embedder | None = None) -> None:
        import numpy as np

        self.name, self.digest, self.dim = "made-up", f"made-up-{dim}-{buckets}-{seed}", dim
        if posing_as is not None:
            self.name, self.digest, self.dim = posing_as.name, posing_as.digest, posing_as.dim
            dim = self.dim
        self.languages, self.max_tokens = frozenset(), 512
        self._directions = np.random.default_rng(seed).standard_normal((buckets, dim), np.float32)
        self._buckets = buckets

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import zlib

        import numpy as np

        rows = np.empty((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            rows[row] = self._directions[[zlib.crc32(word.encode()) % self._buckets for word in text.split()] or [0]].sum(axis=0)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        return rows


def _default_folder() -> Path:
    from memos_core.settings import Settings

    return Settings.load().embedder_dir / "all-MiniLM-L6-v2"


def default_embedder() -> Embedder:
    """The embedder that a fresh install uses, already fetched. Raises EmbedderUnavailable."""
    from memos_core.inference.onnx import OnnxEmbedder

    return OnnxEmbedder(_default_folder())


def token_counter() -> tuple[str, Callable[[str], int]]:
    """What tokens are counted with, and the count: the default embedder's tokenizer, else the product's own estimate."""
    from memos_core.model.render import estimate_tokens

    file = _default_folder() / "tokenizer.json"
    if not file.exists():
        return "the product's estimate", estimate_tokens
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return "MiniLM's tokenizer", lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
