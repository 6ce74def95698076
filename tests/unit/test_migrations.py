"""Old folders are brought up to date by themselves, as a whole or not at all; newer ones are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from memos_core import MOS, NewerSchema, Settings
from memos_core.sql.engine import open_sqlite
from memos_core.sql.migrate import upgrade
from memos_core.sql.schema import SCHEMA_VERSION, meta

_STEP = """
from alembic import op
import sqlalchemy as sa

revision, down_revision = "{new}", "{old}"


def upgrade():
    {body}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with MOS(str(tmp_path / "m"), settings=Settings(embedder="none", audit_key="k" * 32)) as mos:
        mos.add("I moved to Lisbon.", user_id="alice")
    return tmp_path / "m"


def _steps(tmp_path: Path, *bodies: str) -> Path:
    place = tmp_path / "steps"
    place.mkdir()
    for nr, body in enumerate(bodies, SCHEMA_VERSION + 1):
        (place / f"{nr:04d}_step.py").write_text(_STEP.format(new=f"{nr:04d}", old=f"{nr - 1:04d}", body=body))
    return place


@contextmanager
def _opened(folder: Path) -> Iterator[sa.Connection]:
    engine = open_sqlite(folder / "memory.db")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _columns(connection: sa.Connection, table: str) -> set[str]:
    return {column["name"] for column in sa.inspect(connection).get_columns(table)}


def test_an_old_folder_gets_every_step_and_keeps_what_it_holds(folder: Path, tmp_path: Path) -> None:
    more = _steps(
        tmp_path,
        'op.add_column("items", sa.Column("mood", sa.Text, server_default="calm"))',
        'op.create_table("moods", sa.Column("name", sa.Text))',
    )
    with _opened(folder) as connection:
        upgrade(connection, SCHEMA_VERSION, SCHEMA_VERSION + 2, more=[more])
        assert "mood" in _columns(connection, "items")
        assert connection.exec_driver_sql("SELECT mood FROM items").scalars().all() == ["calm"]
        assert connection.exec_driver_sql("SELECT count(*) FROM moods").scalar_one() == 0
        assert connection.execute(sa.select(meta.c.value).where(meta.c.key == "schema_version")).scalar_one() == str(SCHEMA_VERSION + 2)


def test_a_step_that_fails_leaves_the_folder_as_it_was(folder: Path, tmp_path: Path) -> None:
    more = _steps(tmp_path, 'op.add_column("items", sa.Column("mood", sa.Text))', 'op.execute("SELECT nonsense FROM nowhere")')
    with _opened(folder) as connection:
        with pytest.raises(sa.exc.OperationalError):
            upgrade(connection, SCHEMA_VERSION, SCHEMA_VERSION + 2, more=[more])
        assert "mood" not in _columns(connection, "items")
    with MOS(str(folder), settings=Settings(embedder="none", audit_key="k" * 32)) as mos:
        assert len(mos.list(user_id="alice")) == 1


def test_a_newer_folder_is_refused_and_left_alone(folder: Path) -> None:
    with _opened(folder) as connection:
        connection.execute(sa.update(meta).where(meta.c.key == "schema_version").values(value=str(SCHEMA_VERSION + 7)))
    before = (folder / "memory.db").read_bytes()
    with pytest.raises(NewerSchema, match="newer version"):
        MOS(str(folder), settings=Settings(embedder="none", audit_key="k" * 32))
    assert (folder / "memory.db").read_bytes() == before


def test_the_newest_schema_has_its_revision() -> None:
    from memos_core.sql.migrate import SCRIPTS

    numbers = sorted(path.name[:4] for path in (SCRIPTS / "versions").glob("[0-9]*.py"))
    assert numbers == [f"{nr:04d}" for nr in range(1, SCHEMA_VERSION + 1)]
