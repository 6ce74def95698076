"""The verbs that carry cubes, behind the desk: dump, verify, load."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from memos_core.cube.box import Box, opened
from memos_core.cube.check import Contents, check, contents
from memos_core.cube.dump import dump as dump_cube
from memos_core.errors import CubeExists, InvalidInput
from memos_core.governance.access import Standing
from memos_core.ledger import loading
from memos_core.ledger.pen import Pen
from memos_core.ledger.pen import dump as as_json
from memos_core.ledger.read import LIVE, Book, moment
from memos_core.ledger.rows import MessageRow, SourceRow, VersionRow
from memos_core.model.answer import Cube, CubeManifest
from memos_core.model.change import Entry
from memos_core.model.ids import new_id
from memos_core.model.memory import Trust
from memos_core.model.scope import Asker
from memos_core.mos import beside, inputs
from memos_core.mos.adding import Added, enqueue_embedding, own_cube
from memos_core.mos.changing import acting
from memos_core.mos.entries import digest_of, entry_of
from memos_core.mos.handle import Handle
from memos_core.mos.requests import Request
from memos_core.mos.sharing import one, owner_of, taken


def place(path: Any) -> Path:
    """A path that a caller passed."""
    return Path(os.path.expanduser(inputs.path("path", path)))


def verify(path: Any) -> CubeManifest:
    """See Cubes.verify."""
    return check(place(path))


def dump(handle: Handle, cube_id: Any, path: Any, user_id: Any, agent_id: Any) -> CubeManifest:
    """See Cubes.dump."""
    asker, target = handle.asker(user_id, agent_id), place(path)
    wanted = str(inputs.name("cube_id", cube_id, needed=True))
    beside.forbid(handle, asker, cube_id=wanted)
    with handle.read(asker) as (book, seen, _):
        cube = seen.named(wanted)
        manifest = dump_cube(book, cube, target, now=moment(handle.engines.clock()))

    def told(pen: Pen, book: Book, seen: Standing) -> None:
        acting(pen, seen)
        pen.detail.update({"cube": cube.cube, "files": [entry["sha256"] for entry in manifest.files]})

    handle.write(asker, "dump cube", told)
    return manifest


def load(handle: Handle, path: Any, as_new: Any, user_id: Any, agent_id: Any, request_id: Any) -> Cube:
    """See Cubes.load."""
    asker, source = handle.asker(user_id, agent_id), place(path)
    if not isinstance(as_new, bool):
        raise InvalidInput("as_new", "true or false is needed.")
    inputs.name("request_id", request_id)
    with opened(source) as box:
        cube_id = take_in(handle, asker, box, contents(box), as_new=as_new, request_id=request_id)
    return one(handle, user_id, agent_id, cube_id)


def take_in(handle: Handle, asker: Asker, box: Box, found: Contents, *, as_new: bool, request_id: str | None = None) -> str:
    """Load a cube whose contents were checked; its id here. The same request means the same contents, wherever they lie."""
    request = Request("load cube", request_id, lambda: inputs.fingerprint(box.digest, as_new))

    def plan(pen: Pen, book: Book) -> tuple[str, Added]:
        if (told := request.told(pen)) is not None:
            return str(told["id"]), Added()
        own_cube(pen, book, asker)
        loader = _Loader(pen, box, found, as_new)
        loader.write()
        pen.detail.update({"from": box.manifest.cube_id, "manifest": box.digest})
        if handle.engines.wants_vectors and loader.added.pending:
            enqueue_embedding(pen, loader.added)
        request.answer(pen, {"id": loader.cube_id})
        return loader.cube_id, loader.added

    cube_id, added = handle.engines.ledger.append(asker, "load cube", plan).value
    handle.started(added)
    return cube_id


@dataclass(slots=True)
class _Talk:
    """A session that was taken in."""

    nr: int
    id: str
    implicit: bool


class _Loader:
    """Writes a checked cube; should its bytes have changed since they were checked, nothing of it stays."""

    def __init__(self, pen: Pen, box: Box, found: Contents, as_new: bool) -> None:
        self._pen, self._box = pen, box
        if found.sessions + found.messages + 2 * len(found.memories) + found.sources + 64 > loading.ROOM:
            raise InvalidInput("path", "holds more than can be loaded in one transaction.")
        connection, tenant = pen.connection, pen.asker.tenant
        known = loading.tenants_of(connection, list(found.memories))
        if not as_new and (tenant in known or taken(connection, tenant, box.manifest.cube_id)):
            raise CubeExists
        self._as_new = as_new = as_new or bool(known)  # what another tenant has is neither told nor in the way
        self.cube_id = new_id() if as_new else box.manifest.cube_id
        self._cube = pen.open_cube(self.cube_id, box.manifest.name, owner_of(pen), own=False)
        self._ids = {old: new_id() if as_new else old for old in found.memories}
        self._items = {old: pen.number() for old in found.memories}
        self._messages = [pen.number() for _ in range(found.messages)]
        self._sessions: list[_Talk] = []
        self._by_nr: dict[int, _Talk] = {}
        self._latest: dict[str, int] = {}
        self.added = Added()

    def write(self) -> None:
        """Everything, in the order in which it refers to each other."""
        for session in self._box.records("sessions.jsonl"):
            self._session(session)
        for place, message in enumerate(self._box.records("messages.jsonl")):
            self._message(self._messages[place], message)
        for source in self._box.records("sources.jsonl"):
            self._source(source)
        for old, versions in groupby(self._box.records("versions.jsonl"), key=lambda version: str(version["memory"])):
            self._memory(old, versions)

    def _session(self, raw: dict[str, Any]) -> None:
        talk = _Talk(self._pen.number(), raw["id"], raw["implicit"])
        self._sessions.append(talk)
        self._by_nr[talk.nr] = talk
        last = self._items[raw["last_memory"]] if raw["last_memory"] is not None else None
        loading.take_session(
            self._pen, talk.nr, self._cube, talk.id, implicit=talk.implicit, last_item=last, last_said=raw["last_said"]
        )  # fmt: skip

    def _message(self, nr: int, raw: dict[str, Any]) -> None:
        session = 0 if raw["session"] is None else self._sessions[raw["session"]].nr
        loading.take_message(self._pen, MessageRow(
            nr, raw["id"], self._cube, session, raw["version"], self._pen.tx, self._pen.tx if raw["closed"] else None, raw["role"],
            raw["name"], raw["content"], _json(raw["extra"]), _json(raw["raw"]), raw["said"], raw["user_id"], raw["agent_id"],
            os.urandom(16), b""))  # fmt: skip

    def _source(self, raw: dict[str, Any]) -> None:
        ref = self._pen.number() if raw["message"] is None else self._messages[raw["message"]]
        item = self._items[raw["memory"]]
        loading.take_source(self._pen, SourceRow(item, ref, raw["start"], raw["end"], raw["said"], self._pen.tx, raw["kind"], raw["label"]))
        self._latest[raw["memory"]] = max(raw["said"], self._latest.get(raw["memory"], raw["said"]))

    def _memory(self, old: str, versions: Iterator[dict[str, Any]]) -> None:
        rows = [self._version(raw) for raw in versions]
        newest, item_id = rows[-1], self._ids[old]
        live = newest.state in LIVE
        loading.take_memory(
            self._pen, item_id, rows, digest=digest_of(newest.speaker, newest.memory_type, newest.text) if live else None,
            entry=self._entry(newest, item_id, max(newest.said, self._latest.get(old, newest.said))) if live else None,
        )  # fmt: skip
        if live:
            self.added.pending.append((newest.item, newest.version))
        self.added.memory_ids.append(item_id)

    def _version(self, raw: dict[str, Any]) -> VersionRow:
        session = 0 if raw["session"] is None else self._sessions[raw["session"]].nr
        context = None if raw["context"] is None else self._items[raw["context"]]
        return VersionRow(
            self._items[raw["memory"]], raw["version"], self._cube, self._pen.tx, raw["at"], raw["verb"], self._pen.by, raw["why"],
            raw["text"], raw["speaker"], raw["memory_type"], raw["state"], raw["user_id"], raw["agent_id"], session, context,
            as_json(raw["tags"]), as_json(raw["info"]), Trust.IMPORTED.value, raw["said"], raw["valid_from"], raw["valid_to"],
            raw["expires"], self._ids.get(raw["merged_to"], raw["merged_to"]), os.urandom(16), b"",
        )  # fmt: skip

    def _entry(self, row: VersionRow, item_id: str, said: int) -> Entry:
        """What is found: as recent as the last time it was said."""
        talk = self._by_nr.get(row.session)
        label = talk.id if talk is not None else None
        made = entry_of(row, self.cube_id, None if talk is None or talk.implicit else label, label, item_id)
        return Entry(made.nr, made.version, made.cube, made.tx, made.text, made.speaker, made.session, made.context, said, made.fields)


def _json(value: Any) -> str | None:
    return None if value is None else as_json(value)
