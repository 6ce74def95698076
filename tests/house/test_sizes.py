"""Small enough to be read: the house's rule on sizes, counted on the tree.

`TOO_LARGE` lists what is larger, with the reason. An entry holds today's size, so it can only shrink: when the thing
gets smaller, the entry follows it down, and goes when it is no longer needed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

FILE, FUNCTION, CLASS, PUBLIC_METHODS, ABSTRACT_METHODS = 400, 60, 250, 15, 5

TOO_LARGE: dict[str, tuple[int, str]] = {
    "memos_core/ledger/pen.py:Pen.*": (19, "the closed vocabulary of the book: a method for each thing that can be written into it"),
}


def span(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1  # type: ignore[attr-defined]


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The last names of what decorates a function: `abc.abstractmethod` is abstractmethod."""
    bare = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
    return {d.attr if isinstance(d, ast.Attribute) else getattr(d, "id", "") for d in bare}


def methods(node: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]


def public(node: ast.ClassDef) -> int:
    """How many verbs a class has; what is read like a value (a property), declared for the typing alone, or a test, is none."""
    quiet = {"property", "cached_property", "setter", "overload"}
    return len({m.name for m in methods(node) if not m.name.startswith(("_", "test_")) and not decorators(m) & quiet})


def abstract(node: ast.ClassDef) -> int:
    return sum("abstractmethod" in decorators(m) for m in methods(node))


def hold(limit: int, measured: Iterable[tuple[str, int]]) -> None:
    """Nothing is above the limit but what is listed, and what is listed is exactly as large as it says."""
    sizes = dict(measured)
    wrong = {what: size for what, size in sizes.items() if size > limit and TOO_LARGE.get(what, (0,))[0] != size}
    assert not wrong, f"above {limit}, and not listed at this size: {wrong}"


def test_no_file_is_longer_than_the_house_allows(everything: list[Any]) -> None:
    hold(FILE, ((module.place, module.lines) for module in everything))


def test_no_function_is_longer_than_the_house_allows(everything: list[Any]) -> None:
    hold(FUNCTION, ((f"{m.place}:{node.name}", span(node)) for m in everything for node in m.functions()))


def test_no_class_is_longer_than_the_house_allows(core: list[Any]) -> None:
    hold(CLASS, ((f"{m.place}:{node.name}", span(node)) for m in core for node in m.classes()))


def test_no_class_has_more_public_methods_than_the_house_allows(core: list[Any]) -> None:
    hold(PUBLIC_METHODS, ((f"{m.place}:{node.name}.*", public(node)) for m in core for node in m.classes()))


def test_no_port_asks_a_back_end_for_more_than_five_methods(core: list[Any]) -> None:
    hold(ABSTRACT_METHODS, ((f"{m.place}:{node.name}.abstract", abstract(node)) for m in core for node in m.classes()))


def test_every_listed_exception_is_still_needed(everything: list[Any]) -> None:
    seen: dict[str, tuple[int, int]] = {m.place: (m.lines, FILE) for m in everything}
    for m in everything:
        seen |= {f"{m.place}:{node.name}": (span(node), FUNCTION) for node in m.functions()}
        seen |= {f"{m.place}:{node.name}": (span(node), CLASS) for node in m.classes()}
        seen |= {f"{m.place}:{node.name}.*": (public(node), PUBLIC_METHODS) for node in m.classes()}
        seen |= {f"{m.place}:{node.name}.abstract": (abstract(node), ABSTRACT_METHODS) for node in m.classes()}
    needless = [what for what in TOO_LARGE if what not in seen or seen[what][0] <= seen[what][1]]
    assert not needless
    assert all(len(reason) > 10 for _, reason in TOO_LARGE.values())
