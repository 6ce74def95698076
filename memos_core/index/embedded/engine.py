"""The embedded index as the desk sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import sqlalchemy as sa

from memos_core.index.base import Health, Index, Vectors, View
from memos_core.index.embedded import writing
from memos_core.index.embedded.cache import INLINE, Segments
from memos_core.index.embedded.reading import Readers
from memos_core.index.embedded.schema import FOREVER, TABLES, entries, vectors
from memos_core.index.embedded.view import EmbeddedView, Share
from memos_core.model.change import Applied
from memos_core.model.scope import Scope
from memos_core.sql.engine import translate_errors
from memos_core.sql.engine import writing as transaction
from memos_core.sql.schema import metadata

Work = Callable[[sa.Connection], object]
_STEP = 16
"""So many vectors are written in one transaction: an add that comes meanwhile waits a fraction of a millisecond."""


class EmbeddedIndex(Index):
    """Exact search by words and by meaning in the ledger's own SQLite file.

    `memory_bytes` is what its segments may take; `inline` up to how many entries a segment is built while the caller waits
    (a larger one is built in a thread, and meanwhile the answer is read from the file, the same but slower). `moment` gives a
    number that is another one after every commit, where somebody watches for commits already.
    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        memory_bytes: int = 2 << 30,
        inline: int = INLINE,
        write: Callable[[Work], object] | None = None,
        moment: Callable[[], int] | None = None,
    ) -> None:
        self._engine = engine
        self._write = write or self._alone
        with translate_errors(engine.url), engine.connect() as connection:
            if not sa.inspect(connection).has_table(entries.name):
                metadata.create_all(connection, tables=list(TABLES))
        self._readers = Readers(engine)
        self._moment = moment or self._readers.moment
        self._segments = Segments(self._readers, memory_bytes, inline, self._moment)

    def ride(self, connection: sa.Connection, applied: Sequence[Applied]) -> None:
        writing.ride(connection, applied)

    def put_vectors(self, model: str, vectors: Sequence[Vectors]) -> None:
        for start in range(0, len(vectors), _STEP):
            self._write(partial(writing.write_vectors, model=model, given=vectors[start : start + _STEP]))

    def _alone(self, work: Work) -> None:
        """A write transaction of its own, where nobody else orders them."""
        with translate_errors(self._engine.url), self._engine.connect() as connection, transaction(connection):
            work(connection)

    def write_vectors(self, connection: sa.Connection, model: str, vectors: Sequence[Vectors]) -> int:
        """`put_vectors` inside a write transaction of the caller's; how many were kept."""
        return writing.write_vectors(connection, model, vectors)

    def view(self, scope: Scope, *, now: int, moment: int | None = None) -> View:
        if moment is None:
            moment = self._moment()
        until = FOREVER if scope.until is None else scope.until
        return EmbeddedView([self._share(cube, until, moment) for cube in dict.fromkeys(scope.cubes)], now)

    def _share(self, cube: int, until: int, moment: int) -> Share:
        ready = self._segments.state(cube, until, moment)
        if ready is not None:
            return Share(self._readers, cube, until, *ready)
        if until == FOREVER:
            with self._readers.lend() as reader:
                newest = [reader.run(name, cube=cube).fetchone()[0] or 0 for name in ("newest", "newest_until")]
            until = max(newest)
        return Share(self._readers, cube, until, None, None)

    def residue(self, nrs: Sequence[int]) -> int:
        self._segments.refresh_all(self._moment())
        wanted = sorted(set(nrs))
        found = self._segments.each(lambda segment: segment.holds(wanted))
        with translate_errors(self._engine.url), self._engine.connect() as connection:
            for start in range(0, len(wanted), 500):
                some = wanted[start : start + 500]
                for table in (entries, vectors):
                    found += int(connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.nr.in_(some))) or 0)
        return found

    def clear(self, connection: sa.Connection) -> None:
        """Empty the index inside a write transaction, to ride everything again."""
        writing.clear(connection)

    def unembedded(self, model: str, limit: int) -> list[tuple[int, int]]:
        held = sa.exists().where(vectors.c.nr == entries.c.nr, vectors.c.version == entries.c.version, vectors.c.model == model)
        query = sa.select(entries.c.nr, entries.c.version).where(entries.c.until.is_(None), ~held).limit(limit)
        with translate_errors(self._engine.url), self._engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

    def settle(self) -> None:
        """Wait until what is being built in the background is there."""
        self._segments.settle()

    def health(self) -> Health:
        """How many rows there are, and what is held in memory."""
        with translate_errors(self._engine.url), self._engine.connect() as connection:
            rows = {
                table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in (entries, vectors)
            }
            current = connection.scalar(sa.select(sa.func.count()).select_from(entries).where(entries.c.until.is_(None))) or 0
        return Health("embedded", {**rows, "current": current, **self._segments.facts()})

    def rest(self) -> None:
        self._readers.rest()

    def let_go(self) -> None:
        self._readers.let_go()

    def go_on(self) -> None:
        self._readers.go_on()

    def close(self) -> None:
        self._segments.close()
        self._readers.close()
