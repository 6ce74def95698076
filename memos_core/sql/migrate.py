"""Bringing an old schema up to date, in one transaction. A step is a function of the connection; steps are never edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from memos_core.sql.engine import writing
from memos_core.sql.schema import SCHEMA_VERSION, meta

STEPS: Mapping[int, Callable[[sa.Connection], None]] = {}
"""From which version, and how. Schema 1 is the first."""


def upgrade(connection: sa.Connection, version: int) -> None:
    """Run every step from `version` to the newest; either all of them are kept or none."""
    with writing(connection):
        for step in range(version, SCHEMA_VERSION):
            STEPS[step](connection)
        connection.execute(sa.update(meta).where(meta.c.key == "schema_version").values(value=str(SCHEMA_VERSION)))
