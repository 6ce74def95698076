"""Nobody finds, reads or changes what is not theirs: probes by other users, agents and tenants on every path, each with an owner's twin.

Every probe is a call that would touch a memory of `OWNER`; made by a stranger it must give nothing of theirs, made by the
owner it must give it, or the probe proves nothing.
"""

from __future__ import annotations

import base64
import itertools
import random
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, InvalidInput, MemosError, NotFound, Settings
from memos_core.testing.embedder import HashEmbedder

SECRET = "xylophone"
"""A word in everything that the owner has."""
Verb = Callable[[MOS, dict[str, Any]], Any]


@dataclass(frozen=True)
class Mine:
    """What an owner has: ids of everything, as a stranger may have learnt them."""

    who: dict[str, str]
    tenant: str
    memory: str
    edited: str
    archived: str
    message: str
    session: str
    cube: str
    shared: str
    task: str
    request: str
    cursors: tuple[str, ...]
    before: datetime
    ids: frozenset[str] = field(default_factory=frozenset)


def _fill(mos: MOS, tenant: str, who: dict[str, str]) -> Mine:
    """Give somebody memories, sessions, cubes, tasks, records and pages."""
    tag = "-".join(who.values())
    added = mos.add(
        [{"role": "user", "content": f"The {SECRET} of {tag} is blue {n}.", "id": f"m-{tag}-{n}"} for n in range(4)],
        session_id=f"talk-{tag}", tags=[f"tag-{SECRET}"], info={"own": f"{SECRET} {tag}"}, request_id=f"r-{tag}", **who,
    )  # fmt: skip
    memory, edited, archived, _ = added.memory_ids
    before = datetime.now(UTC)
    mos.update(edited, text=f"The {SECRET} of {tag} is red.", **who)
    mos.delete(archived, **who)
    cube = mos.cubes.create(f"cube {SECRET}", cube_id=f"c-{tenant}-{tag}", **who)
    shared = mos.add(f"In the cube of {tag} is a {SECRET}.", write_to=cube.id, **who).memory_ids[0]
    mos.records.put(("notes", tag), SECRET, {"text": f"{SECRET} {tag}"}, index=False, **who)
    mos.wait(30)
    cursors = tuple(c for c in (mos.list(limit=1, **who).next_cursor, mos.sessions.messages(limit=1, **who).next_cursor) if c)
    own = next(one.id for one in mos.cubes.list(**who) if one.own and one.role == "owner")
    return Mine(who, tenant, memory, edited, archived, f"m-{tag}-0", f"talk-{tag}", own, shared, str(added.task_id), f"r-{tag}", cursors,
                before, frozenset({*added.memory_ids, shared}))  # fmt: skip


def _look_alikes(name: str) -> Iterator[str]:
    """Names that are not this one, and that something careless would take for it."""
    yield from (name + "1", name[:-1], name + " ", " " + name, name.upper(), name + "%", name + "_", "%", "_" * len(name), name + "*", "*")
    yield from (name + "\u200b", "\ufeff" + name, name.replace("u", "\uff55"), name.replace("1", "\u0661"), name.replace("1", "\u2081"))
    yield from (f"{name}:{name}", f"user:{name}", f"{name}' OR '1'='1", f'{name}"', f"{name}/../{name}", f"{name}\u0301")
    yield from (form for kind in ("NFD", "NFKC", "NFKD") if (form := unicodedata.normalize(kind, name)) != name)


def _strangers(mine: Mine) -> Iterator[dict[str, str]]:
    alike = [one for known in mine.who.values() for one in _look_alikes(known)]
    names = dict.fromkeys([*alike, "mallory", "u", "0", "null", "None", "default"])
    for name in names:
        if name in mine.who.values() or not name.strip():
            continue
        yield {"user_id": name}
        yield {"agent_id": name}
        yield {"user_id": name, "agent_id": f"{name}x"}
    for kind, name in mine.who.items():
        yield {"agent_id" if kind == "user_id" else "user_id": name}
    if "user_id" in mine.who:
        yield {"user_id": "mallory", "agent_id": mine.who["user_id"]}


def _forged(mine: Mine) -> list[Any]:
    """Filters that ask for somebody else's."""
    person = next(iter(mine.who.values()))
    return [
        *({kind: name} for kind, name in mine.who.items()),
        {"cube_id": mine.cube}, {"cube_id": {"in": [mine.cube, "x"]}}, {"id": mine.memory},
        {"or": [{next(iter(mine.who)): person}, {"not": {"id": "x"}}]}, {"not": {"user_id": "nobody"}}, {"session_id": mine.session},
        {next(iter(mine.who)): {"prefix": ""}},
        {"user_id": {"ne": "mallory"}}, {"tags": {"any": [f"tag-{SECRET}"]}}, {"info.own": {"text": SECRET}},
        {"path": ["info", "own"], "prefix": SECRET}, {"text": {"itext": SECRET.upper()}}, {"version": {"gte": 1}},
    ]  # fmt: skip


def _reads(mine: Mine) -> Iterator[tuple[str, Verb]]:
    """Calls that give the owner something with the secret in it, and a stranger nothing or an error."""
    for memory_id in (mine.memory, mine.edited):
        yield "get", lambda mos, who, one=memory_id: mos.get(one, **who)
        yield "history", lambda mos, who, one=memory_id: mos.history(one, **who)
    yield "get as_of", lambda mos, who: mos.get(mine.edited, as_of=mine.before, **who)
    yield "history archived", lambda mos, who: mos.history(mine.archived, **who)
    yield "get in a cube", lambda mos, who: mos.get(mine.shared, **who)
    yield "search", lambda mos, who: mos.search(SECRET, **who)
    yield "search by meaning", lambda mos, who: mos.search(f"{SECRET} blue", top_k=1000, mode="fine", **who)
    yield "search as_of", lambda mos, who: mos.search(SECRET, as_of=mine.before, **who)
    yield "search valid_at", lambda mos, who: mos.search(SECRET, valid_at=datetime.now(UTC), **who)
    yield "search in session", lambda mos, who: mos.search(SECRET, session_id=mine.session, **who)
    yield "search cube", lambda mos, who: mos.search(SECRET, cube_ids=[mine.cube], **who)
    yield "search type", lambda mos, who: mos.search(SECRET, memory_types=["LongTermMemory"], **who)
    yield "list", lambda mos, who: mos.list(**who)
    yield "list as_of", lambda mos, who: mos.list(as_of=mine.before, **who)
    yield "list cube", lambda mos, who: mos.list(cube_ids=[mine.cube], **who)
    yield "messages", lambda mos, who: mos.sessions.messages(**who)
    yield "messages of a session", lambda mos, who: mos.sessions.messages(mine.session, **who)
    yield "messages of a cube", lambda mos, who: mos.sessions.messages(cube_id=mine.cube, **who)
    yield "sessions", lambda mos, who: [one for one in mos.sessions.list(**who) if one.id == mine.session and SECRET]
    yield "cubes", lambda mos, who: mos.cubes.list(**who)
    yield "task", lambda mos, who: mos.tasks.status(mine.task, **who)
    yield "tasks", lambda mos, who: [one for one in mos.tasks.list(**who) if one.id == mine.task]
    yield "records", lambda mos, who: mos.records.search(("notes",), **who)
    yield "record", lambda mos, who: mos.records.get(("notes", "-".join(mine.who.values())), SECRET, **who)
    yield "namespaces", lambda mos, who: [(*one, SECRET) for one in mos.records.namespaces(**who) if one[0] == "notes"]
    yield "list from a cursor", lambda mos, who: mos.list(cursor=mine.cursors[0], **who)
    yield "messages from a cursor", lambda mos, who: mos.sessions.messages(cursor=mine.cursors[1], **who)
    for where in _forged(mine):
        yield f"search {where}", lambda mos, who, f=where: mos.search(SECRET, filter=f, **who)
        yield f"list {where}", lambda mos, who, f=where: mos.list(filter=f, **who)


def _missing(mine: Mine) -> Iterator[tuple[str, Callable[[MOS, dict[str, Any], Any], Any], str, str]]:
    """Calls with an id: somebody else's must be answered as one that there is not."""
    yield "get", lambda mos, who, one: mos.get(one, **who), mine.memory, "00000000-0000-7000-8000-000000000000"
    yield "history", lambda mos, who, one: mos.history(one, **who), mine.memory, "nothing"
    yield "update", lambda mos, who, one: mos.update(one, text="mine now", **who), mine.memory, "nothing"
    yield "update version", lambda mos, who, one: mos.update(one, text="mine now", if_version=7, **who), mine.edited, "nothing"
    yield "delete", lambda mos, who, one: mos.delete(one, **who), mine.memory, "nothing"
    yield "restore", lambda mos, who, one: mos.restore(one, **who), mine.archived, "nothing"
    yield "restore version", lambda mos, who, one: mos.restore(one, version=1, **who), mine.edited, "nothing"
    yield "erase", lambda mos, who, one: mos.erase(one, **who), mine.memory, "nothing"
    yield "add to a cube", lambda mos, who, one: mos.add("mine", write_to=one, **who), mine.cube, "nothing"
    yield "search a cube", lambda mos, who, one: mos.search(SECRET, cube_ids=[one], **who), mine.cube, "nothing"
    yield "messages", lambda mos, who, one: mos.sessions.messages(one, **who), mine.session, "nothing"
    yield "delete session", lambda mos, who, one: mos.sessions.delete(one, **who), mine.session, "nothing"
    yield "replace in a cube", lambda mos, who, one: mos.sessions.replace("s", ["x"], cube_id=one, **who), mine.cube, "nothing"
    yield "share", lambda mos, who, one: mos.cubes.share(one, with_user="mallory2", **who), mine.cube, "nothing"
    yield "unshare", lambda mos, who, one: mos.cubes.unshare(one, with_user="mallory2", **who), mine.cube, "nothing"
    yield "task", lambda mos, who, one: mos.tasks.status(one, **who), mine.task, "nothing"
    yield "retry", lambda mos, who, one: mos.tasks.retry(one, **who), mine.task, "nothing"
    yield "drop", lambda mos, who, one: mos.tasks.drop(one, **who), mine.task, "nothing"


def _said(answer: Any) -> str:
    """All that an answer tells."""
    if hasattr(answer, "hits"):
        return repr([hit.memory for hit in answer.hits])
    if hasattr(answer, "items"):
        return repr((answer.items, answer.total))
    return repr(answer)


def _tells(answer: Any, mine: Mine) -> bool:
    told = _said(answer)
    return SECRET in told or any(one in told for one in (*mine.ids, mine.task, mine.session))


@dataclass
class Town:
    """Two tenants with owners, and everything that they have."""

    mos: MOS
    other: MOS
    owners: list[Mine]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town") / "memory"
    settings = Settings(durability="normal", audit_key="k" * 32, embedder="none")
    embedder = HashEmbedder()
    given: dict[str, Any] = {"settings": settings, "embedder": embedder}
    with MOS(str(folder), **given) as mos, MOS(str(folder), tenant="Default", **given) as other:
        whos: list[dict[str, str]] = [{"user_id": "u1"}, {"agent_id": "bot"}, {"user_id": "zoë u", "agent_id": "via"}]
        owners = [_fill(mos, "default", who) for who in whos] + [_fill(other, "Default", {"user_id": "u1"})]
        yield Town(mos, other, owners)


def _dump(folder: str) -> dict[str, list[Any]]:
    """What everybody has, whoever asks: every row of what may not change."""
    import sqlite3

    with sqlite3.connect(Path(folder) / "memory.db") as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("versions", "items", "messages", "grants", "records")
        }


def test_strangers_find_nothing_on_any_path_and_owners_do(town: Town) -> None:
    probes = foreign = 0
    chance = random.Random(3)
    for mine in town.owners:
        home, away = (town.mos, town.other) if mine.tenant == "default" else (town.other, town.mos)
        reads = list(_reads(mine))
        for name, verb in reads:
            twin = verb(home, mine.who)
            assert _tells(twin, mine), f"{name}: the owner {mine.who} finds nothing, so the probe proves nothing"
        strangers = [(home, who) for who in _strangers(mine)] + [(away, who) for who in [*_strangers(mine), mine.who]]
        for (mos, who), (name, verb) in itertools.product(strangers, reads):
            if chance.random() > 0.35:
                continue
            if who == {"user_id": "u1"}:
                continue  # the namesake in the other tenant has a secret, too; see below
            probes += 1
            try:
                answer = verb(mos, who)
            except (NotFound, InvalidInput):
                continue
            if _tells(answer, mine):
                foreign += 1
                print("foreign:", name, who, _said(answer)[:300])
    assert foreign == 0
    assert probes >= 5000, probes


def test_namesakes_in_two_tenants_share_nothing(town: Town) -> None:
    """The same user_id in another tenant is somebody else."""
    here = next(one for one in town.owners if one.tenant == "default" and one.who == {"user_id": "u1"})
    there = next(one for one in town.owners if one.tenant == "Default")
    for mos, mine, other in ((town.mos, here, there), (town.other, there, here)):
        assert {memory.id for memory in mos.list(limit=1000, **mine.who)} & set(other.ids) == set()
        assert {hit.memory.id for hit in mos.search(SECRET, top_k=1000, **mine.who)} & set(other.ids) == set()
        for memory_id in other.ids:
            with pytest.raises(NotFound):
                mos.get(memory_id, **mine.who)


def test_what_is_not_yours_answers_like_what_is_not_there(town: Town) -> None:
    compared = 0
    before = _dump(town.mos.home)
    for mine in town.owners:
        mos = town.mos if mine.tenant == "default" else town.other
        for who in itertools.islice(_strangers(mine), 24):
            for name, verb, theirs, nothing in _missing(mine):
                answers = []
                for one in (theirs, nothing):
                    try:
                        answers.append(("gave", _said(verb(mos, who, one))))
                    except MemosError as exc:
                        answers.append((type(exc).__name__, str(exc).replace(one[:80], "<id>")))
                assert answers[0] == answers[1], f"{name} by {who}"
                assert answers[0][0] != "gave", f"{name} by {who}"
                compared += 1
    assert compared > 1000
    assert _dump(town.mos.home) == before


def test_a_request_id_of_somebody_else_tells_nothing(town: Town) -> None:
    for mine in town.owners:
        mos = town.mos if mine.tenant == "default" else town.other
        for nr, who in enumerate(itertools.islice(_strangers(mine), 20)):
            receipt = mos.add(f"stranger {nr}", request_id=mine.request, **who)
            assert not set(receipt.memory_ids) & mine.ids
            assert mos.get(receipt.memory_ids[0], **who).text == f"stranger {nr}"
        with pytest.raises(InvalidInput):
            mos.add("another request", request_id=mine.request, **mine.who)


def test_deletions_by_a_filter_touch_only_ones_own(town: Town) -> None:
    before = _dump(town.mos.home)
    for mine in town.owners:
        mos = town.mos if mine.tenant == "default" else town.other
        for who, where in itertools.product(itertools.islice(_strangers(mine), 6), _forged(mine)):
            assert not set(mos.delete(filter=where, **who).memory_ids) & mine.ids
            assert not set(mos.erase(filter=where, **who).memory_ids) & mine.ids
        assert not set(mos.erase(everything=True, user_id="nobody-yet").memory_ids)
    after = _dump(town.mos.home)
    kept = {row for table in ("versions", "messages") for row in before[table] if SECRET in repr(row)}
    assert kept <= {row for table in ("versions", "messages") for row in after[table]}


def test_a_user_through_an_agent_reads_both_and_changes_only_their_own(town: Town) -> None:
    bot = next(one for one in town.owners if one.who == {"agent_id": "bot"})
    who = {"user_id": "carol", "agent_id": "bot"}
    assert town.mos.get(bot.memory, **who).text
    for verb in (
        lambda: town.mos.update(bot.memory, text="changed", **who),
        lambda: town.mos.delete(bot.memory, **who),
        lambda: town.mos.erase(bot.memory, **who),
        lambda: town.mos.restore(bot.archived, **who),
        lambda: town.mos.add("to the agent", write_to=bot.cube, **who),
        lambda: town.mos.cubes.share(bot.cube, with_user="carol", role="owner", **who),
    ):
        with pytest.raises(PermissionError):
            verb()


def test_forged_cursors_give_a_page_of_ones_own_or_are_refused(town: Town) -> None:
    odd = ("0:0", f"{1 << 62}:{1 << 62}", f"{1 << 70}:1", "-1:-1", "a:b", "1:2:3", "1", "", "9" * 300 + ":1", "\u0661:\u0661", "1_0:2")
    for raw in odd:
        cursor = base64.urlsafe_b64encode(raw.encode()).decode() or "!"
        for call in (town.mos.list, town.mos.sessions.list, town.mos.sessions.messages):
            try:
                page = call(user_id="mallory", cursor=cursor)
            except InvalidInput as exc:
                assert exc.field == "cursor"
            else:
                assert SECRET not in _said(page)
