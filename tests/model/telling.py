"""One add of the model, message by message."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.model.values import Asker, Item, Said, Version, Words, validity, words

if TYPE_CHECKING:
    from tests.model.promise import World


@dataclass
class Addition:
    """One add, on its way through its messages."""

    world: World
    asker: Asker
    cube: str
    session: str | None
    tags: tuple[str, ...]
    info: dict[str, Any]
    expires: datetime | None
    learn: bool
    now: datetime
    told: list[str]
    ids: list[str] = field(default_factory=list)
    wrote: bool = False

    def message(self, one: Words, at: datetime | None, told: str) -> str:
        """The same message with the same text changes nothing; with another text it is a new version."""
        world = self.world
        place = (self.cube, self.session, one.id)
        old = next((m for m in world.messages.values() if one.id is not None and (m.cube, m.session, m.id) == place), None)
        time = one.time or at
        if old is not None and old.open and old.versions[-1] == one.content:
            self.ids += [i.id for i in self.made_from(old.order, len(old.versions)) if i.live]
            return old.id
        self.wrote = True
        if old is None:
            message = Said(world.next(), one.id or told, self.cube, self.session, one.role, one.name, (one.content,), time or self.now)
            edited: list[Item] = []
        else:
            said = time or (old.said if old.open else self.now)
            version = (old.order, len(old.versions))
            edited = [i for i in self.made_from(*version) if i.live and not world.stands(i, without=version)] if old.open else []
            message = replace(old, role=one.role, name=one.name, versions=(*old.versions, one.content), said=said, open=True)
        world.messages[message.order] = message
        if self.learn and one.role in ("user", "assistant"):
            self.learnt(message, edited.pop(0) if edited else None)
        for item in edited:
            world.revise(item, self.asker, "edit", self.now, state="archived")
        return message.id

    def made_from(self, message: int, version: int) -> list[Item]:
        found = [item for item in self.world.items.values() if (message, version) in item.sources]
        return sorted(found, key=lambda item: item.order)

    def learnt(self, message: Said, edited: Item | None) -> None:
        """A newer version of what an edited message had told, one more source of what is known, or a new memory."""
        world, text = self.world, message.versions[-1]
        speaker = message.name or ("" if message.role == "user" else "assistant")
        source = (message.order, len(message.versions))
        fresh = Version(
            1, text, speaker, "said by the user" if message.role == "user" else "inferred", self.tags, self.info, "activated",
            self.asker[0], self.asker[1], self.session, message.said, self.now, self.expires, validity(text), "add", world.by(self.asker),
        )  # fmt: skip
        if edited is not None:
            item = world.revise(edited, self.asker, "edit", self.now, replace(fresh, session=edited.newest.session))
        else:
            same = [i for i in world.items.values() if self.same(i, speaker, text)]
            item = min(same, key=lambda i: i.order) if same else Item(self.new_id(), world.next(), self.cube, (fresh,), ())
        world.items[item.id] = replace(item, sources=(*item.sources, source))
        self.ids.append(item.id)

    def same(self, item: Item, speaker: str, text: str) -> bool:
        """Exact duplicates: one speaker, the same words, true at the same time, known for at least as long, and marked with all
        that this is marked with."""
        newest = item.newest
        stays = newest.expires is None or (self.expires is not None and newest.expires >= self.expires)
        told = words(newest.text) == words(text) and newest.valid == validity(text)
        marked = set(self.tags) <= set(newest.tags) and all(repr(newest.info.get(key)) == repr(one) for key, one in self.info.items())
        return item.live and stays and item.cube == self.cube and newest.speaker == speaker and told and marked

    def new_id(self) -> str:
        """The receipt's name for the next new memory."""
        place = len(dict.fromkeys(self.ids))
        if place >= len(self.told) or self.told[place] in self.world.items:
            raise AssertionError(f"the receipt does not name a new memory in place {place}: {self.told}")
        return self.told[place]
