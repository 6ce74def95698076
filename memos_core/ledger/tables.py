"""The ledger's tables. Times are microseconds since the epoch (UTC); `tx` is the transaction, the order of everything.

Versions and messages are rows that are never updated; `items` is only the pointer to the newest version. The one
exception is erasure, which blanks what identifies and keeps the row as a tombstone. There are few indexes: every one of
them is a page more in every commit, and rows written together stand together by their numbers anyway.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from memos_core.sql.schema import metadata

I, T, B = sa.Integer, sa.Text, sa.LargeBinary  # noqa: E741


def _table(name: str, *columns: sa.schema.SchemaItem, **options: Any) -> sa.Table:
    return sa.Table(name, metadata, *columns, **options)


def _c(name: str, kind: type[sa.types.TypeEngine[Any]], *, null: bool = False, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, primary_key=key, autoincrement=False)


principals = _table(
    "principals",
    _c("nr", I, key=True), _c("tenant", T), _c("kind", T), _c("id", T), _c("tx", I), _c("salt", B, null=True), _c("mac", B),
    sa.UniqueConstraint("tenant", "kind", "id"),
)  # fmt: skip
cubes = _table(
    "cubes",
    _c("nr", I, key=True), _c("id", T), _c("tenant", T), _c("name", T), _c("owner", I), _c("own", I), _c("at", I), _c("tx", I),
    sa.UniqueConstraint("tenant", "id"),
    sa.Index("cubes_owner", "owner"),
)  # fmt: skip
grants = _table(
    "grants",
    _c("nr", I, key=True), _c("cube", I), _c("principal", I), _c("role", T), _c("tx", I), _c("until", I, null=True),
    sa.Index("grants_principal", "principal"), sa.Index("grants_cube", "cube"),
)  # fmt: skip
sessions = _table(
    "sessions",
    _c("nr", I, key=True), _c("cube", I), _c("id", T), _c("implicit", I), _c("last_item", I, null=True), _c("last_said", I), _c("tx", I),
    sa.UniqueConstraint("cube", "id"),
)  # fmt: skip
messages = _table(
    "messages",
    _c("nr", I, key=True), _c("id", T), _c("cube", I), _c("session", I), _c("version", I), _c("tx", I), _c("until", I, null=True),
    _c("role", T), _c("name", T, null=True), _c("content", T), _c("extra", T, null=True), _c("raw", T, null=True), _c("said", I),
    _c("user_id", T, null=True), _c("agent_id", T, null=True), _c("salt", B, null=True), _c("mac", B),
    sa.UniqueConstraint("cube", "session", "id", "version"),
    sa.Index("messages_id", "cube", "id"),
)  # fmt: skip
items = _table(
    "items",
    _c("nr", I, key=True), _c("id", T), _c("cube", I), _c("version", I), _c("state", T), _c("digest", I, null=True), _c("tx", I),
    sa.UniqueConstraint("id"),
    sa.Index("items_digest", "cube", "digest"),
)  # fmt: skip
versions = _table(
    "versions",
    _c("item", I, key=True), _c("version", I, key=True), _c("cube", I), _c("tx", I), _c("at", I), _c("verb", T), _c("by", T), _c("why", T),
    _c("text", T), _c("speaker", T), _c("memory_type", T), _c("state", T), _c("user_id", T, null=True), _c("agent_id", T, null=True),
    _c("session", I), _c("context", I, null=True), _c("tags", T), _c("info", T), _c("trust", T), _c("said", I),
    _c("valid_from", I, null=True), _c("valid_to", I, null=True), _c("expires", I, null=True), _c("merged_to", T, null=True),
    _c("salt", B, null=True), _c("mac", B),
    sa.Index("versions_cube", "cube", "said"),
    sqlite_with_rowid=False,
)  # fmt: skip
sources = _table(
    "sources",
    _c("item", I, key=True), _c("ref", I, key=True), _c("start", I, null=True), _c("end", I, null=True), _c("said", I), _c("tx", I),
    _c("kind", T), _c("label", T, null=True),
    sa.Index("sources_ref", "ref"),
    sqlite_with_rowid=False,
)  # fmt: skip
audit = _table(
    "audit",
    _c("tx", I, key=True), _c("tenant", T), _c("seq", I), _c("at", I), _c("user", I), _c("agent", I), _c("verb", T), _c("detail", T),
    _c("key", T), _c("digest", B), _c("mac", B),
    sa.UniqueConstraint("tenant", "seq"),
)  # fmt: skip
requests = _table(
    "requests",
    _c("tenant", T, key=True), _c("asker", T, key=True), _c("id", T, key=True), _c("verb", T), _c("digest", B),
    _c("answer", T), _c("tx", I),
)  # fmt: skip
tasks = _table(
    "tasks",
    _c("nr", I, key=True), _c("id", T), _c("tenant", T), _c("asker", T), _c("kind", T), _c("total", I), _c("failed", I),
    _c("error", T, null=True), _c("at", I), _c("done", I, null=True),
    sa.UniqueConstraint("id"),
)  # fmt: skip
outbox = _table(
    "outbox",
    _c("nr", I, key=True), _c("task", I), _c("kind", T), _c("item", I), _c("version", I), _c("due", I), _c("tries", I), _c("dead", I),
    sa.Index("outbox_task", "task"),
)  # fmt: skip
records = _table(
    "records",
    _c("nr", I, key=True), _c("tenant", T), _c("owner", T), _c("space", T), _c("key", T), _c("value", T),
    _c("version", I), _c("created", I), _c("updated", I),
    _c("expires", I, null=True), _c("ttl", I, null=True), _c("terms", B, null=True), _c("paths", T, null=True),
    sa.UniqueConstraint("tenant", "owner", "space", "key"),
)  # fmt: skip
record_vectors = _table(
    "record_vectors",
    _c("record", I, key=True), _c("field", T, key=True), _c("model", T), _c("emb", B),
)  # fmt: skip
