"""SQLite's FTS5 with its Porter stemmer: what one writes by hand in an afternoon, from the standard library alone."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos_core.bench.peers.serving import Lookup, Peer, serve
else:
    from serving import Lookup, Peer, serve


class Fts5(Peer):
    durable = True
    note = "words only, bm25() as it comes, WAL, synchronous=FULL"

    def open(self, home: str, lookup: Lookup) -> None:
        self._db = sqlite3.connect(f"{home}/fts.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE VIRTUAL TABLE said USING fts5(user UNINDEXED, key UNINDEXED, text, tokenize='porter unicode61')")

    def add(self, user: str, ids: Sequence[str], texts: Sequence[str]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO said VALUES (?,?,?)", [(user, key, text) for key, text in zip(ids, texts, strict=True)])
        self._db.execute("COMMIT")

    def search(self, user: str, query: str, k: int) -> list[tuple[str, str]]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        rows = self._db.execute(
            "SELECT key, text FROM said WHERE said MATCH ? AND user = ? ORDER BY bm25(said) LIMIT ?", (f"text: ({words})", user, k)
        )
        return [(str(key), str(text)) for key, text in rows]

    def delete(self, user: str, ids: Sequence[str]) -> None:
        self._db.executemany("DELETE FROM said WHERE user = ? AND key = ?", [(user, key) for key in ids])

    def close(self) -> None:
        self._db.close()


if __name__ == "__main__":
    serve(Fts5())
