"""Frozen values can't be changed, down to what is nested in them, and compare and serialise like plain ones."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from memos_core.model.answer import CubeManifest, ErasureReceipt, Hit, Recollection
from memos_core.model.frozen import FrozenDict, FrozenList, Value, freeze
from memos_core.model.memory import Memory, Revision, Source
from memos_core.model.message import Message

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PLAIN: dict[str, Any] = {"a": [1, {"b": [2, []]}], "c": {}, "d": None}
MEMORY = Memory(
    id="m", text="Tea.", cube_id="c", created_at=NOW, updated_at=NOW, info=freeze(PLAIN), sources=(Source(kind="message", id="1"),)
)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.__setitem__("x", 1),
        lambda d: d.__delitem__("a"),
        lambda d: d.clear(),
        lambda d: d.pop("a"),
        lambda d: d.popitem(),
        lambda d: d.setdefault("x", 1),
        lambda d: d.update(x=1),
        lambda d: d.__ior__({"x": 1}),
        lambda d: d["c"].update(x=1),
        lambda d: d["a"].append(1),
        lambda d: d["a"].extend([1]),
        lambda d: d["a"].insert(0, 1),
        lambda d: d["a"].pop(),
        lambda d: d["a"].remove(1),
        lambda d: d["a"].clear(),
        lambda d: d["a"].sort(),
        lambda d: d["a"].reverse(),
        lambda d: d["a"].__setitem__(0, 9),
        lambda d: d["a"].__delitem__(0),
        lambda d: d["a"].__iadd__([1]),
        lambda d: d["a"].__imul__(2),
        lambda d: d["a"][1]["b"].append(3),
        lambda d: d["a"][1]["b"][1].append(3),
        lambda d: d["a"].__setitem__(slice(0, 1), []),
    ],
)
def test_no_way_of_changing_works_at_any_depth(change: Callable[[Any], Any]) -> None:
    frozen = freeze(copy.deepcopy(PLAIN))
    with pytest.raises(TypeError, match="frozen"):
        change(frozen)
    with pytest.raises(TypeError, match="frozen"):
        change(MEMORY.info)
    assert frozen == PLAIN == MEMORY.info


def test_what_was_frozen_does_not_follow_what_it_was_made_from() -> None:
    source = {"a": [1]}
    frozen = freeze(source)
    source["a"].append(2)
    assert frozen == {"a": [1]}


def test_frozen_compares_and_serialises_like_plain() -> None:
    frozen = freeze(PLAIN)
    assert json.dumps(frozen) == json.dumps(PLAIN)
    for again in (copy.copy(frozen), copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen)), freeze(frozen)):
        assert again == PLAIN and isinstance(again, FrozenDict) and isinstance(again["a"], FrozenList)
    assert json.loads(MEMORY.model_dump_json())["info"] == PLAIN
    assert Memory.model_validate_json(MEMORY.model_dump_json()) == MEMORY


def test_fields_cannot_be_set_or_invented() -> None:
    with pytest.raises(ValidationError):
        MEMORY.text = "Coffee."
    with pytest.raises(ValidationError):
        Memory(id="m", text="", cube_id="c", created_at=NOW, updated_at=NOW, colour="red")  # type: ignore[call-arg]


def test_evolve_validates_and_leaves_the_old_value_alone() -> None:
    newer = MEMORY.evolve(version=2, info={"n": [1]})
    assert (newer.version, newer.info, MEMORY.version, MEMORY.info) == (2, {"n": [1]}, 1, PLAIN)
    assert isinstance(newer.info["n"], FrozenList)
    for wrong in ({"version": "many"}, {"created_at": "soon"}, {"colour": "red"}, {"state": "asleep"}):
        with pytest.raises(ValidationError):
            MEMORY.evolve(**wrong)


def test_a_value_made_from_trusted_parts_equals_a_validated_one() -> None:
    made = Memory.made(**dict(MEMORY))
    assert made == MEMORY and made.model_dump() == MEMORY.model_dump() and repr(made) == repr(MEMORY)
    assert made.evolve(version=3) == MEMORY.evolve(version=3)


HIT = Hit.made(memory=MEMORY, score=0.5, relevance=0.25, why=FrozenDict({"words": 0.5}))
VALUES: list[Value] = [
    MEMORY,
    HIT,
    Recollection.made(hits=(HIT,), degraded=("meaning",), took=FrozenDict({"all": 1.5})),
    Revision(memory=MEMORY, verb="add", by="u", at=NOW),
    ErasureReceipt(id="e", memory_ids=("m",), stores=FrozenDict(ledger="done"), checked_at=NOW, audit_head="h"),
    CubeManifest(
        format=1, schema_version=1, cube_id="c", created_at=NOW, counts=FrozenDict(memories=1), files=(FrozenDict(name="f", size=2),)
    ),
    Message(content="x", at=NOW, raw=freeze({"content": "x", "extra": [{"n": 10**30}, [1.5, None]]})),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_from_its_own_json_and_from_its_fields(value: Value) -> None:
    for again in (type(value).model_validate_json(value.model_dump_json()), type(value).model_validate(value.model_dump())):
        assert again == value and hash(again) == hash(value)
    assert value.evolve() == value


def test_a_plain_dict_in_a_field_is_frozen_and_what_is_none_is_refused() -> None:
    raw = {"a": [1]}
    message = Message(content="x", raw=raw)  # type: ignore[arg-type]
    raw["a"].append(2)
    assert message.raw == {"a": [1]} and isinstance(message.raw, FrozenDict) and isinstance(message.raw["a"], FrozenList)
    for wrong in ([1], "x", 3, [("a", 1)]):
        with pytest.raises(ValidationError):
            Message(content="x", raw=wrong)  # type: ignore[arg-type]


def test_equal_values_hash_equal_and_stand_in_sets() -> None:
    frozen = freeze(PLAIN)
    assert hash(frozen) == hash(freeze(dict(reversed(PLAIN.items()))))
    assert freeze([1, {"a": True}]) == freeze([1.0, {"a": 1}]) and hash(freeze([1, {"a": True}])) == hash(freeze([1.0, {"a": 1}]))
    assert len({frozen, freeze(copy.deepcopy(PLAIN)), freeze({}), freeze([])}) == 3
    assert {hit.memory for hit in Recollection(hits=(HIT, HIT))} == {MEMORY} and len({HIT, HIT.evolve(score=0.75)}) == 2
