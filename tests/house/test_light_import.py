"""Importing costs little: what is heavy comes in when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = """torch transformers sentence_transformers peft weaviate neo4j celery fastapi langchain langchain_core llama_index
autogen_core numpy sqlalchemy onnx onnxruntime tokenizers dateparser typer rich alembic httpx""".split()


def loaded_by(statement: str) -> set[str]:
    """The packages, by first name, that are in memory after a statement in a fresh interpreter."""
    script = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


@pytest.mark.parametrize("statement", ["import memos_core", "from memos_core import MOS", "from memos_core import *"])
def test_importing_the_public_names_loads_no_heavy_package(statement: str) -> None:
    loaded = loaded_by(statement)
    assert "memos_core" in loaded
    assert not loaded & set(HEAVY)


def test_the_check_above_would_notice_a_heavy_package() -> None:
    assert "numpy" in loaded_by("import memos_core, numpy")
