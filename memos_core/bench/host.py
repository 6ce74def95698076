"""Peers from the outside: an environment made on demand, a process of its own, JSON lines.

Nothing of a peer is imported here. A peer that can't be had raises `PeerMissing`, which says why; the bench prints it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from memos_core.errors import InvalidInput

SCRIPTS = Path(__file__).with_name("peers")
INSTALL_SECONDS = 600


class PeerMissing(Exception):
    """A peer can't be had here."""


class PeerFailed(Exception):
    """A peer was there and gave up."""


@dataclass(frozen=True, slots=True)
class PeerSpec:
    """What a peer is called, which script speaks for it, what it needs. `without` names requirements that are left out."""

    name: str
    script: str
    pins: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    largest: int = 100_000
    """Up to how many texts the speed bench gives it: beyond, filling it or asking it takes minutes."""

    @property
    def key(self) -> str:
        """Names the environment: other pins or another interpreter, another environment."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return f"{self.script}-{hashlib.sha256(repr((self.pins, self.without, version)).encode()).hexdigest()[:10]}"


_LANGGRAPH = ("langgraph-checkpoint-sqlite==3.1.2", "langgraph-checkpoint==4.3.2", "pysqlite3==0.6.1", "sqlite-vec==0.1.9", "numpy")
PEERS = {
    "langgraph-sqlite": PeerSpec(
        "LangGraph SqliteStore", "langgraph_sqlite", _LANGGRAPH, ("langgraph.store.sqlite", "pysqlite3", "sqlite_vec")
    ),
    "langgraph-memory": PeerSpec("LangGraph InMemoryStore", "langgraph_memory", _LANGGRAPH, ("langgraph.store.memory",), largest=10_000),
    "txtai": PeerSpec("txtai hybrid", "txtai_hybrid", ("txtai==9.14.0", "faiss-cpu==1.15.1"), ("txtai", "faiss"), ("torch",)),
    "llamaindex": PeerSpec(
        "LlamaIndex VectorStoreIndex", "llamaindex", ("llama-index-core==0.14.25",), ("llama_index.core",), largest=10_000
    ),
    "mem0": PeerSpec("mem0 infer=False", "mem0_raw", ("mem0ai==2.2.1", "qdrant-client==1.20.0"), ("mem0", "qdrant_client"), largest=1_000),
    "fts5": PeerSpec("FTS5 by hand", "fts5", (), ("sqlite3",)),
}
"""What a user would pick instead. The two LangGraph stores share their pins, but not their environment."""


def choose(names: Sequence[str] | None) -> list[PeerSpec]:
    """The peers of these names; None is all of them. Raises InvalidInput for a name that is none."""
    if unknown := set(names or ()) - set(PEERS):
        raise InvalidInput("peers", f"{', '.join(sorted(unknown))} is not known.", f"Known: {', '.join(PEERS)}.")
    return [PEERS[name] for name in (PEERS if names is None else names)]


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise PeerMissing(str(exc)) from exc
    if done.returncode:
        raise PeerMissing((done.stderr.strip() or done.stdout.strip()).splitlines()[-1] if done.stderr or done.stdout else "install failed")


def _here(spec: PeerSpec) -> bool:
    """Whether this interpreter has all that the peer needs."""
    try:
        return all(importlib.util.find_spec(module) for module in spec.modules)
    except ModuleNotFoundError:
        return False


def _install(spec: PeerSpec, folder: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        if spec.without:
            raise PeerMissing("needs uv, to be installed without " + ", ".join(spec.without))
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(_python(folder)), "-m", "pip", "install", "-q", *spec.pins)
        return
    _run(uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder))
    left_out = folder / "left_out.txt"
    left_out.write_text("".join(f'{name} ; python_version < "3"\n' for name in spec.without))
    _run(uv, "pip", "install", "-q", "--python", str(_python(folder)), "--override", str(left_out), *spec.pins)


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def interpreter(spec: PeerSpec, *, install: bool = True) -> str:
    """A Python that has what the peer needs: its own environment from an earlier run, this one, or one made now."""
    from memos_core.settings import Settings

    folder = Path(Settings.load().cache_dir) / "bench" / spec.key
    if spec.pins and (folder / "ready").exists():
        return str(_python(folder))
    if _here(spec):
        return sys.executable
    if not install:
        raise PeerMissing("not installed, and installing was not wanted")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _install(spec, folder)
    (folder / "ready").touch()
    return str(_python(folder))


class PeerProcess:
    """A peer that runs. Its verbs are `ask(verb, ...)`; the names and shapes are in `peers/serving.py`."""

    def __init__(self, spec: PeerSpec, *, home: Path, texts: Path, vectors: Path, install: bool = True) -> None:
        self.spec = spec
        home.mkdir(parents=True, exist_ok=True)
        command = [interpreter(spec, install=install), str(SCRIPTS / f"{spec.script}.py")]
        self._errors = open(home / "stderr.txt", "w+", encoding="utf-8")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, encoding="utf-8"
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        try:
            self.facts = self.ask("open", home=str(home), texts=str(texts), vectors=str(vectors), wait=120)
        except PeerFailed:
            self.close()
            raise

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._lines.put(line)
        self._lines.put("")

    def ask(self, verb: str, *, wait: float = 900.0, **question: Any) -> dict[str, Any]:
        """Its answer. Raises PeerFailed when it says so, ends, or does not answer within `wait` seconds."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"verb": verb, **question}) + "\n")
            self._process.stdin.flush()
            line = self._lines.get(timeout=wait)
        except queue.Empty as exc:
            raise PeerFailed(f"no answer to {verb} within {wait:.0f} s") from exc
        except BrokenPipeError as exc:
            raise PeerFailed(f"ended before {verb}: {self._last_words()}") from exc
        if not line:
            raise PeerFailed(f"ended during {verb}: {self._last_words()}")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise PeerFailed(f"{verb}: {reply['error']}")
        return reply

    def _last_words(self) -> str:
        self._errors.seek(0)
        return (self._errors.read().strip().splitlines() or ["it said nothing"])[-1]

    def close(self) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
