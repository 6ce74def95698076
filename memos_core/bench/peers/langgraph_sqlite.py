"""LangGraph's SqliteStore, as its documentation sets it up, but through pysqlite3.

The standard library's sqlite3 is often built without extension loading, which the store needs for sqlite-vec. Its
documentation says `fields`, its code reads `text_fields` and otherwise embeds the whole JSON: both are given.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos_core.bench.peers.serving import Lookup, Peer, serve
else:
    from serving import Lookup, Peer, serve


class LangGraphSqlite(Peer):
    packages = ("langgraph-checkpoint-sqlite", "langgraph-checkpoint", "sqlite-vec", "pysqlite3")
    durable = True
    note = "one namespace per user; vectors only (it has no word search); journal and synchronous as the store leaves them"

    def open(self, home: str, lookup: Lookup) -> None:
        import pysqlite3

        sys.modules["sqlite3"] = pysqlite3
        from langgraph.store.sqlite import SqliteStore

        connection = pysqlite3.connect(f"{home}/store.db", check_same_thread=False, isolation_level=None)
        index: dict[str, Any] = {"dims": lookup.dim, "embed": lookup.lists, "fields": ["text"], "text_fields": ["text"]}
        self._store = SqliteStore(connection, index=index)
        self._store.setup()

    def add(self, user: str, ids: Sequence[str], texts: Sequence[str]) -> None:
        from langgraph.store.base import PutOp

        if len(ids) == 1:
            self._store.put((user,), ids[0], {"text": texts[0]})
        else:
            self._store.batch([PutOp((user,), key, {"text": text}) for key, text in zip(ids, texts, strict=True)])

    def search(self, user: str, query: str, k: int) -> list[tuple[str, str]]:
        return [(item.key, item.value["text"]) for item in self._store.search((user,), query=query, limit=k)]

    def delete(self, user: str, ids: Sequence[str]) -> None:
        for key in ids:
            self._store.delete((user,), key)


if __name__ == "__main__":
    serve(LangGraphSqlite())
