# ruff: noqa: E501
"""Bad input of every verb: refused with the field's name, and nothing is stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, InvalidInput, Settings

NAN, INF = float("nan"), float("inf")


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def _negated(depth: int) -> Any:
    value: Any = {"text": "x"}
    for _ in range(depth):
        value = {"not": value}
    return value


NAMES: list[Any] = ["", "  ", 7, 1.5, b"x", ["x"], {"a": 1}, True, object(), "a\x00b", "a\nb", "\ud800", "x" * 513, "é" * 300]
TEXTS: list[Any] = ["", " \n\t", 7, NAN, b"x", object(), "a\x00b", "\ud800", "x" * ((1 << 20) + 1)]
CONTENTS: list[Any] = [
    "", " \n", 7, None, b"x", [], [[]], [7], [None], {}, {"role": "user"}, {"content": 7, "role": "user"}, {"role": "king", "content": "x"},
    {"role": 7, "content": "x"}, {"role": "user", "content": "x", "name": 7}, {"role": "user", "content": "x", "id": 7.5},
    {"role": "user", "content": "x", "chat_time": "yesterday-ish"}, {"role": "user", "content": "x", "tool_calls": "f()"}, "\ud800", "a\x00",
    [{"role": "user", "content": "good"}, {"role": "user", "content": 7}], {"role": "user", "content": "x", "extra": object()},
    {"role": "user", "content": "x", "extra": NAN}, {"role": "user", "content": "x", 7: 8}, object(), 3 + 4j,
]  # fmt: skip
TIMES: list[Any] = ["", "never", "2026-13-01", "2026-02-30T00:00:00Z", NAN, INF, -INF, 1e30, True, [], {}, b"2026", object(), "12:00", "9" * 400]
PATHS: list[Any] = ["", "a\x00b", "\ud800", 7, b"x", None]
WHOLE: list[Any] = ["7", 7.0, NAN, -1, True, [], 1 << 70, object()]
TAGS: list[Any] = ["work", 7, [7], [""], [None], ["x" * 600], ["\ud800"], ["a\x00"], [[]], {"a": 1}.values(), [f"t{n}" for n in range(65)], b"x"]
INFOS: list[Any] = [
    "x", 7, [], [("a", 1)], {7: 1}, {"": 1}, {"k" * 257: 1}, {"a": NAN}, {"a": INF}, {"a": object()}, {"a": b"x"}, {"a": {1, 2}},
    {"a": "\ud800"}, {"\ud800": 1}, {"a": "x" * 70_000}, {"a": {7: [object()]}}, {"a": 10**5000},
    {"a": _nested(40)}, {"a": _nested(400)}, {"a": _nested(100_000)}, {"a": {"b": _nested(900)}},
]  # fmt: skip
FILTERS: list[Any] = [
    "x", 7, [], [{"a": 1}], {"nothing": 1}, {"text": {"like": "x"}}, {"text": {}}, {"and": []}, {"and": {}}, {"or": "x"}, {"not": []}, {7: 1},
    {"text": {"in": "x"}}, {"text": {"prefix": 7}}, {"text": {"exists": 1}}, {"created_at": "soon"}, {"created_at": {"gt": NAN}}, {"info.": 1},
    {"info." + "k" * 300: 1}, {"path": [], "eq": 1}, {"path": ["info", 7], "eq": 1}, {"path": ["text", "x"], "eq": 1}, {"path": ["info", "a"]},
    {"text": {"gt": None}}, {"text": {"gt": [1]}}, {"text": object()}, {"text": {"eq": b"x"}}, {"text": {"in": [object()]}},
    {"or": [{"text": "x"}] * 1001}, {"info.a": {"eq": _nested(400)}}, {"info.a": {"in": [_nested(100_000)]}}, _negated(40), _negated(5000),
]  # fmt: skip
IDS: list[Any] = ["", 7, [], [""], [7], [None], b"x", {"a": 1}, object(), "x" * 600, ["x"] * 10_001, ["\ud800"]]
FLAGS: list[Any] = ["yes", 1, 0, None, [], object()]
Call = Callable[[MOS, Any], Any]

CASES: list[tuple[str, str, list[Any], Call]] = [
    ("add", "content", CONTENTS, lambda m, v: m.add(v, user_id="u")),
    ("add", "user_id", NAMES, lambda m, v: m.add("x", user_id=v)),
    ("add", "user_id", [None], lambda m, v: m.add("x", user_id=v)),
    ("add", "agent_id", NAMES, lambda m, v: m.add("x", user_id="u", agent_id=v)),
    ("add", "session_id", NAMES, lambda m, v: m.add("x", user_id="u", session_id=v)),
    ("add", "write_to", NAMES, lambda m, v: m.add("x", user_id="u", write_to=v)),
    ("add", "tags", TAGS, lambda m, v: m.add("x", user_id="u", tags=v)),
    ("add", "info", INFOS, lambda m, v: m.add("x", user_id="u", info=v)),
    ("add", "at", TIMES, lambda m, v: m.add("x", user_id="u", at=v)),
    ("add", "expires_at", TIMES, lambda m, v: m.add("x", user_id="u", expires_at=v)),
    ("add", "learn", FLAGS, lambda m, v: m.add("x", user_id="u", learn=v)),
    ("add", "request_id", NAMES, lambda m, v: m.add("x", user_id="u", request_id=v)),
    ("search", "query", [*TEXTS, None], lambda m, v: m.search(v, user_id="u")),
    ("search", "user_id", [*NAMES, None], lambda m, v: m.search("x", user_id=v)),
    ("search", "agent_id", NAMES, lambda m, v: m.search("x", user_id="u", agent_id=v)),
    ("search", "session_id", NAMES, lambda m, v: m.search("x", user_id="u", session_id=v)),
    ("search", "cube_ids", IDS, lambda m, v: m.search("x", user_id="u", cube_ids=v)),
    ("search", "memory_types", ["x", 7, ["x"], [7], [[]], [None], object()], lambda m, v: m.search("x", user_id="u", memory_types=v)),
    ("search", "filter", FILTERS, lambda m, v: m.search("x", user_id="u", filter=v)),
    ("search", "top_k", [*WHOLE, 0, 1001, None], lambda m, v: m.search("x", user_id="u", top_k=v)),
    ("search", "mode", ["", "slow", 7, None, []], lambda m, v: m.search("x", user_id="u", mode=v)),
    ("search", "min_relevance", [-0.1, 1.1, NAN, "x", True, []], lambda m, v: m.search("x", user_id="u", min_relevance=v)),
    ("search", "as_of", TIMES, lambda m, v: m.search("x", user_id="u", as_of=v)),
    ("search", "valid_at", TIMES, lambda m, v: m.search("x", user_id="u", valid_at=v)),
    ("search", "now", TIMES, lambda m, v: m.search("x", user_id="u", now=v)),
    ("search", "max_tokens", [*WHOLE, 0], lambda m, v: m.search("x", user_id="u", max_tokens=v)),
    ("search", "count_tokens", [7, "len", []], lambda m, v: m.search("first", user_id="u", max_tokens=5, count_tokens=v)),
    ("get", "memory_id", [*NAMES, None], lambda m, v: m.get(v, user_id="u")),
    ("get", "user_id", [*NAMES, None], lambda m, v: m.get("x", user_id=v)),
    ("get", "as_of", TIMES, lambda m, v: m.get("x", user_id="u", as_of=v)),
    ("list", "limit", [*WHOLE, 0, 1001, None], lambda m, v: m.list(user_id="u", limit=v)),
    ("list", "cursor", [*NAMES, "x", "AAAA"], lambda m, v: m.list(user_id="u", cursor=v)),
    ("list", "filter", FILTERS, lambda m, v: m.list(user_id="u", filter=v)),
    ("list", "cube_ids", IDS, lambda m, v: m.list(user_id="u", cube_ids=v)),
    ("list", "as_of", TIMES, lambda m, v: m.list(user_id="u", as_of=v)),
    ("update", "memory_id", [*NAMES, None], lambda m, v: m.update(v, text="x", user_id="u")),
    ("update", "text", [*TEXTS, None], lambda m, v: m.update(_id(m), text=v, user_id="u")),
    ("update", "tags", TAGS, lambda m, v: m.update(_id(m), tags=v, user_id="u")),
    ("update", "info", INFOS, lambda m, v: m.update(_id(m), info=v, user_id="u")),
    ("update", "expires_at", TIMES, lambda m, v: m.update(_id(m), expires_at=v, user_id="u")),
    ("update", "if_version", [*WHOLE, 0], lambda m, v: m.update(_id(m), text="x", if_version=v, user_id="u")),
    ("update", "request_id", NAMES, lambda m, v: m.update(_id(m), text="x", request_id=v, user_id="u")),
    ("delete", "memory_ids", [*IDS, None], lambda m, v: m.delete(v, user_id="u")),
    ("delete", "filter", FILTERS, lambda m, v: m.delete(filter=v, user_id="u")),
    ("delete", "filter", [{}], lambda m, v: m.delete(filter=v, user_id="u")),
    ("restore", "memory_id", [*NAMES, None], lambda m, v: m.restore(v, user_id="u")),
    ("restore", "version", [*WHOLE, 0], lambda m, v: m.restore(_id(m), version=v, user_id="u")),
    ("erase", "memory_ids", [*IDS, None], lambda m, v: m.erase(v, user_id="u")),
    ("erase", "filter", FILTERS, lambda m, v: m.erase(filter=v, user_id="u")),
    ("erase", "everything", FLAGS, lambda m, v: m.erase(everything=v, user_id="u")),
    ("erase", "everything", [True], lambda m, v: m.erase(["x"], everything=v, user_id="u")),
    ("erase", "request_id", NAMES, lambda m, v: m.erase(_id(m), request_id=v, user_id="u")),
    ("history", "memory_id", [*NAMES, None], lambda m, v: m.history(v, user_id="u")),
    ("bind", "user_id", NAMES, lambda m, v: m.bind(user_id=v).list(agent_id="a")),
    ("sessions.list", "limit", [*WHOLE, 0, 1001], lambda m, v: m.sessions.list(user_id="u", limit=v)),
    ("sessions.list", "cursor", ["", "x", "AAAA", 7], lambda m, v: m.sessions.list(user_id="u", cursor=v)),
    ("sessions.messages", "session_id", NAMES, lambda m, v: m.sessions.messages(v, user_id="u")),
    ("sessions.messages", "cube_id", NAMES, lambda m, v: m.sessions.messages(user_id="u", cube_id=v)),
    ("sessions.messages", "cursor", ["", "x", "AAAA", 7], lambda m, v: m.sessions.messages(user_id="u", cursor=v)),
    ("sessions.replace", "session_id", [*NAMES, None], lambda m, v: m.sessions.replace(v, ["x"], user_id="u")),
    ("sessions.replace", "learn", FLAGS, lambda m, v: m.sessions.replace("s", ["x"], learn=v, user_id="u")),
    ("sessions.replace", "request_id", NAMES, lambda m, v: m.sessions.replace("s", ["x"], request_id=v, user_id="u")),
    ("sessions.delete", "request_id", NAMES, lambda m, v: m.sessions.delete("s", request_id=v, user_id="u")),
    ("sessions.delete", "session_id", [*NAMES, None], lambda m, v: m.sessions.delete(v, user_id="u")),
    ("cubes.create", "name", [*NAMES, None], lambda m, v: m.cubes.create(v, user_id="u")),
    ("cubes.create", "cube_id", NAMES, lambda m, v: m.cubes.create("c", cube_id=v, user_id="u")),
    ("cubes.create", "user_id", [*NAMES, None], lambda m, v: m.cubes.create("c", user_id=v)),
    ("cubes.share", "cube_id", [*NAMES, None], lambda m, v: m.cubes.share(v, with_user="x", user_id="u")),
    ("cubes.share", "with_user", [*NAMES, None], lambda m, v: m.cubes.share("c", with_user=v, user_id="u")),
    ("cubes.share", "role", ["", "king", 7, None, []], lambda m, v: m.cubes.share("c", with_user="x", role=v, user_id="u")),
    ("cubes.share", "request_id", NAMES, lambda m, v: m.cubes.share("c", with_user="x", request_id=v, user_id="u")),
    ("cubes.unshare", "request_id", NAMES, lambda m, v: m.cubes.unshare("c", with_user="x", request_id=v, user_id="u")),
    ("cubes.load", "request_id", NAMES, lambda m, v: m.cubes.load("c", request_id=v, user_id="u")),
    ("cubes.load", "path", [*PATHS, "/nowhere/at/all", "~nobody/at/all"], lambda m, v: m.cubes.load(v, user_id="u")),
    ("cubes.mount", "path", [*PATHS, "/nowhere/at/all", "~nobody/at/all"], lambda m, v: m.cubes.mount(v, user_id="u")),
    ("cubes.verify", "path", [*PATHS, "/nowhere/at/all", "~nobody/at/all"], lambda m, v: m.cubes.verify(v)),
    ("cubes.dump", "path", PATHS, lambda m, v: m.cubes.dump("c", v, user_id="u")),
    ("cubes.mount", "user_id", [*NAMES, None], lambda m, v: m.cubes.mount("x", user_id=v)),
    ("cubes.unmount", "cube_id", [*NAMES, None], lambda m, v: m.cubes.unmount(v, user_id="u")),
    ("cubes.unshare", "with_agent", NAMES, lambda m, v: m.cubes.unshare("c", with_agent=v, user_id="u")),
    ("tasks.status", "task_id", [*NAMES, None], lambda m, v: m.tasks.status(v)),
    ("tasks.list", "limit", [*WHOLE, 0, 1001], lambda m, v: m.tasks.list(limit=v)),
    ("records.put", "namespace", [7, "a", [""], [7], None, ["a\x00"], ["\ud800"]], lambda m, v: m.records.put(v, "k", 1, user_id="u")),
    ("records.put", "key", ["", 7, None, "\ud800", "a\x00", []], lambda m, v: m.records.put(("n",), v, 1, user_id="u")),
    ("records.put", "value", [object(), NAN, {1, 2}, {7: 8}, b"x"], lambda m, v: m.records.put(("n",), "k", v, user_id="u")),
    ("records.put", "ttl", [-1, NAN, INF, "x", True, []], lambda m, v: m.records.put(("n",), "k", 1, ttl=v, user_id="u")),
    ("records.put", "if_version", [-1, NAN, "x", True, 1.5], lambda m, v: m.records.put(("n",), "k", 1, if_version=v, user_id="u")),
    ("records.put", "vectors", [7, "x", {"a": "x"}, {"a": [NAN]}, {"a": []}], lambda m, v: m.records.put(("n",), "k", 1, vectors=v, user_id="u")),
    ("records.put", "request_id", NAMES, lambda m, v: m.records.put(("n",), "k", 1, request_id=v, user_id="u")),
    ("records.put_many", "request_id", NAMES, lambda m, v: m.records.put_many([], request_id=v, user_id="u")),
    ("records.delete", "request_id", NAMES, lambda m, v: m.records.delete(("n",), "k", request_id=v, user_id="u")),
    ("records.search", "limit", WHOLE, lambda m, v: m.records.search(limit=v, user_id="u")),
    ("records.search", "offset", WHOLE, lambda m, v: m.records.search(offset=v, user_id="u")),
    ("records.search", "filter", ["x", 7, {"nothing": 1}, {"key": {"like": 1}}], lambda m, v: m.records.search(filter=v, user_id="u")),
    ("wait", "timeout", ["x", NAN, [], -1, True], lambda m, v: m.wait(v)),
]
"""verb, the field that the error must name, bad values, the call."""


def _id(mos: MOS) -> str:
    return mos.list(user_id="u", limit=1).items[0].id


def _rows(home: str) -> dict[str, int]:
    with sqlite3.connect(Path(home) / "memory.db") as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables}


@pytest.fixture(scope="module")
def mos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MOS]:
    settings = Settings(durability="normal", audit_key="k" * 32, embedder="none")
    with MOS(str(tmp_path_factory.mktemp("bad") / "memory"), settings=settings) as mos:
        mos.add("The first of all.", user_id="u")
        mos.cubes.create("c", cube_id="c", user_id="u")
        yield mos


@pytest.mark.parametrize(("verb", "field", "values", "call"), CASES, ids=[f"{nr}-{verb}-{field}" for nr, (verb, field, _, _) in enumerate(CASES)])
def test_bad_input_is_refused_by_name_and_nothing_is_stored(mos: MOS, verb: str, field: str, values: list[Any], call: Call) -> None:
    before = _rows(mos.home)
    wrong = []
    for value in values:
        try:
            answer = call(mos, value)
        except InvalidInput as exc:
            if not _names(exc.field, field):
                wrong.append(f"{_shown(value)}: names {exc.field}")
            if str(exc).strip() == exc.field or "Traceback" in str(exc):
                wrong.append(f"{_shown(value)}: says nothing: {exc}")
        except Exception as exc:
            wrong.append(f"{_shown(value)}: {type(exc).__name__}: {exc!s:.100}")
        else:
            wrong.append(f"{_shown(value)}: taken, and gave {answer!r:.60}")
    assert wrong == []
    assert _rows(mos.home) == before


def _shown(value: Any) -> str:
    try:
        return repr(value)[:60]
    except ValueError:
        return "a number with more digits than Python writes"


def _names(told: str, field: str) -> bool:
    """`tags[2]`, `filter 'created_at'` and `content[0].role` name their fields, too."""
    same = {"content": ("content", "message", "role", "at"), "with_user": ("with_user", "with_agent"), "cursor": ("cursor",)}
    return any(told == name or told.startswith((f"{name}[", f"{name}.", f"{name} ")) for name in same.get(field, (field,)))


def test_settings_and_folders_are_checked_too(tmp_path: Path) -> None:
    for given in ({"durability": "maybe"}, {"ledger": "oracle"}, {"segment_bytes": 7}, {"index": "x"}, {"scheduler": "cron"}):
        with pytest.raises(InvalidInput):
            Settings(**given)  # type: ignore[arg-type]
    for home in PATHS[:-1]:  # None is the settings' own
        with pytest.raises(InvalidInput) as told:
            MOS(home)
        assert told.value.field == "home"
    for url in ("http://x", "memos://host/x", "memos:///x?nothing=1", "memos:///x?segment_bytes=many", f"memos://{tmp_path}?durability=x"):
        with pytest.raises(InvalidInput):
            MOS.from_url(url)
    with pytest.raises(InvalidInput):
        MOS(str(tmp_path / "m"), settings=Settings(audit_key="short", embedder="none"))
