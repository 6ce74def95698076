"""What is bound is filled in; what is said wins."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from memos_core import MOS, BoundMOS, InvalidInput, MemoryNotFound
from memos_core.mos import bound
from memos_core.mos.cubes import Cubes
from memos_core.mos.records import Records
from memos_core.mos.sessions import Sessions
from memos_core.mos.tasks import Tasks

PAIRS = [
    (MOS, BoundMOS),
    (Sessions, bound.BoundSessions),
    (Tasks, bound.BoundTasks),
    (Records, bound.BoundRecords),
    (Cubes, bound.BoundCubes),
]


def verbs(kind: type) -> dict[str, Any]:
    return {name: value for name, value in vars(kind).items() if inspect.isfunction(value) and not name.startswith("_")}


@pytest.mark.parametrize(("plain", "filled"), PAIRS, ids=lambda kind: kind.__name__)
def test_every_verb_is_there_with_the_same_signature(plain: type, filled: type) -> None:
    assert set(verbs(filled)) == set(verbs(plain))
    for name, verb in verbs(plain).items():
        assert inspect.signature(getattr(filled, name)) == inspect.signature(verb), name


def test_who_asks_and_the_session_are_filled_in(mos: MOS) -> None:
    alice = mos.bind(user_id="alice", session_id="walks")
    receipt = alice.add("Momo hates trams.")
    memory = mos.get(receipt.memory_ids[0], user_id="alice")
    assert (memory.user_id, memory.session_id) == ("alice", "walks")
    assert alice.search("trams")[0].memory.id == memory.id


def test_explicit_arguments_win_and_none_counts_as_not_given(mos: MOS) -> None:
    alice = mos.bind(user_id="alice", session_id="walks")
    memory_id = alice.add("Momo hates trams.", user_id="bob", session_id=None).memory_ids[0]
    assert mos.get(memory_id, user_id="bob").session_id == "walks"
    with pytest.raises(MemoryNotFound):
        alice.get(memory_id)


def test_binding_again_adds_and_replaces(mos: MOS) -> None:
    through = mos.bind(user_id="alice").bind(agent_id="nurse").bind(user_id="bob")
    assert through.bound == {"user_id": "bob", "agent_id": "nurse"}


def test_a_positional_argument_is_not_filled_in_twice(mos: MOS) -> None:
    alice = mos.bind(user_id="alice", session_id="walks")
    alice.add("Momo hates trams.")
    alice.add("The kettle is new.", session_id="kitchen")
    assert [message.content for message in alice.sessions.messages()] == ["Momo hates trams."]
    assert [message.content for message in alice.sessions.messages("kitchen")] == ["The kettle is new."]


def test_a_session_to_delete_must_be_named(mos: MOS) -> None:
    alice = mos.bind(user_id="alice", session_id="walks")
    alice.add("Momo hates trams.")
    with pytest.raises(TypeError):
        alice.sessions.delete()  # type: ignore[call-arg]
    assert len(alice.sessions.messages()) == 1


def test_names_are_checked_when_they_are_bound(mos: MOS) -> None:
    with pytest.raises(InvalidInput, match="user_id"):
        mos.bind(user_id="  ")


def test_bound_tasks_are_only_the_askers(mos: MOS) -> None:
    assert mos.bind(user_id="nobody yet").tasks.list().items == ()


def test_a_bound_memory_closes_the_memory(open_mos: Any) -> None:
    with open_mos().bind(user_id="alice") as alice:
        alice.add("Momo hates trams.")
    from memos_core import Closed

    with pytest.raises(Closed):
        alice.list()
