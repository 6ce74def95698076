"""Options that many commands share, and how their words become values."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from memos_core.errors import InvalidInput

WHERE, OUTPUT = "Where and who", "Output"

Home = Annotated[
    Path | None,
    typer.Option(
        "--home", help="The memory's folder. [dim]Default: MEMOS_HOME, else ./memory[/]", rich_help_panel=WHERE, show_default=False
    ),
]
User = Annotated[
    str | None,
    typer.Option("--user", "-u", help="Who asks. [dim]Default: me, unless --agent is given[/]", rich_help_panel=WHERE, show_default=False),
]
Agent = Annotated[
    str | None, typer.Option("--agent", help="The agent that asks, alone or for --user.", rich_help_panel=WHERE, show_default=False)
]
Session = Annotated[
    str | None, typer.Option("--session", "-s", help="The conversation it belongs to.", rich_help_panel=WHERE, show_default=False)
]
Tenant = Annotated[str, typer.Option("--tenant", help="Tenants share nothing.", rich_help_panel=WHERE)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.", rich_help_panel=OUTPUT)]
FilterText = Annotated[
    str | None, typer.Option("--filter", "-f", help="""Conditions as JSON, like '{"tags": {"any": ["work"]}}'.""", show_default=False)
]
Types = Annotated[
    list[str] | None, typer.Option("--type", help="Only memories of this type, like LongTermMemory. Repeatable.", show_default=False)
]
AsOf = Annotated[str | None, typer.Option("--as-of", help="What was known then, like 2026-01-31T12:00Z.", show_default=False)]
RequestId = Annotated[str | None, typer.Option("--request-id", help="A name that makes this command safe to repeat.", show_default=False)]


def as_asked(home: Path | None, user: str | None, agent: str | None, tenant: str) -> str:
    """The options that another command needs to mean the same asker in the same folder."""
    import shlex

    said = (("--home", home), ("--user", user), ("--agent", agent), ("--tenant", None if tenant == "default" else tenant))
    return "".join(f" {name} {shlex.quote(str(value))}" for name, value in said if value is not None)


def who(user: str | None, agent: str | None) -> dict[str, Any]:
    """Who asks, as the verbs take it. A person at a terminal is `me`; an agent alone stays alone."""
    if user is not None and not user.strip():
        raise InvalidInput("user", "is empty.", "Name who asks, like --user alice.")
    return {"user_id": user or (None if agent else "me"), "agent_id": agent}


def given(**values: Any) -> dict[str, Any]:
    """Only what was said on the command line; the rest keeps the verbs' own defaults."""
    return {key: value for key, value in values.items() if value is not None and value != [] and value != ()}


def parse_filter(text: str | None) -> dict[str, Any] | None:
    """A filter's JSON. What it means is checked by the verb."""
    if text is None:
        return None
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidInput("filter", f"is not JSON ({exc}).", """Write it like '{"speaker": "Maya"}', in single quotes.""") from exc
    if not isinstance(parsed, dict):
        raise InvalidInput("filter", f"is a JSON {type(parsed).__name__}, not an object.", """Write it like '{"speaker": "Maya"}'.""")
    return parsed


def parse_time(text: str | None, field: str) -> datetime | None:
    """A time in ISO 8601; without a zone it is UTC."""
    from memos_core.model.filter import as_time

    return None if text is None else as_time(text, field)


def parse_info(pairs: list[str] | None) -> dict[str, Any] | None:
    """`key=value` pairs; a value that reads as JSON is taken as JSON."""
    if not pairs:
        return None
    info: dict[str, Any] = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark or not key:
            raise InvalidInput("info", f"'{pair[:60]}' is not key=value.", "Write --info city=Lisbon.")
        try:
            info[key] = json.loads(value)
        except (ValueError, RecursionError):
            info[key] = value
    return info


def parse_types(types: list[str] | None) -> list[str] | None:
    """Memory types by their names, in any case, with or without "Memory"."""
    from memos_core.model.memory import MemoryType

    if not types:
        return None
    known = {name.casefold(): kind.value for kind in MemoryType for name in (kind.value, kind.value.removesuffix("Memory"))}
    for name in types:
        if name.casefold() not in known:
            raise InvalidInput("type", f"'{name[:60]}' is not known.", "Known: " + ", ".join(kind.value for kind in MemoryType) + ".")
    return [known[name.casefold()] for name in types]
