"""Who may read and write what: users, agents, users through agents, grants now and then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from memos_core import MOS, CubeNotFound, Forbidden, InvalidInput
from memos_core.governance.access import RANK, Standing, asker, standing
from memos_core.ledger.read import Access


def held(*roles: tuple[int, str], user: int = 1, agent: int = 0, user_id: str | None = "alice", agent_id: str | None = None) -> Standing:
    access = tuple(Access(cube, f"cube-{cube}", "", owner=1, own=cube == 1, role=role, at=0) for cube, role in roles)
    return Standing(asker("t", user_id, agent_id), user, agent, access)


def now(mos: MOS, tenant: str = "default", **who: Any) -> dict[str, str]:
    with mos._handle.engines.ledger.book() as book:
        seen = standing(book, asker(tenant, who.get("user_id"), who.get("agent_id")))
    return {entry.cube_id: entry.role for entry in seen.access}


def own(mos: MOS, **who: Any) -> str:
    return next(str(cube.id) for cube in mos.cubes.list(**who) if cube.own)


def test_somebody_must_ask() -> None:
    with pytest.raises(InvalidInput, match="user_id"):
        asker("t", None, None)


@pytest.mark.parametrize("held_role", RANK)
@pytest.mark.parametrize("needed", RANK)
def test_a_role_suffices_for_itself_and_all_below(held_role: str, needed: str) -> None:
    seen = held((1, held_role))
    if RANK[held_role] >= RANK[needed]:
        seen.demand(1, needed)
    else:
        with pytest.raises(Forbidden, match=needed):
            seen.demand(1, needed)
    with pytest.raises(Forbidden, match="stranger"):
        seen.demand(2, needed)


def test_a_scope_is_what_may_be_read_or_less_and_never_more() -> None:
    seen = held((1, "owner"), (2, "reader"))
    assert seen.scope().cubes == (1, 2)
    assert seen.scope(["cube-2", "cube-2"], until=7).cubes == (2,) and seen.scope(["cube-2"], until=7).until == 7
    assert held().scope().cubes == ()
    for several in (["cube-3"], ["cube-1", "cube-3"]):
        with pytest.raises(CubeNotFound):
            seen.scope(several)
    with pytest.raises(CubeNotFound):
        seen.named("cube-3")


def test_own_is_the_users_cube_and_never_that_of_the_agent_they_ask_through() -> None:
    assert held((1, "owner")).own is not None
    assert held((1, "reader"), user=0, agent=1, agent_id="bot").own is None
    alone = held((1, "owner"), user=0, agent=1, user_id=None, agent_id="bot").own
    assert alone is not None and alone.cube == 1


def test_through_an_agent_a_user_reads_what_either_may_and_owns_only_what_is_theirs(mos: MOS) -> None:
    mos.add("Tea.", user_id="alice")
    mos.add("Oil.", agent_id="bot")
    alice, bot = own(mos, user_id="alice"), own(mos, agent_id="bot")
    assert now(mos, user_id="alice") == {alice: "owner"} and now(mos, agent_id="bot") == {bot: "owner"}
    assert now(mos, user_id="alice", agent_id="bot") == {alice: "owner", bot: "reader"}
    assert now(mos, user_id="nobody", agent_id="bot") == {bot: "reader"}


def test_of_two_roles_in_one_cube_the_better_counts(mos: MOS) -> None:
    mos.add("Tea.", user_id="alice")
    mos.add("Oil.", agent_id="bot")
    cube = mos.cubes.create("Kitchen", user_id="carol").id
    mos.cubes.share(cube, with_agent="bot", role="owner", user_id="carol")
    assert now(mos, user_id="alice", agent_id="bot")[cube] == "reader"
    mos.cubes.share(cube, with_user="alice", role="writer", user_id="carol")
    assert now(mos, user_id="alice", agent_id="bot")[cube] == "writer"


def test_tenants_share_nothing(open_mos: Callable[..., MOS]) -> None:
    first, second = open_mos(tenant="a"), open_mos(tenant="b")
    first.add("Tea.", user_id="alice")
    assert now(second, "b", user_id="alice") == {} and now(first, "a", user_id="alice") != {}


def test_as_of_a_time_a_grant_counts_that_held_then_in_whatever_role_and_holds_now(open_mos: Callable[..., MOS]) -> None:
    clock = [datetime.fromisoformat("2026-03-02T12:00:00+00:00")]

    def passes() -> datetime:
        clock[0] += timedelta(hours=1)
        return clock[0] - timedelta(minutes=30)

    mos = open_mos(clock=lambda: clock[0])
    memory = mos.add("Tea.", user_id="alice").memory_ids[0]
    cube = own(mos, user_id="alice")
    before = passes()
    mos.cubes.share(cube, with_user="bob", role="reader", user_id="alice")
    shared = passes()
    mos.cubes.share(cube, with_user="bob", role="writer", user_id="alice")
    passes()
    assert mos.get(memory, user_id="bob", as_of=shared).text == "Tea." and len(mos.search("tea", user_id="bob", as_of=shared)) == 1
    assert len(mos.list(user_id="bob", as_of=before)) == 0
    mos.cubes.unshare(cube, with_user="bob", user_id="alice")
    assert len(mos.list(user_id="bob", as_of=shared)) == 0 and now(mos, user_id="bob").keys().isdisjoint({cube})


def test_a_user_through_an_agent_sees_as_of_a_time_what_either_saw_then_and_either_sees_now(open_mos: Callable[..., MOS]) -> None:
    clock = [datetime.fromisoformat("2026-03-02T12:00:00+00:00")]
    mos = open_mos(clock=lambda: clock[0])
    mos.add("Tea.", user_id="alice")
    cube = own(mos, user_id="alice")
    mos.cubes.share(cube, with_user="bob", user_id="alice")
    clock[0] += timedelta(hours=1)
    then = clock[0]
    clock[0] += timedelta(hours=1)
    mos.cubes.unshare(cube, with_user="bob", user_id="alice")
    mos.cubes.share(cube, with_agent="bot", user_id="alice")
    assert [memory.text for memory in mos.list(user_id="bob", agent_id="bot", as_of=then)] == ["Tea."]
    assert len(mos.list(user_id="bob", as_of=then)) == 0 and len(mos.list(agent_id="bot", as_of=then)) == 0
