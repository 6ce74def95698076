"""Secrets that pass through tool calls are blanked before anything is learnt from them."""

from __future__ import annotations

import json
import re
from typing import Any

BLANK = "[secret]"
_KEYS = r"api[-_]?key|access[-_]?key|private[-_]?key|token(?![a-z])|secret|passw(?:or)?d|passphrase|authorization|credential"
_KEY = re.compile(f"{_KEYS}|cookie", re.IGNORECASE)
_VALUE = re.compile(
    r"""\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}
    | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_\w{20,} | \bxox[a-z]-[A-Za-z0-9-]{10,}
    | \bAKIA[0-9A-Z]{16}\b | \bAIza[\w-]{30,}
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*
    | -----BEGIN\ [A-Z ]{0,30}PRIVATE\ KEY-----[^-]*(?:-----END[^-]*-----)?""",
    re.VERBOSE,
)
_BEARER = re.compile(r"\b(bearer)\s+(?:(?=\S{0,200}\d)[\w.~+/=-]{8,}|[\w.~+/=-]{20,})", re.IGNORECASE)
_PAIR = re.compile(
    rf"""((?:{_KEYS})[\w-]{{0,20}}["']?\s{{0,3}}[:=]\s{{0,3}})("[^"\n]*"|'[^'\n]*'|(?:basic|bearer)\s+[^\s,;"']+|[^\s,;&"'}}\]]+)""",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """The text with keys, tokens and passwords blanked, as far as their form or their name gives them away."""
    text = _VALUE.sub(BLANK, text)
    text = _BEARER.sub(lambda found: f"{found[1]} {BLANK}", text)
    return _PAIR.sub(lambda found: found[1] + _like(found[2]), text)


def _like(value: str) -> str:
    if value.isdigit() or value in ("true", "false", "null", BLANK):
        return value
    return value[0] + BLANK + value[0] if value[0] in "\"'" else BLANK


def arguments_without_secrets(arguments: str) -> str:
    """The JSON text of a tool's arguments, blanked by key and by form."""
    try:
        parsed = json.loads(arguments)
        return json.dumps(_blank(parsed), ensure_ascii=False)
    except (ValueError, RecursionError):
        return without_secrets(arguments)


def _blank_under(key: str, value: Any) -> Any:
    counts = value is None or (isinstance(value, (bool, int, float)) and "token" in key.lower())
    return BLANK if _KEY.search(key) and not counts else _blank(value)


def _blank(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _blank_under(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_blank(inner) for inner in value]
    return without_secrets(value) if isinstance(value, str) else value
