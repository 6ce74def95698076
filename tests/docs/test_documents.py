"""What the documents show, works: their blocks run in order, each document in a folder of its own.

A ```python block runs in one interpreter a document; the ```text block right after it is what it prints. Each line of a
```bash block is a `memos` command that must succeed; `$` is not written. Other fences (```sh among them) are only shown.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, the line it starts on."""

    language: str
    text: str
    line: int


def blocks(text: str) -> list[Block]:
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 2) for found in FENCE.finditer(text)]


def run_python(block: Block, document: Path, names: dict[str, object]) -> str:
    """What a block prints. Its lines keep the document's numbers, so that a failure points at the document."""
    printed = io.StringIO()
    code = compile("\n" * (block.line - 1) + block.text, str(document), "exec")
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def run_commands(block: Block, folder: Path) -> None:
    for command in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(command, comments=True)
        if words:
            assert words[0] == "memos", f"only memos commands are run: {command}"
            run = [sys.executable, "-c", "import sys; from memos_core.cli import main; sys.exit(main())", *words[1:]]
            done = subprocess.run(run, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def with_code(documents: list[Path]) -> list[Path]:
    return [path for path in documents if any(b.language in ("python", "bash") for b in blocks(path.read_text("utf-8")))]


@pytest.mark.parametrize("document", with_code(DOCUMENTS), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_documents_blocks_run_in_order_and_print_what_it_says(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMOS_AUDIT_KEY", "a key for the documents alone")
    names: dict[str, object] = {"__name__": "document"}
    printed: str | None = None
    for block in blocks(document.read_text("utf-8")):
        if block.language == "python":
            printed = run_python(block, document, names)
        elif block.language == "bash":
            run_commands(block, tmp_path)
        elif block.language == "text" and printed is not None:
            assert printed.strip() == block.text.strip(), f"{document.name}, line {block.line}"
        printed = printed if block.language == "python" else None


def test_the_readme_and_the_tutorial_show_code_that_runs() -> None:
    shown = {path.relative_to(ROOT).as_posix() for path in with_code(DOCUMENTS)}
    assert {"README.md", "docs/tutorial/first-steps.md"} <= shown


PYTEST = re.compile(r"uv run pytest(?: -k (\w+)| (tests/\S+?))?(?=[`\s])")


def test_every_pytest_command_in_the_documents_selects_tests() -> None:
    tests = {path: path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    shown = {found.groups() for path in DOCUMENTS for found in PYTEST.finditer(path.read_text("utf-8"))}
    assert len(shown) > 3
    for word, place in shown:
        pattern = re.compile(rf"def test_\w*{word or ''}")
        chosen = [path for path in tests if path.is_relative_to(ROOT / (place or "tests"))]
        assert any(pattern.search(tests[path]) for path in chosen), (word, place)
