"""The raw lane: any JSON, verbatim, under a namespace and a key."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memos_core import MOS, InvalidInput, VersionConflict
from memos_core.ledger.records import namespace_of, space_of

NS = ("users", "alice")
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=120)


def keys(found: Any) -> list[str]:
    return [record.key for record in found]


def test_what_was_put_is_got(mos: MOS) -> None:
    put = mos.records.put(NS, "a", {"text": "tea"})
    got = mos.records.get(NS, "a")
    assert got == put and got is not None
    assert (got.namespace, got.key, got.value, got.version, got.score, got.expires_at) == (NS, "a", {"text": "tea"}, 1, None, None)
    assert mos.records.get(NS, "b") is None and mos.records.get(("users",), "a") is None


@given(value=PLAIN)
@SHARED
def test_any_json_comes_back_verbatim(mos: MOS, value: Any) -> None:
    mos.records.put(NS, "a", value)
    got = mos.records.get(NS, "a")
    assert got is not None and repr(got.value) == repr(value) and json.dumps(got.value) == json.dumps(value)


@pytest.mark.parametrize(
    "value", ["\ud800 half", {"\ud800": [1]}, "\x00", -0.0, 1e308, 10**300, 1.0, 1, True, {"b": 1, "a": 2}, [], "", None]
)
def test_the_strangest_of_it_too(mos: MOS, value: Any) -> None:
    mos.records.put(NS, "a", value)
    got = mos.records.get(NS, "a")
    assert got is not None and repr(got.value) == repr(value)


@pytest.mark.parametrize(
    "value",
    [math.nan, {"a": [math.inf]}, {1: "a"}, {"a": {2: 3}}, {None: 1}, b"bytes", {"a": {1, 2}}, object(), datetime.now(UTC), 10**5000],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_json_is_refused_and_nothing_is_stored(mos: MOS, value: Any) -> None:
    with pytest.raises(InvalidInput, match="value"):
        mos.records.put(NS, "a", value)
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput, match="value"):
        mos.records.put(NS, "a", deep)
    assert mos.records.get(NS, "a") is None


@given(
    spaces=st.lists(
        st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1), max_size=4), max_size=6
    )
)
@SHARED
def test_namespaces_are_kept_apart_exactly(spaces: list[list[str]]) -> None:
    texts_of = {tuple(one): space_of(one) for one in spaces}
    assert all(namespace_of(text) == one for one, text in texts_of.items()) and len(set(texts_of.values())) == len(texts_of)
    for one, text in texts_of.items():
        for other, below in texts_of.items():
            assert below.startswith(text) == (other[: len(one)] == one)


def test_a_prefix_is_whole_labels_and_no_character_is_special(mos: MOS) -> None:
    spaces = [
        ("a",),
        ("ab",),
        ("a", "b"),
        ("a.b",),
        ("a/b",),
        ("a%",),
        ("a_",),
        ("A",),
        ("a*",),
        ("a\x1f", "b"),
        ("a\x1e",),
        ("a", "\U0010ffff"),
        (),
    ]
    for nr, one in enumerate(spaces):
        mos.records.put(one, str(nr), nr)
    for one in spaces:
        expected = {str(nr) for nr, other in enumerate(spaces) if other[: len(one)] == one}
        assert set(keys(mos.records.search(one, limit=100))) == expected, one
    assert mos.records.namespaces() == tuple(sorted(spaces))


def test_a_second_put_writes_over_the_first(mos: MOS) -> None:
    first = mos.records.put(NS, "a", {"n": 1}, vectors={"v": [1, 0]})
    second = mos.records.put(NS, "a", {"n": 2})
    assert (second.version, second.created_at, second.value) == (2, first.created_at, {"n": 2}) and second.updated_at > first.updated_at
    assert keys(mos.records.search(NS)) == ["a"] and mos.records.search(NS, vector=[1, 0]).items[0].score is None


def test_versions_guard_against_each_other(mos: MOS) -> None:
    mos.records.put(NS, "a", 1, if_version=0)
    with pytest.raises(VersionConflict):
        mos.records.put(NS, "a", 2, if_version=0)
    mos.records.put(NS, "a", 2, if_version=1)
    with pytest.raises(VersionConflict):
        mos.records.put(NS, "b", 2, if_version=1)
    got = mos.records.get(NS, "a")
    assert got is not None and (got.value, got.version) == (2, 2)


def test_many_are_put_in_order_all_or_none_and_got_in_the_order_asked(mos: MOS) -> None:
    put = mos.records.put_many([{"namespace": NS, "key": key, "value": nr} for nr, key in enumerate("abca")])
    assert [(one.key, one.value, one.version) for one in put] == [("a", 0, 1), ("b", 1, 1), ("c", 2, 1), ("a", 3, 2)]
    got = mos.records.get_many([(NS, "c"), (NS, "x"), (NS, "a"), (NS, "c")])
    assert [None if one is None else one.value for one in got] == [2, None, 3, 2]
    with pytest.raises(VersionConflict):
        mos.records.put_many([{"namespace": NS, "key": "d", "value": 1}, {"namespace": NS, "key": "a", "value": 1, "if_version": 0}])
    with pytest.raises(InvalidInput, match="value"):
        mos.records.put_many([{"namespace": NS, "key": "d", "value": 1}, {"namespace": NS, "key": "e", "value": math.nan}])
    assert mos.records.get(NS, "d") is None and mos.records.put_many([]) == ()


def test_lanes_do_not_see_each_other(mos: MOS, open_mos: Callable[..., MOS]) -> None:
    asking: list[dict[str, Any]] = [{}, {"user_id": "alice"}, {"user_id": "bob"}, {"agent_id": "alice"}]
    for nr, who in enumerate(asking):
        mos.records.put(NS, "a", nr, **who)
        mos.records.put((str(nr),), "b", nr, **who)
    other = open_mos(tenant="other")
    for nr, who in enumerate(asking):
        got = mos.records.get(NS, "a", **who)
        assert got is not None and got.value == nr
        assert [one.value for one in mos.records.search(**who, limit=100)] == [nr, nr]
        assert mos.records.namespaces(**who) == ((str(nr),), NS)
        assert other.records.search(**who).items == () and other.records.get(NS, "a", **who) is None
    assert mos.records.delete(NS, "a", user_id="alice") == 1
    assert mos.records.get(NS, "a", user_id="bob") is not None and mos.records.get(NS, "a") is not None
    assert mos.bind(user_id="bob").records.search(NS).items[0].value == 2


def test_records_are_no_memories(mos: MOS) -> None:
    mos.records.put(NS, "a", {"text": "Momo hates trams."}, user_id="alice")
    assert mos.list(user_id="alice").total == 0 and len(mos.search("trams", user_id="alice")) == 0


def test_what_is_deleted_is_gone_from_the_file_too(mos: MOS) -> None:
    canary = "canary-7f3a9e"
    mos.records.put(NS, canary, {"text": canary * 400}, vectors={canary: [1.0, 2.0]}, user_id="alice")
    mos.records.put(NS, "kept", 1, user_id="alice")
    assert (mos.records.delete(NS, canary, user_id="alice"), mos.records.delete(NS, canary, user_id="alice")) == (1, 0)
    assert mos.records.get(NS, canary, user_id="alice") is None
    assert mos._handle.engines.ledger.checkpoint(truncate=True)
    assert not [path for path in Path(mos.home).rglob("*") if canary.encode() in path.read_bytes()]
    assert keys(mos.records.search(NS, user_id="alice")) == ["kept"]


def test_deleting_takes_keys_a_filter_or_everything_of_one_namespace(mos: MOS) -> None:
    mos.records.put_many([{"namespace": NS, "key": key, "value": {"n": nr}} for nr, key in enumerate("abcdef")])
    mos.records.put((*NS, "below"), "a", 1)
    assert mos.records.delete(NS, ["a", "b", "x", "a"]) == 2
    assert mos.records.delete(NS, filter={"value.n": {"gte": 4}}) == 2
    assert sorted(keys(mos.records.search(NS))) == ["a", "c", "d"]
    with pytest.raises(InvalidInput, match="keys"):
        mos.records.delete(NS)
    assert mos.records.delete(NS, everything=True) == 2
    assert mos.records.namespaces() == ((*NS, "below"),)


class Clock:
    now = datetime(2026, 3, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_what_has_expired_is_not_there_and_reading_may_keep_it(open_mos: Callable[..., MOS]) -> None:
    clock = Clock()
    mos = open_mos(clock=clock)
    for key in "abc":
        mos.records.put(NS, key, key, ttl=60)
    mos.records.put(NS, "d", "d")
    clock.later(50)
    assert mos.records.get(NS, "a", refresh_ttl=True).expires_at == clock.now + timedelta(seconds=60)  # type: ignore[union-attr]
    mos.records.search(NS, filter={"key": "b"}, refresh_ttl=True)
    clock.later(20)
    assert sorted(keys(mos.records.search(NS))) == ["a", "b", "d"] and mos.records.search(NS).total == 3
    assert mos.records.get(NS, "c") is None and mos.records.get(NS, "d", refresh_ttl=True).expires_at is None  # type: ignore[union-attr]
    assert (mos.records.sweep(), mos.records.sweep()) == (1, 0)
    clock.later(100)
    again = mos.records.put(NS, "a", "new", if_version=0)
    assert (again.version, again.created_at, again.expires_at) == (1, clock.now, None)
    assert mos.records.namespaces() == (NS,)


@pytest.mark.parametrize(
    ("match", "depth", "expected"),
    [
        (None, None, ["a", "a/b", "a/b/c", "a/c", "b/c"]),
        ({"prefix": ("a",)}, None, ["a", "a/b", "a/b/c", "a/c"]),
        ({"suffix": ("c",)}, None, ["a/b/c", "a/c", "b/c"]),
        ([("prefix", ("a", "*")), ("suffix", ("c",))], None, ["a/b/c", "a/c"]),
        ([("prefix", ("*", "c"))], None, ["a/c", "b/c"]),
        ([("suffix", ("b", "*"))], None, ["a/b/c", "b/c"]),
        (None, 1, ["a", "b"]),
        (None, 2, ["a", "a/b", "a/c", "b/c"]),
        ([("prefix", ("a", "b", "c", "d"))], None, []),
    ],
    ids=str,
)
def test_namespaces_are_found_by_their_ends(mos: MOS, match: Any, depth: int | None, expected: list[str]) -> None:
    for one in ("a", "a/b", "a/b/c", "a/c", "b/c"):
        mos.records.put(one.split("/"), "k", 1)
    found = ["/".join(one) for one in mos.records.namespaces(match, max_depth=depth)]
    assert found == expected
    assert ["/".join(one) for one in mos.records.namespaces(match, max_depth=depth, limit=2, offset=1)] == expected[1:3]


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("namespace", lambda r: r.put("users", "a", 1)),
        ("namespace", lambda r: r.put(("a", ""), "a", 1)),
        ("namespace", lambda r: r.put(("a", 3), "a", 1)),
        ("namespace", lambda r: r.put(("a\x00",), "a", 1)),
        ("namespace", lambda r: r.put(("\ud800",), "a", 1)),
        ("namespace", lambda r: r.put(("a" * 2000,), "a", 1)),
        ("key", lambda r: r.put(NS, "", 1)),
        ("key", lambda r: r.put(NS, None, 1)),
        ("ttl", lambda r: r.put(NS, "a", 1, ttl=0)),
        ("ttl", lambda r: r.put(NS, "a", 1, ttl=math.nan)),
        ("if_version", lambda r: r.put(NS, "a", 1, if_version=-1)),
        ("index", lambda r: r.put(NS, "a", 1, index="title")),
        ("index", lambda r: r.put(NS, "a", 1, index=["a[x]"])),
        ("index", lambda r: r.put(NS, "a", 1, index=[""])),
        ("vectors", lambda r: r.put(NS, "a", 1, vectors=[1.0])),
        ("vectors.x", lambda r: r.put(NS, "a", 1, vectors={"x": [math.nan]})),
        ("vectors.x", lambda r: r.put(NS, "a", 1, vectors={"x": []})),
        ("vectors.x", lambda r: r.put(NS, "a", 1, vectors={"x": ["a"]})),
        ("vectors.x", lambda r: r.put(NS, "a", 1, vectors={"x": [1.7e308, 1.7e308]})),
        ("puts", lambda r: r.put_many([{"namespace": NS, "key": "a"}])),
        ("puts", lambda r: r.put_many([{"namespace": NS, "key": "a", "value": 1, "run": 1}])),
        ("keys", lambda r: r.get_many(["a"])),
        ("refresh_ttl", lambda r: r.get(NS, "a", refresh_ttl=1)),
        ("prefix", lambda r: r.search("users")),
        ("query", lambda r: r.search(NS, query=" ")),
        ("vector", lambda r: r.search(NS, vector=[])),
        ("vector", lambda r: r.search(NS, query="a", vector=[1])),
        ("filter", lambda r: r.search(NS, filter={"text": "a"})),
        ("filter", lambda r: r.search(NS, filter={"value.a": {"$gt": 1}})),
        ("limit", lambda r: r.search(NS, limit=0)),
        ("offset", lambda r: r.search(NS, offset=-1)),
        ("match", lambda r: r.namespaces([("infix", ("a",))])),
        ("match", lambda r: r.namespaces("a")),
        ("max_depth", lambda r: r.namespaces(max_depth=0)),
        ("user_id", lambda r: r.put(NS, "a", 1, user_id="")),
    ],
)
def test_bad_input_is_named_and_nothing_is_stored(mos: MOS, field: str, call: Callable[[Any], Any]) -> None:
    with pytest.raises(InvalidInput, match=field):
        call(mos.records)
    assert mos.records.namespaces() == ()


def test_what_is_written_is_in_the_audit_without_its_words(mos: MOS) -> None:
    mos.records.put(NS, "secret-key", {"text": "secret-value"}, user_id="alice")
    mos.records.delete(NS, "secret-key", user_id="alice")
    ledger = mos._handle.engines.ledger
    assert list(ledger.verify()) == []
    with ledger.book() as book:
        lines = book.connection.exec_driver_sql("SELECT verb, detail FROM audit").fetchall()
    assert [line[0] for line in lines] == ["put records", "delete records"] and "secret" not in str(lines)


def test_records_survive_the_closing(open_mos: Callable[..., MOS]) -> None:
    first = open_mos()
    put = first.records.put(NS, "a", {"n": 1.0}, vectors={"v": [1, 2]}, ttl=1000)
    first.close()
    time.sleep(0)
    assert open_mos().records.get(NS, "a") == put
