"""The system itself, through its public verbs and nothing else, in the words of the benches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos_core import MOS
    from memos_core.inference.base import Embedder
    from memos_core.model.answer import Hit


def open_memory(home: Path, embedder: Embedder | None, **settings: Any) -> MOS:
    """A fresh folder. With `embedder` None it searches by words alone. `settings` are fields of Settings."""
    from memos_core import MOS
    from memos_core.settings import Settings

    if embedder is None:
        return MOS(str(home), settings=Settings(embedder="none", **settings))
    return MOS(str(home), settings=Settings(**settings), embedder=embedder)


def said(text: str, *, id: str, at: datetime, name: str | None = None, role: str = "user") -> dict[str, Any]:
    """One message in the shape that callers send."""
    message = {"role": role, "content": text, "id": id, "chat_time": at.isoformat()}
    return message | {"name": name} if name else message


def _flat(text: str) -> str:
    return " ".join(text.split())


def held(hit: Hit, texts: Mapping[str, str]) -> frozenset[str]:
    """The ids of the messages among the hit's sources whose whole text the hit holds. `texts` is what was said, by id."""
    body = _flat(hit.memory.text)
    return frozenset(
        source.id for source in hit.memory.sources if source.kind == "message" and source.id in texts and _flat(texts[source.id]) in body
    )


def shown(hit: Hit) -> str:
    """What a model would read of the hit: who and what."""
    return f"{hit.memory.speaker}: {hit.memory.text}" if hit.memory.speaker else hit.memory.text


def grouped(messages: Sequence[tuple[str, dict[str, Any]]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """(session, message) in order -> runs of one session each, as they are added."""
    runs: list[tuple[str, list[dict[str, Any]]]] = []
    for session, message in messages:
        if not runs or runs[-1][0] != session:
            runs.append((session, []))
        runs[-1][1].append(message)
    return runs
