"""`memos tasks`: background work that waits, runs, failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos_core.cli.desk import opened
from memos_core.cli.options import Agent, AsJson, Home, Tenant, User

if TYPE_CHECKING:
    from memos_core.model.answer import Task

app = typer.Typer(help="Background work of a tenant, or of --user: what waits, what failed, try again. Alone: list.")

TaskId = Annotated[str, typer.Argument(help="A task's id, as `memos tasks list` shows it.", show_default=False)]
_STYLES = {"done": "green", "failed": "bold red", "running": "cyan", "waiting": "yellow"}


@app.callback(invoke_without_command=True)
def tasks(
    context: typer.Context, home: Home = None, user: User = None, agent: Agent = None, tenant: Tenant = "default", as_json: AsJson = False
) -> None:
    """What stands before a command is meant for it; without one, list."""
    if context.invoked_subcommand is None:
        list_tasks(home, user, agent, tenant, as_json)
    else:
        context.default_map = {context.invoked_subcommand: context.params}


@app.command("list")
def list_tasks(home: Home = None, user: User = None, agent: Agent = None, tenant: Tenant = "default", as_json: AsJson = False) -> None:
    """List tasks, newest first."""
    with opened(home, tenant) as mos:
        page = mos.tasks.list(user_id=user, agent_id=agent)
    from memos_core.cli import show

    if as_json:
        show.put_json(page)
        return
    made = show.table("id", "kind", "state", "left", "tries", "since", "error", right=("left", "tries"), fold=("error",))
    for task in page:
        made.add_row(
            task.id,
            task.kind,
            _state(task),
            f"{task.left}/{task.total}",
            str(task.tries),
            show.when(task.created_at),
            show.escape(task.error or ""),
        )
    if len(page):
        show.say(made)
    else:
        show.note("[dim]No tasks.[/]")


def _state(task: Task) -> str:
    style = _STYLES.get(task.state)
    return f"[{style}]{task.state}[/]" if style else task.state


@app.command("show")
def show_task(
    task_id: TaskId, home: Home = None, user: User = None, agent: Agent = None, tenant: Tenant = "default", as_json: AsJson = False
) -> None:
    """Show one task."""
    with opened(home, tenant) as mos:
        task = mos.tasks.status(task_id, user_id=user, agent_id=agent)
    from memos_core.cli import show

    if as_json:
        show.put_json(task)
        return
    rows = [("id", task.id), ("kind", task.kind), ("state", task.state), ("left", f"{task.left} of {task.total}"), ("tries", task.tries)]
    rows += [("error", task.error or ""), ("since", show.when(task.created_at)), ("done", show.when(task.done_at))]
    show.say(show.facts([(name, value) for name, value in rows if value != ""]))


@app.command()
def retry(
    task_id: TaskId, home: Home = None, user: User = None, agent: Agent = None, tenant: Tenant = "default", as_json: AsJson = False
) -> None:
    """Try a failed task again."""
    from memos_core.cli import show

    with opened(home, tenant) as mos:
        mos.tasks.retry(task_id, user_id=user, agent_id=agent)
        with show.busy("working ..."):
            mos.wait()
        task = mos.tasks.status(task_id, user_id=user, agent_id=agent)
    _told(task, "Done.", as_json)


@app.command()
def drop(
    task_id: TaskId, home: Home = None, user: User = None, agent: Agent = None, tenant: Tenant = "default", as_json: AsJson = False
) -> None:
    """Give a task up. What it should have made stays unmade until `memos rebuild`."""
    with opened(home, tenant) as mos:
        task = mos.tasks.drop(task_id, user_id=user, agent_id=agent)
    _told(task, "Dropped.", as_json)


def _told(task: Task, words: str, as_json: bool) -> None:
    from memos_core.cli import show

    if as_json:
        show.put_json(task)
    else:
        show.say(f"[green]{words}[/]")
