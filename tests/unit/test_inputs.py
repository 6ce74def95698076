"""`info` is kept as it was given, or refused by the name of what JSON can't keep."""

from __future__ import annotations

from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import pytest

from memos_core import MOS, InvalidInput
from memos_core.mos import inputs


@pytest.mark.parametrize(
    ("info", "field"),
    [
        ({1: 2}, "info"),
        ({"a": {1: 2}}, "info.a"),
        ({"a": {"1": 2, 1: 3}}, "info.a"),
        ({"a": [0, {"b": {None: 1}}]}, "info.a[1].b"),
        ({"a": ({True: 1},)}, "info.a[0]"),
        ({"a": {"b": {0.5: 1}}}, "info.a.b"),
    ],
)
def test_a_key_that_is_no_string_is_refused_by_its_path(mos: MOS, info: dict[Any, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        mos.add("x", user_id="u", info=info)
    assert caught.value.field == field and mos.list(user_id="u").total == 0
    made = mos.add("x", user_id="u").memory_ids[0]
    with pytest.raises(InvalidInput) as caught:
        mos.update(made, user_id="u", info=info)
    assert caught.value.field == field


@pytest.mark.parametrize("info", [{"a": ({"b": (1, 2.0)}, None)}, MappingProxyType({"a": 1}), OrderedDict(a=OrderedDict(b=[]))], ids=repr)
def test_tuples_and_other_mappings_are_kept_as_lists_and_dicts(info: Any) -> None:
    plain = {"a": [{"b": [1, 2.0]}, None]} if isinstance(info["a"], tuple) else dict(info)
    assert inputs.info(info) == plain
