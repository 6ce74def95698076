"""The source as the house tests read it: each file once, parsed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file: its place below the root, its text, its tree."""

    place: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def read(folder: str) -> list[Module]:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"{folder}/ holds no Python: has it moved?"
    modules = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        modules.append(Module(file.relative_to(ROOT).as_posix(), text, ast.parse(text)))
    return modules


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def core() -> list[Module]:
    """The system."""
    return read("memos_core")


@pytest.fixture(scope="session")
def everything(core: list[Module]) -> list[Module]:
    """The system and its tests."""
    return core + read("tests")
