"""`memos update`, `delete`, `restore` and `erase`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from memos_core.cli.desk import opened, settle
from memos_core.cli.look import MemoryId
from memos_core.cli.options import (
    Agent,
    AsJson,
    FilterText,
    Home,
    RequestId,
    Tenant,
    User,
    as_asked,
    given,
    parse_filter,
    parse_info,
    parse_time,
    who,
)
from memos_core.errors import InvalidInput

if TYPE_CHECKING:
    from memos_core.model.answer import ErasureReceipt

MemoryIds = Annotated[list[str] | None, typer.Argument(metavar="MEMORY_ID", help="Ids of memories.", show_default=False)]


def update(
    memory_id: MemoryId,
    text: Annotated[str | None, typer.Option("--text", help="The new text.", show_default=False)] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="The new tags. Repeatable.", show_default=False)] = None,
    info: Annotated[list[str] | None, typer.Option("--info", help="The new info as key=value. Repeatable.", show_default=False)] = None,
    expires_at: Annotated[str | None, typer.Option("--expires-at", help="When to let go of it.", show_default=False)] = None,
    if_version: Annotated[int | None, typer.Option(help="Refuse unless this is the current version.", show_default=False)] = None,
    request_id: RequestId = None,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Write a new version of a memory. The old one stays in its history.

    [dim]memos update 01J... --text "The meeting is on Friday at four." --user alice[/]
    """
    changes = given(text=text, tags=tag, info=parse_info(info), expires_at=parse_time(expires_at, "expires_at"))
    if not changes:
        raise InvalidInput("text", "nothing was given to change.", "Use --text, --tag, --info or --expires-at.")
    with opened(home, tenant) as mos:
        memory = mos.update(memory_id, **who(user, agent), **changes, **given(if_version=if_version, request_id=request_id))
        settle(mos)
    from memos_core.cli import show

    if as_json:
        show.put_json(memory)
    else:
        next_one = f"memos history {memory.id}{as_asked(home, user, agent, tenant)}"
        show.say(f"[green]Changed[/] to version {memory.version}. [dim]{show.escape(next_one)}[/]")


def delete(
    memory_ids: MemoryIds = None,
    filter_text: FilterText = None,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Archive memories: not found any more, and restorable.

    [dim]memos delete 01J... 01K... --user alice
    memos delete --filter '{"tags": {"any": ["draft"]}}' --user alice[/]
    """
    chosen = given(memory_ids=memory_ids, filter=parse_filter(filter_text))
    _needs_choice(chosen)
    with opened(home, tenant) as mos:
        deletion = mos.delete(**chosen, **who(user, agent))
    from memos_core.cli import show

    if as_json:
        show.put_json(deletion)
        return
    back = show.escape(f"memos restore ID{as_asked(home, user, agent, tenant)}")
    show.say(f"[green]Archived[/] {show.memories(len(deletion.memory_ids))}. [dim]{back} brings one back.[/]")
    for memory_id in deletion.memory_ids:
        show.plain(f"  {memory_id}")


def restore(
    memory_id: MemoryId,
    version: Annotated[int | None, typer.Option(help="The version to bring back. [dim]Default: the last[/]", show_default=False)] = None,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Bring an archived memory back, or an old version of one."""
    with opened(home, tenant) as mos:
        memory = mos.restore(memory_id, **who(user, agent), **given(version=version))
        settle(mos)
    from memos_core.cli import show

    if as_json:
        show.put_json(memory)
    else:
        show.say(f"[green]Restored[/] as version {memory.version}: {show.escape(show.short(memory.text, 100))}")


def erase(
    memory_ids: MemoryIds = None,
    filter_text: FilterText = None,
    everything: Annotated[bool, typer.Option("--everything", help="All that stands in the cubes of who asks, whoever wrote it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Erase for good: memories, what was said, and all that was made from it. The receipt says what each store holds after reading back.

    [dim]memos erase 01J... --user alice
    memos erase --everything --user alice[/]
    """
    chosen = given(memory_ids=memory_ids, filter=parse_filter(filter_text), everything=everything or None)
    _needs_choice(chosen)
    asker = who(user, agent)
    if everything and user is None and agent is None:
        raise InvalidInput("user", "is needed with --everything.", "Name whose memory goes, like --user alice.")
    with opened(home, tenant) as mos:
        if not yes:
            _confirm("everything of " + str(asker["user_id"] or asker["agent_id"]) if everything else "these memories")
        from memos_core.cli import show

        with show.busy("Erasing, then reading back ..."):
            receipt = mos.erase(**chosen, **asker)
    _show_receipt(receipt, as_json)


def _needs_choice(chosen: dict[str, object]) -> None:
    if not chosen:
        raise InvalidInput("memory_ids", "nothing was chosen.", "Give ids of memories, or --filter with conditions.")


def _confirm(what: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidInput("yes", "erasing can't be undone and nobody is there to ask.", "Say --yes.")
    typer.confirm(f"Erase {what} for good? It can't be undone.", abort=True, err=True)


def _show_receipt(receipt: ErasureReceipt, as_json: bool) -> None:
    from memos_core.cli import show
    from memos_core.cli.cards import stores

    if as_json:
        show.put_json(receipt)
    else:
        messages = show.plural(receipt.message_count, "message")
        show.say(f"[green]Erased[/] {show.memories(len(receipt.memory_ids))} and {messages}; receipt {show.escape(receipt.id)}")
        show.say(stores(receipt))
    if "failed" in receipt.stores.values():
        raise typer.Exit(1)
