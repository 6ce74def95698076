"""Rules of the house that a reader of one file can't see broken, checked on the syntax tree."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

import memos_core

BROAD_EXCEPT: dict[str, str] = {
    "memos_core/scheduler/inline.py": "the worker loop: work that fails is written down and tried again, whatever it was",
    "memos_core/ledger/group.py": "who commits for others hands each of them the error as it was",
    "memos_core/inference/ahead.py": "the embedder loads in a thread, and who waits for it gets the error as it was",
    "memos_core/inference/onnx.py": "the tokenizers library raises nothing narrower",
    "memos_core/inference/base.py": "an embedder may be anybody's; where it fails at a question, the words are still there",
    "memos_core/cli/__init__.py": "what the parser of the command line raises has no public name",
}
"""The files that may catch `Exception`, with the reason. Beside these: an API's boundary, and the loading of plugins."""

DANGEROUS_MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
DANGEROUS_CALLS = {"eval", "exec", "torch.load", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen", "tempfile.mktemp"}
DANGEROUS_FLAGS = {"allow_pickle", "shell"}
VAGUE = ("Manager", "Helper", "Util", "Utils")


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that is imported, in full: `from os import environ` is os.environ."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def dangerous(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from ((line, name) for line, name in imported(tree) if name.partition(".")[0] in DANGEROUS_MODULES)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if dotted(call.func) in DANGEROUS_CALLS:
            yield call.lineno, dotted(call.func)
        for flag in call.keywords:
            if flag.arg in DANGEROUS_FLAGS and not (isinstance(flag.value, ast.Constant) and flag.value.value is False):
                yield call.lineno, f"{flag.arg}="


def swallows_everything(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes any error; one that cleans up and lets it go on (`raise` at its end) does not."""
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    broad = any(name is None or dotted(name) in ("Exception", "BaseException") for name in names)
    last = handler.body[-1]
    return broad and not (isinstance(last, ast.Raise) and last.exc is None)


def undocumented(tree: ast.Module) -> Iterator[str]:
    """The module itself, and its ports with their methods, where they lack a docstring."""
    if not ast.get_docstring(tree):
        yield "the module"
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and {dotted(base) for base in node.bases} & {"ABC", "Protocol"}:
            named = [node, *(part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)))]
            yield from (part.name for part in named if not part.name.startswith("_") and not ast.get_docstring(part))


def reads_environment(tree: ast.AST) -> bool:
    """`os.environ.update(...)` only writes: a process that is started for a library sets the library's switches so."""
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    written = {id(node.value) for node in attributes if node.attr == "update"}
    named = {name for _, name in imported(tree)} | {dotted(node) for node in attributes if id(node) not in written}
    return bool(named & {"os.environ", "os.getenv", "os.environb", "os.getenvb"})


def test_nothing_loads_code_from_data(core: list[Any]) -> None:
    assert not [f"{m.place}:{line} {what}" for m in core for line, what in dangerous(m.tree)]


def test_only_settings_reads_the_environment(core: list[Any]) -> None:
    assert not [m.place for m in core if reads_environment(m.tree) and m.place != "memos_core/settings.py"]


def test_errors_are_caught_by_name(core: list[Any]) -> None:
    broad = [
        f"{m.place}:{node.lineno}"
        for m in core
        for node in ast.walk(m.tree)
        if isinstance(node, ast.ExceptHandler) and swallows_everything(node) and m.place not in BROAD_EXCEPT
    ]
    assert not broad


def test_every_file_that_may_catch_everything_still_does(core: list[Any]) -> None:
    catching = {m.place for m in core if any(isinstance(n, ast.ExceptHandler) and swallows_everything(n) for n in ast.walk(m.tree))}
    assert set(BROAD_EXCEPT) <= catching


def test_every_module_and_every_port_says_what_it_is(core: list[Any]) -> None:
    assert not [f"{m.place}: {name}" for m in core for name in undocumented(m.tree)]


def test_every_public_name_says_what_it_is_and_so_do_its_methods() -> None:
    offered = {name: getattr(memos_core, name) for name in memos_core.__all__ if not name.startswith("__")}
    assert not [name for name, value in offered.items() if not inspect.getdoc(value)]
    for name, value in offered.items():
        own = [m for m, part in vars(value).items() if not m.startswith("_") and (callable(part) or isinstance(part, property))]
        assert not [f"{name}.{m}" for m in own if not inspect.getdoc(getattr(value, m))]


def test_names_say_more_than_helper_or_manager(core: list[Any]) -> None:
    named = [(m.place, node.name) for m in core for node in m.classes()]
    assert not [f"{place}: {name}" for place, name in named if name.endswith(VAGUE)]
    assert not [m.place for m in core if {"utils", "utils.py", "helpers.py", "common.py", "data"} & set(m.place.split("/"))]


def test_annotations_are_lazy_everywhere(core: list[Any]) -> None:
    with_code = [m for m in core if any(not isinstance(n, (ast.Expr, ast.Assign, ast.ImportFrom, ast.Import)) for n in m.tree.body)]
    assert not [m.place for m in with_code if "from __future__ import annotations" not in m.text]


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "torch.load(path)",
        "yaml.load(text)",
        "numpy.load(file, allow_pickle=True)",
        "subprocess.run(command, shell=True)",
    ],
)
def test_the_check_for_dangerous_code_notices_it(source: str) -> None:
    assert list(dangerous(ast.parse(source)))


@pytest.mark.parametrize("source", ["import os\nos.environ['A']", "from os import getenv", "import os\nos.getenv('A')"])
def test_the_check_for_the_environment_notices_it(source: str) -> None:
    assert reads_environment(ast.parse(source))


def test_the_check_for_the_environment_lets_writing_be() -> None:
    assert not reads_environment(ast.parse("import os\nos.environ.update(OMP_NUM_THREADS='1')"))


@pytest.mark.parametrize(
    ("body", "swallowed"),
    [
        ("except Exception:\n pass", True),
        ("except:\n pass", True),
        ("except (ValueError, BaseException):\n pass", True),
        ("except BaseException:\n undo()\n raise", False),
        ("except ValueError:\n pass", False),
    ],
)
def test_the_check_for_broad_excepts_tells_swallowing_from_cleaning_up(body: str, swallowed: bool) -> None:
    tree = ast.parse(f"try:\n go()\n{body}")
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    assert [swallows_everything(handler) for handler in handlers] == [swallowed]
