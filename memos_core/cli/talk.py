"""`memos add` and `memos search`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memos_core.cli.desk import opened, settle
from memos_core.cli.options import (
    Agent,
    AsJson,
    AsOf,
    FilterText,
    Home,
    RequestId,
    Session,
    Tenant,
    Types,
    User,
    given,
    parse_filter,
    parse_info,
    parse_time,
    parse_types,
    who,
)
from memos_core.errors import InvalidInput

if TYPE_CHECKING:
    from memos_core.model.answer import Receipt, Recollection


def add(
    content: Annotated[str, typer.Argument(help="What to remember; - reads it from stdin.", show_default=False)],
    messages: Annotated[bool, typer.Option("--messages", help="CONTENT is JSON: a chat message, or a list of them.")] = False,
    name: Annotated[str | None, typer.Option("--name", help="Who says it.", show_default=False)] = None,
    at: Annotated[str | None, typer.Option("--at", help="When it was said. [dim]Default: now[/]", show_default=False)] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag. Repeatable.", show_default=False)] = None,
    info: Annotated[list[str] | None, typer.Option("--info", help="key=value. Repeatable.", show_default=False)] = None,
    expires_at: Annotated[str | None, typer.Option("--expires-at", help="When to let go of it.", show_default=False)] = None,
    write_to: Annotated[str | None, typer.Option("--to", help="The cube to write to.", show_default=False)] = None,
    learn: Annotated[bool, typer.Option("--learn/--no-learn", help="Make memories of it, or only keep what was said.")] = True,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="End when it is found by meaning too, or at once.")] = True,
    request_id: RequestId = None,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    session: Session = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Remember something. It is on disk and can be found when the command returns.

    [dim]memos add "I moved to Lisbon last spring." --user alice
    pbpaste | memos add - --user alice --tag notes
    memos add --messages '[{"role": "user", "name": "Alice", "content": "My dog Momo hates trams."}]' --user alice[/]
    """
    said = _content(content, messages, name)
    options = given(
        session_id=session,
        write_to=write_to,
        tags=tag,
        info=parse_info(info),
        at=parse_time(at, "at"),
        expires_at=parse_time(expires_at, "expires_at"),
        request_id=request_id,
    )
    with opened(home, tenant, new=True) as mos:
        _show_receipt(mos.add(said, **who(user, agent), learn=learn, **options), as_json)
        if wait:
            settle(mos)


def _content(text: str, messages: bool, name: str | None) -> Any:
    if text == "-":
        text = sys.stdin.read().removesuffix("\n")
    if not text.strip():
        raise InvalidInput("content", "is empty.", "Give some text, or - and some text on stdin.")
    if messages:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise InvalidInput("content", f"is not JSON ({exc}).", "With --messages it is a chat message or a list of them.") from exc
    return {"role": "user", "name": name, "content": text} if name else text


def _show_receipt(receipt: Receipt, as_json: bool) -> None:
    from memos_core.cli import show

    if as_json:
        show.put_json(receipt)
        return
    show.say(f"[green]Kept[/] {show.plural(len(receipt.message_ids), 'message')}, {show.memories(len(receipt.memory_ids))}")
    for memory_id in receipt.memory_ids:
        show.plain(f"  {memory_id}")
    for skipped in receipt.skipped:
        show.note(f"[yellow]Kept, not learnt:[/] {show.escape(skipped)}")


def search(
    query: Annotated[str, typer.Argument(help="A question, or some words.", show_default=False)],
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="How many at most.")] = 10,
    filter_text: FilterText = None,
    types: Types = None,
    cube: Annotated[list[str] | None, typer.Option("--cube", help="Only this cube. Repeatable.", show_default=False)] = None,
    min_relevance: Annotated[float | None, typer.Option(help="Leave out what is less relevant, 0 to 1.", show_default=False)] = None,
    as_of: AsOf = None,
    valid_at: Annotated[str | None, typer.Option(help="What was true then.", show_default=False)] = None,
    mode: Annotated[str, typer.Option(help="fast never calls a generative model; fine may.")] = "fast",
    max_tokens: Annotated[int | None, typer.Option(help="As much as fits into so many tokens.", show_default=False)] = None,
    prompt: Annotated[bool, typer.Option("--prompt", help="Print the text to put before a model.", rich_help_panel="Output")] = False,
    why: Annotated[bool, typer.Option("--why", help="Show what each step of recall contributed.", rich_help_panel="Output")] = False,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    session: Session = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Find what was said, by words and by meaning.

    [dim]memos search "Where does Alice live?" --user alice
    memos search "holiday plans" --user alice --as-of 2026-01-31 --why
    memos search "Who is Momo?" --user alice --prompt --max-tokens 400[/]
    """
    options = given(
        session_id=session,
        cube_ids=cube,
        memory_types=parse_types(types),
        filter=parse_filter(filter_text),
        min_relevance=min_relevance,
        as_of=parse_time(as_of, "as_of"),
        valid_at=parse_time(valid_at, "valid_at"),
        max_tokens=max_tokens,
    )
    asker = who(user, agent)
    with opened(home, tenant) as mos:
        found = mos.search(query, **asker, top_k=top_k, mode=mode, **options)
    _show_found(found, as_json=as_json, prompt=prompt, why=why, max_tokens=max_tokens, asker=asker)


def _show_found(found: Recollection, *, as_json: bool, prompt: bool, why: bool, max_tokens: int | None, asker: dict[str, Any]) -> None:
    from memos_core.cli import show

    if as_json:
        show.put_json(found)
        return
    for reason in found.degraded:
        show.note(f"[yellow]Note:[/] {show.escape(reason)}")
    if prompt:
        show.plain(found.prompt(max_tokens=max_tokens))
        return
    if not found:
        name = asker["user_id"] or asker["agent_id"]
        show.note(f"[dim]Nothing was found for {show.escape(name)}. `memos list` shows what is there; --user says who asks.[/]")
        return
    from memos_core.cli.cards import hits

    show.say(hits(found, why=why))
