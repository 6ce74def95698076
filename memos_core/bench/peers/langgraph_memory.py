"""LangGraph's InMemoryStore with an index, as its documentation sets it up.

It refuses a batch in which two values have the same text ("number of embeddings does not match"): those go one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos_core.bench.peers.serving import Lookup, Peer, serve
else:
    from serving import Lookup, Peer, serve


class LangGraphMemory(Peer):
    packages = ("langgraph-checkpoint",)
    note = "one namespace per user; vectors only (it has no word search)"

    def open(self, home: str, lookup: Lookup) -> None:
        from langgraph.store.memory import InMemoryStore

        self._store = InMemoryStore(index={"dims": lookup.dim, "embed": lookup.lists, "fields": ["text"]})

    def add(self, user: str, ids: Sequence[str], texts: Sequence[str]) -> None:
        from langgraph.store.base import PutOp

        first = dict(zip(reversed(texts), reversed(ids), strict=True))
        self._store.batch([PutOp((user,), key, {"text": text}) for text, key in first.items()])
        for key, text in zip(ids, texts, strict=True):
            if first[text] != key:
                self._store.put((user,), key, {"text": text})

    def search(self, user: str, query: str, k: int) -> list[tuple[str, str]]:
        return [(item.key, item.value["text"]) for item in self._store.search((user,), query=query, limit=k)]

    def delete(self, user: str, ids: Sequence[str]) -> None:
        for key in ids:
            self._store.delete((user,), key)


if __name__ == "__main__":
    serve(LangGraphMemory())
