"""An embedder from a sentence-transformers folder on this machine, by the library of that name and torch: the `models` extra."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from memos_core.errors import EmbedderUnavailable
from memos_core.inference.base import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

READ = (".json", ".txt", ".safetensors", ".model")


class LocalEmbedder(Embedder):
    """A folder that sentence-transformers can open. Nothing is fetched, no code of the folder is run, and pickled weights are refused.

    EmbedderUnavailable when the library is not installed or the folder is not such a model.
    """

    def __init__(self, folder: Path | str, *, device: str | None = None) -> None:
        path = Path(folder)
        if not any(path.rglob("*.safetensors")):
            raise EmbedderUnavailable(f"{path} holds no .safetensors weights.")
        self._model = _open(path, device)
        self._lock = Lock()
        self.name, self.languages = path.resolve().name, frozenset()
        self.max_tokens = int(self._model.max_seq_length or 512)
        self._prompts = frozenset(self._model.prompts or ())
        self.digest = _digest(path)
        self.dim = int(self.embed(["dimension"]).shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(list(texts), "document" if "document" in self._prompts else None)

    def query(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._encode([text], "query" if "query" in self._prompts else None)[0]
        return vector

    def _encode(self, texts: list[str], prompt: str | None) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.empty((0, self.dim), dtype="float32")
        readable = [text.encode("utf-8", "replace").decode() for text in texts]
        try:
            with self._lock:
                raw = self._model.encode(readable, prompt_name=prompt, normalize_embeddings=True, show_progress_bar=False)
        except RuntimeError as exc:
            raise EmbedderUnavailable(f"the model {self.name} failed: {type(exc).__name__}.") from exc
        return np.asarray(raw, dtype="float32")


def _open(path: Path, device: str | None) -> Any:
    try:
        from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found,unused-ignore]
    except ImportError as exc:
        raise EmbedderUnavailable("a st: embedder needs the package sentence-transformers, which is not installed.") from exc
    kwargs = {"use_safetensors": True}
    try:
        return SentenceTransformer(str(path), device=device, local_files_only=True, trust_remote_code=False, model_kwargs=kwargs)
    except (OSError, ValueError, KeyError, RuntimeError) as exc:
        raise EmbedderUnavailable(f"{path} is not a model that sentence-transformers can open: {type(exc).__name__}.") from exc


def _digest(folder: Path) -> str:
    """sha256 over the names and bytes of the files that a vector depends on."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in READ and path.is_file()):
        with path.open("rb") as file:
            whole.update(path.relative_to(folder).as_posix().encode() + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
