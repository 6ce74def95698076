"""Alembic's environment: the connection is handed in by `memos_core.sql.migrate`, inside a transaction of ours."""

from __future__ import annotations

from alembic import context

from memos_core.sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
