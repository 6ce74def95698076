"""The filter grammar: what every operator means for every type, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos_core.errors import InvalidInput
from memos_core.model.filter import MAX_DEPTH, MAX_KEY, MAX_LEAVES, OPERATORS, RECORD, Filter, Names

ABSENT: Any = object()
VALUES: dict[str, Any] = {
    "absent": ABSENT,
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "half": 0.5,
    "one as float": 1.0,
    "empty": "",
    "word": "Abc",
    "digit": "1",
    "list": ["Abc", 1],
    "empty list": [],
    "nested": [["Abc"]],
    "map": {"k": 1},
    "empty map": {},
}


def matches(op: str, wanted: Any, value: Any, key: str = "k") -> bool:
    return Filter.parse({"path": ["info", key], op: wanted}).matches({"info": {} if value is ABSENT else {key: value}})


def passing(op: str, wanted: Any) -> set[str]:
    return {name for name, value in VALUES.items() if matches(op, wanted, value)}


TABLE: list[tuple[str, Any, str]] = [
    ("eq", 1, "one, one as float"),
    ("eq", True, "true"),
    ("eq", "Abc", "word"),
    ("eq", None, "null"),
    ("eq", ["Abc", 1], "list"),
    ("eq", [], "empty list"),
    ("eq", "1", "digit"),
    ("eq", 0, "zero"),
    ("ne", 1, "absent, null, zero, half"),
    ("ne", "Abc", "absent, null, empty, digit"),
    ("ne", True, "absent, null, false"),
    ("in", [1, "Abc"], "one, one as float, word"),
    ("in", [None, False], "null, false"),
    ("in", [], ""),
    ("nin", [1], "absent, null, zero, half"),
    ("nin", ["Abc", 1], "absent, null, zero, half, empty, digit"),
    ("nin", [], ", ".join(VALUES)),
    ("gt", 0.5, "one, one as float"),
    ("gte", 1, "one, one as float"),
    ("lt", 0.5, "zero"),
    ("lte", 0.5, "zero, half"),
    ("gt", "", "word, digit"),
    ("lt", "B", "empty, word, digit"),
    ("contains", "Abc", "list, word"),
    ("contains", 1, "list"),
    ("contains", ["Abc"], "nested"),
    ("contains", True, ""),
    ("any", ["x", 1], "list"),
    ("any", [], ""),
    ("all", ["Abc", 1], "list"),
    ("all", ["Abc"], "list"),
    ("all", [], "list, empty list, nested"),
    ("prefix", "A", "word"),
    ("prefix", "", "empty, word, digit"),
    ("text", "b", "word"),
    ("text", "B", ""),
    ("itext", "BC", "word"),
    ("exists", True, ", ".join(name for name in VALUES if name not in ("absent", "null"))),
    ("exists", False, "absent, null"),
    ("empty", True, "absent, null, empty, empty list, empty map"),
    ("empty", False, ", ".join(name for name in VALUES if name not in ("absent", "null", "empty", "empty list", "empty map"))),
]


@pytest.mark.parametrize(("op", "wanted", "names"), TABLE)
def test_an_operator_matches_these_values_and_no_others(op: str, wanted: Any, names: str) -> None:
    assert passing(op, wanted) == set(filter(None, names.split(", ")))


def test_the_table_has_every_operator() -> None:
    assert {op for op, _, _ in TABLE} == set(OPERATORS)


def test_times_compare_as_times_in_whatever_form_they_come() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    fields = {"created_at": noon}
    for same in (
        noon,
        noon.isoformat(),
        "2026-03-02T12:00:00Z",
        noon.timestamp(),
        noon.astimezone(timezone(timedelta(hours=9))),
        "2026-03-02T12:00",
    ):
        assert Filter.parse({"created_at": same}).matches(fields), same
        assert Filter.parse({"created_at": {"gte": same, "lte": same}}).matches(fields)
        assert not Filter.parse({"created_at": {"gt": same}}).matches(fields)
    assert Filter.parse({"created_at": {"in": [0, noon]}}).matches(fields)
    assert not Filter.parse({"valid_to": {"gt": noon}}).matches({"valid_to": None})


@pytest.mark.parametrize(
    "raw",
    [
        {},
        [],
        "x",
        None,
        {"nope": 1},
        {"info": {"unknown": 1}},
        {"text.x": 1},
        {"text": {}},
        {"and": []},
        {"or": {}},
        {"not": []},
        {"and": [1]},
        {"tags": {"in": "work"}},
        {"tags": {"any": "work"}},
        {"text": {"prefix": 1}},
        {"text": {"exists": 1}},
        {"info.n": {"gt": None}},
        {"info.n": {"gt": True}},
        {"info.n": {"lt": [1]}},
        {"created_at": "yesterday"},
        {"created_at": {"gt": [1]}},
        {"created_at": True},
        {"info." + "k" * (MAX_KEY + 1): 1},
        {"info.": 1},
        {"path": [], "eq": 1},
        {"path": ["info", ""], "eq": 1},
        {"path": ["text", "x"], "eq": 1},
        {"path": ["info", "x"]},
        {1: 2},
        {"info.n": {1: 2}},
        {"info.n": {"eq": {1, 2}}},
        {"$where": "1"},
        {"tags": {"$in": []}},
    ],
)
def test_what_is_not_understood_is_refused(raw: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        Filter.parse(raw)
    assert caught.value.field.startswith("filter")


def test_depth_and_number_of_conditions_have_an_end() -> None:
    deep: dict[str, Any] = {"version": 1}
    for _ in range(MAX_DEPTH):
        deep = {"not": deep}
    Filter.parse(deep)
    Filter.parse({"or": [{"version": nr} for nr in range(MAX_LEAVES)]})
    with pytest.raises(InvalidInput):
        Filter.parse({"not": deep})
    with pytest.raises(InvalidInput):
        Filter.parse({"or": [{"version": nr} for nr in range(MAX_LEAVES + 1)]})


def test_filters_are_built_and_joined_in_python_too() -> None:
    work, new = Filter.where("tags", "any", ["work"]), Filter.where(["info", "a.b", "c"], "eq", 1)
    fields = {"tags": ["work"], "info": {"a.b": {"c": 1}}}
    assert (work & new).matches(fields) and (work | new).matches({"tags": ["work"]}) and not (~work).matches(fields)
    assert Filter.parse(work) is work
    assert Filter.parse({"info.a.b": 1}).matches({"info": {"a.b": 1}}) and not Filter.parse({"info.a.b": 1}).matches(
        {"info": {"a": {"b": 1}}}
    )


def test_a_mapping_joins_a_built_filter() -> None:
    work = Filter.where("tags", "any", ["work"])
    assert work & {"text": "x"} == work & Filter.where("text", "eq", "x")
    assert work | {"value.n": 1} == work | Filter.where("value.n", "eq", 1)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Filter.where(3),  # type: ignore[arg-type]
        lambda: Filter.where(None),  # type: ignore[arg-type]
        lambda: Filter.where("nope"),
        lambda: Filter.where(["info", 3]),  # type: ignore[list-item]
        lambda: Filter.where("text") & 3,  # type: ignore[operator]
        lambda: Filter.where("text") | {"nope": 1},
        lambda: Filter.parse(Filter({"text": "x"})),  # type: ignore[arg-type]
    ],
)
def test_what_a_filter_cannot_be_built_of_is_refused(build: Callable[[], Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        build()
    assert caught.value.field == "filter"


@pytest.mark.parametrize(
    ("field", "names"), [("value.n", None), ("key", None), ("namespace", None), ("info.n", RECORD), ("text", RECORD), ("tags", RECORD)]
)
def test_a_built_filter_is_refused_where_its_fields_are_not_in_the_words_of_json(field: str, names: Names | None) -> None:
    with pytest.raises(InvalidInput) as json:
        Filter.parse({field: 1}, names)
    for built in (Filter.where(field, "eq", 1), ~(Filter.where("version") & (Filter.where("version") | Filter.where(field, "eq", 1)))):
        with pytest.raises(InvalidInput) as caught:
            Filter.parse(built, names)
        assert str(caught.value) == str(json.value)


def test_a_built_filter_may_be_long_but_has_the_ends_of_json() -> None:
    long = deep = Filter.where("version")
    for nr in range(1, MAX_LEAVES):
        long, deep = long & Filter.where("version", "eq", nr), ~deep
    assert Filter.parse(long) is long and not long.matches({"version": 1})
    for wrong in (deep, long & long):
        with pytest.raises(InvalidInput):
            Filter.parse(wrong)
    widest: dict[str, Any] = {"version": 1, "text": "x"}
    for _ in range(MAX_DEPTH):
        widest = {"version": 1, "or": [{"text": "y"}, widest]}
    parsed = Filter.parse(widest)
    assert Filter.parse(parsed) is parsed


SCALAR = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, 1.0, -2.0]) | st.sampled_from(["", "a", "A", "ab", "1"])
VALUE = st.just(ABSENT) | SCALAR | st.lists(SCALAR, max_size=3)
ORDERED = st.integers(-2, 2) | st.sampled_from([0.5, "", "a", "ab"])
WORD = st.sampled_from(["", "a", "A", "b"])
CONDITION = st.one_of(
    st.tuples(st.sampled_from(["eq", "ne", "contains"]), SCALAR | st.lists(SCALAR, max_size=2)),
    st.tuples(st.sampled_from(["in", "nin", "any", "all"]), st.lists(SCALAR, max_size=3)),
    st.tuples(st.sampled_from(["gt", "gte", "lt", "lte"]), ORDERED),
    st.tuples(st.sampled_from(["prefix", "text", "itext"]), WORD),
    st.tuples(st.sampled_from(["exists", "empty"]), st.booleans()),
)
LEAF = st.builds(lambda key, condition: {f"info.{key}": {condition[0]: condition[1]}}, st.sampled_from("xy"), CONDITION)
TREE = st.recursive(
    LEAF,
    lambda parts: (
        st.builds(lambda op, some: {op: some}, st.sampled_from(["and", "or"]), st.lists(parts, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, parts)
    ),
    max_leaves=6,
)


def tagged(value: Any) -> Any:
    """A value with its type, so that 1 and True, and 1 and "1", are different and 1 and 1.0 are not."""
    if isinstance(value, list):
        return ("list", tuple(map(tagged, value)))
    for name, kinds in (("bool", bool), ("number", (int, float)), ("string", str)):
        if isinstance(value, kinds):
            return (name, value)
    return ("null", None)


def holds(op: str, wanted: Any, value: Any) -> Any:
    """What an operator means, said a second time."""
    nothing = value is ABSENT or value is None
    if op in ("exists", "empty"):
        return wanted == (not nothing if op == "exists" else nothing or value in ("", []))
    if op in ("ne", "nin"):
        several = [wanted] if op == "ne" else wanted
        if value is ABSENT or not several:
            return True
        comparable = value is None or any(tagged(one)[0] == tagged(value)[0] for one in several)
        return comparable and tagged(value) not in map(tagged, several)
    if value is ABSENT:
        return False
    if op in ("eq", "in"):
        return tagged(value) in map(tagged, [wanted] if op == "eq" else wanted)
    if op in ("gt", "gte", "lt", "lte"):
        (kind, left), (other, right) = tagged(value), tagged(wanted)
        signs = {"gt": (1,), "gte": (0, 1), "lt": (-1,), "lte": (-1, 0)}[op]
        return bool(kind == other and kind in ("number", "string") and (left > right) - (left < right) in signs)
    if op in ("prefix", "text", "itext"):
        if not isinstance(value, str):
            return False
        return (
            value[: len(wanted)] == wanted
            if op == "prefix"
            else value.lower().count(wanted.lower()) > 0
            if op == "itext"
            else wanted in value
        )
    if not isinstance(value, list):
        return op == "contains" and isinstance(value, str) and isinstance(wanted, str) and wanted in value
    have, want = {tagged(one) for one in value}, {tagged(one) for one in ([wanted] if op == "contains" else wanted)}
    return bool(have & want) if op == "any" else want <= have


def evaluate(tree: dict[str, Any], info: dict[str, Any]) -> bool:
    ((key, inside),) = tree.items()
    if key == "not":
        return not evaluate(inside, info)
    if key in ("and", "or"):
        return (all if key == "and" else any)([evaluate(part, info) for part in inside])
    ((op, wanted),) = inside.items()
    return bool(holds(op, wanted, info.get(key[5:], ABSENT)))


@settings(max_examples=1500, deadline=None, database=None)
@given(tree=TREE, x=VALUE, y=VALUE)
def test_a_second_evaluator_agrees(tree: dict[str, Any], x: Any, y: Any) -> None:
    info = {key: value for key, value in (("x", x), ("y", y)) if value is not ABSENT}
    assert Filter.parse(tree).matches({"info": info}) == evaluate(tree, info)
