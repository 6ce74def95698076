"""Which embedder an address means.

    auto, minilm, nothing                          the default model, once `memos embedder install` has put it into the cache
    none                                           none: search goes by words
    onnx:/path/to/folder                           a folder with model.onnx and tokenizer.json
    st:/path/to/folder                             a sentence-transformers folder, by that library
    openai://host/v1?model=NAME                    an endpoint by https; also `&dim=512` and `&timeout=20`
    openai+http://localhost:8000/v1?model=NAME     the same without TLS

Keys are never part of an address.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from memos_core.errors import InvalidInput
from memos_core.inference.base import Embedder
from memos_core.inference.weights import MINILM

FIELD = "MEMOS_EMBEDDER"
KNOWN = "Known: minilm, none, onnx:/path, st:/path, openai://host/v1?model=NAME, openai+http://host:port/v1?model=NAME."
ENDPOINTS = ("openai", "openai+http", "openai+https")
OPTIONS: dict[str, Callable[[str], Any]] = {"model": str, "dim": int, "timeout": float}


def open_embedder(url: str | None, *, cache: Path, api_key: str | None = None) -> Embedder | None:
    """The embedder of an address; None for `none`, and for the default model while it is not installed.

    InvalidInput when the address is not understood or names a folder that is not there; EmbedderUnavailable when what it names is
    damaged or lacks a library. No endpoint is called.
    """
    asked = (url or "auto").strip()
    scheme, _, rest = asked.partition(":")
    if asked == "none":
        return None
    if asked in ("auto", "minilm"):
        return _installed(cache)
    if scheme == "onnx":
        from memos_core.inference.onnx import OnnxEmbedder

        return OnnxEmbedder(_folder(rest))
    if scheme == "st":
        from memos_core.inference.local import LocalEmbedder

        return LocalEmbedder(_folder(rest))
    if scheme in ENDPOINTS:
        return _endpoint(asked, api_key)
    raise InvalidInput(FIELD, f"{_shown(asked)!r} is not understood.", KNOWN)


def is_installed(url: str | None, *, cache: Path, api_key: str | None = None) -> bool:
    """Whether the address names an embedder that is there, without loading it. No endpoint is called.

    InvalidInput when the address is not understood, or the key can't be one.
    """
    asked = (url or "auto").strip()
    scheme, _, rest = asked.partition(":")
    if asked in ("auto", "minilm"):
        return installed_folder(cache).is_dir()
    if scheme in ("onnx", "st"):
        return _folder(rest).is_dir()
    if scheme in ENDPOINTS:
        _asked(asked, api_key)
    elif asked != "none":
        raise InvalidInput(FIELD, f"{_shown(asked)!r} is not understood.", KNOWN)
    return asked != "none"


def describe(embedder: Embedder | None) -> dict[str, Any]:
    """Facts for `memos doctor`, without asking an endpoint anything."""
    if embedder is None:
        return {"embedder": "none", "hint": "Search goes by words alone. `memos embedder install` adds search by meaning."}
    languages = sorted(embedder.languages)
    return {
        "embedder": embedder.name,
        "kind": type(embedder).__name__,
        "digest": embedder.digest,
        "languages": languages or "all",
        "max_tokens": embedder.max_tokens,
    }


def installed_folder(cache: Path) -> Path:
    """Where `install_embedder` puts the default model."""
    return cache / MINILM.name


def _installed(cache: Path) -> Embedder | None:
    folder = installed_folder(cache)
    if not folder.is_dir():
        return None
    from memos_core.inference.onnx import OnnxEmbedder

    return OnnxEmbedder(folder)


def _folder(text: str) -> Path:
    path = Path(text).expanduser()
    if not text or not path.is_dir():
        raise InvalidInput(FIELD, f"{text or 'nothing'} is not a folder.", KNOWN)
    return path


def _endpoint(url: str, api_key: str | None) -> Embedder:
    from memos_core.inference.openai import OpenAIEmbedder

    base, options = _asked(url, api_key)
    return OpenAIEmbedder(base, api_key=api_key, **options)


def _asked(url: str, api_key: str | None) -> tuple[str, dict[str, Any]]:
    """Where an endpoint is, and what it is asked for."""
    if api_key and not (api_key.isascii() and api_key.isprintable()):
        raise InvalidInput(f"{FIELD}_KEY", "holds characters that no key has.", "Look for a line break at its end.")
    parts = _split(url)
    options = _options(parts.query)
    scheme = "http" if parts.scheme == "openai+http" else "https"
    if not options.get("model"):
        raise InvalidInput(FIELD, "names no model.", "Write openai://host/v1?model=NAME.")
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}", options


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        raise InvalidInput(FIELD, "is not an address.", KNOWN) from exc
    if not host or parts.fragment:
        raise InvalidInput(FIELD, "names no host." if not host else "has a part after #.", KNOWN)
    if "@" in parts.netloc:
        raise InvalidInput(FIELD, "holds a user or key.", "Give the key as MEMOS_EMBEDDER_KEY.")
    return parts


def _options(query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in OPTIONS or name in options:
            raise InvalidInput(FIELD, f"the option {name!r} is not known, or given twice.", f"Options: {', '.join(OPTIONS)}.")
        try:
            options[name] = OPTIONS[name](value)
        except ValueError as exc:
            raise InvalidInput(FIELD, f"the option {name} is not a number.") from exc
        if not isinstance(options[name], str) and not 0 < options[name] <= 100_000:
            raise InvalidInput(FIELD, f"the option {name} is out of range.")
    return options


def _shown(asked: str) -> str:
    """An address as it may be repeated in an error: without what could be a secret."""
    return asked.partition("?")[0].rpartition("@")[2][:80]
