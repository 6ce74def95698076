"""The one place that reads the environment. Every setting is an argument of `Settings` and a `MEMOS_...` variable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from memos_core.errors import InvalidInput

_ADDRESS = "Write memos:relative/folder or memos:///absolute/folder."
_FOLDERS = ("home", "cache_dir", "config_dir")
_BACK_ENDS = {"ledger": ("sqlite",), "index": ("embedded",), "graph": ("none",), "scheduler": ("inline",)}


def _own_folder(kind: str) -> str:
    import platformdirs

    return str(getattr(platformdirs, f"user_{kind}_dir")("memos", appauthor=False))


def _quarter_of_memory() -> int:
    """A quarter of the machine's memory, between half a gibibyte and eight; two where the system does not say."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2 << 30
    return min(max(memory // 4, 1 << 29), 8 << 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a memory is stored and searched.

    home            folder of the memory (MEMOS_HOME)
    ledger, index, graph, scheduler   back ends by URL; embedded by default
    embedder        minilm (once installed), none, openai://..., onnx:..., st:... (MEMOS_EMBEDDER)
    embedder_key    key of an embedding endpoint
    chat_model      reserved for a generative model
    durability      full: an acknowledged add survives a power cut; normal: it survives a crash (MEMOS_DURABILITY)
    audit_key       secret of the audit chain; by default a file of its own in `config_dir`
    segment_bytes   memory for hot scopes, all together, by default a quarter of the machine's; each mounted cube has as much again
    cache_dir, config_dir   where the embedder, and the audit's key, are kept
    """

    home: str = "./memory"
    ledger: str = "sqlite"
    index: str = "embedded"
    graph: str = "none"
    scheduler: str = "inline"
    embedder: str = "minilm"
    embedder_key: str | None = field(default=None, repr=False)
    chat_model: str | None = None
    durability: str = "full"
    audit_key: str | None = field(default=None, repr=False)
    segment_bytes: int = field(default_factory=lambda: _quarter_of_memory())
    cache_dir: str = field(default_factory=lambda: _own_folder("cache"))
    config_dir: str = field(default_factory=lambda: _own_folder("config"))

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.name != "segment_bytes":
                _check_text(entry.name, getattr(self, entry.name), optional=entry.default is None)
        if self.durability not in ("full", "normal"):
            raise InvalidInput("durability", f"{self.durability!r:.80} is not known.", "Use full or normal.")
        for name, known in _BACK_ENDS.items():
            if getattr(self, name) not in known:
                problem = f"{getattr(self, name)!r:.80} is not a back end of this version."
                raise InvalidInput(name, problem, f"Known: {', '.join(known)}.")
        if not isinstance(self.segment_bytes, int) or self.segment_bytes < 1 << 20:
            raise InvalidInput("segment_bytes", "must be at least 1048576 (1 MiB).")

    @property
    def embedder_dir(self) -> Path:
        """Where embedders are installed."""
        return Path(self.cache_dir) / "embedder"

    @property
    def audit_key_file(self) -> Path:
        """Where the audit's key is kept when it is not given."""
        return Path(self.config_dir) / "audit.key"

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
        """The settings of the environment; what is given by name wins, None counts as not given."""
        source = os.environ if environment is None else environment
        values = {key: value for key, value in given.items() if value is not None}
        variables = {entry.name: f"MEMOS_{entry.name.upper()}" for entry in fields(cls) if entry.name not in values}
        for name, variable in variables.items():
            if text := source.get(variable):
                values[name] = _number(variable, text) if name == "segment_bytes" else text
        try:
            return cls(**values)
        except InvalidInput as exc:
            raise InvalidInput(variables.get(exc.field, exc.field), exc.problem, exc.hint) from None

    @classmethod
    def from_url(cls, url: str) -> tuple[Settings, str]:
        """`memos:///folder?tenant=acme&durability=normal` as settings and a tenant."""
        try:
            parts = urlsplit(url) if isinstance(url, str) else None
        except ValueError:
            parts = None
        if parts is None or parts.scheme != "memos" or parts.netloc:
            raise InvalidInput("url", f"{url!r:.80} is not understood.", _ADDRESS)
        options: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
        tenant = options.pop("tenant", "default")
        known = {entry.name for entry in fields(cls)} - {"home", "audit_key", "embedder_key"}
        for name in options:
            if name not in known:
                raise InvalidInput("url", f"unknown option {name!r:.80}.", f"Known: tenant, {', '.join(sorted(known))}.")
        if "segment_bytes" in options:
            options["segment_bytes"] = _number("segment_bytes", options["segment_bytes"])
        return cls.load(home=unquote(parts.path) or None, **options), tenant


def _check_text(name: str, value: Any, *, optional: bool) -> None:
    """Refuse what is no text that the system can take, in a file's name or elsewhere. What it is, is not said: it may be a secret."""
    if value is None and optional:
        return
    text = os.fspath(value) if name in _FOLDERS and isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise InvalidInput(name, f"a string is needed, not {type(value).__name__}.", "Leave it out for the default.")
    try:
        sound = b"\x00" not in os.fsencode(text)
    except UnicodeEncodeError:
        sound = False
    if not sound:
        raise InvalidInput(name, "holds a NUL or half characters (lone surrogates).", "Use printable text.")


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidInput(name, f"{text!r:.80} is not a whole number.")
    return int(text)
