"""A BERT that is small and random, its files, and a web server on this machine that answers as it is told."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from memos_core.inference.bert import Shape
from memos_core.inference.weights import TOKENIZER, WEIGHTS, Pinned, canonical_tokenizer, weights_digest

WORDS = "[PAD] [UNK] [CLS] [SEP] a cat sat on the mat dog runs in rain or sun query : text".split()


@dataclass(frozen=True)
class Tiny:
    tensors: dict[str, NDArray[np.float32]]
    rules: dict[str, Any]
    model: Pinned

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.tensors | {"embeddings.position_ids": np.arange(64)}, folder / WEIGHTS)
        (folder / TOKENIZER).write_text(json.dumps(self.rules | {"padding": None}))
        return folder


def word_rules() -> dict[str, Any]:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    rules: dict[str, Any] = json.loads(tokenizer.to_str())
    return rules


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    shape = Shape(layers=2, heads=4, hidden=32, inner=64)
    draw = np.random.default_rng(7)
    lengths = {"embeddings.word_embeddings.weight": len(WORDS), "embeddings.position_embeddings.weight": 64}
    tensors = {}
    for name, size in shape.expected().items():
        dims = [lengths.get(name, 2) if length is None else length for length in size]
        tensors[name] = (draw.normal(0, 0.3, dims) + name.endswith("LayerNorm.weight")).astype("float32")
    rules = word_rules()
    pinned = Pinned(
        name="tiny",
        shape=shape,
        weights=weights_digest(tensors),
        tokenizer=hashlib.sha256(canonical_tokenizer(rules).encode()).hexdigest(),
        max_tokens=32,
        languages=("en",),
    )
    return Tiny(tensors, rules, pinned)


@dataclass
class Web:
    """Answers each request with what `reply(path, body)` gives: status, headers, content; a list is sent piece by piece, slowly."""

    address: str
    reply: Callable[[str, bytes], tuple[int, dict[str, str], bytes | list[bytes]]]
    asked: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def web() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            here.asked.append((self.path, body, dict(self.headers)))
            status, headers, content = here.reply(self.path, body)
            try:
                self.send_response(status)
                pieces = content if isinstance(content, list) else [content]
                for name, value in ({"Content-Length": str(sum(map(len, pieces)))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                for at, piece in enumerate(pieces):
                    time.sleep(0.02 if at else 0)
                    self.wfile.write(piece)
            except OSError:
                return

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    here = Web(f"http://127.0.0.1:{server.server_address[1]}", lambda path, body: (404, {}, b""))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield here
    server.shutdown()
    server.server_close()
