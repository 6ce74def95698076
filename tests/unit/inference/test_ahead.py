"""The embedder of a process's first memory loads while the rest is imported: neither gets in the other's way."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from memos_core.errors import EmbedderUnavailable
from memos_core.inference import ahead
from memos_core.inference.install import install_embedder
from memos_core.testing.embedder import HashEmbedder

_FIRST = textwrap.dedent("""
    import sys
    from memos_core import MOS, Settings
    settings = Settings(embedder=f"onnx:{sys.argv[2]}", config_dir=sys.argv[1] + "-config", durability="normal")
    with MOS(sys.argv[1], settings=settings) as mos:
        mos.add("Momo hates trams.", user_id="alice")
        mos.wait()
        found = mos.search("Momo hates trams.", user_id="alice")
        print(len(found), *found.degraded)
""")


def test_fresh_processes_import_and_load_at_once(tiny: Any, tmp_path: Path) -> None:
    folder = install_embedder(tmp_path / "cache", source=str(tiny.write(tmp_path / "files")), model=tiny.model)
    for turn in range(6):
        command = [sys.executable, "-c", _FIRST, str(tmp_path / f"m{turn}"), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "1", ""), done.stderr[-2000:]


def test_what_was_begun_is_given_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[HashEmbedder] = []

    def opened(url: str | None, **_: Any) -> HashEmbedder:
        made.append(HashEmbedder())
        return made[-1]

    monkeypatch.setattr("memos_core.inference.choose.open_embedder", opened)
    monkeypatch.setattr("memos_core.inference.choose.is_installed", lambda url, cache: True)
    for _ in range(2):
        ahead.begin("minilm", tmp_path, None)
    first = ahead.begun("minilm", tmp_path, None).result(10)
    assert made == [first]
    assert ahead.begun("minilm", tmp_path, None).result(10) is not first


def test_what_is_not_there_is_not_begun_and_said_by_who_asks(tmp_path: Path) -> None:
    ahead.begin("minilm", tmp_path, None)
    ahead.begin("nonsense", tmp_path, None)
    assert not ahead._begun
    (tmp_path / "empty").mkdir()
    ahead.begin(f"onnx:{tmp_path / 'empty'}", tmp_path, None)
    with pytest.raises(EmbedderUnavailable):
        ahead.begun(f"onnx:{tmp_path / 'empty'}", tmp_path, None).result(10)
