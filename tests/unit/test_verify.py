"""A book that was tampered with: every change is found with the key and an anchor, and only a cut-off end needs the anchor."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from memos_core import MOS, Settings
from memos_core.ledger.key import audit_key, fingerprint
from memos_core.ledger.rows import START, AuditRow, Head, MessageRow, VersionRow
from memos_core.ledger.verify import findings

SECRET = "a key for tests, long enough"
KEY, WRONG = audit_key(SECRET, Path()), b"w" * 32
TAMPERINGS = 1000
AUDIT = [name for name in AuditRow._fields if name != "tx"]
VERSION = [name for name in VersionRow._fields if name not in ("item", "version")]
MESSAGE = [name for name in MessageRow._fields if name not in ("nr", "until")]


class Book:
    """One book, changed and put back as often as wanted."""

    def __init__(self, file: Path, anchor: str) -> None:
        self.raw = sqlite3.connect(file, isolation_level=None)
        engine = sa.create_engine("sqlite://", creator=lambda: self.raw, poolclass=StaticPool, pool_reset_on_return=None)
        self.connection = engine.connect()
        self.anchor = anchor

    def found(self, anchor: str | None, key: bytes = KEY) -> list[Any]:
        return list(findings(self.connection, key, anchor))

    def after(self, tamper: Callable[[sqlite3.Connection], str], *, anchored: bool = True) -> tuple[str, list[Any]]:
        self.raw.execute("BEGIN")
        try:
            what = tamper(self.raw)
            return what, self.found(self.anchor if anchored else None)
        finally:
            self.raw.execute("ROLLBACK")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """A small book with every kind of line: two tenants, edits, restores, grants, an erasure."""
    folder = tmp_path_factory.mktemp("book")
    settings = Settings(embedder="none", durability="normal", audit_key=SECRET, config_dir=str(folder / "c"))
    for tenant in ("a", "b"):
        with MOS(str(folder / "m"), tenant=tenant, settings=settings) as mos:
            ids = [mos.add(f"Fact {nr} of {tenant}.", user_id="alice", tags=["x"]).memory_ids[0] for nr in range(4)]
            mos.add([{"role": "user", "content": f"Talk {nr}.", "id": f"m{nr}"} for nr in range(3)], user_id="bob", session_id="s")
            mos.add({"role": "user", "content": "Talk anew.", "id": "m1"}, user_id="bob", session_id="s")
            mos.update(ids[0], user_id="alice", text="Fact 0, corrected.")
            mos.delete(ids[1], user_id="alice")
            mos.restore(ids[1], user_id="alice")
            mos.cubes.share(mos.cubes.list(user_id="alice").items[0].id, with_user="bob", user_id="alice")
            mos.erase(ids[2], user_id="alice")
            for nr in range(5):
                anchor = mos.add(f"Last {nr} of {tenant}.", user_id="alice").audit_head
    copy = Book(folder / "m" / "memory.db", anchor)
    yield copy
    copy.connection.close()
    copy.raw.close()


def digest_and_chain(raw: sqlite3.Connection, key: bytes, start: int) -> None:
    """Compute every transaction's digest and the chains from a transaction on, as the program does."""
    last: dict[str, Head] = {}
    for row in map(AuditRow._make, raw.execute("SELECT * FROM audit ORDER BY tx").fetchall()):
        if row.tx >= start:
            digest = hashlib.sha256()
            for (mac,) in raw.execute("SELECT mac FROM versions WHERE tx=? ORDER BY item, version", (row.tx,)):
                digest.update(mac)
            for (mac,) in raw.execute("SELECT mac FROM messages WHERE tx=? ORDER BY nr", (row.tx,)):
                digest.update(mac)
            row = row._replace(digest=digest.digest()).sealed(key, last.get(row.tenant, START))
            raw.execute("UPDATE audit SET digest=?, mac=? WHERE tx=?", (row.digest, row.mac, row.tx))
        last[row.tenant] = row.head


def other(value: Any, draw: random.Random) -> Any:
    """Another value of a kind that the column holds."""
    if isinstance(value, int):
        return value + draw.choice([-1, 1, 1 << 20])
    if isinstance(value, bytes):
        place = draw.randrange(len(value)) if value else 0
        return value[:place] + bytes([value[place] ^ (1 << draw.randrange(8))]) + value[place + 1 :] if value else b"x"
    return f"{value}x" if isinstance(value, str) else draw.choice(["x", 7])


def edit(table: str, columns: list[str], draw: random.Random, where: str = "1") -> Callable[[sqlite3.Connection], str]:
    def tamper(raw: sqlite3.Connection) -> str:
        column = draw.choice(columns)
        rows = raw.execute(f'SELECT {keys(table)}, "{column}" FROM {table} WHERE {where}').fetchall()
        *key, value = draw.choice(rows)
        clause = " AND ".join(f"{name}=?" for name in keys(table).split(", "))
        raw.execute(f'UPDATE OR REPLACE {table} SET "{column}"=? WHERE {clause}', (other(value, draw), *key))
        return f"{table}.{column} of {key} edited"

    return tamper


def keys(table: str) -> str:
    return {"audit": "tx", "versions": "item, version", "messages": "nr"}[table]


def remove(table: str, draw: random.Random) -> Callable[[sqlite3.Connection], str]:
    def tamper(raw: sqlite3.Connection) -> str:
        rows = raw.execute(f"SELECT {keys(table)} FROM {table}").fetchall()
        key = draw.choice(rows)
        clause = " AND ".join(f"{name}=?" for name in keys(table).split(", "))
        raw.execute(f"DELETE FROM {table} WHERE {clause}", key)
        return f"{table} {key} deleted"

    return tamper


def swap(draw: random.Random) -> Callable[[sqlite3.Connection], str]:
    """Two audit lines exchange all but their place."""

    def tamper(raw: sqlite3.Connection) -> str:
        a, b = draw.sample(raw.execute("SELECT * FROM audit").fetchall(), 2)
        raw.execute("DELETE FROM audit WHERE tx IN (?, ?)", (a[0], b[0]))
        marks = ", ".join("?" * len(a))
        raw.executemany(f"INSERT INTO audit VALUES ({marks})", [(a[0], *b[1:]), (b[0], *a[1:])])
        return f"audit {a[0]} and {b[0]} exchanged"

    return tamper


def rehash(draw: random.Random) -> Callable[[sqlite3.Connection], str]:
    """Somebody without the key edits a line or a text and computes all codes anew with a key of their own."""

    def tamper(raw: sqlite3.Connection) -> str:
        lines = [row[0] for row in raw.execute("SELECT tx FROM audit ORDER BY tx")]
        tx = draw.choice(lines)
        raw.execute("UPDATE audit SET verb='add', detail='{}' WHERE tx=?", (tx,))
        digest_and_chain(raw, WRONG, start=tx)
        return f"audit {tx} edited and everything after it sealed anew"

    return tamper


def drop_and_renumber(draw: random.Random) -> Callable[[sqlite3.Connection], str]:
    def tamper(raw: sqlite3.Connection) -> str:
        tx, tenant, seq = draw.choice(raw.execute("SELECT tx, tenant, seq FROM audit").fetchall())
        for table in ("versions", "messages", "audit"):
            raw.execute(f"DELETE FROM {table} WHERE tx=?", (tx,))
        for row in raw.execute("SELECT tx FROM audit WHERE tenant=? AND seq>? ORDER BY seq", (tenant, seq)).fetchall():
            raw.execute("UPDATE audit SET seq=seq-1 WHERE tx=?", row)
        digest_and_chain(raw, WRONG, start=tx)
        return f"transaction {tx} removed and the rest renumbered and sealed anew"

    return tamper


def truncate(draw: random.Random, count: int | None = None) -> Callable[[sqlite3.Connection], str]:
    """The last transactions never happened."""

    def tamper(raw: sqlite3.Connection) -> str:
        lines = [row[0] for row in raw.execute("SELECT tx FROM audit ORDER BY tx DESC")]
        gone = lines[: count or draw.randint(1, len(lines) - 1)]
        for table in ("versions", "messages", "audit"):
            raw.execute(f"DELETE FROM {table} WHERE tx>=?", (gone[-1],))
        raw.execute("DELETE FROM items WHERE NOT EXISTS (SELECT 1 FROM versions WHERE item = nr)")
        raw.execute("UPDATE items SET version = (SELECT max(v.version) FROM versions v WHERE v.item = nr)")
        return f"the last {len(gone)} transactions cut off"

    return tamper


def test_the_untouched_book_is_sound(book: Book) -> None:
    assert book.found(book.anchor) == [] and book.found(None) == []


@pytest.mark.parametrize("column", AUDIT)
def test_an_edit_in_any_column_of_the_audit_is_found_even_without_an_anchor(book: Book, column: str) -> None:
    for seed in range(5):
        what, found = book.after(edit("audit", [column], random.Random(seed)), anchored=False)
        assert found, what


@pytest.mark.parametrize("column", VERSION)
def test_an_edit_in_any_column_of_a_version_is_found(book: Book, column: str) -> None:
    for seed in range(5):
        what, found = book.after(edit("versions", [column], random.Random(seed), "salt IS NOT NULL"), anchored=False)
        assert found, what


@pytest.mark.parametrize("column", MESSAGE)
def test_an_edit_in_any_column_of_a_message_is_found(book: Book, column: str) -> None:
    for seed in range(5):
        what, found = book.after(edit("messages", [column], random.Random(seed), "salt IS NOT NULL"), anchored=False)
        assert found, what


def test_a_thousand_tamperings_are_all_found_with_key_and_anchor(book: Book) -> None:
    draw = random.Random(7)
    kinds: list[Callable[[], Callable[[sqlite3.Connection], str]]] = [
        lambda: edit("audit", AUDIT, draw), lambda: edit("versions", VERSION, draw, "salt IS NOT NULL"),
        lambda: edit("messages", MESSAGE, draw, "salt IS NOT NULL"), lambda: remove("audit", draw), lambda: remove("versions", draw),
        lambda: remove("messages", draw), lambda: swap(draw), lambda: rehash(draw), lambda: drop_and_renumber(draw), lambda: truncate(draw),
    ]  # fmt: skip
    missed = [what for nr in range(TAMPERINGS) for what, found in [book.after(kinds[nr % len(kinds)]())] if not found]
    assert not missed


def test_a_cut_off_end_is_found_with_an_anchor_and_only_with_one(book: Book) -> None:
    for count in (1, 2, 5):
        assert book.after(truncate(random.Random(0), count), anchored=True)[1]
        assert book.after(truncate(random.Random(0), count), anchored=False)[1] == []


def test_under_another_key_nothing_is_proven_and_nothing_called_changed(book: Book) -> None:
    last = book.raw.execute("SELECT max(tx) FROM audit").fetchone()[0]
    (finding,) = book.found(book.anchor, WRONG)
    assert finding.what.startswith(f"transactions 1 to {last} were written with another key ({fingerprint(KEY)}) and can't be proven")


def test_who_seals_anew_with_a_key_of_their_own_and_says_so_is_found(book: Book) -> None:
    lines = [row[0] for row in book.raw.execute("SELECT tx FROM audit ORDER BY tx")]

    def tamper(raw: sqlite3.Connection) -> str:
        raw.execute("UPDATE versions SET text='She owes me.' WHERE tx>=?", (lines[5],))
        raw.execute("UPDATE audit SET key=? WHERE tx>=?", (fingerprint(WRONG), lines[5]))
        digest_and_chain(raw, WRONG, start=lines[5])
        return "sealed anew"

    assert f"transactions {lines[5]} to {lines[-1]} were" in book.after(tamper, anchored=False)[1][0].what
    assert any("anchor" in finding.what for finding in book.after(tamper)[1])


@pytest.mark.parametrize(
    "change", ["versions SET text='She owes me.'", "versions SET state='activated'", "messages SET content='She owes me.'"]
)
def test_an_erased_row_that_says_something_again_is_found(book: Book, change: str) -> None:
    def tamper(raw: sqlite3.Connection) -> str:
        assert raw.execute(f"UPDATE {change} WHERE salt IS NULL").rowcount
        return change

    assert {finding.what for finding in book.after(tamper)[1]} == {"was erased, and says something again"}
