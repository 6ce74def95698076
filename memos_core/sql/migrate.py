"""Bringing an old schema up to date, by Alembic, in one transaction. Imported only where a folder is old.

Revisions are numbered like schemas: `migrations/versions/0002_….py` leads from schema 1 to schema 2. They are never edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from memos_core.sql.engine import writing
from memos_core.sql.schema import meta

SCRIPTS = Path(__file__).with_name("migrations")


def upgrade(connection: sa.Connection, version: int, target: int, *, more: Sequence[Path] = ()) -> None:
    """From one schema to another; either all of the way is kept or nothing. `more` are further folders of revisions."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, (SCRIPTS / "versions", *more))))
    config.attributes["connection"] = connection
    with writing(connection):
        if not connection.in_transaction():
            connection.begin()  # so that Alembic leaves the commit to us
        command.stamp(config, f"{version:04d}")
        command.upgrade(config, f"{target:04d}")
        connection.execute(sa.update(meta).where(meta.c.key == "schema_version").values(value=str(target)))
