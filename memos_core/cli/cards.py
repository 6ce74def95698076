"""Memories as they are shown to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from memos_core.cli import show

if TYPE_CHECKING:
    from memos_core.model.answer import ErasureReceipt, Hit, Recollection
    from memos_core.model.memory import Memory, Revision


def hits(found: Recollection, *, why: bool) -> Table:
    """What was found, best first."""
    made = show.table("", "score", "said", "memory", right=("", "score"), fold=("memory",))
    for rank, hit in enumerate(found, 1):
        made.add_row(str(rank), f"{hit.score:.2f}", f"{hit.memory.created_at:%Y-%m-%d}", _found(hit, why))
    return made


def _found(hit: Hit, why: bool) -> Text:
    text = spoken(hit.memory)
    if why:
        text.append("\n" + steps(hit), style="cyan")
    return text.append(f"\n{hit.memory.id}", style="dim")


def spoken(memory: Memory, limit: int | None = None) -> Text:
    """Who said what; with a limit, on one line."""
    body = memory.text if limit is None else show.short(memory.text, limit - len(memory.speaker) - 2)
    return Text.assemble((show.visible(f"{memory.speaker}: "), "bold") if memory.speaker else "", show.visible(body))


def steps(hit: Hit) -> str:
    """What each step of recall contributed, in a line: relevance, then the steps that did something."""
    parts = [f"relevance {hit.relevance:.2f}"] + [f"{name} {_worth(value)}".strip() for name, value in hit.why.items() if value]
    return " \N{MIDDLE DOT} ".join(parts)


def _worth(value: Any) -> str:
    if isinstance(value, bool):
        return ""
    if isinstance(value, Real):
        return f"{float(value):.2f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_worth(inner)}".strip() for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)


def listing(memories: Iterable[Memory]) -> Table:
    """A page of memories, each with its id below."""
    made = show.table("said", "memory", fold=("memory",))
    for memory in memories:
        made.add_row(show.when(memory.created_at), spoken(memory).append(f"\n{memory.id}", style="dim"))
    return made


def card(memory: Memory) -> Table:
    """One memory with everything that is known of it."""
    rows: list[tuple[str, Any]] = [("id", memory.id), ("version", memory.version), ("text", Text(show.visible(memory.text), style="bold"))]
    rows += [(name, getattr(memory, name)) for name in ("speaker", "memory_type", "state", "user_id", "agent_id", "session_id", "cube_id")]
    rows += [("tags", ", ".join(memory.tags)), ("info", dict(memory.info) or "")]
    rows += [("trust", memory.trust), ("sources", ", ".join(f"{source.kind} {source.id}" for source in memory.sources))]
    rows += [(name, show.when(getattr(memory, name))) for name in ("created_at", "updated_at", "valid_from", "valid_to", "expires_at")]
    rows.append(("merged_to", memory.merged_to))
    return show.facts([(name.replace("_id", "").replace("_", " "), value) for name, value in rows if value not in (None, "")])


def revisions(lines: Iterable[Revision]) -> Table:
    """A memory's versions, oldest first."""
    made = show.table("version", "when", "who", "did", "text", right=("version",), fold=("text",))
    for line in lines:
        text = Text(show.visible(line.memory.text))
        if line.why:
            text.append(show.visible(f"\n{line.why}"), style="dim")
        made.add_row(str(line.memory.version), show.when(line.at), show.escape(line.by), line.verb, text)
    return made


_STORE_STYLES = {"done": "green", "pending": "yellow", "failed": "bold red"}


def stores(receipt: ErasureReceipt) -> Table:
    """What each store holds after an erasure was read back."""
    made = show.table("store", "erased")
    for name, state in receipt.stores.items():
        made.add_row(name, Text(str(state), style=_STORE_STYLES.get(str(state), "")))
    return made
