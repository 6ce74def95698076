"""What the project's files say: nothing about the machine they were written on, and the words people look for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDERS = ("memos_core", "tests", "docs", ".ci")
TEXTS = {".py", ".md", ".toml", ".json", ".jsonl", ".txt", ".sql", ".yml", ".yaml", ".cfg", ".sh", ""}
MACHINE = re.compile(r"(?<![\w.~$}])/(?:work|root|home/\w+|Users/\w+)/|[A-Z]:\\\\?Users|\.\./shared|/opt/wheels")


def texts(root: Path) -> Iterator[Path]:
    yield from (path for path in root.iterdir() if path.is_file() and path.suffix in {".md", ".toml", ".lock"})
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix in TEXTS and "__pycache__" not in path.parts and path != Path(__file__):
                yield path


def test_no_file_names_a_place_on_somebodys_machine(root: Path) -> None:
    seen = {path: MACHINE.search(path.read_text(encoding="utf-8", errors="replace")) for path in texts(root)}
    assert len(seen) > 40
    assert not {str(path.relative_to(root)): found.group() for path, found in seen.items() if found}


@pytest.mark.parametrize("text", ["see /home/ann/notes", "in /root/.cache", "C:\\Users\\ann", "../shared/data"])
def test_the_check_for_places_notices_one(text: str) -> None:
    assert MACHINE.search(text)


@pytest.mark.parametrize("text", ["a framework/adapter", "https://example.org/work/", "/var/lib/memos"])
def test_the_check_for_places_lets_other_slashes_be(text: str) -> None:
    assert not MACHINE.search(text)


def test_the_locked_versions_come_from_the_public_index(root: Path) -> None:
    registries = set(re.findall(r'registry = "([^"]+)"', (root / "uv.lock").read_text()))
    assert registries == {"https://pypi.org/simple"}


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "SECURITY.md", "CONTRIBUTING.md", "docs/contributing.md", "docs/changelog.md"])
def test_the_papers_of_the_house_are_there(root: Path, name: str) -> None:
    assert len((root / name).read_text().strip()) > 100


def test_links_between_the_papers_lead_somewhere(root: Path) -> None:
    papers = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    links = [(paper, link) for paper in papers for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", paper.read_text())]
    assert links
    assert not [f"{paper.relative_to(root)} -> {link}" for paper, link in links if not (paper.parent / link).exists()]
