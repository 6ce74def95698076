"""Hostile strings in every field of every verb: refused with the field's name, or kept and given back as they are; nothing else happens."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, InvalidInput, NotFound, Settings
from memos_core.testing.embedder import HashEmbedder
from tests.faults.strings import strings

STRINGS = list(strings())
Field = Callable[[MOS, str], Any]


@pytest.fixture
def mos(tmp_path: Path) -> Iterator[MOS]:
    settings = Settings(durability="normal", audit_key="k" * 32, embedder="none")
    with MOS(str(tmp_path / "memory"), settings=settings, embedder=HashEmbedder()) as mos:
        mos.add([{"role": "user", "content": "The victim's garden is green.", "id": "m1"}], user_id="victim", session_id="s", tags=["t"])
        mos.records.put(("notes",), "key", {"text": "the victim's"}, index=False, user_id="victim")
        yield mos


def _schema(mos: MOS) -> list[Any]:
    with sqlite3.connect(Path(mos.home) / "memory.db") as connection:
        return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()


def _victim(mos: MOS) -> str:
    page = mos.list(user_id="victim")
    said = [(one.id, one.content) for one in mos.sessions.messages("s", user_id="victim")]
    return repr(([(one.id, one.version, one.text, one.tags) for one in page], page.total, said, mos.records.search(user_id="victim").items))


def _files(mos: MOS) -> set[str]:
    """The folder's files, and those beside it: nothing may be made outside."""
    home = Path(mos.home)
    return {str(path.relative_to(home.parent)) for path in home.parent.rglob("*") if not path.name.endswith(("-wal", "-shm"))}


KEPT: dict[str, Field] = {
    "content": lambda mos, s: _text(mos, f"w{hash(s)}", s),
    "content in a message": lambda mos, s: _last(mos, mos.add([{"role": "user", "content": s}], user_id="w", session_id="k")).content,
    "name of a speaker": lambda mos, s: _last(mos, mos.add([{"role": "user", "content": "hello you", "name": s}], user_id="w")).name,
    "id of a message": lambda mos, s: mos.add([{"role": "user", "content": f"id {hash(s)}", "id": s}], user_id="w").message_ids[0],
    "raw of a message": lambda mos, s: _last(
        mos, mos.add([{"role": "user", "content": f"raw {hash(s)}", "x": {s: [s]}}], user_id="w")
    ).raw["x"][s][0],
    "tool arguments": lambda mos, s: _last(mos, mos.add([_call(s)], user_id="w")).tool_calls[0].arguments,
    "user_id": lambda mos, s: mos.get(mos.add("who am I", user_id=s).memory_ids[0], user_id=s).user_id,
    "agent_id": lambda mos, s: mos.get(mos.add("who am I", agent_id=s).memory_ids[0], agent_id=s).agent_id,
    "session_id": lambda mos, s: mos.get(
        mos.add(f"where {hash(s)}", user_id="u", session_id=s).memory_ids[0], user_id="u"
    ).session_id,
    "tags": lambda mos, s: mos.get(mos.add(f"tag {hash(s)}", user_id="u", tags=[s]).memory_ids[0], user_id="u").tags[0],
    "info value": lambda mos, s: mos.get(mos.add(f"info {hash(s)}", user_id="u", info={"k": s}).memory_ids[0], user_id="u").info["k"],
    "info key": lambda mos, s: next(iter(mos.get(mos.add(f"key {hash(s)}", user_id="u", info={s: 1}).memory_ids[0], user_id="u").info)),
    "text of update": lambda mos, s: mos.update(mos.add(f"old {hash(s)}", user_id="u").memory_ids[0], text=s, user_id="u").text,
    "cube name": lambda mos, s: mos.cubes.create(s, user_id="u").name,
    "cube_id": lambda mos, s: mos.cubes.create("c", cube_id=s, user_id="u").id,
    "record key": lambda mos, s: mos.records.put(("n",), s, 1, user_id="u", index=False).key,
    "record namespace": lambda mos, s: mos.records.put((s,), "k", 1, user_id="u", index=False).namespace[0],
    "record value": lambda mos, s: mos.records.get(*_put(mos, s), user_id="u").value[s],  # type: ignore[union-attr]
}
"""Fields that are given back: (memory, string) -> what came back."""


def _text(mos: MOS, user: str, text: str) -> str:
    """Of the memory; where a text tells nothing (punctuation), of the message that is kept all the same. Nobody said it before."""
    receipt = mos.add(text, user_id=user)
    if receipt.memory_ids:
        return str(mos.get(receipt.memory_ids[0], user_id=user).text)
    return str(mos.sessions.messages(user_id=user).items[0].content)


def _call(s: str) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": s}}]}


def _last(mos: MOS, receipt: Any) -> Any:
    return next(m for m in mos.sessions.messages(user_id="w", limit=1000) if m.id == receipt.message_ids[-1])


def _put(mos: MOS, s: str) -> tuple[tuple[str], str]:
    mos.records.put(("v",), "k", {s: s}, user_id="u", index=False)
    return ("v",), "k"


ASKED: dict[str, Field] = {
    "query": lambda mos, s: mos.search(s, user_id="u"),
    "memory_id": lambda mos, s: mos.get(s, user_id="u"),
    "update id": lambda mos, s: mos.update(s, text="x", user_id="u"),
    "memory_ids": lambda mos, s: mos.delete([s], user_id="u"),
    "erase ids": lambda mos, s: mos.erase([s], user_id="u"),
    "restore id": lambda mos, s: mos.restore(s, user_id="u"),
    "history id": lambda mos, s: mos.history(s, user_id="u"),
    "cursor": lambda mos, s: mos.list(cursor=s, user_id="u"),
    "sessions cursor": lambda mos, s: mos.sessions.list(cursor=s, user_id="u"),
    "messages cursor": lambda mos, s: mos.sessions.messages(cursor=s, user_id="u"),
    "messages session": lambda mos, s: mos.sessions.messages(s, user_id="u"),
    "delete session": lambda mos, s: mos.sessions.delete(s, user_id="u"),
    "cube_ids": lambda mos, s: mos.search("x", cube_ids=[s], user_id="u"),
    "write_to": lambda mos, s: mos.add("x", write_to=s, user_id="u"),
    "memory_types": lambda mos, s: mos.search("x", memory_types=[s], user_id="u"),
    "mode": lambda mos, s: mos.search("x", mode=s, user_id="u"),
    "as_of": lambda mos, s: mos.search("x", as_of=s, user_id="u"),
    "valid_at": lambda mos, s: mos.search("x", valid_at=s, user_id="u"),
    "at": lambda mos, s: mos.add("x", at=s, user_id="u"),
    "expires_at": lambda mos, s: mos.add("x", expires_at=s, user_id="u"),
    "role of a message": lambda mos, s: mos.add([{"role": s, "content": "x"}], user_id="u"),
    "chat_time": lambda mos, s: mos.add([{"role": "user", "content": "x", "chat_time": s}], user_id="u"),
    "filter key": lambda mos, s: mos.search("garden", filter={s: 1}, user_id="u"),
    "filter info key": lambda mos, s: mos.list(filter={f"info.{s}": s}, user_id="u"),
    "search info key": lambda mos, s: mos.search("garden", filter={f"info.{s}": s}, user_id="u"),
    "filter path": lambda mos, s: mos.search("garden", filter={"path": ["info", s, s], "eq": s}, user_id="u"),
    "filter path list": lambda mos, s: mos.list(filter={"path": ["info", s], "ne": s}, user_id="u"),
    "filter operator": lambda mos, s: mos.list(filter={"text": {s: 1}}, user_id="u"),
    "filter value": lambda mos, s: mos.search("garden", filter={"text": {"itext": s}}, user_id="u"),
    "filter tags": lambda mos, s: mos.search("garden", filter={"tags": {"any": [s]}}, user_id="u"),
    "filter user": lambda mos, s: mos.search("garden", filter={"or": [{"user_id": s}, {"speaker": {"prefix": s}}]}, user_id="u"),
    "filter time": lambda mos, s: mos.list(filter={"created_at": {"gt": s}}, user_id="u"),
    "filter map": lambda mos, s: mos.search("garden", filter={"info.a": {"eq": {s: [s]}}}, user_id="u"),
    "delete filter": lambda mos, s: mos.delete(filter={"text": s}, user_id="u"),
    "erase filter": lambda mos, s: mos.erase(filter={"info.k": s}, user_id="stranger"),
    "request_id": lambda mos, s: mos.add(f"request {hash(s)}", request_id=s, user_id="u"),
    "share with": lambda mos, s: mos.cubes.share("c1", with_user=s, user_id="u"),
    "share role": lambda mos, s: mos.cubes.share("c1", with_user="x", role=s, user_id="u"),
    "share cube": lambda mos, s: mos.cubes.share(s, with_user="x", user_id="stranger"),
    "task_id": lambda mos, s: mos.tasks.status(s, user_id="u"),
    "task drop": lambda mos, s: mos.tasks.drop(s, user_id="u"),
    "record prefix": lambda mos, s: mos.records.search((s,), user_id="u"),
    "record query": lambda mos, s: mos.records.search(query=s, user_id="u"),
    "record filter": lambda mos, s: mos.records.search(filter={f"value.{s}": s}, user_id="u"),
    "record delete": lambda mos, s: mos.records.delete((s,), s, user_id="stranger"),
    "namespaces match": lambda mos, s: mos.records.namespaces({"prefix": (s,)}, user_id="u"),
}
"""Fields that are only asked with: an answer, or one of our own errors."""


@pytest.mark.parametrize("field", KEPT)
def test_what_is_stored_comes_back_as_it_is(mos: MOS, field: str) -> None:
    schema, victim, files = _schema(mos), _victim(mos), _files(mos)
    kept = 0
    for text in STRINGS:
        try:
            back = KEPT[field](mos, text)
        except InvalidInput as exc:
            assert exc.field
        else:
            assert back == text or not text.strip(), f"{field} gave {back!r:.80} for {text!r:.80}"
            kept += 1
    assert kept > 200
    assert (_schema(mos), _victim(mos), _files(mos)) == (schema, victim, files)
    assert not list(mos._handle.engines.ledger.verify())


@pytest.mark.parametrize("field", ASKED)
def test_what_is_asked_is_answered_or_refused(mos: MOS, field: str) -> None:
    mos.add("My own garden.", user_id="u", info={"a": {"b": 1}, "k": "v"}, tags=["x"])
    mos.cubes.create("c", cube_id="c1", user_id="u")
    schema, victim, files = _schema(mos), _victim(mos), _files(mos)
    for text in STRINGS:
        try:
            answer = ASKED[field](mos, text)
        except InvalidInput as exc:
            assert exc.field
        except (NotFound, TimeoutError):
            pass
        else:
            assert "victim" not in repr(getattr(answer, "hits", getattr(answer, "items", "")))
    assert (_schema(mos), _victim(mos), _files(mos)) == (schema, victim, files)


def test_a_tenants_name_is_no_path_and_no_pattern(tmp_path: Path) -> None:
    settings = Settings(durability="normal", audit_key="k" * 32, embedder="none")
    with MOS(str(tmp_path / "memory"), settings=settings) as plain:
        plain.add("The victim's garden.", user_id="u")
        for nr, text in enumerate(STRINGS):
            try:
                with MOS(str(tmp_path / "memory"), tenant=text, settings=settings) as mos:
                    assert mos.list(user_id="u").total == 0
                    if nr % 20 == 0:
                        mos.add("of this tenant", user_id="u")
            except InvalidInput as exc:
                assert exc.field == "tenant"
        assert [one.text for one in plain.list(user_id="u")] == ["The victim's garden."]
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in (tmp_path / "memory").iterdir()} == {"memory.db"}
