"""The worker's handler for the raw lane: records in, vectors of their texts out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from memos_core.inference.base import sound_vectors
from memos_core.ledger import records
from memos_core.model.change import Work
from memos_core.recall.record_texts import texts

if TYPE_CHECKING:
    import sqlalchemy as sa

    from memos_core.inference.base import Embedder
    from memos_core.ledger.base import Ledger


class RecordEmbedding:
    """Embeds what each record's index names. A record that was written again, or is gone, needs none."""

    def __init__(self, ledger: Ledger, embedder: Callable[[], Embedder | None]) -> None:
        self._ledger, self._embedder = ledger, embedder

    def do(self, work: Sequence[Work]) -> None:
        """Vectors for these, by one call of the model."""
        import json

        embedder = self._embedder()
        if embedder is None:
            return
        wanted = {(one.item, one.version) for one in work}
        with self._ledger.book() as book:
            rows = [row for row in records.numbered(book.connection, sorted({one.item for one in work})) if (row.nr, row.version) in wanted]
        told = [(row, name, text) for row in rows if row.paths for name, text in texts(json.loads(row.value), json.loads(row.paths))]
        if not told:
            return
        made = sound_vectors(embedder, [text for _, _, text in told]).astype("<f4")
        by_record: dict[int, list[tuple[str, bytes]]] = {}
        for nr, (row, name, _) in enumerate(told):
            by_record.setdefault(row.nr, []).append((name, made[nr].tobytes()))

        def keep(connection: sa.Connection) -> None:
            for row in records.numbered(connection, sorted(by_record)):
                if (row.nr, row.version) in wanted:
                    records.keep_vectors(connection, row.nr, embedder.digest, by_record[row.nr])

        self._ledger.write(keep)
