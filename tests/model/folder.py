"""A folder and its model side by side: doing things to both, and comparing what everybody sees in each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from memos_core import MOS, Settings
from memos_core.errors import MemosError
from tests.model import words as w
from tests.model.promise import World
from tests.model.values import Asker, Clock, Item, Refused, Version

MANY = 1000


def named(asker: Asker) -> dict[str, Any]:
    return {"user_id": asker[0], "agent_id": asker[1]}


class Folder(RuleBasedStateMachine):
    """One folder with two tenants and, for the first, two sets of engines on it, as two processes have.

    Without an embedder: what works in the background would take times of its own, and no history could be played again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="verbs-"))
        self.clock = Clock(w.START)
        self.worlds = {"a": World(self.clock), "b": World(self.clock)}
        self.past: dict[str, list[tuple[datetime, World]]] = {"a": [], "b": []}
        self.ever: dict[str, list[str]] = {"a": [], "b": []}
        self.asker: Asker = w.ASKERS[0]
        self.tenant, self.turn, self.moves, self.acted = "a", 0, 0, False
        self.touched: list[str] = []
        self.head = ""
        self.handles: list[MOS] = []

    def open(self) -> None:
        """Two handles for one tenant on engines of their own (as their clocks are two), one for the other tenant."""
        settings = Settings(
            embedder="none", durability="normal", config_dir=str(self.folder / "config"), cache_dir=str(self.folder / "cache")
        )
        again = lambda: self.clock.now  # noqa: E731
        for tenant, clock in (("a", self.clock), ("a", again), ("b", self.clock)):
            self.handles.append(MOS(str(self.folder / "m"), tenant=tenant, settings=settings, clock=clock))

    def close(self) -> None:
        while self.handles:
            self.handles.pop().close()

    def teardown(self) -> None:
        if not self.handles:
            return
        try:
            for tenant in ("a", "b"):
                for asker in w.ASKERS:
                    self.compare(tenant, asker)
            assert list(self.handles[0]._handle.engines.ledger.verify(anchor=self.head or None)) == []
        finally:
            self.close()
            shutil.rmtree(self.folder)

    # -- doing a verb twice, for real and in the model

    def mos(self, tenant: str) -> MOS:
        """A handle of the tenant's: not always the one that wrote before."""
        self.turn += 1
        return self.handles[2] if tenant == "b" else self.handles[self.turn % 2]

    def both(self, tenant: str, asker: Asker, real: Callable[[MOS], Any], promise: Callable[[World, Any], Any]) -> Any:
        """What really came of it and what the model says, or None where both refuse alike."""
        self.tenant, self.asker, self.acted = tenant, asker, True
        mos = self.mos(tenant)
        error, value = "", None
        try:
            value = real(mos)
        except MemosError as exc:
            error = type(exc).__name__
        trial, last = self.worlds[tenant].copy(), self.clock.last
        try:
            promised = promise(trial, value)
        except Refused as refusal:
            self.clock.last = last
            assert error == refusal.error, f"{error or value!r} where {refusal.error} is promised"
            return None
        except AssertionError as exc:
            raise AssertionError(f"{error or value!r}: {exc}") from exc
        assert not error, f"{error} where {promised!r} is promised"
        self.worlds[tenant] = trial
        self.ever[tenant] += [one for one in trial.items if one not in self.ever[tenant]]
        self.past[tenant].append((self.clock.last, trial))
        return value, promised

    def own_cube(self, tenant: str) -> Callable[[str, str], str]:
        """The id of somebody's own cube, made by what was just done."""

        def find(kind: str, name: str) -> str:
            cubes = self.handles[2 if tenant == "b" else 0].cubes.list(**{f"{kind}_id": name})
            return next((cube.id for cube in cubes if cube.own), f"?{kind}:{name}")

        return find

    def memory_id(self, tenant: str, asker: Asker, pick: int) -> str:
        """Mostly one that is there; sometimes somebody else's, an erased one, or none."""
        roles = self.worlds[tenant].roles(asker)
        seen = [item.id for item in self.worlds[tenant].items.values() if item.cube in roles]
        several = seen if pick % 8 and seen else self.ever[tenant] or ["nothing"]
        return several[pick % len(several)]

    def cube_id(self, tenant: str, pick: int) -> str:
        several = [*self.worlds[tenant].cubes, "nowhere"]
        return several[pick % len(several)]

    def secrets(self) -> list[str]:
        """Words and names that can be looked for in the bytes of a folder."""
        walks = ["walk-1", "walk-2", *(w.own_walk(tenant, asker) for tenant in "ab" for asker in w.ASKERS)]
        return [*walks, *(word.strip(".!?") for text in w.TEXTS for word in text.split() if word.startswith("wq"))]

    def all_words(self, world: World) -> list[str]:
        """Every text and name that the tenant's book may hold."""
        return [
            *(name for _, name in world.names),
            *(v.text for i in world.items.values() for v in i.versions),
            *(t for m in world.messages.values() for t in m.versions),
        ]

    def error(self, verb: Callable[[], Any]) -> str:
        try:
            return repr(verb())
        except MemosError as exc:
            return type(exc).__name__

    # -- comparing

    def compare(self, tenant: str, asker: Asker) -> None:
        world, mos = self.worlds[tenant], self.mos(tenant)
        wanted = [self.shape(tenant, item, version) for item, version in world.visible(asker, now=self.clock.now)]
        listed = [self.shape_of(memory) for memory in mos.list(**named(asker), limit=MANY)]
        assert listed == wanted, f"list for {asker} of {tenant}: {difference(listed, wanted)}"
        if self.moves % 3 == 0:
            assert self.pages(mos, named(asker), 2) == wanted
        where, passes = w.FILTERS[self.moves % len(w.FILTERS)]
        kept = {item.id for item, version in world.visible(asker, now=self.clock.now) if passes(version, item)}
        assert {memory.id for memory in mos.list(**named(asker), filter=where, limit=MANY)} == kept, where
        assert {hit.memory.id for hit in mos.search(w.QUERY, **named(asker), filter=where, top_k=MANY)} == kept, where
        found = mos.search(w.QUERY, **named(asker), top_k=MANY)
        hits = sorted((self.shape_of(hit.memory) for hit in found), key=by_id)
        wanted.sort(key=by_id)
        assert hits == wanted, f"search for {asker} of {tenant}: {difference(hits, wanted)}"
        scores = [hit.score for hit in found]
        assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)
        assert len(mos.search(w.QUERY, **named(asker), top_k=2)) == min(2, len(wanted))
        self.compare_talk(mos, world, asker)

    def pages(self, mos: MOS, options: dict[str, Any], limit: int) -> list[Any]:
        found: list[Any] = []
        cursor = None
        while True:
            page = mos.list(**options, limit=limit, cursor=cursor)
            found += [self.shape_of(memory) for memory in page]
            cursor = page.next_cursor
            assert len(page) == limit or cursor is None
            if cursor is None:
                return found

    def compare_talk(self, mos: MOS, world: World, asker: Asker) -> None:
        said = [(m.id, m.versions[-1], m.role, m.name, m.said, m.session) for m in world.standing(world.roles(asker))]
        read = [(m.id, m.content, m.role, m.name, m.at, m.session_id) for m in mos.sessions.messages(**named(asker), limit=MANY)]
        assert read == said, f"messages for {asker}: {read} {said}"
        sessions = {(one.cube_id, one.id, one.messages) for one in mos.sessions.list(**named(asker))}
        promised_sessions = {(cube, session, len(several)) for (cube, session), several in world.sessions(asker).items()}
        assert sessions == promised_sessions, f"sessions for {asker}: {sessions} {promised_sessions}"
        cubes = {(cube.id, cube.role, cube.name, cube.own) for cube in mos.cubes.list(**named(asker))}
        promised = {(c, role, world.cubes[c].name, world.cubes[c].own) for c, role in world.roles(asker).items()}
        assert cubes == promised, f"cubes for {asker}: {cubes} {promised}"

    def compare_history(self, tenant: str, asker: Asker, memory_id: str) -> None:
        world, mos = self.worlds[tenant], self.mos(tenant)
        item = world.items.get(memory_id)
        if item is None or item.cube not in world.roles(asker):
            assert self.error(lambda: mos.history(memory_id, **named(asker))) == "MemoryNotFound"
            return
        told = [(self.shape_of(line.memory), line.verb, line.at) for line in mos.history(memory_id, **named(asker))]
        assert told == [(self.shape(tenant, item, v), v.verb, v.at) for v in item.versions]

    def shape(self, tenant: str, item: Item, version: Version, then: World | None = None) -> dict[str, Any]:
        """A memory of the model as the public value has it."""
        messages = (then or self.worlds[tenant]).messages
        return {
            "id": item.id, "version": version.number, "text": version.text, "speaker": version.speaker, "trust": version.trust,
            "tags": version.tags, "info": version.info, "state": version.state, "user_id": version.user, "agent_id": version.agent,
            "session_id": version.session, "cube_id": item.cube, "created_at": version.said, "updated_at": version.at,
            "expires_at": version.expires, "valid_from": version.valid[0], "valid_to": version.valid[1],
            "sources": [(messages[nr].id, messages[nr].session) for nr, _ in item.sources],
        }  # fmt: skip

    def shape_of(self, memory: Any) -> dict[str, Any]:
        names = """id version text speaker trust tags info state user_id agent_id session_id cube_id created_at updated_at expires_at
                   valid_from valid_to""".split()
        return {**{name: getattr(memory, name) for name in names}, "sources": [(one.id, one.session_id) for one in memory.sources]}


def by_id(shape: dict[str, Any]) -> str:
    return str(shape["id"])


def true_at(version: Version, when: datetime) -> bool:
    begun = version.valid[0] <= when if version.valid[0] is not None else version.said <= when
    return begun and (version.valid[1] is None or version.valid[1] > when)


def difference(real: Sequence[dict[str, Any]], promised: Sequence[dict[str, Any]]) -> str:
    """What differs, for the eye."""
    lines = []
    if [one["id"] for one in real] != [one["id"] for one in promised]:
        lines.append(f"really {[(o['id'][-6:], o['text']) for o in real]}, promised {[(o['id'][-6:], o['text']) for o in promised]}")
    for one in real:
        for other in promised:
            if one["id"] == other["id"]:
                lines += [f"{name}: really {one[name]!r}, promised {other[name]!r}" for name in one if one[name] != other[name]]
    return "; ".join(lines)
