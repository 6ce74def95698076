"""`memos cubes`, and a cube as a file: `dump`, `load`, `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos_core.cli.desk import opened
from memos_core.cli.options import Agent, AsJson, Home, RequestId, Tenant, User, given, who

if TYPE_CHECKING:
    from memos_core.model.answer import Cube, CubeManifest

app = typer.Typer(help="Containers of memory: list, create and share them.", no_args_is_help=True)

CubeId = Annotated[str, typer.Argument(help="A cube's id, as `memos cubes list` shows it.", show_default=False)]
Grantee = Annotated[str | None, typer.Option("--with", help="The user.", show_default=False)]
GranteeAgent = Annotated[str | None, typer.Option("--with-agent", help="The agent.", show_default=False)]


@app.command("list")
def list_cubes(home: Home = None, user: User = None, agent: Agent = None, tenant: Tenant = "default", as_json: AsJson = False) -> None:
    """List the cubes that who asks may read, and what they may do there."""
    with opened(home, tenant) as mos:
        page = mos.cubes.list(**who(user, agent))
    from memos_core.cli import show

    if as_json:
        show.put_json(page)
        return
    made = show.table("id", "name", "owner", "role", "since")
    for cube in page:
        made.add_row(
            *map(show.escape, (cube.id, cube.name or ("(own)" if cube.own else ""), cube.owner, cube.role, show.when(cube.created_at)))
        )
    show.say(made)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What to call it.", show_default=False)],
    request_id: RequestId = None,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Make a cube beside the own one, to share."""
    with opened(home, tenant, new=True) as mos:
        cube = mos.cubes.create(name, **who(user, agent), **given(request_id=request_id))
    _tell(cube, as_json, "Made")


@app.command()
def share(
    cube_id: CubeId,
    role: Annotated[str, typer.Option(help="reader, writer or owner.")] = "reader",
    grantee: Grantee = None,
    grantee_agent: GranteeAgent = None,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
) -> None:
    """Let somebody read a cube, or write to it.

    [dim]memos cubes share CUBE_ID --with bob --role writer --user alice[/]
    """
    from memos_core.cli import show

    with opened(home, tenant) as mos:
        mos.cubes.share(cube_id, role=role, **_to(grantee, grantee_agent), **who(user, agent))
    show.say(f"[green]Shared[/] with {show.escape(str(grantee or grantee_agent))} as {role}.")


@app.command()
def unshare(
    cube_id: CubeId,
    grantee: Grantee = None,
    grantee_agent: GranteeAgent = None,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
) -> None:
    """Take the right to a cube back."""
    from memos_core.cli import show

    with opened(home, tenant) as mos:
        mos.cubes.unshare(cube_id, **_to(grantee, grantee_agent), **who(user, agent))
    show.say(f"[green]Taken back[/] from {show.escape(str(grantee or grantee_agent))}.")


def _to(user: str | None, agent: str | None) -> dict[str, str | None]:
    return {"with_user": user, "with_agent": agent}


def _tell(cube: Cube, as_json: bool, verb: str) -> None:
    from memos_core.cli import show

    if as_json:
        show.put_json(cube)
    else:
        show.say(f"[green]{verb}[/] {show.escape(cube.name)}\n  {show.escape(cube.id)}")


Place = Annotated[
    Path, typer.Argument(help="A folder, or an archive where the name has an ending, like alice.memcube.", show_default=False)
]


def dump(
    cube_id: CubeId,
    path: Place,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Write a cube to a folder or archive, with a manifest of digests.

    [dim]memos dump CUBE_ID alice.memcube --user alice[/]
    """
    from memos_core.cli import show

    with opened(home, tenant) as mos, show.busy("writing ..."):
        manifest = mos.cubes.dump(cube_id, path, **who(user, agent))
    _tell_manifest(manifest, as_json, "Written", path)


def load(
    path: Place,
    as_new: Annotated[bool, typer.Option("--as-new", help="As a second copy, with new ids.")] = False,
    home: Home = None,
    user: User = None,
    agent: Agent = None,
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Take a dumped cube in. Every digest is checked first; of a damaged cube nothing is loaded."""
    from memos_core.cli import show

    with opened(home, tenant, new=True) as mos, show.busy("checking, then loading ..."):
        cube = mos.cubes.load(path, as_new=as_new, **who(user, agent))
    _tell(cube, as_json, "Loaded")


def verify(path: Place, as_json: AsJson = False) -> None:
    """Check a dumped cube against its manifest: names, sizes, digests."""
    from memos_core.cli import show

    with show.busy("checking ..."):
        manifest = check(path)
    _tell_manifest(manifest, as_json, "Whole", path)


def check(path: Path) -> CubeManifest:
    """The manifest of a dumped cube, after everything in it was read and compared."""
    from memos_core.mos.moving import verify as read_through

    return read_through(path)


def _tell_manifest(manifest: CubeManifest, as_json: bool, verb: str, path: Path) -> None:
    from memos_core.cli import show

    if as_json:
        show.put_json(manifest)
        return
    size = sum(int(file["size"]) for file in manifest.files)
    show.say(f"[green]{verb}[/] {show.escape(str(path))}")
    rows = [("cube", f"{manifest.name} {manifest.cube_id}".strip()), ("made", show.when(manifest.created_at))]
    rows += [(name, f"{count:,}") for name, count in manifest.counts.items()]
    show.say(show.facts([*rows, ("files", f"{len(manifest.files)}, {show.size(size)}")]))
