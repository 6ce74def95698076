"""The verb search on the raw lane, behind the desk: exact, over everything below a prefix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from memos_core.errors import EmbedderUnavailable, InvalidInput
from memos_core.inference.base import UnsoundVectors, sound_query
from memos_core.ledger import records
from memos_core.ledger.read import Book
from memos_core.ledger.records import Lane, RecordRow
from memos_core.model.answer import Page, Record
from memos_core.model.filter import RECORD, Filter
from memos_core.mos import inputs
from memos_core.mos.handle import Handle
from memos_core.mos.record_inputs import lane, record, space, unit
from memos_core.mos.recording import accepts, renew
from memos_core.text.words import analyse, code

if TYPE_CHECKING:
    from numpy.typing import NDArray

K1, B = 0.9, 0.4
_MEANING = 0.7
"""The share of meaning in a score, where there are vectors; the rest is words."""


def search(
    handle: Handle, prefix: Any, query: Any, vector: Any, field: Any, filter: Any, limit: Any, offset: Any, refresh_ttl: Any, user_id: Any,
    agent_id: Any,
) -> Page[Record]:  # fmt: skip
    """See Records.search."""
    where, now = lane(handle.tenant, user_id, agent_id), handle.engines.clock()
    below, wanted = space("prefix", prefix), None if filter is None or filter == {} else Filter.parse(filter, RECORD)
    limit, offset = inputs.whole("limit", limit, 1, 10_000), inputs.whole("offset", offset, 0, 1 << 31)
    if query is not None and vector is not None:
        raise InvalidInput("vector", "and a query can't be combined.", "Use one of them.")
    named = inputs.name("field", field)
    terms = None if query is None else list(dict.fromkeys(analyse(inputs.text("query", query))))
    probe, model = (None, "") if query is None else _asked(handle, query)
    if vector is not None:
        probe = np.frombuffer(unit("vector", vector), "<f4")
    with handle.engines.ledger.book() as book:
        scores = _Scores(book, where, below, now)
        if query is None and vector is None:
            rows, total = _plain(book, where, below, now, wanted, limit, offset)
            found: list[tuple[RecordRow, float | None]] = [(row, None) for row in rows]
        else:
            ranked = scores.ranked(terms, probe, model, named)
            found, total = _page(book, where, below, now, ranked, wanted, limit, offset)
    renew(handle, [row for row, _ in found], refresh_ttl, now)
    return Page.model_construct(items=tuple(record(row, score) for row, score in found), next_cursor=None, total=total)


def _asked(handle: Handle, query: str) -> tuple[NDArray[np.float32] | None, str]:
    """The question's vector and its model's digest; nothing where no embedder can be used now: then words must do."""
    try:
        embedder = handle.engines.embedder()
        return (None, "") if embedder is None else (sound_query(embedder, query), embedder.digest)
    except (EmbedderUnavailable, UnsoundVectors):
        return None, ""


def _plain(
    book: Book, where: Lane, below: str, now: int, wanted: Filter | None, limit: int, offset: int
) -> tuple[list[RecordRow], int]:  # fmt: skip
    """Last written first."""
    if wanted is None:
        return records.page(book.connection, where, below, now, limit, offset), records.count(book.connection, where, below, now)
    passes = accepts(wanted)
    passing = [row.nr for row in records.below(book.connection, where, below, now) if passes(row)]
    return records.numbered(book.connection, passing[offset : offset + limit]), len(passing)


def _page(
    book: Book, where: Lane, below: str, now: int, ranked: list[tuple[int, float | None]], wanted: Filter | None, limit: int, offset: int
) -> tuple[list[tuple[RecordRow, float | None]], int]:  # fmt: skip
    if wanted is not None:
        passes = accepts(wanted)
        passing = {row.nr for row in records.below(book.connection, where, below, now) if passes(row)}
        ranked = [one for one in ranked if one[0] in passing]
    page = ranked[offset : offset + limit]
    rows = records.numbered(book.connection, [nr for nr, _ in page])
    return [(row, score) for row, (_, score) in zip(rows, page, strict=True)], len(ranked)


class _Scores:
    """The records below a prefix, last written first, and how well each answers."""

    def __init__(self, book: Book, where: Lane, below: str, now: int) -> None:
        self._connection, self._range = book.connection, (where, below, now)

    def ranked(
        self, terms: Sequence[str] | None, probe: NDArray[np.float32] | None, model: str, field: str | None
    ) -> list[tuple[int, float | None]]:
        """Numbers, best first, each with its score; at the end those that can't be scored, last written first."""
        score = np.zeros(0, np.float64)
        if terms is None:
            held = records.numbers(self._connection, *self._range)
        else:
            rows = records.terms(self._connection, *self._range)
            held, score = [row[0] for row in rows], words(terms, [row[1] or b"" for row in rows])
        place = {number: nr for nr, number in enumerate(held)}
        known = score > 0 if terms is not None else np.zeros(len(held), np.bool_)
        if probe is not None:
            cosine, compared = self._meaning(place, probe, model, field)
            if terms is None:
                score = cosine
            else:
                score = np.where(compared, _MEANING * np.maximum(cosine, 0) + (1 - _MEANING) * score, (1 - _MEANING) * score)
            known |= compared
        order = np.lexsort((np.arange(len(held)), -score, ~known))
        return [(held[at], float(score[at]) if known[at] else None) for at in order.tolist()]

    def _meaning(
        self, place: dict[int, int], probe: NDArray[np.float32], model: str, field: str | None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The best cosine of each record's vectors with the probe, and whether it has any of that size."""
        best, compared = np.full(len(place), -np.inf), np.zeros(len(place), np.bool_)
        rows = records.vectors(self._connection, *self._range, model, 4 * len(probe), field)
        if rows:
            numbers, blobs = zip(*rows, strict=True)
            matrix = np.frombuffer(b"".join(blobs), "<f4").reshape(len(rows), len(probe))
            at = np.fromiter(map(place.__getitem__, numbers), np.int64, len(rows))
            np.maximum.at(best, at, np.clip((matrix @ probe).astype(np.float64), -1, 1))
            compared[at] = True
        return np.where(compared, best, 0.0), compared


def words(terms: Sequence[str], held: Sequence[bytes]) -> NDArray[np.float64]:
    """BM25 (Robertson and Zaragoza 2009, k1 0.9, b 0.4) as a share of what a perfect match would get: 0..1."""
    count = len(held)
    score = np.zeros(count, np.float64)
    lengths = np.array([len(one) // 4 for one in held], np.int64)
    if not terms or not lengths.sum():
        return score
    codes, owner = np.frombuffer(b"".join(held), "<u4"), np.repeat(np.arange(count), lengths)
    norm = K1 * (1 - B + B * lengths / max(1.0, float(lengths.mean())))
    most = 0.0
    for term in terms:
        often = np.bincount(owner[codes == code(term)], minlength=count)
        holding = int(np.count_nonzero(often))
        weight = math.log(1 + (count - holding + 0.5) / (holding + 0.5))
        most += weight * (K1 + 1)
        score += weight * often * (K1 + 1) / (often + norm)
    return score / most
