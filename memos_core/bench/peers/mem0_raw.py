"""mem0 without inference: `infer=False`, its default local store (Qdrant in the process), telemetry and network off."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos_core.bench.peers.serving import Lookup, Peer, serve
else:
    from serving import Lookup, Peer, serve


class _Injected:
    """What mem0 calls an embedding model."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        return self._lookup.lists([text])[0]

    def embed_batch(self, texts: list[str], memory_action: str | None = None) -> list[list[float]]:
        return self._lookup.lists(texts)


class Mem0(Peer):
    packages = ("mem0ai", "qdrant-client")
    durable = True
    note = "infer=False, Qdrant local on disk, threshold=0; a list is stored one message at a time (as it does itself)"

    def open(self, home: str, lookup: Lookup) -> None:
        os.environ.update(MEM0_TELEMETRY="False", MEM0_DIR=f"{home}/mem0", OPENAI_API_KEY="none", HF_HUB_OFFLINE="1")
        from mem0 import Memory

        store = {"path": f"{home}/qdrant", "on_disk": True, "embedding_model_dims": lookup.dim, "collection_name": "bench"}
        self._memory: Any = Memory.from_config(
            {"vector_store": {"provider": "qdrant", "config": store}, "history_db_path": f"{home}/history.db"}
        )
        self._memory.embedding_model = _Injected(lookup)
        self._ids: dict[str, str] = {}

    def add(self, user: str, ids: Sequence[str], texts: Sequence[str]) -> None:
        for key, text in zip(ids, texts, strict=True):
            done = self._memory.add([{"role": "user", "content": text}], user_id=user, metadata={"key": key}, infer=False)
            self._ids[key] = done["results"][0]["id"]

    def search(self, user: str, query: str, k: int) -> list[tuple[str, str]]:
        found = self._memory.search(query, filters={"user_id": user}, top_k=k, threshold=0.0)["results"]
        return [(hit["metadata"]["key"], hit["memory"]) for hit in found]

    def delete(self, user: str, ids: Sequence[str]) -> None:
        for key in ids:
            self._memory.delete(self._ids[key])


if __name__ == "__main__":
    serve(Mem0())
