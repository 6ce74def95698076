"""The loop of every peer: JSON lines in, JSON lines out. Standard library and numpy only.

The clock runs in here, round the peer's own verbs: pipes and JSON are not in its figures.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any


class Lookup:
    """Vectors that were computed beforehand: text -> list of floats. A text that is not there is an error, not a guess."""

    def __init__(self, texts_file: str, vectors_file: str) -> None:
        self._texts_file, self._vectors_file = texts_file, vectors_file

    @cached_property
    def _row(self) -> dict[str, int]:
        with open(self._texts_file, encoding="utf-8") as lines:
            texts = json.load(lines)
        rows = {text.strip(): row for row, text in enumerate(texts)}  # some peers trim what they embed
        return rows | {text: row for row, text in enumerate(texts)}

    @cached_property
    def _vectors(self) -> Any:
        import numpy as np

        return np.load(self._vectors_file, mmap_mode="r")

    @property
    def dim(self) -> int:
        return int(self._vectors.shape[1])

    def array(self, texts: Sequence[str]) -> Any:
        return self._vectors[[self._row[text] for text in texts]]

    def lists(self, texts: Sequence[str]) -> list[list[float]]:
        found: list[list[float]] = self.array(texts).tolist()
        return found


class Peer(ABC):
    """One memory that a user would pick instead."""

    packages: tuple[str, ...] = ()
    """Whose versions are reported."""
    durable = False
    """Whether an add survives the process without a further call."""
    note = ""
    """How it was set up, for the table's foot."""

    @abstractmethod
    def open(self, home: str, lookup: Lookup) -> None:
        """Once, before all else. `home` is a folder of its own that is there and empty."""

    @abstractmethod
    def add(self, user: str, ids: Sequence[str], texts: Sequence[str]) -> None:
        """As many as come in one call of the peer's own bulk verb, where it has one."""

    @abstractmethod
    def search(self, user: str, query: str, k: int) -> list[tuple[str, str]]:
        """(id, text) of the first k."""

    def delete(self, user: str, ids: Sequence[str]) -> None:
        """By the peer's own verb. NotImplementedError where it has none."""
        raise NotImplementedError

    def close(self) -> None:
        """When the questions have ended."""
        return None


def _rss() -> int:
    """Bytes of this process now; where /proc is missing, its peak."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _add(peer: Peer, user: str, ids: Sequence[str], texts: Sequence[str], budget: float) -> dict[str, Any]:
    took: list[float] = []
    start, busy = time.perf_counter(), time.process_time()
    for key, text in zip(ids, texts, strict=True):
        before = time.perf_counter()
        peer.add(user, [key], [text])
        now = time.perf_counter()
        took.append(1000 * (now - before))
        if now - start > budget:
            break
    return {"ms": took, "cpu": 1000 * (time.process_time() - busy) / max(1, len(took))}


def _fill(peer: Peer, user: str, ids: Sequence[str], texts: Sequence[str], budget: float) -> dict[str, Any]:
    """In chunks of a thousand, until all are in or the budget of seconds is spent."""
    start, done = time.perf_counter(), 0
    while done < len(ids) and time.perf_counter() - start < budget:
        peer.add(user, ids[done : done + 1000], texts[done : done + 1000])
        done += len(ids[done : done + 1000])
    return {"done": done, "seconds": time.perf_counter() - start}


def _search(peer: Peer, user: str, queries: Sequence[str], k: int, budget: float) -> dict[str, Any]:
    took: list[float] = []
    hits: list[list[tuple[str, str]]] = []
    start, busy = time.perf_counter(), time.process_time()
    for query in queries:
        before = time.perf_counter()
        hits.append(peer.search(user, query, k))
        now = time.perf_counter()
        took.append(1000 * (now - before))
        if now - start > budget:
            break
    return {"ms": took, "hits": hits, "cpu": 1000 * (time.process_time() - busy) / max(1, len(took))}


def _answer(peer: Peer, ask: dict[str, Any]) -> dict[str, Any]:
    verb, budget = ask["verb"], float(ask.get("budget", 1e9))
    if verb == "open":
        os.makedirs(ask["home"], exist_ok=True)
        peer.open(ask["home"], Lookup(ask["texts"], ask["vectors"]))
        versions = {name: version(name) for name in peer.packages}
        return {"versions": versions, "durable": peer.durable, "note": peer.note, "rss": _rss()}
    if verb == "fill":
        return {**_fill(peer, ask["user"], ask["ids"], ask["contents"], budget), "rss": _rss()}
    if verb == "add":
        return _add(peer, ask["user"], ask["ids"], ask["contents"], budget)
    if verb == "delete":
        peer.delete(ask["user"], ask["ids"])
        return {}
    found = _search(peer, ask["user"], ask["queries"], ask["k"], budget)
    return found if ask.get("hits", True) else {"ms": found["ms"], "cpu": found["cpu"]}


def _fence() -> None:
    """One thread, no network: proxies that nobody answers. Set before the peer's libraries are imported."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    os.environ.update(dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"))
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")


def serve(peer: Peer) -> None:
    """Answer until the questions end. What the peer prints goes to stderr; a failure is an answer with `error`."""
    _fence()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    for line in sys.stdin:
        try:
            reply = _answer(peer, json.loads(line))
        except (ImportError, LookupError, OSError, ValueError, TypeError, AttributeError, RuntimeError, NotImplementedError) as exc:
            reply = {"error": f"{type(exc).__name__}: {exc}"}
        out.write(json.dumps(reply) + "\n")
        out.flush()
    peer.close()
