"""What callers put into the raw lane, checked and made ready to be written."""

from __future__ import annotations

import json
import math
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memos_core.errors import InvalidInput
from memos_core.ledger.read import moment
from memos_core.ledger.records import Lane, RecordRow, namespace_of, space_of
from memos_core.model.answer import Record
from memos_core.mos import inputs
from memos_core.recall.record_texts import WHOLE, steps, texts
from memos_core.text.words import analyse, code

MAX_LABEL, MAX_LABELS, MAX_VALUE, MAX_VECTORS, MAX_DIM, MAX_PUTS = 1024, 64, 16 << 20, 1000, 65_536, 10_000
MAX_TTL = 100 * 366 * 86_400
_ARGUMENTS = ("namespace", "key", "value", "vectors", "index", "ttl", "if_version")


@dataclass(frozen=True, slots=True)
class Put:
    """One put as it was asked for."""

    namespace: Any
    key: Any
    value: Any
    vectors: Any = None
    index: Any = None
    ttl: Any = None
    if_version: Any = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A put that is checked: its row, but for what only the transaction knows."""

    row: RecordRow
    vectors: tuple[tuple[str, bytes], ...]
    if_version: int | None
    embed: bool


def read_puts(puts: Any) -> list[Put]:
    """Mappings as puts."""
    if not isinstance(puts, (list, tuple)):
        raise InvalidInput("puts", "a list of mappings is needed.")
    if len(puts) > MAX_PUTS:
        raise InvalidInput("puts", f"has more than {MAX_PUTS:,}.", "Call it several times.")
    read = []
    for nr, one in enumerate(puts):
        if not isinstance(one, Mapping) or not {"namespace", "key", "value"} <= one.keys() or not one.keys() <= set(_ARGUMENTS):
            raise InvalidInput(f"puts[{nr}]", "a mapping with namespace, key and value is needed.", f"Known: {', '.join(_ARGUMENTS)}.")
        read.append(Put(**one))
    return read


def lane(tenant: str, user_id: Any, agent_id: Any) -> Lane:
    """Whose records: the user's, else the agent's, else nobody's in particular."""
    user, agent = inputs.name("user_id", user_id), inputs.name("agent_id", agent_id)
    return Lane(tenant, f"user:{user}" if user is not None else f"agent:{agent}" if agent is not None else "")


def space(field: str, namespace: Any) -> str:
    """A namespace: a sequence of labels, any text but NUL."""
    if isinstance(namespace, (str, bytes)) or not isinstance(namespace, Sequence):
        raise InvalidInput(field, "a tuple of labels is needed.", 'Write ("users", "alice").')
    if len(namespace) > MAX_LABELS:
        raise InvalidInput(field, f"has more than {MAX_LABELS} labels.")
    return space_of([_label(f"{field}[{nr}]", label) for nr, label in enumerate(namespace)])


def _label(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput(field, f"a string is needed, not {type(value).__name__}.")
    if not value:
        raise InvalidInput(field, "is empty.")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as exc:
        raise InvalidInput(field, "holds half characters (lone surrogates).") from exc
    if size > MAX_LABEL or "\x00" in value:
        raise InvalidInput(field, f"is longer than {MAX_LABEL} bytes, or holds a NUL character.")
    return value


def key(value: Any) -> str:
    """A record's key."""
    return _label("key", value)


def ready(put: Put, where: Lane, now: int, *, wants_vectors: bool) -> Ready:
    """A put, checked."""
    raw, paths = _value(put.value), _paths(put.index)
    given = _vectors(put.vectors)
    life = _ttl(put.ttl)
    terms = None if paths is None else _terms(put.value, paths)
    row = RecordRow(0, where.tenant, where.owner, space("namespace", put.namespace), key(put.key), raw, 1, now, now,
                    None if life is None else now + life, life, terms, None if paths is None else json.dumps(paths))  # fmt: skip
    version = None if put.if_version is None else inputs.whole("if_version", put.if_version, 0, 1 << 31)
    return Ready(row, given, version, wants_vectors and not given and bool(terms))


def _value(value: Any) -> str:
    """JSON that comes back as it was given."""
    try:
        raw = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        if not raw.isascii():
            try:
                raw.encode()
            except UnicodeEncodeError:
                raw = json.dumps(value, allow_nan=False, separators=(",", ":"))
        if json.loads(raw) != value:
            inputs.string_keys("value", value)
    except (TypeError, ValueError, RecursionError) as exc:
        if isinstance(exc, InvalidInput):
            raise
        raise InvalidInput("value", f"is not JSON: {str(exc)[:120]}.", "Use strings, numbers, true, false, null, lists, mappings.") from exc
    if len(raw) > MAX_VALUE:
        raise InvalidInput("value", f"is larger than {MAX_VALUE:,} characters as JSON.")
    return raw


def _paths(index: Any) -> list[str] | None:
    if index is False:
        return None
    if index is None or index is True:
        return [WHOLE]
    if isinstance(index, (str, bytes)) or not isinstance(index, Sequence) or not index or len(index) > 64:
        raise InvalidInput("index", "true, false or a list of up to 64 paths is needed.", 'Write ["title", "tags[*]"].')
    for path in index:
        if not isinstance(path, str) or len(path) > 512 or steps(path) is None:
            raise InvalidInput("index", f"the path {path!r:.60} is not understood.", 'Write "a.b", "a[*].b", "a[0]" or "$".')
    return list(dict.fromkeys(index))


def _ttl(ttl: Any) -> int | None:
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, (int, float)) or not 0 < ttl <= MAX_TTL:
        raise InvalidInput("ttl", f"seconds above 0 and up to {MAX_TTL:,} are needed, not {ttl!r:.40}.")
    return max(1, round(ttl * 1_000_000))


def _vectors(vectors: Any) -> tuple[tuple[str, bytes], ...]:
    if vectors is None:
        return ()
    if not isinstance(vectors, Mapping) or len(vectors) > MAX_VECTORS:
        problem = f"a mapping of up to {MAX_VECTORS} names to lists of numbers is needed."
        raise InvalidInput("vectors", problem, 'Write {"text": [0.1, 0.2]}.')
    return tuple((_label("vectors (a name)", name), unit(f"vectors.{name}"[:80], vector)) for name, vector in vectors.items())


def unit(field: str, vector: Any) -> bytes:
    """A vector as float32 of unit length; one of zeros stays so."""
    import numpy as np

    try:
        values = np.asarray(vector, dtype=np.float64)
    except (TypeError, ValueError) as exc:
        raise InvalidInput(field, "a list of numbers is needed.") from exc
    if values.ndim != 1 or not 0 < len(values) <= MAX_DIM or not np.isfinite(values).all():
        raise InvalidInput(field, f"1 to {MAX_DIM:,} finite numbers in a list are needed.")
    length = math.hypot(*values.tolist()) or 1.0
    if not math.isfinite(length):
        raise InvalidInput(field, "holds numbers that are too large.")
    return (values / length).astype("<f4").tobytes()


def _terms(value: Any, paths: Sequence[str]) -> bytes:
    codes = array("I", [code(term) for _, text in texts(value, paths) for term in analyse(text)])
    if sys.byteorder == "big":
        codes.byteswap()
    return codes.tobytes()


def record(row: RecordRow, score: float | None = None) -> Record:
    """A row as callers see it; the value is theirs to change."""
    return Record.model_construct(
        namespace=namespace_of(row.space), key=row.key, value=json.loads(row.value), version=row.version, created_at=moment(row.created),
        updated_at=moment(row.updated), expires_at=None if row.expires is None else moment(row.expires), score=score,
    )  # fmt: skip
