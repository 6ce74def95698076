"""The metadata that all SQL rooms declare their tables on, and statements compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

metadata = sa.MetaData()
SCHEMA_VERSION = 1
T = TypeVar("T")
_PART = 500

meta = sa.Table("meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))


class Prepared:
    """A Core statement compiled once per dialect, run with positional values on the driver itself: a tenth of the price of `execute`.

    For an insert the values are in the order of the table's columns, otherwise in the order of the bind parameters
    in the text; constants of the statement fill themselves in.
    """

    __slots__ = ("_ready", "statement")

    def __init__(self, statement: sa.sql.ClauseElement) -> None:
        self.statement = statement
        self._ready: dict[str, tuple[str, tuple[Any, ...] | None]] = {}

    def _compiled(self, dialect: sa.Dialect) -> tuple[str, tuple[Any, ...] | None]:
        ready = self._ready.get(dialect.name)
        if ready is None:
            compiled: Any = self.statement.compile(dialect=dialect)
            holes = tuple(_HOLE if compiled.binds[name].required else compiled.binds[name].value for name in compiled.positiontup)
            constant = any(value is not _HOLE for value in holes) and not isinstance(self.statement, sa.Insert)
            ready = self._ready[dialect.name] = (str(compiled), holes if constant else None)
        return ready

    def _run(self, connection: sa.Connection, values: tuple[Any, ...]) -> Any:
        sql, holes = self._compiled(connection.dialect)
        if holes is not None:
            given = iter(values)
            values = tuple(next(given) if value is _HOLE else value for value in holes)
        return _driver(connection).execute(sql, values)

    def one(self, connection: sa.Connection, values: tuple[Any, ...] = ()) -> Any:
        """The first row, or None."""
        return self._run(connection, values).fetchone()

    def all(self, connection: sa.Connection, values: tuple[Any, ...] = ()) -> Sequence[Any]:
        """All rows."""
        rows: Sequence[Any] = self._run(connection, values).fetchall()
        return rows

    def run(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Once for each row of values; the number of rows touched where the driver knows."""
        if not rows:
            return 0
        if len(rows) == 1 or self._compiled(connection.dialect)[1] is not None:
            return sum(self._run(connection, row).rowcount for row in rows)
        return int(_driver(connection).executemany(self._compiled(connection.dialect)[0], rows).rowcount)


def _driver(connection: sa.Connection) -> Any:
    """The driver's own connection: Core has done its work once the text is compiled."""
    return connection.connection.driver_connection


_HOLE = object()


def insert(table: sa.Table) -> Prepared:
    """Insert a row of all columns, in their order."""
    return Prepared(sa.insert(table))


def chunks(values: Sequence[T]) -> list[Sequence[T]]:
    """Many values, as many at a time as one statement is asked with."""
    return [values[start : start + _PART] for start in range(0, len(values), _PART)]
