"""Where the figures were taken. Without it they say nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from memos_core.bench.metrics import percentile

_PACKAGES = ("memos-kernel", "sqlalchemy", "numpy", "numkong", "onnxruntime", "pydantic")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def fsync_times(folder: Path, rounds: int = 60) -> list[float]:
    """Milliseconds of appending 4 KiB and syncing them to the disk under `folder`."""
    took = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        sync = getattr(os, "fdatasync", os.fsync)
        for _ in range(rounds):
            file.write(b"\0" * 4096)
            file.flush()
            start = time.perf_counter()
            sync(file.fileno())
            took.append(1000 * (time.perf_counter() - start))
    return took


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "-"


def describe(folder: Path) -> dict[str, Any]:
    """CPU, cores, load, the disk's fsync, versions. Load averages stand beside each figure's table again."""
    sync = fsync_times(folder)
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": load(),
        "fsync_ms": f"p50 {percentile(sync, 0.5):.2f} p99 {percentile(sync, 0.99):.2f}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{package: _version(package) for package in _PACKAGES},
    }


def load() -> str:
    """The load averages of the last 1, 5 and 15 minutes, where the system keeps them."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "-"


def busy() -> bool:
    """Whether more wants to run than there are cores."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > (os.cpu_count() or 1)


def rss() -> tuple[int, int]:
    """Bytes of memory of this process: its own, and mapped file pages, which the system takes back when it needs them.

    (0, 0) where the system does not say.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0, 0
    found = {line.partition(":")[0]: 1024 * int(line.split()[1]) for line in lines if line.startswith("Rss")}
    return found.get("RssAnon", 0), found.get("RssFile", 0)
