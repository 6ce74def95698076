"""`memos list`, `get` and `history`."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_core.cli.desk import opened
from memos_core.cli.options import (
    Agent,
    AsJson,
    AsOf,
    FilterText,
    Home,
    Tenant,
    Types,
    User,
    given,
    parse_filter,
    parse_time,
    parse_types,
    who,
)

MemoryId = Annotated[str, typer.Argument(help="A memory's id.", show_default=False)]


def list_memories(
    filter_text: FilterText = None,
    types: Types = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many on a page.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the next page begins, as the page before said.", show_default=False)] = None,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """List memories, newest first, a page at a time.

    [dim]memos list --user alice
    memos list --user alice --filter '{"speaker": "Alice", "created_at": {"gte": "2026-01-01"}}'[/]
    """
    options = given(filter=parse_filter(filter_text), memory_types=parse_types(types), cursor=cursor)
    with opened(home, tenant) as mos:
        page = mos.list(**who(user, agent), limit=limit, **options)
    from memos_core.cli import cards, show

    if as_json:
        show.put_json(page)
        return
    if page.items:
        show.say(cards.listing(page))
    show.note(f"[dim]{len(page)} of {show.memories(page.total)}[/]")
    if page.next_cursor:
        show.note(f"[dim]The next page: the same command with --cursor {show.escape(page.next_cursor)}[/]")


def get(
    memory_id: MemoryId,
    as_of: AsOf = None,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Show one memory with everything that is known of it."""
    with opened(home, tenant) as mos:
        memory = mos.get(memory_id, **who(user, agent), **given(as_of=parse_time(as_of, "as_of")))
    from memos_core.cli import cards, show

    if as_json:
        show.put_json(memory)
    else:
        show.say(cards.card(memory))


def history(
    memory_id: MemoryId,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Show all versions of a memory, oldest first: who changed it, when and why."""
    with opened(home, tenant) as mos:
        lines = mos.history(memory_id, **who(user, agent))
    from memos_core.cli import cards, show

    if as_json:
        show.put_json(list(lines))
    else:
        show.say(cards.revisions(lines))
