"""The metadata that all SQL rooms declare their tables on, and statements compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()
SCHEMA_VERSION = 1

meta = sa.Table("meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))




class Prepared:
    """A Core statement compiled once per dialect, run with positional values: a quarter of the price of `execute`.

    For an insert the values are in the order of the table's columns, otherwise in the order of the bind parameters.
    """

    __slots__ = ("_sql", "statement")

    def __init__(self, statement: sa.sql.ClauseElement) -> None:
        self.statement = statement
        self._sql: dict[str, str] = {}

    def sql(self, dialect: sa.Dialect) -> str:
        """The text for a dialect, in its own parameter style."""
        text = self._sql.get(dialect.name)
        if text is None:
            text = self._sql[dialect.name] = str(self.statement.compile(dialect=dialect))
        return text

    def one(self, connection: sa.Connection, values: tuple[Any, ...] = ()) -> Any:
        """The first row, or None."""
        return connection.exec_driver_sql(self.sql(connection.dialect), values).fetchone()

    def all(self, connection: sa.Connection, values: tuple[Any, ...] = ()) -> Sequence[Any]:
        """All rows."""
        return connection.exec_driver_sql(self.sql(connection.dialect), values).fetchall()

    def run(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Once for each row of values; the number of rows touched where the driver knows."""
        if not rows:
            return 0
        sql = self.sql(connection.dialect)
        result = connection.exec_driver_sql(sql, rows[0]) if len(rows) == 1 else connection.exec_driver_sql(sql, list(rows))
        return result.rowcount


def insert(table: sa.Table) -> Prepared:
    """Insert a row of all columns, in their order."""
    return Prepared(sa.insert(table))
