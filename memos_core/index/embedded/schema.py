"""The index's tables in the ledger's file. Rows are never changed but for `until`, so the index has its own time machine.

An entry is visible at transaction T where `tx <= T and (until is null or until > T)`; "now" is the same question with
the largest T. `terms` are the codes of a text's terms (little-endian uint32), sorted within each passage, a 0 between passages.
"""

from __future__ import annotations

import sqlalchemy as sa

from memos_core.sql.schema import metadata

FOREVER = (1 << 62) - 1
"""Later than every transaction and every time."""

TIMED, ASKS = 1, 2
"""What an entry's text is: holds a time expression; ends by asking somebody something."""

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("eid", sa.Integer, primary_key=True),
    sa.Column("nr", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("cube", sa.BigInteger, nullable=False),
    sa.Column("tx", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger),
    sa.Column("terms", sa.LargeBinary, nullable=False),
    sa.Column("speaker", sa.Text, nullable=False),
    sa.Column("session", sa.Text),
    sa.Column("context", sa.BigInteger),
    sa.Column("said", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger),
    sa.Column("timed", sa.SmallInteger, nullable=False),  # of what kind the text is: the sum of TIMED and ASKS
    sa.Column("fields", sa.Text, nullable=False),
)
sa.Index("entries_cube", entries.c.cube, entries.c.tx)
sa.Index("entries_nr", entries.c.nr)
_follows = entries.c.context.is_not(None)
sa.Index("entries_context", entries.c.context, sqlite_where=_follows)
_closed = entries.c.until.is_not(None)
sa.Index("entries_until", entries.c.cube, entries.c.until, sqlite_where=_closed)

vectors = sa.Table(
    "vectors",
    metadata,
    sa.Column("vid", sa.Integer, primary_key=True),
    sa.Column("nr", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("cube", sa.BigInteger, nullable=False),
    sa.Column("stamp", sa.BigInteger, nullable=False),
    sa.Column("dim", sa.Integer, nullable=False),
    sa.Column("emb", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("nr", "version", "model"),
)
"""`emb` is float16: the vector alone, then, where there is one, that with its context. `stamp` grows with every write to the file."""
sa.Index("vectors_fresh", vectors.c.cube, vectors.c.model, vectors.c.stamp)

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("cube", sa.BigInteger, nullable=False),
    sa.Column("tx", sa.BigInteger, nullable=False),
    sa.Column("nr", sa.BigInteger, nullable=False),
    sa.Index("erasures_cube", "cube", "tx"),
)
"""Which memories went: so that segments in other processes let go of them, too."""

index_state = sa.Table(
    "index_state", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.BigInteger, nullable=False)
)
"""`stamp`: the newest of the vectors' stamps. `epoch`: how often the index was emptied to be made anew."""

TABLES = (entries, vectors, erasures, index_state)
