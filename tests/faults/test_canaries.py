"""What was erased is found by no verb and in no byte of the folder, and the receipt says only what is true."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.faults.canaries import opened, residue, run


def test_canaries_are_found_nowhere_after_erasing_by_ids_by_a_filter_and_everything() -> None:
    verdict = run(1)
    assert verdict.canaries >= 100
    assert verdict.receipts == 3
    assert verdict.left == []
    assert verdict.not_done == []
    assert verdict.neighbours == 5


def test_a_receipt_says_pending_while_a_reader_holds_the_log_and_a_checkpoint_finishes_it(tmp_path: Path) -> None:
    folder = tmp_path / "memory"
    with opened(folder) as mos:
        kept = mos.add("The bystander stays.", user_id="u").memory_ids[0]
        gone = mos.add("The zqcanary sings.", user_id="u").memory_ids[0]
        mos.wait(30)
        reader = sqlite3.connect(folder / "memory.db", isolation_level=None)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM versions").fetchone()
        receipt = mos.erase(gone, user_id="u")
        assert dict(receipt.stores) == {"ledger": "done", "index": "done", "write-ahead log": "pending", "files": "pending"}
        assert not [hit for hit in mos.search("zqcanary", user_id="u") if "zqcanary" in hit.memory.text]
        assert residue(folder, {"zqcanary": "the bytes"}), "where the receipt says pending, something is left"
        reader.execute("ROLLBACK")
        reader.close()
        assert mos._handle.engines.ledger.checkpoint(truncate=True)
        assert residue(folder, {"zqcanary": "the bytes"}) == []
        other = mos.add("The zqsecond sings.", user_id="u").memory_ids[0]
        assert set(mos.erase(other, user_id="u").stores.values()) == {"done"}
        assert mos.get(kept, user_id="u").text == "The bystander stays."


def test_a_neighbours_vector_made_with_an_erased_text_is_made_anew(tmp_path: Path) -> None:
    with opened(tmp_path / "memory") as mos:
        turns = [{"role": "user", "content": "My zqcanary has a number of four."}, {"role": "assistant", "content": "Yes, I see."}]
        first, second = mos.add(turns, user_id="u", session_id="s").memory_ids
        mos.wait(30)

        def vectors() -> list[tuple[int, int]]:
            with mos._handle.engines.ledger.book() as book:
                rows = book.connection.exec_driver_sql(
                    "SELECT v.dim, length(v.emb) FROM vectors v JOIN items i ON i.nr = v.nr WHERE i.id = ?", (second,)
                )
                return [(row[0], row[1]) for row in rows]

        ((dim, size),) = vectors()
        assert size == 2 * 2 * dim, "alone and with its context"
        mos.erase(first, user_id="u")
        mos.wait(30)
        assert vectors() == [(dim, 2 * dim)]
