"""Every index in this repository against the port's conformance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memos_core.index.embedded import EmbeddedIndex
from memos_core.model.change import Applied
from memos_core.sql.engine import open_sqlite, writing
from memos_core.testing.index import Bed, IndexConformance
from memos_core.testing.plain_index import PlainIndex


class TestPlain(IndexConformance):
    @pytest.fixture
    def bed(self) -> Bed:
        index = PlainIndex()
        return Bed(index, lambda applied: index.ride(None, applied))


class TestEmbedded(IndexConformance):
    @pytest.fixture(params=["hot", "cold"])
    def bed(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bed]:
        engine = open_sqlite(tmp_path / "memory.db", durability="normal")
        cold = request.param == "cold"
        index = EmbeddedIndex(engine, inline=-1 if cold else 1000, memory_bytes=0 if cold else 1 << 30)

        def write(applied: list[Applied]) -> None:
            with engine.connect() as connection, writing(connection):
                index.ride(connection, applied)

        yield Bed(index, write)
        index.close()
        engine.dispose()
