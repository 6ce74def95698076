"""LlamaIndex's VectorStoreIndex over its default SimpleVectorStore, one node per text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos_core.bench.peers.serving import Lookup, Peer, serve
else:
    from serving import Lookup, Peer, serve


def _embedding(lookup: Lookup) -> Any:
    from llama_index.core.embeddings import BaseEmbedding

    class Injected(BaseEmbedding):  # type: ignore[misc,unused-ignore]
        def _get_text_embedding(self, text: str) -> list[float]:
            return lookup.lists([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return lookup.lists(texts)

        def _get_query_embedding(self, query: str) -> list[float]:
            return lookup.lists([query])[0]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return lookup.lists([query])[0]

    return Injected(embed_batch_size=1000)


class LlamaIndex(Peer):
    packages = ("llama-index-core",)
    note = "VectorStoreIndex over SimpleVectorStore, one index per user; in memory until persist() is called"

    def open(self, home: str, lookup: Lookup) -> None:
        self._model = _embedding(lookup)
        self._by_user: dict[str, Any] = {}

    def add(self, user: str, ids: Sequence[str], texts: Sequence[str]) -> None:
        from llama_index.core import VectorStoreIndex
        from llama_index.core.schema import TextNode

        if user not in self._by_user:
            self._by_user[user] = VectorStoreIndex([], embed_model=self._model)
        self._by_user[user].insert_nodes([TextNode(id_=key, text=text) for key, text in zip(ids, texts, strict=True)])

    def search(self, user: str, query: str, k: int) -> list[tuple[str, str]]:
        found = self._by_user[user].as_retriever(similarity_top_k=k).retrieve(query)
        return [(hit.node.node_id, hit.node.get_content()) for hit in found]

    def delete(self, user: str, ids: Sequence[str]) -> None:
        self._by_user[user].delete_nodes(list(ids), delete_from_docstore=True)


if __name__ == "__main__":
    serve(LlamaIndex())
