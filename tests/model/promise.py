"""What the desk promises, as plainly as it can be said: a memory in a few dicts, without a database, an index or a cache.

Written from the pages that describe the verbs, not from their code. Everything here is immutable but the dicts of
`World`, so that a copy of those dicts is a copy of the folder at that time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.model.telling import Addition
from tests.model.values import RANK, Asker, Clock, Cube, Item, Refused, Said, Version, Words, validity


@dataclass
class World:
    """One tenant."""

    clock: Clock
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    cubes: dict[str, Cube] = field(default_factory=dict)
    grants: dict[tuple[str, int], str] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    messages: dict[int, Said] = field(default_factory=dict)
    requests: dict[tuple[Asker, str], tuple[Any, Any]] = field(default_factory=dict)
    names: set[tuple[str, str]] = field(default_factory=set)
    """The sessions that were ever named in a cube."""
    count: int = 0

    def copy(self) -> World:
        """The folder as it is now."""
        return World(self.clock, dict(self.known), dict(self.cubes), dict(self.grants), dict(self.items), dict(self.messages),
                     dict(self.requests), set(self.names), self.count)  # fmt: skip

    def next(self) -> int:
        self.count += 1
        return self.count

    # -- who may what

    def principals(self, asker: Asker) -> list[tuple[int, str]]:
        """The asker's numbers, each with the highest role that it may lend: what an agent may, its users may only read."""
        user, agent = asker
        found = []
        if user is not None and ("user", user) in self.known:
            found.append((self.known["user", user], "owner"))
        if agent is not None and ("agent", agent) in self.known:
            found.append((self.known["agent", agent], "owner" if user is None else "reader"))
        return found

    def roles(self, asker: Asker) -> dict[str, str]:
        """The cubes that the asker may read, with the best role in each."""
        best: dict[str, str] = {}
        for number, ceiling in self.principals(asker):
            held = {cube.id: "owner" for cube in self.cubes.values() if cube.owner == number}
            held.update({cube: role for (cube, who), role in self.grants.items() if who == number})
            for cube, role in held.items():
                role = min(role, ceiling, key=lambda r: RANK[r])
                if cube not in best or RANK[best[cube]] < RANK[role]:
                    best[cube] = role
        return best

    def demand(self, asker: Asker, cube: str, role: str) -> None:
        if RANK[self.roles(asker)[cube]] < RANK[role]:
            raise Refused("Forbidden")

    def by(self, asker: Asker) -> str:
        """How the history names the asker."""
        user, agent = asker
        return " via ".join(part for part in (f"user:{user}" if user else "", f"agent:{agent}" if agent else "") if part)

    def meet(self, kind: str, name: str, cube_id: str) -> int:
        """Somebody, made known with a cube of their own when they are new."""
        if (kind, name) not in self.known:
            number = self.known[kind, name] = self.next()
            self.cubes[cube_id] = Cube(cube_id, "", number, True, self.next())
        return self.known[kind, name]

    def own(self, asker: Asker) -> Cube | None:
        """The asker's own cube."""
        user, agent = asker
        number = self.known.get(("user", user) if user is not None else ("agent", str(agent)))
        return next((cube for cube in self.cubes.values() if cube.own and cube.owner == number), None)

    def greet(self, asker: Asker, own_cubes: Callable[[str, str], str]) -> Cube:
        """Make the asker known, both of them; their own cube."""
        user, agent = asker
        for kind, name in (("user", user), ("agent", agent)):
            if name is not None and (kind, name) not in self.known:
                self.meet(kind, name, own_cubes(kind, name))
        found = self.own(asker)
        assert found is not None
        return found

    # -- reading

    def visible(
        self, asker: Asker, *, then: World | None = None, now: datetime, cubes: Sequence[str] | None = None
    ) -> list[tuple[Item, Version]]:
        """What a listing gives, newest first: now, or as it was `then`; never what has been erased or taken away since."""
        world = then or self
        allowed = self.roles(asker).keys() & world.readable(self.principals(asker))
        if cubes is not None and any(cube not in allowed for cube in cubes):
            raise Refused("CubeNotFound")
        found = [
            item
            for item in world.items.values()
            if item.id in self.items
            and item.live
            and item.cube in allowed
            and (cubes is None or item.cube in cubes)
            and (item.newest.expires is None or item.newest.expires > now)
        ]
        return [(item, item.newest) for item in sorted(found, key=lambda item: (item.newest.said, item.order), reverse=True)]

    def readable(self, principals: Sequence[tuple[int, str]]) -> set[str]:
        """The cubes that any of these can read in this world."""
        found: set[str] = set()
        for number, _ in principals:
            found |= {cube.id for cube in self.cubes.values() if cube.owner == number}
            found |= {cube for cube, who in self.grants if who == number}
        return found

    def item(self, asker: Asker, memory_id: str, *, archived: bool = False) -> Item:
        """One memory that may be seen; gone ones look like those of others."""
        item = self.items.get(memory_id)
        if item is None or item.cube not in self.roles(asker) or not (item.live or archived):
            raise Refused("MemoryNotFound")
        return item

    def standing(self, cubes: Iterable[str], session: str | None = None) -> list[Said]:
        """Messages as said, oldest first."""
        wanted = set(cubes)
        found = [m for m in self.messages.values() if m.open and m.cube in wanted and (session is None or m.session == session)]
        return sorted(found, key=lambda m: (m.said, m.order))

    # -- adding

    def add(
        self, asker: Asker, said: Sequence[Words], told: tuple[Sequence[str], Sequence[str]], own_cubes: Callable[[str, str], str], *,
        session: str | None, write_to: str | None, tags: tuple[str, ...], info: dict[str, Any], at: datetime | None,
        expires: datetime | None, learn: bool, request: str | None,
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:  # fmt: skip
        """Keep and learn. `told` are the ids of memories and of messages that the receipt names: new things get theirs from it."""
        asked = ("add", tuple(said), session, write_to, tags, repr(info), at, expires, learn)
        before = self.asked(asker, request, asked)
        if before is not None:
            return before  # type: ignore[no-any-return]
        known = self.count
        cube = self.greet(asker, own_cubes)
        if write_to is not None and write_to != cube.id:
            if write_to not in self.roles(asker):
                raise Refused("CubeNotFound")
            self.demand(asker, write_to, "writer")
            cube = self.cubes[write_to]
        marks, time = len(self.items), self.clock.last
        now = self.clock.tick()
        if session is not None:
            self.names.add((cube.id, session))
        writing = Addition(self, asker, cube.id, session, tags, info, expires, learn, now, list(told[0]))
        message_ids = tuple(writing.message(one, at, told[1][nr]) for nr, one in enumerate(said))
        answer = (tuple(dict.fromkeys(writing.ids)), message_ids)
        if not (writing.wrote or self.count > known or request is not None or len(self.items) > marks):
            self.clock.last = time
        self.remember_request(asker, request, asked, answer)
        return answer

    def asked(self, asker: Asker, request: str | None, asked: Any) -> Any:
        """What this request was told before, None for a new one."""
        if request is None or (asker, request) not in self.requests:
            return None
        before, answer = self.requests[asker, request]
        if before != asked:
            raise Refused("RequestReused")
        return answer

    def remember_request(self, asker: Asker, request: str | None, asked: Any, answer: Any) -> None:
        if request is not None:
            self.requests[asker, request] = (asked, answer)

    # -- changing

    def revise(self, item: Item, asker: Asker, verb: str, at: datetime, source: Version | None = None, **changes: Any) -> Item:
        """The next version of a memory."""
        newest = replace(source or item.newest, number=item.newest.number + 1, verb=verb, by=self.by(asker), at=at, **changes)
        self.items[item.id] = replace(item, versions=(*item.versions, newest))
        return self.items[item.id]

    def update(self, asker: Asker, memory_id: str, *, if_version: int | None, request: str | None, **changes: Any) -> Item:
        asked = ("update", memory_id, repr(changes), if_version)
        before = self.asked(asker, request, asked)
        if before is not None:
            return self.as_made(asker, before)
        item = self.item(asker, memory_id)
        self.demand(asker, item.cube, "writer")
        if if_version is not None and if_version != item.newest.number:
            raise Refused("VersionConflict")
        if "text" in changes:
            changes["valid"] = validity(changes["text"])
        item = self.revise(item, asker, "update", self.clock.tick(), **changes)
        self.remember_request(asker, request, asked, item)
        return item

    def as_made(self, asker: Asker, made: Item) -> Item:
        """What a request made of a memory, whatever came after; not of one that is erased."""
        self.item(asker, made.id, archived=True)
        return made

    def restore(self, asker: Asker, memory_id: str, version: int | None, request: str | None) -> Item:
        asked = ("restore", memory_id, version)
        before = self.asked(asker, request, asked)
        if before is not None:
            return self.as_made(asker, before)
        item = self.item(asker, memory_id, archived=True)
        self.demand(asker, item.cube, "writer")
        wanted = item.newest
        if version is not None:
            older = [one for one in item.versions if one.number == version]
            if not older:
                raise Refused("MemoryNotFound")
            wanted = older[0]
        item = self.revise(item, asker, "restore", self.clock.tick(), wanted, state="activated")
        self.remember_request(asker, request, asked, item)
        return item

    def delete(self, asker: Asker, ids: Sequence[str], request: str | None = None) -> tuple[str, ...]:
        """Archive these; all of them or none."""
        asked = ("delete", tuple(ids))
        before = self.asked(asker, request, asked)
        if before is not None:
            return before  # type: ignore[no-any-return]
        items = [self.item(asker, one, archived=True) for one in ids]
        for item in items:
            self.demand(asker, item.cube, "writer")
        self.archive(asker, items, "delete", write=request is not None)
        self.remember_request(asker, request, asked, tuple(ids))
        return tuple(ids)

    def delete_where(self, asker: Asker, passes: Callable[[Version, Item], bool]) -> tuple[str, ...]:
        """Archive what is listed, passes, and may be written to."""
        roles = self.roles(asker)
        items = [item for item, v in self.visible(asker, now=self.clock.now) if passes(v, item) and roles[item.cube] != "reader"]
        self.archive(asker, items, "delete")
        return tuple(item.id for item in items)

    def archive(self, asker: Asker, items: Sequence[Item], verb: str, *, write: bool = False) -> None:
        live = [item for item in items if item.live]
        if live or write:
            at = self.clock.tick()
            for item in live:
                self.revise(item, asker, verb, at, state="archived")

    # -- sessions

    def sessions(self, asker: Asker) -> dict[tuple[str, str], list[Said]]:
        """The messages that stand in each named session, by cube and name."""
        found: dict[tuple[str, str], list[Said]] = {}
        for message in self.standing(self.roles(asker)):
            if message.session is not None:
                found.setdefault((message.cube, message.session), []).append(message)
        return found

    def delete_session(self, asker: Asker, session: str, cube: str) -> tuple[str, ...]:
        """Close what stands in a session; archive what was made from nothing else."""
        if cube not in self.roles(asker):
            raise Refused("CubeNotFound")
        standing = self.standing([cube], session)
        if not standing:
            raise Refused("SessionNotFound")
        self.demand(asker, cube, "writer")
        touched = {(m.order, len(m.versions)) for m in standing}
        for message in standing:
            self.messages[message.order] = replace(message, open=False)
        at = self.clock.tick()
        gone = [i for i in self.items.values() if i.live and any(source in touched for source in i.sources) and not self.stands(i)]
        for item in gone:
            self.revise(item, asker, "delete", at, state="archived")
        return tuple(item.id for item in gone)

    def stands(self, item: Item, without: tuple[int, int] | None = None) -> bool:
        """Whether a version of a message that it was made from still stands."""
        return any(
            self.messages[m].open and v == len(self.messages[m].versions) for m, v in item.sources if (m, v) != without
        )  # fmt: skip

    # -- cubes

    def create(self, asker: Asker, name: str, cube_id: str, own_cubes: Callable[[str, str], str]) -> None:
        if cube_id in self.cubes:
            raise Refused("CubeExists")
        own = self.greet(asker, own_cubes)
        self.cubes[cube_id] = Cube(cube_id, name, own.owner, False, self.next())
        self.clock.tick()

    def shared(self, asker: Asker, cube_id: str, kind: str, name: str) -> Cube:
        """A cube that the asker owns and that somebody else made."""
        if cube_id not in self.roles(asker):
            raise Refused("CubeNotFound")
        self.demand(asker, cube_id, "owner")
        if self.known.get((kind, name)) == self.cubes[cube_id].owner:
            raise Refused("InvalidInput")
        return self.cubes[cube_id]

    def share(self, asker: Asker, cube_id: str, kind: str, name: str, role: str, own_cubes: Callable[[str, str], str]) -> None:
        self.shared(asker, cube_id, kind, name)
        self.grants[cube_id, self.meet(kind, name, own_cubes(kind, name))] = role
        self.clock.tick()

    def unshare(self, asker: Asker, cube_id: str, kind: str, name: str) -> None:
        self.shared(asker, cube_id, kind, name)
        if (cube_id, self.known.get((kind, name), 0)) not in self.grants:
            raise Refused("InvalidInput")
        del self.grants[cube_id, self.known[kind, name]]
        self.clock.tick()

    # -- erasing

    def erase(self, asker: Asker, ids: Sequence[str]) -> tuple[set[str], int]:
        """These memories, what was said to make them, and all that was made from that; how many messages that were."""
        items = [self.item(asker, one, archived=True) for one in ids]
        for item in items:
            self.demand(asker, item.cube, "owner")
        gone, messages = {item.id for item in items}, set[int]()
        while True:
            more = {m for one in gone for m, _ in self.items[one].sources}
            made = {item.id for item in self.items.values() if any(m in more for m, _ in item.sources)}
            if more <= messages and made <= gone:
                break
            messages, gone = messages | more, gone | made
        return gone, self.forget(gone, messages)

    def erase_where(self, asker: Asker, passes: Callable[[Version, Item], bool]) -> tuple[set[str], int]:
        """All that passes, archived and expired ones too."""
        roles = self.roles(asker)
        return self.erase(asker, [item.id for item in self.items.values() if item.cube in roles and passes(item.newest, item)])

    def erase_everything(self, asker: Asker) -> tuple[set[str], int]:
        """All cubes that the asker made, not those that others let them own as well; and who they are."""
        user, agent = asker
        who = self.known.get(("user", user) if user is not None else ("agent", str(agent)))
        owned = {cube.id for cube in self.cubes.values() if cube.owner == who}
        gone = {item.id for item in self.items.values() if item.cube in owned}
        messages = self.forget(gone, {m.order for m in self.messages.values() if m.cube in owned})
        self.names = {(cube, name) for cube, name in self.names if cube not in owned}
        self.known.pop(("user", user) if user is not None else ("agent", str(agent)), None)
        for cube in owned:
            self.cubes[cube] = replace(self.cubes[cube], name="")
        self.requests = {key: value for key, value in self.requests.items() if not self.whose(asker, key[0])}
        return gone, messages

    def whose(self, asker: Asker, other: Asker) -> bool:
        """Whether another's requests are the asker's: a user's also those through agents."""
        return other == asker if asker[0] is None else other[0] == asker[0]

    def forget(self, items: set[str], messages: set[int]) -> int:
        for one in items:
            del self.items[one]
        versions = sum(len(self.messages[m].versions) for m in messages)
        for message in messages:
            del self.messages[message]
        self.clock.tick()
        return versions
