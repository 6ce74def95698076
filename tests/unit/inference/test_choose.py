"""Which embedder an address opens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memos_core import MOS, Settings
from memos_core.errors import EmbedderUnavailable, InvalidInput
from memos_core.inference.choose import describe, installed_folder, is_installed, open_embedder
from memos_core.inference.install import install_embedder
from memos_core.inference.onnx import OnnxEmbedder
from memos_core.inference.openai import OpenAIEmbedder


@pytest.mark.parametrize("url", [None, "", "auto", "minilm"])
def test_the_default_is_none_until_it_is_installed(tmp_path: Path, url: str | None) -> None:
    assert open_embedder(url, cache=tmp_path) is None


def test_none_is_none(tmp_path: Path) -> None:
    assert open_embedder("none", cache=tmp_path) is None
    assert "memos embedder install" in describe(None)["hint"]


def test_what_is_installed_is_the_default(tiny: Any, tmp_path: Path) -> None:
    install_embedder(tmp_path, source=str(tiny.write(tmp_path / "files")), model=tiny.model).rename(installed_folder(tmp_path))
    embedder = open_embedder("minilm", cache=tmp_path)
    assert isinstance(embedder, OnnxEmbedder)
    facts = describe(embedder)
    assert (facts["embedder"], facts["languages"], facts["digest"]) == ("tiny", ["en"], embedder.digest)


def test_a_folder_is_opened_by_its_path(tiny: Any, tmp_path: Path) -> None:
    folder = install_embedder(tmp_path, source=str(tiny.write(tmp_path / "files")), model=tiny.model)
    assert isinstance(open_embedder(f"onnx:{folder}", cache=tmp_path / "empty"), OnnxEmbedder)


def test_a_damaged_default_is_said_and_not_passed_over(tmp_path: Path) -> None:
    installed_folder(tmp_path).mkdir()
    with pytest.raises(EmbedderUnavailable, match="memos embedder install"):
        open_embedder("auto", cache=tmp_path)


def test_an_endpoint_is_asked_with_the_options_of_its_address(tmp_path: Path, web: Any) -> None:
    web.reply = lambda path, body: (200, {}, b'{"data": [{"embedding": [3, 4]}]}')
    url = web.address.replace("http://", "openai+http://") + "/v1/?model=a/b:c&dim=2&timeout=3.5"
    embedder = open_embedder(url, cache=tmp_path, api_key="key")
    assert isinstance(embedder, OpenAIEmbedder)
    assert embedder.query("hi").tolist() == pytest.approx([0.6, 0.8])
    path, body, headers = web.asked[0]
    assert (path, headers["Authorization"]) == ("/v1/embeddings", "Bearer key")
    assert (json.loads(body)["model"], json.loads(body)["dimensions"]) == ("a/b:c", 2)


def test_an_endpoint_is_described_without_being_asked(tmp_path: Path) -> None:
    facts = describe(open_embedder("openai://host.invalid/v1?model=large", cache=tmp_path))
    assert (facts["embedder"], facts["languages"]) == ("large", "all")


@pytest.mark.parametrize(
    "url",
    [
        "ollama",
        "https://host/v1",
        "onnx:",
        "onnx:/nowhere/at/all",
        "st:/nowhere/at/all",
        "openai:model",
        "openai://",
        "openai:///v1?model=a",
        "openai://host/v1",
        "openai://host/v1?model=",
        "openai://host/v1?model=a&model=b",
        "openai://host/v1?model=a&dim=many",
        "openai://host/v1?model=a&dim=0",
        "openai://host/v1?model=a&timeout=nan",
        "openai://host/v1?model=a&colour=red",
        "openai://host:port/v1?model=a",
        "openai://host/v1?model=a#part",
        "openai://[host/v1?model=a",
    ],
)
def test_an_address_that_is_not_understood_names_the_setting(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInput, match="MEMOS_EMBEDDER"):
        open_embedder(url, cache=tmp_path)
    if url.startswith("openai"):
        with pytest.raises(InvalidInput, match="MEMOS_EMBEDDER"):
            is_installed(url, cache=tmp_path)


@pytest.mark.parametrize(
    ("url", "key", "field"),
    [("openai://h/v1", None, "MEMOS_EMBEDDER"), ("openai://h/v1?model=m", "sk-secret\n", "MEMOS_EMBEDDER_KEY")],
)
def test_an_endpoint_that_can_not_be_asked_is_refused_when_the_memory_is_opened(
    tmp_path: Path, url: str, key: str | None, field: str
) -> None:
    settings = Settings(embedder=url, embedder_key=key, config_dir=str(tmp_path / "config"))
    for _ in range(2):
        with pytest.raises(InvalidInput) as caught:
            MOS(str(tmp_path / "memory"), settings=settings)
        assert caught.value.field == field and "sk-secret" not in str(caught.value)


def test_an_endpoint_is_looked_at_without_the_code_that_calls_it(tmp_path: Path) -> None:
    heavy = {"httpx", "numpy", "memos_core.inference.openai"}
    url = "openai://host.invalid/v1?model=large"
    code = f"""
import pathlib, sys
from memos_core.inference.choose import is_installed
sys.exit(not is_installed({url!r}, cache=pathlib.Path(), api_key="key") or bool({heavy!r} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "url", ["openai://user:sk-secret@host/v1?model=a", "openai://host/v1?model=a&key=sk-secret", "what://sk-secret@host"]
)
def test_a_key_in_an_address_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_embedder(url, cache=tmp_path)
    assert "sk-secret" not in str(caught.value)


def test_a_sentence_transformers_folder_needs_its_library_and_safe_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmbedderUnavailable, match="safetensors"):
        open_embedder(f"st:{tmp_path}", cache=tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EmbedderUnavailable, match="not installed"):
        open_embedder(f"st:{tmp_path}", cache=tmp_path)
