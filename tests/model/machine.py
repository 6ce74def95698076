"""The machine: draws verbs and arguments, does them for real and in the model, and compares what everybody sees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.model import words as w
from tests.model.folder import MANY, Folder, by_id, difference, named, true_at
from tests.model.promise import World
from tests.model.values import MICRO, Asker, Refused, Words


class Verbs(Folder):
    """All verbs, drawn."""

    steps: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        self.open()
        for tenant, asker, text, tags in (("a", 0, 0, ("work",)), ("a", 0, 1, ()), ("a", 1, 2, ("play",)), ("a", 3, 3, ()), ("a", 2, 0, ()),
                                          ("b", 0, 4, ()), ("b", 1, 5, ("work",))):  # fmt: skip
            self.clock.now += timedelta(seconds=1)
            session = w.OWN_WALK if tags else "walk-1"
            said = [Words("user", w.TEXTS[text])]
            info: dict[str, Any] = {"n": "1"} if tags else {}
            self.add(
                tenant, w.ASKERS[asker], w.TEXTS[text], said, session=session, tags=tags, info=info, at=None if text > 3 else w.TIMES[1]
            )
        for memory_id in list(self.worlds["a"].items)[:3]:
            self.reword(memory_id, w.TEXTS[6])
        own = self.worlds["a"].own(w.ASKERS[0])
        assert own is not None
        self.shared_with("a", w.ASKERS[0], own.id, ("user", "bob"), "writer")
        self.rarities()

    def rarities(self) -> None:
        """What draws seldom bring together, once in every history: conflicts, refusals, one text of two people, edits erased."""
        alice, bob = w.ASKERS[:2]
        first = next(iter(self.worlds["a"].items))
        text = w.TEXTS[7]
        self.both(
            "a",
            alice,
            lambda mos: mos.update(first, user_id="alice", text=text, if_version=1),
            lambda world, _: world.update(alice, first, if_version=1, request=None, text=text),
        )
        self.both("a", bob, lambda mos: mos.erase(first, user_id="bob"), lambda world, _: world.erase(bob, [first]))
        for one in (Words("user", text, "Ann", "m1"), Words("assistant", text, None, "m2"), Words("user", w.TEXTS[5], "Ann", "m1")):
            self.add("a", alice, w.chat(one), [one], session="walk-2")
        told = self.touched[0]
        for nr, request in ((4, "r3"), (5, None), (4, "r3")):
            self.reword(told, w.TEXTS[nr], request)
        self.both("a", alice, lambda mos: mos.delete(told, user_id="alice"), lambda world, _: world.delete(alice, [told]))
        self.reword(told, w.TEXTS[4], "r3")
        self.add("a", alice, w.chat(Words("user", w.TEXTS[6], "Ann", "m1")), [Words("user", w.TEXTS[6], "Ann", "m1")], session="walk-2")
        edited = self.touched[0]
        self.erased(self.both("a", alice, lambda mos: mos.erase(edited, user_id="alice"), lambda world, _: world.erase(alice, [edited])))
        self.add("a", alice, w.TEXTS[2], [Words("user", w.TEXTS[2])], session="walk-2", learn=False)
        own = self.worlds["a"].own(alice)
        assert own is not None
        self.shared_with("a", alice, own.id, ("agent", "bot"), "reader")
        self.compare("a", (None, "bot"))
        self.taken_from("a", alice, own.id, ("agent", "bot"))
        self.compare("a", (None, "bot"))
        for _ in range(2):
            self.add("a", alice, w.TEXTS[3], [Words("user", w.TEXTS[3])], session="walk-2", request="r0")
        for back in (1, 3, 5, 7, 9):
            for exact in (True, False):
                self.look("a", alice, None, 1, None, len(self.past["a"]) - back, exact)

    def reword(self, memory_id: str, text: str, request: str | None = None) -> None:
        done = self.both(
            "a", w.ASKERS[0],
            lambda mos: mos.update(memory_id, user_id="alice", text=text, request_id=request),
            lambda world, _: world.update(w.ASKERS[0], memory_id, if_version=None, request=request, text=text),
        )  # fmt: skip
        assert not done or self.shape_of(done[0]) == self.shape("a", done[1], done[1].newest)

    # -- adding

    @rule(
        tenant=w.TENANT,
        asker=w.ASKER,
        text=w.TEXT,
        session=w.SESSION,
        tags=w.TAGS,
        info=w.INFO,
        at=w.AT,
        expires=w.EXPIRES,
        request=w.REQUEST,
    )
    def add_text(
        self, tenant: str, asker: Asker, text: str, session: str | None, tags: Any, info: Any, at: Any, expires: Any, request: Any
    ) -> None:
        self.add(tenant, asker, text, [Words("user", text)], session=session, tags=tags, info=info, at=at, expires=expires, request=request)

    @rule(tenant=w.TENANT, asker=w.ASKER, text=w.TEXT, pick=w.PICK, learn=st.booleans())
    def add_to_a_cube(self, tenant: str, asker: Asker, text: str, pick: int, learn: bool) -> None:
        self.add(tenant, asker, text, [Words("user", text)], write_to=self.cube_id(tenant, pick), learn=learn)

    @rule(tenant=w.TENANT, asker=w.ASKER, talk=w.TALK, session=w.SESSION, at=w.AT, tags=w.TAGS)
    def add_talk(self, tenant: str, asker: Asker, talk: list[Words], session: str | None, at: Any, tags: Any) -> None:
        self.add(tenant, asker, [w.chat(one) for one in talk], talk, session=session, at=at, tags=tags)

    @rule(tenant=w.TENANT, asker=w.ASKER, one=w.NAMED, learn=st.sampled_from([True, True, True, False]))
    def say_again(self, tenant: str, asker: Asker, one: Words, learn: bool) -> None:
        one = Words("user", one.content, None, one.id or "m1", one.time)
        self.add(tenant, asker, w.chat(one), [one], session="walk-1", learn=learn)

    def add(
        self, tenant: str, asker: Asker, content: Any, said: Sequence[Words], *, session: str | None = None, write_to: str | None = None,
        tags: tuple[str, ...] = (), info: dict[str, Any] | None = None, at: datetime | None = None, expires: timedelta | None = None,
        learn: bool = True, request: str | None = None,
    ) -> None:  # fmt: skip
        session = w.own_walk(tenant, asker) if session == w.OWN_WALK else session
        until = None if expires is None else self.clock.now + expires
        before = self.head

        def promise(world: World, receipt: Any) -> Any:
            told = ((), [f"?{nr}" for nr in range(len(said))]) if receipt is None else (receipt.memory_ids, receipt.message_ids)
            return world.add(
                asker,
                said,
                told,
                self.own_cube(tenant),
                session=session,
                write_to=write_to,
                tags=tags,
                info=info or {},
                at=at,
                expires=until,
                learn=learn,
                request=request,
            )

        done = self.both(
            tenant,
            asker,
            lambda mos: mos.add(
                content,
                **named(asker),
                session_id=session,
                write_to=write_to,
                tags=tags,
                info=info,
                at=at,
                expires_at=until,
                learn=learn,
                request_id=request,
            ),
            promise,
        )
        if done:
            receipt, (memory_ids, message_ids) = done
            assert receipt.memory_ids == memory_ids and receipt.message_ids == message_ids
            assert len(receipt.audit_head) == 64
            self.touched, self.head = list(memory_ids), receipt.audit_head or before

    # -- changing

    @rule(tenant=w.TENANT, asker=w.ASKER, pick=w.PICK, text=st.none() | w.TEXT, tags=st.none() | w.TAGS, info=st.none() | w.INFO,
          expires=w.EXPIRES, version=st.sampled_from([None, None, 0, 0, 1, -1]), request=w.REQUEST)  # fmt: skip
    def update(
        self, tenant: str, asker: Asker, pick: int, text: Any, tags: Any, info: Any, expires: Any, version: int | None, request: Any
    ) -> None:
        wanted = self.memory_id(tenant, asker, pick)
        newest = self.worlds[tenant].items.get(wanted)
        if_version = None if version is None or newest is None else max(1, newest.newest.number + version)
        until = None if expires is None else self.clock.now + expires
        given = {name: value for name, value in (("text", text), ("tags", tags), ("info", info), ("expires", until)) if value is not None}
        if not given:
            given = {"tags": ("work",)}

        done = self.both(
            tenant, asker,
            lambda mos: mos.update(wanted, **named(asker), **{"expires_at" if k == "expires" else k: v for k, v in given.items()},
                                   if_version=if_version, request_id=request),
            lambda world, _: world.update(asker, wanted, if_version=if_version, request=request, **given),
        )  # fmt: skip
        if done:
            assert self.shape_of(done[0]) == self.shape(tenant, done[1], done[1].newest)
            self.touched = [wanted]

    @rule(tenant=w.TENANT, asker=w.ASKER, pick=w.PICK, back=st.sampled_from([None, 0, 1, 2]), request=w.REQUEST)
    def restore(self, tenant: str, asker: Asker, pick: int, back: int | None, request: Any) -> None:
        world = self.worlds[tenant]
        older = [item.id for item in world.items.values() if len(item.versions) > 1 and item.cube in world.roles(asker)]
        wanted = older[pick % len(older)] if older and back is not None else self.memory_id(tenant, asker, pick)
        item = self.worlds[tenant].items.get(wanted)
        version = None if back is None else max(1, (item.newest.number if item else 9) - back)
        done = self.both(
            tenant, asker,
            lambda mos: mos.restore(wanted, **named(asker), version=version, request_id=request),
            lambda world, _: world.restore(asker, wanted, version, request),
        )  # fmt: skip
        if done:
            assert self.shape_of(done[0]) == self.shape(tenant, done[1], done[1].newest)
            self.touched = [wanted]

    @rule(tenant=w.TENANT, asker=w.ASKER, picks=st.lists(w.PICK, min_size=1, max_size=2), request=w.REQUEST)
    def delete(self, tenant: str, asker: Asker, picks: list[int], request: Any) -> None:
        wanted = list(dict.fromkeys(self.memory_id(tenant, asker, pick) for pick in picks))
        done = self.both(
            tenant,
            asker,
            lambda mos: mos.delete(wanted, **named(asker), request_id=request),
            lambda world, _: world.delete(asker, wanted, request),
        )
        assert not done or done[0].memory_ids == done[1]
        self.touched = wanted

    @rule(tenant=w.TENANT, asker=w.ASKER, where=w.FILTER)
    def delete_where(self, tenant: str, asker: Asker, where: Any) -> None:
        done = self.both(
            tenant, asker, lambda mos: mos.delete(filter=where[0], **named(asker)), lambda world, _: world.delete_where(asker, where[1])
        )
        assert done and set(done[0].memory_ids) == set(done[1]), (done, where[0])
        self.touched = list(done[1])

    @rule(tenant=w.TENANT, asker=w.ASKER, pick=w.PICK)
    def delete_session(self, tenant: str, asker: Asker, pick: int) -> None:
        several = [*self.worlds[tenant].sessions(asker), (self.cube_id(tenant, pick), "walk-1")]
        cube, session = several[pick % len(several)]
        done = self.both(
            tenant, asker,
            lambda mos: mos.sessions.delete(session, **named(asker), cube_id=cube),
            lambda world, _: world.delete_session(asker, session, cube),
        )  # fmt: skip
        assert not done or set(done[0].memory_ids) == set(done[1]), done

    # -- erasing

    @rule(tenant=w.TENANT, asker=w.ASKER, pick=w.PICK)
    def erase(self, tenant: str, asker: Asker, pick: int) -> None:
        wanted = self.memory_id(tenant, asker, pick)
        self.erased(self.both(tenant, asker, lambda mos: mos.erase(wanted, **named(asker)), lambda world, _: world.erase(asker, [wanted])))
        self.touched = [wanted]

    @rule(tenant=w.TENANT, asker=w.ASKER, where=w.FILTER)
    def erase_where(self, tenant: str, asker: Asker, where: Any) -> None:
        self.erased(
            self.both(
                tenant, asker, lambda mos: mos.erase(filter=where[0], **named(asker)), lambda world, _: world.erase_where(asker, where[1])
            )
        )

    @rule(tenant=w.TENANT, asker=w.ASKER, pick=w.PICK)
    def erase_everything(self, tenant: str, asker: Asker, pick: int) -> None:
        if pick % 3 == 0:
            self.erased(
                self.both(
                    tenant, asker, lambda mos: mos.erase(everything=True, **named(asker)), lambda world, _: world.erase_everything(asker)
                )
            )

    def erased(self, done: Any) -> None:
        """The receipt is right, and what nobody holds any more stands in no byte of the folder."""
        if not done:
            return
        receipt, (gone, messages) = done
        assert set(receipt.memory_ids) == gone and receipt.message_count == messages, (receipt, gone, messages)
        assert set(receipt.stores.values()) == {"done"}, receipt
        said = [text for world in self.worlds.values() for text in self.all_words(world)]
        left = {word for word in self.secrets() if not any(word in text for text in said)}
        files = [path.read_bytes() for path in (self.folder / "m").iterdir()]
        found = {word for word in left if any(word.encode() in content for content in files)}
        assert not found, f"{found} was erased and is still in the folder"

    # -- cubes

    @rule(tenant=w.TENANT, asker=w.ASKER, pick=st.integers(0, 2))
    def create(self, tenant: str, asker: Asker, pick: int) -> None:
        cube_id = f"quarry-{pick}"
        self.both(
            tenant, asker,
            lambda mos: mos.cubes.create("Quarry", cube_id=cube_id, **named(asker)),
            lambda world, _: world.create(asker, "Quarry", cube_id, self.own_cube(tenant)),
        )  # fmt: skip

    @rule(tenant=w.TENANT, asker=w.ASKER, pick=w.PICK, somebody=w.SOMEBODY, role=w.ROLE)
    def share(self, tenant: str, asker: Asker, pick: int, somebody: tuple[str, str], role: str) -> None:
        self.shared_with(tenant, asker, self.shareable(tenant, asker, pick), somebody, role)

    def shared_with(self, tenant: str, asker: Asker, cube: str, somebody: tuple[str, str], role: str) -> None:
        kind, name = somebody
        self.both(
            tenant, asker,
            lambda mos: mos.cubes.share(cube, role=role, **{f"with_{kind}": name}, **named(asker)),
            lambda world, _: world.share(asker, cube, kind, name, role, self.own_cube(tenant)),
        )  # fmt: skip

    @rule(tenant=w.TENANT, asker=w.ASKER, pick=w.PICK, somebody=w.SOMEBODY)
    def unshare(self, tenant: str, asker: Asker, pick: int, somebody: tuple[str, str]) -> None:
        self.taken_from(tenant, asker, self.shareable(tenant, asker, pick), somebody)

    def taken_from(self, tenant: str, asker: Asker, cube: str, somebody: tuple[str, str]) -> None:
        kind, name = somebody
        self.both(
            tenant, asker,
            lambda mos: mos.cubes.unshare(cube, **{f"with_{kind}": name}, **named(asker)),
            lambda world, _: world.unshare(asker, cube, kind, name),
        )  # fmt: skip

    def shareable(self, tenant: str, asker: Asker, pick: int) -> str:
        """Mostly a cube that the asker owns."""
        owned = [cube for cube, role in self.worlds[tenant].roles(asker).items() if role == "owner"]
        return owned[pick % len(owned)] if pick % 4 and owned else self.cube_id(tenant, pick)

    # -- time, and opening anew

    @rule(step=st.sampled_from([timedelta(seconds=2), timedelta(hours=3), timedelta(days=2), -timedelta(hours=1), -timedelta(days=3)]))
    def time_passes(self, step: timedelta) -> None:
        self.clock.now += step

    @rule()
    def reopen(self) -> None:
        self.close()
        self.open()

    # -- looking

    @rule(tenant=w.TENANT, asker=w.ASKER, where=st.none() | w.FILTER, pick=w.PICK, valid=st.none() | st.sampled_from(w.TIMES),
          then=st.none() | w.PICK, exact=st.booleans())  # fmt: skip
    def look_around(self, tenant: str, asker: Asker, where: Any, pick: int, valid: Any, then: int | None, exact: bool) -> None:
        self.look(tenant, asker, where, pick, valid, then, exact)

    def look(self, tenant: str, asker: Asker, where: Any, pick: int, valid: Any, then: int | None, exact: bool) -> None:
        """List, page and search with every restriction."""
        world, mos = self.worlds[tenant], self.mos(tenant)
        as_of, old = self.moment(tenant, then, exact)
        cubes = [self.cube_id(tenant, pick)] if pick % 3 == 0 else None
        options: dict[str, Any] = {**named(asker), "cube_ids": cubes, "filter": None if where is None else where[0], "as_of": as_of}
        try:
            seen = world.visible(asker, then=old, now=as_of or self.clock.now, cubes=cubes)
        except Refused as refusal:
            for verb in (lambda: mos.list(**options), lambda: mos.search(w.QUERY, **options)):
                assert self.error(verb) == refusal.error
            return
        wanted = [self.shape(tenant, i, v, old) for i, v in seen if where is None or where[1](v, i)]
        total = len(wanted)
        paged = self.pages(mos, options, 1 + pick % 3)
        assert paged == wanted, f"list {options}: {difference(paged, wanted)}"
        if valid is not None:
            wanted = [self.shape(tenant, i, v, old) for i, v in seen if (where is None or where[1](v, i)) and true_at(v, valid)]
        found = mos.search(w.QUERY, **options, valid_at=valid, top_k=MANY)
        hits = sorted((self.shape_of(hit.memory) for hit in found), key=by_id)
        wanted.sort(key=by_id)
        assert hits == wanted, f"search {options} valid at {valid}: {difference(hits, wanted)}"
        assert mos.list(**options, limit=1).total == total

    @rule(asker=w.ASKER, then=w.PICK, exact=st.booleans(), where=st.none() | w.FILTER)
    def look_back(self, asker: Asker, then: int, exact: bool, where: Any) -> None:
        self.look("a", asker, where, 1, None, then, exact)

    def moment(self, tenant: str, then: int | None, exact: bool) -> tuple[datetime | None, World | None]:
        """A time in the past, at a write or just before it, and the world as it was."""
        if then is None or not self.past[tenant]:
            return None, None
        when = self.past[tenant][then % len(self.past[tenant])][0] - (timedelta() if exact else MICRO)
        before = [world for at, world in self.past[tenant] if at <= when]
        return when, before[-1] if before else World(self.clock)

    @rule(asker=w.ASKER, pick=w.PICK, then=st.none() | w.PICK, exact=st.booleans())
    def get(self, asker: Asker, pick: int, then: int | None, exact: bool) -> None:
        world, mos, wanted = self.worlds["a"], self.mos("a"), self.memory_id("a", asker, pick)
        as_of, old = self.moment("a", then, exact)
        item = (old or world).items.get(wanted)
        readable = world.roles(asker).keys() & (old or world).readable(world.principals(asker))
        if item is None or wanted not in world.items or not item.live or item.cube not in readable:
            assert self.error(lambda: mos.get(wanted, **named(asker), as_of=as_of)) == "MemoryNotFound"
        else:
            assert self.shape_of(mos.get(wanted, **named(asker), as_of=as_of)) == self.shape("a", item, item.newest, old)

    # -- comparing

    @invariant()
    def everybody_sees_what_is_promised(self) -> None:
        """After each step: who acted, and in turn everybody."""
        if not self.handles:
            return
        Verbs.steps += 1
        self.clock.now += timedelta(seconds=1)
        if self.acted:
            self.compare(self.tenant, self.asker)
        self.moves += 1
        turn = self.moves % (2 * len(w.ASKERS))
        self.compare("ab"[turn % 2], w.ASKERS[turn // 2])
        for memory_id in self.touched[:2] if self.acted else ():
            self.compare_history(self.tenant, self.asker, memory_id)
        self.acted = False
