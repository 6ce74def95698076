"""Loading an embedder in the background; that of a process's first memory, while the rest of its code is still being imported."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos_core.inference.base import Embedder

_begun: dict[tuple[str | None, Path, str | None], Future[Embedder | None]] = {}
_lock = threading.Lock()


def begin(url: str | None, cache: Path, api_key: str | None) -> None:
    """Start loading, for whoever asks next. Nothing happens where the address names nothing that is there."""
    from memos_core.errors import MemosError
    from memos_core.inference.choose import is_installed

    try:
        there = is_installed(url, cache=cache)
    except MemosError:  # said by whoever asks for it
        return
    if there:
        import numpy  # noqa: F401  by this thread alone: two that import it at once can meet it half made
    with _lock:
        if there and (url, cache, api_key) not in _begun:
            _begun[url, cache, api_key] = loading(url, cache, api_key)


def begun(url: str | None, cache: Path, api_key: str | None) -> Future[Embedder | None]:
    """What was begun for this address, once; else it is begun now."""
    with _lock:
        return _begun.pop((url, cache, api_key), None) or loading(url, cache, api_key)


def loading(url: str | None, cache: Path, api_key: str | None) -> Future[Embedder | None]:
    """The embedder, as soon as it is there. InvalidInput and EmbedderUnavailable come out of the future."""
    future: Future[Embedder | None] = Future()

    def load() -> None:
        from memos_core.inference.choose import open_embedder

        try:
            future.set_result(open_embedder(url, cache=cache, api_key=api_key))
        except BaseException as exc:
            future.set_exception(exc)

    # Not a daemon: an interpreter that ends while the model's library is being loaded would be aborted by it.
    threading.Thread(target=load, name="memos-embedder", daemon=False).start()
    return future
