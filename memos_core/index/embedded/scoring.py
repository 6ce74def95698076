"""BM25 over the states of one scope: several cubes rank exactly as one.

score = sum over terms of ln(1 + (N - df + .5) / (df + .5)) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean length))
(Robertson and Zaragoza 2009, with the idf that is never negative). The documents are passages, and, for a session's
score, sessions taken as one text. Statistics are those of what is alive, whatever a filter excludes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.index.embedded.state import Counts, State

K1, B = 0.9, 0.4
_DENSE = 8
"""A table of terms by sessions is filled where it is at most so many times as large as what goes into it."""
F64 = NDArray[Any]
Ints = NDArray[Any]


@dataclass(slots=True)
class Found:
    """Where the terms of a question occur in one state: by occurrence the term, the passage, its row, how often; by term the number."""

    term: Ints
    doc: Ints
    row: Ints
    tf: F64
    df: Ints


@dataclass(slots=True)
class Lexical:
    """The scores of one state: by row; and by session, with a last 0 for none."""

    score: F64
    matched: Ints
    session: F64


def find(state: State, counts: Counts, codes: NDArray[np.uint32]) -> Found:
    """The living occurrences of terms."""
    spans = state.main.find(codes)
    docs, tfs = [state.main.docs[a:b] for a, b in spans], [state.main.tf[a:b] for a, b in spans]
    df = np.array([b - a for a, b in spans], np.int64)
    terms = np.arange(len(codes))
    term = terms.repeat(df)
    if len(state.tail["code"]):
        places = [np.flatnonzero(state.tail["code"] == code) for code in codes]
        docs += [state.tail["doc"][at] for at in places]
        tfs += [state.tail["tf"][at] for at in places]
        late = np.array([len(at) for at in places], np.int64)
        term, df = np.concatenate([term, terms.repeat(late)]), df + late
    doc, tf = (np.concatenate(docs), np.concatenate(tfs, dtype=np.float64)) if docs else (np.zeros(0, np.int32), np.zeros(0))
    row = doc if state.passages == state.size else state.passage["row"][doc]
    if counts.mask is not None:
        kept = np.flatnonzero(counts.mask[row])
        if len(kept) < len(row):
            doc, tf, term, row = doc[kept], tf[kept], term[kept], row[kept]
            df = np.bincount(term, minlength=len(codes))
    return Found(term, doc, row, tf, df)


def score(states: Sequence[State], alive: Sequence[Counts], codes: NDArray[np.uint32]) -> list[Lexical]:
    """The scores of all states, over their common statistics."""
    found = [find(state, counts, codes) for state, counts in zip(states, alive, strict=True)]
    total = sum(counts.passages for counts in alive)
    mean = sum(counts.words for counts in alive) / (total or 1) or 1.0
    idf = _idf(total, sum(one.df for one in found))
    sessions = _sessions(alive, [_by_session(*three, len(codes)) for three in zip(states, alive, found, strict=True)], len(codes))
    scored = []
    for state, one, session in zip(states, found, sessions, strict=True):
        weight = _weighed(one.tf, state.passage["words"][one.doc], mean)
        weight *= idf[one.term]
        by_passage = np.bincount(one.doc, weights=weight, minlength=state.passages)
        if state.passages == state.size:
            scored.append(Lexical(by_passage, np.bincount(one.row, minlength=state.size), session))
            continue
        by_row = np.maximum.reduceat(by_passage, state.column("first")) if state.size else by_passage
        scored.append(Lexical(by_row, _matched(state, one), session))
    return scored


def _idf(total: int, df: Any) -> F64:
    return np.array([math.log1p((total - n + 0.5) / (n + 0.5)) * (K1 + 1) for n in df.tolist()])


def _weighed(tf: F64, words: Ints, mean: float) -> F64:
    """What an occurrence counts, but for the rarity of its term."""
    weight = words * (K1 * B / mean)
    weight += K1 * (1 - B)
    weight += tf
    return np.divide(tf, weight, out=weight)


def _matched(state: State, found: Found) -> Ints:
    """By row how many terms it holds: the passages of a row stand together, so a term's rows do, too, but for the tail's."""
    key = found.term * state.size + found.row
    if (key[1:] < key[:-1]).any():
        key.sort()
    new = np.ones(len(key), np.bool_)
    np.not_equal(key[1:], key[:-1], out=new[1:])
    return np.bincount(key[new] % (state.size or 1), minlength=state.size)


@dataclass(slots=True)
class Said:
    """How often terms occur in sessions: by pair the term, the session, how often."""

    term: Ints
    session: Ints
    tf: F64


def _sessions(alive: Sequence[Counts], said: Sequence[Said | None], terms: int) -> list[F64]:
    """BM25 of sessions, computed from the occurrences alone."""
    total = sum(counts.sessions for counts in alive)
    mean = sum(counts.spoken for counts in alive) / (total or 1) or 1.0
    idf = _idf(total, sum((np.bincount(one.term, minlength=terms) for one in said if one is not None), np.zeros(terms, np.int64)))
    scores: list[F64] = []
    for counts, one in zip(alive, said, strict=True):
        width = len(counts.session_size) + 1
        if one is None:
            scores.append(np.zeros(width))
            continue
        weight = _weighed(one.tf, counts.session_words[one.session], mean)
        weight *= idf[one.term]
        scores.append(np.bincount(one.session, weights=weight, minlength=width))
    return scores


def _by_session(state: State, counts: Counts, found: Found, terms: int) -> Said | None:
    """By term and session how often, where it is at all."""
    sessions = len(counts.session_size)
    if not sessions or not len(found.row):
        return None
    key = state.rows["session"][found.row] + found.term * sessions
    tf = found.tf
    if counts.outside:
        inside = np.flatnonzero(state.rows["session"][found.row] >= 0)
        key, tf = key[inside], tf[inside]
    if terms * sessions <= _DENSE * len(key) + 4096:
        table = np.bincount(key, weights=tf, minlength=terms * sessions)
        at = np.flatnonzero(table > 0)
        return Said(at // sessions, at % sessions, table[at])
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key, kind="stable")
        key, tf = key[order], tf[order]
    new = np.ones(len(key), np.bool_)
    np.not_equal(key[1:], key[:-1], out=new[1:])
    at = np.flatnonzero(new)
    return Said(key[at] // sessions, key[at] % sessions, np.add.reduceat(tf, at) if len(at) else tf)
