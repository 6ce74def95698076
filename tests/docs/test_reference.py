"""The reference pages name everything there is, and nothing that is not."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

from memos_core import errors
from memos_core.model.filter import COLUMNS, OPERATORS
from memos_core.settings import Settings

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"`([^`\n]+)`")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def rows(text: str) -> set[str]:
    """What stands in code in the first column of a page's tables."""
    return {name for line in text.splitlines() if line.startswith("| `") for name in CODE.findall(line.split("|")[1])}


def test_every_error_has_a_row() -> None:
    tree = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.MemosError)}
    assert rows(page("reference/errors.md")) == tree - {"MemosError"}


def test_the_rows_of_errors_say_what_may_be_retried() -> None:
    lines = [line.split("|") for line in page("reference/errors.md").splitlines() if line.startswith("| `")]
    said = {name: "yes" in cells[4] for cells in lines for name in CODE.findall(cells[1])}
    assert said == {name: getattr(errors, name).retryable for name in said}


def test_every_setting_has_a_row_with_its_default() -> None:
    names = {f"MEMOS_{field.name.upper()}": field for field in dataclasses.fields(Settings)}
    text = page("reference/settings.md")
    assert rows(text) == set(names)
    for line in text.splitlines():
        if line.startswith("| `MEMOS_") and (shown := CODE.findall(line.split("|")[2])):
            assert str(names[CODE.findall(line)[0]].default) == shown[0], line


def test_every_operator_and_every_column_of_filters_is_named() -> None:
    text = page("reference/filters.md")
    assert rows(text) == set(OPERATORS)
    columns = text[text.index("**Fields**") : text.index("| operator")]
    assert set(CODE.findall(columns)) - {"Memory", "info.<key>"} == set(COLUMNS)


def test_every_command_has_a_row() -> None:
    from typer.main import get_group

    from memos_core.cli.app import app

    commands = set(get_group(app).commands)
    assert {name.split()[1] for name in rows(page("reference/cli.md")) if name.startswith("memos ")} == commands


def test_the_floors_in_the_architecture_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (plan,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    text = page("why/architecture.md")
    drawn = text[text.index("```text\n") + 8 :].split("```")[0].splitlines()
    assert [line.split("  ")[0].strip() for line in drawn] == plan
