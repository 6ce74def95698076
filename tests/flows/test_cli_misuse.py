"""What the parser of the command line refuses."""

from __future__ import annotations

import json

import pytest

from memos_core.cli import main


@pytest.mark.parametrize("args", [["search"], ["search", "x", "-k", "abc"], ["import", "nofile.txt"], ["no"]])
def test_what_the_parser_refuses_is_json_for_programs(capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    assert main([*args, "--json"]) == 2
    printed = capsys.readouterr()
    error = json.loads(printed.err)["error"]
    assert error["kind"] in ("UsageError", "InvalidInput") and error["message"] and printed.out == ""
