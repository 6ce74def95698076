"""What a record is found by: the texts in its value, at the paths that its index names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

WHOLE = "$"
_STEP = re.compile(r"([^.\[\]]+)|\[(\*|-?\d+)\]|\.")


def steps(path: str) -> tuple[str | int, ...] | None:
    """`a.b[*].c[0]` as steps, "*" for any; None where it is not understood. "$" is the whole."""
    if path == WHOLE:
        return ()
    found: list[str | int] = []
    place = 0
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            return None
        name, index = match.groups()
        if name is not None:
            found.append(name)
        elif index is not None:
            found.append("[*]" if index == "*" else int(index))
        place = match.end()
    return tuple(found) or None


def texts(value: Any, paths: Sequence[str]) -> list[tuple[str, str]]:
    """(name, text) of everything that is found at the paths; of a mapping or a list all texts in it, joined."""
    found: list[tuple[str, str]] = []
    for path in paths:
        several = [text for part in _at(value, steps(path) or ()) if (text := " ".join(_leaves(part)))]
        found += [(path if len(several) == 1 else f"{path}#{nr}", text) for nr, text in enumerate(several)]
    return found


def _at(value: Any, path: Sequence[str | int]) -> Iterator[Any]:
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    if step == "[*]":
        for part in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            yield from _at(part, rest)
    elif isinstance(step, int):
        if isinstance(value, list) and -len(value) <= step < len(value):
            yield from _at(value[step], rest)
    elif isinstance(value, dict) and step in value:
        yield from _at(value[step], rest)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.encode("utf-8", "replace").decode()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
