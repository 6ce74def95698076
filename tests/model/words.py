"""What the machine says and asks: texts, filters with what they mean, and the drawing of arguments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.model.values import Item, Version, Words

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUERY = "pebble"
ASKERS = [("alice", None), ("bob", None), (None, "bot"), ("alice", "bot"), ("bob", "bot")]
STONES = ["wqbasalt", "wqgranite", "wqmarble", "wqslate", "wqflint", "wqonyx", "wqchalk", "wqagate"]
TEXTS = [
    *(f"A pebble of {stone}." for stone in STONES),
    "a PEBBLE  of wqbasalt", "A pebble of wqgranite!", "A pebble of wqmarble?", "A pebble of 石英 wqquartz.",
    "This wqjasper pebble lies here since 2019.", "A wqtuff pebble lay there from 2017 to 2019.",
]  # fmt: skip
TIMES = [START - timedelta(days=days) for days in (400, 2, 2, 1)]
INFOS: list[dict[str, Any]] = [{}, {}, {"n": 1}, {"n": 2.5}, {"n": "1"}, {"n": True}, {"n": None}, {"n": [1, 2]}, {"k": {"d.e": "x"}}]

Passes = Callable[[Version, Item], bool]
NOTHING = object()


def _n(version: Version) -> Any:
    return version.info.get("n", NOTHING)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


FILTERS: list[tuple[dict[str, Any], Passes]] = [
    ({"tags": {"any": ["work", "play"]}}, lambda v, i: bool({"work", "play"} & set(v.tags))),
    ({"tags": {"all": ["work", "play"]}}, lambda v, i: {"work", "play"} <= set(v.tags)),
    ({"tags": {"contains": "work"}}, lambda v, i: "work" in v.tags),
    ({"tags": {"empty": True}}, lambda v, i: not v.tags),
    ({"info.n": 1}, lambda v, i: _number(_n(v)) and _n(v) == 1),
    ({"info.n": {"ne": 1}}, lambda v, i: _n(v) in (NOTHING, None) or (_number(_n(v)) and _n(v) != 1)),
    ({"info.n": {"nin": ["1", 2]}}, lambda v, i: _n(v) in (NOTHING, None) or (_number(_n(v)) and _n(v) != 2)),
    ({"not": {"info.n": 1}}, lambda v, i: not (_number(_n(v)) and _n(v) == 1)),
    ({"info.n": {"gt": 1}}, lambda v, i: _number(_n(v)) and _n(v) > 1),
    ({"info.n": {"in": ["1", True]}}, lambda v, i: _n(v) == "1" or _n(v) is True),
    ({"info.n": {"exists": False}}, lambda v, i: _n(v) in (NOTHING, None)),
    ({"info.n": {"any": [2]}}, lambda v, i: isinstance(_n(v), list) and 2 in _n(v)),
    ({"path": ["info", "k", "d.e"], "eq": "x"}, lambda v, i: v.info.get("k", {}).get("d.e") == "x"),
    ({"speaker": {"ne": ""}}, lambda v, i: v.speaker != ""),
    ({"user_id": "alice"}, lambda v, i: v.user == "alice"),
    ({"agent_id": {"exists": False}}, lambda v, i: v.agent is None),
    ({"session_id": {"in": ["walk-1"]}}, lambda v, i: v.session == "walk-1"),
    ({"session_id": {"nin": ["walk-1"]}}, lambda v, i: v.session != "walk-1"),
    ({"version": {"gte": 2}}, lambda v, i: v.number >= 2),
    ({"text": {"itext": "GRANITE"}}, lambda v, i: "granite" in v.text.casefold()),
    ({"text": {"prefix": "A pebble of wqm"}}, lambda v, i: v.text.startswith("A pebble of wqm")),
    ({"created_at": {"gte": TIMES[1].isoformat()}}, lambda v, i: v.said >= TIMES[1]),
    ({"created_at": {"lt": TIMES[1].timestamp()}}, lambda v, i: v.said < TIMES[1]),
    ({"expires_at": {"exists": True}}, lambda v, i: v.expires is not None),
    ({"valid_from": {"gt": datetime(2018, 1, 1)}}, lambda v, i: v.valid[0] is not None and v.valid[0].year > 2017),
    ({"trust": "inferred", "state": "activated"}, lambda v, i: v.trust == "inferred" and v.state == "activated"),
    ({"and": [{"user_id": "bob"}, {"or": [{"version": 1}, {"tags": {"any": ["work"]}}]}]},
     lambda v, i: v.user == "bob" and (v.number == 1 or "work" in v.tags)),
]  # fmt: skip

ASKER = st.sampled_from(ASKERS)
TENANT = st.sampled_from(["a", "a", "a", "a", "b"])
PICK = st.integers(0, 255)
TEXT = st.sampled_from(TEXTS)
OWN_WALK = "own walk"
"""Stands for a session whose name nobody else uses."""
SESSION = st.sampled_from([None, "walk-1", "walk-2", OWN_WALK])
TAGS = st.sampled_from([(), (), ("work",), ("play", "work")])
INFO = st.sampled_from(INFOS)
EXPIRES = st.sampled_from([None, None, None, timedelta(seconds=3), timedelta(days=1), timedelta(days=-1)])
AT = st.sampled_from([None, None, *TIMES])
REQUEST = st.sampled_from([None, None, None, None, "r1", "r2"])
FILTER = st.sampled_from(FILTERS)
ROLE = st.sampled_from(["reader", "writer", "owner"])
SOMEBODY = st.sampled_from([("user", "alice"), ("user", "bob"), ("agent", "bot")])
NAMED = st.builds(
    Words,
    role=st.sampled_from(["user", "user", "user", "assistant", "system"]),
    content=TEXT,
    name=st.sampled_from([None, None, "Ann", "Ben"]),
    id=st.sampled_from([None, "m1", "m2", "m3"]),
    time=AT,
)
TALK = st.lists(NAMED, min_size=1, max_size=3)


def own_walk(tenant: str, asker: tuple[str | None, str | None]) -> str:
    return f"walk-of-{asker[0] or asker[1]}-of-{tenant}"


def chat(one: Words) -> dict[str, Any]:
    """A message in the shape of a chat message."""
    optional = {"name": one.name, "id": one.id, "chat_time": None if one.time is None else one.time.isoformat()}
    return {"role": one.role, "content": one.content, **{key: value for key, value in optional.items() if value is not None}}
