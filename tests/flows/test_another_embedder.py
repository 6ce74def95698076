"""Another embedder on an old folder: vectors of the two are never compared, and the memories are embedded anew by themselves."""

from __future__ import annotations

import time
from pathlib import Path

from memos_core import MOS, Settings
from memos_core.testing.embedder import HashEmbedder

SETTINGS = Settings(embedder="none", audit_key="k" * 32)


def _settled(mos: MOS, query: str, seconds: float = 30.0) -> bool:
    """Whether a search says of nothing any more that it could not be used."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if not mos.search(query, user_id="alice").degraded:
            return True
        time.sleep(0.05)
    return False


def _kept(home: Path, embedder: HashEmbedder | None) -> MOS:
    return MOS(str(home), settings=SETTINGS, embedder=embedder)


def test_without_an_embedder_search_goes_by_words_and_says_so(tmp_path: Path) -> None:
    with _kept(tmp_path / "m", None) as mos:
        mos.add(["I moved to Lisbon.", "My dog hates trams."], user_id="alice")
        found = mos.search("Lisbon", user_id="alice")
        assert [hit.memory.text for hit in found] == ["I moved to Lisbon."]
        assert any("by words" in said for said in found.degraded)


def test_what_was_kept_without_an_embedder_is_embedded_once_there_is_one(tmp_path: Path) -> None:
    with _kept(tmp_path / "m", None) as mos:
        mos.add(["I moved to Lisbon.", "My dog hates trams."], user_id="alice")
    with _kept(tmp_path / "m", HashEmbedder()) as mos:
        assert _settled(mos, "Lisbon trams")


def test_another_model_is_told_and_embeds_anew(tmp_path: Path) -> None:
    with _kept(tmp_path / "m", HashEmbedder(seed=0)) as mos:
        mos.add([f"I moved to city {nr}." for nr in range(200)], user_id="alice")
        mos.wait()
        before = [hit.memory.text for hit in mos.search("Which city did I move to, 42?", user_id="alice", top_k=200)]
    with _kept(tmp_path / "m", HashEmbedder(seed=1)) as mos:
        first = mos.search("Which city did I move to, 42?", user_id="alice", top_k=200)
        assert first and first[0].memory.text == "I moved to city 42."
        assert _settled(mos, "city 42")
        after = [hit.memory.text for hit in mos.search("Which city did I move to, 42?", user_id="alice", top_k=200)]
    assert sorted(after) == sorted(before)
    with _kept(tmp_path / "m", HashEmbedder(seed=0)) as mos:
        assert not mos.search("city 42", user_id="alice").degraded
