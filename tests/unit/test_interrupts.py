"""Ctrl-C in the middle of a statement comes out as itself, not as an error of the database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa

from memos_core.sql.engine import open_sqlite, reading, translate_errors, writing


@pytest.mark.parametrize("transaction", [reading, writing])
def test_an_interrupt_is_not_turned_into_a_storage_error(
    tmp_path: Path, transaction: Callable[[sa.Connection], AbstractContextManager[None]]
) -> None:
    engine = open_sqlite(tmp_path / "memory.db")
    with pytest.raises(KeyboardInterrupt), translate_errors(), engine.connect() as connection, transaction(connection):
        connection.invalidate(KeyboardInterrupt())  # as SQLAlchemy does when one interrupts a statement
        raise KeyboardInterrupt
    with engine.connect() as connection, writing(connection):
        connection.exec_driver_sql("CREATE TABLE afterwards (x)")
    engine.dispose()
