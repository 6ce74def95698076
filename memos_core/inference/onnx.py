"""An embedder from a folder with an ONNX graph and a tokenizer: the default, in this process, on one thread.

Texts are embedded one by one, so that a vector depends on nothing but its text: int8 graphs scale their activations over the whole
batch, and neighbours turn a vector by up to cos .96. Batches of similar length would save about a fifth of the time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from memos_core.errors import EmbedderUnavailable
from memos_core.inference.base import Embedder
from memos_core.inference.folder import ModelFolder, open_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUERIES = 1024
ORT_ERRORS = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented", "RuntimeException", "EPFail")
CHARACTERS_PER_TOKEN = 64
"""What is cut before tokenizing a long text: 64 characters for each token that is read."""


class OnnxEmbedder(Embedder):
    """A sentence-transformers model as ONNX. Safe to use from several threads.

    The folder holds `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json`. The graph takes input_ids, attention_mask and maybe
    token_type_ids, and gives either a vector for the text or one for each token. EmbedderUnavailable says what is wrong with a folder.
    """

    def __init__(self, folder: Path | str, *, threads: int = 1) -> None:
        found = open_folder(Path(folder))
        self.name, self.digest, self.max_tokens = found.card.name, found.digest, found.card.max_tokens
        self.languages = frozenset(found.card.languages)
        self._card = found.card
        self._tokenizer = _tokenizer(found)
        self._session, self._errors = _session(found, threads)
        self._inputs = {put.name: put.type for put in self._session.get_inputs()}
        self._output, self._per_token = _output(self._session, found)
        self._queries: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()
        self.dim = int(self._vector("dimension").shape[0])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        vectors = np.empty((len(texts), self.dim), dtype="float32")
        for row, text in enumerate(texts):
            vectors[row] = self._vector(self._card.text_prefix + text)
        return vectors

    def query(self, text: str) -> NDArray[np.float32]:
        """As `embed`, with the model's prefix for questions; the last 1,024 are kept."""
        with self._lock:
            known = self._queries.get(text)
            if known is not None:
                self._queries.move_to_end(text)
                return known
        vector = self._vector(self._card.query_prefix + text)
        vector.setflags(write=False)
        with self._lock:
            self._queries[text] = vector
            while len(self._queries) > QUERIES:
                self._queries.popitem(last=False)
        return vector

    def _vector(self, text: str) -> NDArray[np.float32]:
        import numpy as np

        encoded = self._tokenizer.encode(_readable(text[: self.max_tokens * CHARACTERS_PER_TOKEN]))
        columns = {"input_ids": encoded.ids, "attention_mask": encoded.attention_mask, "token_type_ids": encoded.type_ids}
        feed = {name: np.array([columns[name]], dtype=_dtype(kind)) for name, kind in self._inputs.items()}
        try:
            raw = self._session.run([self._output], feed)[0][0]
        except self._errors as exc:
            raise EmbedderUnavailable(f"the model {self.name} failed: {type(exc).__name__}.") from exc
        vector = np.asarray(raw, dtype="float32")
        if self._per_token:
            vector = vector[0] if self._card.pooling == "cls" else vector.mean(axis=0)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0.0:
            raise EmbedderUnavailable(f"the model {self.name} gave a vector without direction.")
        unit: NDArray[np.float32] = (vector / length).astype("float32", copy=False)
        return unit


def _readable(text: str) -> str:
    """Half a surrogate pair has no UTF-8; it is read as a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _dtype(kind: str) -> str:
    return "int32" if "int32" in kind else "int64"


def _tokenizer(found: ModelFolder) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(found.tokenizer))
    except Exception as exc:  # the library has no narrower one
        raise EmbedderUnavailable(f"{found.tokenizer} does not hold a tokenizer: {exc}.") from exc
    tokenizer.no_padding()
    tokenizer.enable_truncation(found.card.max_tokens)
    return tokenizer


def _session(found: ModelFolder, threads: int) -> tuple[Any, tuple[type[Exception], ...]]:
    """The session, and what it may raise. Memory patterns are off: one would be kept for each length of text."""
    import onnxruntime as ort
    from onnxruntime.capi import onnxruntime_pybind11_state as raised

    errors = tuple(getattr(raised, name) for name in ORT_ERRORS)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(str(found.graph), options, providers=["CPUExecutionProvider"]), errors
    except errors as exc:
        raise EmbedderUnavailable(f"{found.graph} is not a graph that onnxruntime can run: {type(exc).__name__}.") from exc


def _output(session: Any, found: ModelFolder) -> tuple[str, bool]:
    """Which output to read, and whether it has a vector for each token."""
    unknown = {put.name for put in session.get_inputs()} - {"input_ids", "attention_mask", "token_type_ids"}
    if unknown:
        raise EmbedderUnavailable(f"{found.graph} wants inputs that a text does not have: {', '.join(sorted(unknown))}.")
    outputs = {put.name: len(put.shape) for put in session.get_outputs()}
    for name in ("sentence_embedding", "last_hidden_state", "token_embeddings", *outputs):
        if outputs.get(name) in (2, 3):
            return name, outputs[name] == 3
    raise EmbedderUnavailable(f"{found.graph} gives no vectors: its outputs are {', '.join(outputs)}.")
