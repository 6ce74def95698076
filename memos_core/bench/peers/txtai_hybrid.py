"""txtai, hybrid (BM25 and vectors), with content. Its core runs without torch when the vectors come from outside.

A filter by user is applied after its top-k, which loses hits: one index per user is the setting that is kindest to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos_core.bench.peers.serving import Lookup, Peer, serve
else:
    from serving import Lookup, Peer, serve


class Txtai(Peer):
    packages = ("txtai", "faiss-cpu")
    note = "hybrid=True, content=True, one index per user; in memory until save() is called"

    def open(self, home: str, lookup: Lookup) -> None:
        self._embed = lambda texts: lookup.array(texts)  # it takes a function, and mistakes a method for something else
        self._by_user: dict[str, Any] = {}

    def add(self, user: str, ids: Sequence[str], texts: Sequence[str]) -> None:
        from txtai import Embeddings

        rows = [(key, text, None) for key, text in zip(ids, texts, strict=True)]
        if user in self._by_user:
            self._by_user[user].upsert(rows)
        else:
            self._by_user[user] = Embeddings(method="external", transform=self._embed, hybrid=True, content=True)
            self._by_user[user].index(rows)

    def search(self, user: str, query: str, k: int) -> list[tuple[str, str]]:
        return [(row["id"], row["text"]) for row in self._by_user[user].search(query, k)]

    def delete(self, user: str, ids: Sequence[str]) -> None:
        self._by_user[user].delete(list(ids))


if __name__ == "__main__":
    serve(Txtai())
