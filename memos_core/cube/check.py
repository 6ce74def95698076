"""Does a dumped cube hang together? Every line, every reference, every count; before anything of it is believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memos_core.cube.box import Box, opened
from memos_core.errors import CubeCorrupt
from memos_core.model.answer import CubeManifest


@dataclass(slots=True)
class Contents:
    """What is in a cube: how many there are of each, the memories' ids in order, how many versions each has."""

    sessions: int = 0
    messages: int = 0
    memories: dict[str, int] = field(default_factory=dict)
    versions: list[int] = field(default_factory=list)
    sources: int = 0


def check(path: Path) -> CubeManifest:
    """The manifest of a cube that is whole. CubeCorrupt, NewerSchema, InvalidInput."""
    with opened(path) as box:
        contents(box)
        return box.manifest


def contents(box: Box) -> Contents:
    """Everything in a cube, checked line by line."""
    found = Contents()
    named: set[str] = set()
    ids: set[str] = set()
    for session in box.records("sessions.jsonl"):
        _hold(session["id"] not in ids, "two sessions have one id")
        ids.add(session["id"])
        found.sessions += 1
        named.update(filter(None, (session["last_memory"],)))
    _messages(box, found)
    _versions(box, found, named)
    _hold(named <= found.memories.keys(), "a memory is named that is not there")
    _sources(box, found)
    _claims(box, found)
    counts = {"sessions": found.sessions, "messages": found.messages, "memories": len(found.memories), "versions": sum(found.versions),
              "sources": found.sources}  # fmt: skip
    _hold(counts == dict(box.manifest.counts), "there are more or fewer of something than the manifest counts")
    return found


def _messages(box: Box, found: Contents) -> None:
    seen: set[tuple[int | None, str, int]] = set()
    standing: set[tuple[int | None, str]] = set()
    for message in box.records("messages.jsonl"):
        _hold(message["session"] is None or message["session"] < found.sessions, "a message stands in a session that is not there")
        whole = (message["session"], message["id"], message["version"])
        _hold(whole not in seen and (message["closed"] or whole[:2] not in standing), "a message stands there twice")
        seen.add(whole)
        if not message["closed"]:
            standing.add(whole[:2])
        found.messages += 1


def _versions(box: Box, found: Contents, named: set[str]) -> None:
    current = None
    for version in box.records("versions.jsonl"):
        _hold(version["session"] is None or version["session"] < found.sessions, "a memory stands in a session that is not there")
        if version["memory"] != current:
            current = version["memory"]
            _hold(current not in found.memories, "the versions of a memory do not stand together")
            found.memories[current] = len(found.versions)
            found.versions.append(0)
        found.versions[-1] += 1
        _hold(version["version"] == found.versions[-1], "a memory's versions do not count from 1")
        named.update(filter(None, (version["context"],)))


def _sources(box: Box, found: Contents) -> None:
    seen: set[tuple[str, int]] = set()
    for source in box.records("sources.jsonl"):
        _hold(source["memory"] in found.memories, "a source leads to a memory that is not there")
        message = source["message"]
        _hold((message is None) == (source["kind"] != "message"), "a source is of a kind that it is not")
        if message is not None:
            _hold(message < found.messages, "a source leads to a message that is not there")
            _hold((source["memory"], message) not in seen, "a source stands there twice")
            seen.add((source["memory"], message))
        start, end = source["start"], source["end"]
        _hold((start is None) == (end is None) and (start is None or start <= end), "a source's span is none")
        found.sources += 1


def _claims(box: Box, found: Contents) -> None:
    expected: Iterator[Any] = ((one, nr) for one, count in zip(found.memories, found.versions, strict=True) for nr in range(1, count + 1))
    for claim in box.records("claims.jsonl"):
        _hold((claim["memory"], claim["version"]) == next(expected, None), "the claims are not those of the versions")
    _hold(next(expected, None) is None, "the claims are not those of the versions")


def _hold(holds: bool, problem: str) -> None:
    if not holds:
        raise CubeCorrupt(f"The cube does not hang together: {problem}. Nothing was loaded.")
