"""What the index reads: connections of its own, whether anything was written since, and rows."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from memos_core.errors import Closed
from memos_core.index.embedded.schema import FOREVER, entries, erasures, index_state, vectors
from memos_core.model.filter import MISSING, Path, resolve
from memos_core.sql.engine import translate_errors

_p = sa.bindparam
_PATIENCE_SECONDS = 5.0
_CACHE_KB = 2048
"""What is read here is kept as columns; the file's pages stay with the operating system."""
_ARROW = (3, 38)
"""The SQLite that first knew the operator -> of JSON."""
_PLAIN = re.compile(r"[\w .:/-]*")
"""Keys that need no escape in a path of SQLite's."""
_visible = sa.and_(
    entries.c.cube == _p("cube"), entries.c.tx <= _p("t1"), sa.or_(entries.c.until.is_(None), entries.c.until > _p("t2"))
)
ROW = (
    entries.c.eid, entries.c.nr, entries.c.version, entries.c.tx, entries.c.until, entries.c.terms, entries.c.speaker, entries.c.session,
    entries.c.context, entries.c.said, entries.c.expires, entries.c.timed,
)  # fmt: skip
EID, NR, VERSION, TX, UNTIL, TERMS, SPEAKER, SESSION, CONTEXT, SAID, EXPIRES, TIMED = range(len(ROW))

STATEMENTS = {
    "rows": sa.select(*ROW).where(_visible).order_by(entries.c.tx, entries.c.eid),
    "opened": sa.select(*ROW)
    .where(entries.c.cube == _p("cube"), entries.c.tx > _p("seen"), entries.c.tx <= _p("t"))
    .order_by(entries.c.tx, entries.c.eid),
    "closed": sa.select(entries.c.eid, entries.c.nr, entries.c.until).where(
        entries.c.cube == _p("cube"), entries.c.until > _p("seen"), entries.c.until <= _p("t")
    ),
    "erased": sa.select(erasures.c.nr, erasures.c.tx).where(erasures.c.cube == _p("cube"), erasures.c.tx > _p("seen")),
    "newest": sa.select(sa.func.max(entries.c.tx)).where(entries.c.cube == _p("cube")),
    "newest_until": sa.select(sa.func.max(entries.c.until)).where(entries.c.cube == _p("cube"), entries.c.until.is_not(None)),
    "newest_erased": sa.select(sa.func.max(erasures.c.tx)).where(erasures.c.cube == _p("cube")),
    "count": sa.select(sa.func.count()).select_from(
        sa.select(sa.literal_column("1")).where(entries.c.cube == _p("cube")).limit(_p("most")).subquery()
    ),
    "fields": sa.select(entries.c.eid, entries.c.fields).where(
        entries.c.cube == _p("cube"), entries.c.tx >= _p("first"), entries.c.tx <= _p("last")
    ),
    "field": sa.select(entries.c.eid, entries.c.fields.op("->")(_p("path"))).where(
        entries.c.cube == _p("cube"), entries.c.tx >= _p("first"), entries.c.tx <= _p("last")
    ),
    "vector": sa.select(vectors.c.dim, vectors.c.emb)
    .join(entries, sa.and_(entries.c.nr == vectors.c.nr, entries.c.version == vectors.c.version))
    .where(vectors.c.nr == _p("nr"), vectors.c.model == _p("model"), _visible)
    .limit(1),
    "vectors": sa.select(vectors.c.nr, vectors.c.version, vectors.c.stamp, vectors.c.dim, vectors.c.emb)
    .where(vectors.c.cube == _p("cube"), vectors.c.model == _p("model"), vectors.c.stamp > _p("seen"))
    .order_by(vectors.c.stamp),
    "vectors_of": sa.select(vectors.c.nr, vectors.c.version, vectors.c.stamp, vectors.c.dim, vectors.c.emb).where(
        vectors.c.nr == _p("nr"), vectors.c.model == _p("model")
    ),
    "alone": sa.select(vectors.c.nr, vectors.c.version, vectors.c.emb).where(
        vectors.c.nr.in_(sa.select(sa.func.json_each(_p("nrs")).table_valued("value").c.value)), vectors.c.model == _p("model")
    ),
    "model": sa.select(vectors.c.model, vectors.c.dim).where(vectors.c.cube == _p("cube")).order_by(vectors.c.vid.desc()).limit(1),
    "state": sa.select(index_state.c.name, index_state.c.value),
    "speakers": sa.select(entries.c.speaker, sa.func.count())
    .where(_visible, sa.func.coalesce(entries.c.expires, FOREVER) > _p("now"))
    .group_by(entries.c.speaker),
}


class Reader:
    """One connection in autocommit, outside the pool, for one thread at a time."""

    def __init__(self, engine: sa.Engine) -> None:
        with translate_errors(engine.url):
            pooled = engine.raw_connection()
            raw: Any = pooled.driver_connection
            pooled.detach()
            raw.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
        self._raw = raw
        self._dialect = engine.dialect
        self._arrow = sqlite3.sqlite_version_info >= _ARROW
        self._sql: dict[str, tuple[str, list[tuple[str, Any]]]] = {}

    def run(self, name: str, **values: Any) -> Any:
        """A cursor over the rows of a named statement."""
        prepared = self._sql.get(name)
        if prepared is None:
            compiled: Any = STATEMENTS[name].compile(dialect=self._dialect)
            prepared = self._sql[name] = (str(compiled), [(key, compiled.params[key]) for key in compiled.positiontup])
        return self._raw.execute(prepared[0], [values.get(key, default) for key, default in prepared[1]])

    def visible(self, name: str, cube: int, until: int, **values: Any) -> Any:
        """A named statement about the entries of a cube that are visible at a transaction."""
        return self.run(name, cube=cube, t1=until, t2=until, **values)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several statements that see one moment. Kept short: it holds back checkpoints."""
        self._raw.execute("BEGIN")
        try:
            yield
        finally:
            self._raw.rollback()

    def values(self, path: Path, cube: int, first: int, last: int) -> Sequence[tuple[int, str | None]]:
        """(eid, the JSON at a path of the fields or None) of the entries of a range of transactions; by SQLite itself where it can."""
        if self._arrow and _PLAIN.fullmatch("".join(path)):
            steps = "$" + "".join(f'."{step}"' for step in path)
            found: Sequence[tuple[int, str | None]] = self.run("field", cube=cube, first=first, last=last, path=steps).fetchall()
            return found
        rows = self.run("fields", cube=cube, first=first, last=last)
        values = ((eid, resolve(json.loads(fields), path)) for eid, fields in rows)
        return [(eid, None if value is MISSING else json.dumps(value)) for eid, value in values]

    def data_version(self) -> int:
        """A number that changes with every commit of anybody else to this file."""
        return int(self._raw.execute("PRAGMA data_version").fetchone()[0])

    def state(self) -> dict[str, int]:
        """The index's counters."""
        return dict(self.run("state").fetchall())

    def close(self) -> None:
        self._raw.close()


class Readers:
    """The readers of one index: one watches for commits, the others are lent."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._idle: list[Reader] = []
        self._lent = 0
        self._counting = threading.Lock()
        self._watch: Reader | None = None
        self._watches = 0
        """How often watching began: each connection counts for itself."""
        self._watching = threading.Lock()
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[Reader]:
        """A reader for the time of a block; errors of the database come out as ours."""
        if self._closed:
            raise Closed
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = Reader(self._engine)
        self._count(1)
        try:
            with translate_errors(self._engine.url):
                yield reader
        finally:
            self._count(-1)
            if self._closed:
                reader.close()
            else:
                self._idle.append(reader)

    def moment(self) -> int:
        """A number that is another one after every commit, whoever made it."""
        with self._watching:
            if self._closed:
                raise Closed
            if self._watch is None:
                self._watch, self._watches = Reader(self._engine), self._watches + 1
            return self._watches << 40 | self._watch.data_version()

    def rest(self) -> None:
        """Nobody watches until `go_on`."""
        self._watching.acquire()

    def let_go(self) -> None:
        """Close all readers; those that are lent are waited for, some seconds."""
        patience = time.monotonic() + _PATIENCE_SECONDS
        while self._lent and time.monotonic() < patience:
            time.sleep(0.001)
        self._let_go()

    def go_on(self) -> None:
        """Watch again."""
        self._watching.release()

    def close(self) -> None:
        with self._watching:
            self._closed = True
            self._let_go()

    def _count(self, one: int) -> None:
        with self._counting:
            self._lent += one

    def _let_go(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        while self._idle:
            self._idle.pop().close()


def batches(cursor: Any, size: int = 4096) -> Iterator[Sequence[Any]]:
    """The rows of a cursor, some at a time."""
    while rows := cursor.fetchmany(size):
        yield rows
