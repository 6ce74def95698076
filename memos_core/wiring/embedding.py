"""The worker's handler for vectors, and the search for what has none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from memos_core.index.base import Vectors
from memos_core.inference.base import sound_vectors
from memos_core.ledger.read import LIVE
from memos_core.ledger.rows import VersionRow
from memos_core.ledger.tasks import awaited
from memos_core.model.change import Work
from memos_core.model.headings import headings
from memos_core.model.ids import new_id
from memos_core.model.scope import Asker
from memos_core.recall.embedded_text import alone, with_context

if TYPE_CHECKING:
    from memos_core.index.base import Index
    from memos_core.inference.base import Embedder
    from memos_core.ledger.base import Ledger
    from memos_core.ledger.pen import Pen
    from memos_core.ledger.read import Book

_SWEPT = 5000
_NOBODY = Asker("memos", None, None)
"""Who the audit names for upkeep: a tenant of its own, without user or agent."""


def _told(row: VersionRow) -> str:
    """A version's text, after the headings that it stands under."""
    above = headings(row.trust, json.loads(row.info)) if '"headings"' in row.info else ""
    return f"{above}: {row.text}" if above else row.text


class Embedding:
    """The worker's handler: versions in, vectors out. A version that is not current any more needs none."""

    def __init__(self, ledger: Ledger, index: Index, embedder: Callable[[], Embedder | None]) -> None:
        self._ledger, self._index, self._embedder = ledger, index, embedder
        self._swept: list[tuple[int, int]] = []

    def do(self, work: Sequence[Work]) -> None:
        """Embed these versions, alone and with the turn before them."""
        embedder = self._embedder()
        if embedder is None:
            return
        rows, before = self._rows(work)
        texts = [alone(row.speaker, _told(row)) for row in rows]
        pairs: dict[int, str] = {}
        for place, row in enumerate(rows):
            previous = before.get(row.context) if row.context is not None else None
            both = with_context(previous.speaker, previous.text, row.speaker, row.text) if previous is not None else None
            if both is not None:
                pairs[place] = both
        if not texts:
            return
        found = sound_vectors(embedder, [*texts, *pairs.values()])
        context = {place: found[len(texts) + nr] for nr, place in enumerate(pairs)}
        made = [Vectors(row.item, row.version, row.cube, found[nr], context.get(nr)) for nr, row in enumerate(rows)]
        self._index.put_vectors(embedder.digest, made)

    def _rows(self, work: Sequence[Work]) -> tuple[list[VersionRow], dict[int, VersionRow]]:
        width = len(VersionRow._fields)
        with self._ledger.book() as book:
            current = {row[0]: VersionRow._make(row[:width]) for row in book.rows(sorted({w.item for w in work}))}
            wanted = dict.fromkeys((w.item, w.version) for w in work)
            rows = [row for item, version in wanted if (row := current.get(item)) and row.version == version and row.state in LIVE]
            others = sorted({row.context for row in rows if row.context is not None})
            before = {row[0]: VersionRow._make(row[:width]) for row in book.rows(others) if row[11] in LIVE}
        return rows, before

    def sweep(self) -> int:
        """Put into the outbox what has no vector of this model and does not wait for one: after another embedder, or a rebuild."""
        embedder = self._embedder()
        missing = [] if embedder is None else self._index.unembedded(embedder.digest, _SWEPT)
        if not missing or missing == self._swept:  # what was embedded and has no vector still would be looked for without end
            return 0
        self._swept = missing

        def plan(pen: Pen, book: Book) -> int:
            waiting = awaited(book.connection)
            left = [unit for unit in missing if unit[0] not in waiting]
            if left:
                pen.enqueue(new_id(), "embed", left, due=pen.now)
            return len(left)

        return self._ledger.append(_NOBODY, "embed", plan).value
