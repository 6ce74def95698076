"""The tools that guard the house run in the one test command: floors, lint, types."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def call(root: Path, *arguments: str) -> None:
    run = subprocess.run([sys.executable, *arguments], cwd=root, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]


def test_imports_go_down_only(root: Path) -> None:
    call(root, "-c", LINT_IMPORTS, "--no-cache")


def test_ruff_finds_nothing(root: Path) -> None:
    call(root, "-m", "ruff", "check", ".")


def test_types_hold_in_strict_mode(root: Path) -> None:
    call(root, "-m", "mypy")


@pytest.fixture(scope="module")
def floors(root: Path) -> list[str]:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (plan,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [room.strip() for floor in plan for room in floor.split("|")]


def test_a_room_is_in_brackets_exactly_while_it_is_not_built(root: Path, floors: list[str]) -> None:
    built = {path.stem for path in (root / "memos_core").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    planned = {room.strip("()") for room in floors if room.startswith("(")}
    assert not planned & built, "take the brackets away"
    assert {room for room in floors if not room.startswith("(")} <= built
