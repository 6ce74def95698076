"""BM25 over the states of one scope: several cubes rank exactly as one.

score = sum over terms of ln(1 + (N - df + .5) / (df + .5)) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean length))
(Robertson and Zaragoza 2009, with the idf that is never negative). The documents are passages, and, for a session's
score, sessions taken as one text. Statistics are those of what is alive, whatever a filter excludes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.index.embedded.state import Counts, State

K1, B = 0.9, 0.4
F64 = NDArray[Any]
Ints = NDArray[Any]


@dataclass(slots=True)
class Found:
    """Where the terms of a question occur in one state: by occurrence the term, the passage, its row, how often."""

    term: Ints
    doc: Ints
    row: Ints
    tf: NDArray[np.float64]


@dataclass(slots=True)
class Lexical:
    """The scores of one state: by row, and by session."""

    score: F64
    matched: Ints
    session: F64


def find(state: State, counts: Counts, codes: NDArray[np.uint32]) -> Found:
    """The living occurrences of terms."""
    terms, docs, tfs = [], [], []
    for i, (start, end) in enumerate(state.main.find(codes)):
        if start < end:
            docs.append(state.main.docs[start:end])
            tfs.append(state.main.tf[start:end])
            terms.append((i, end - start))
    if len(state.tail["code"]):
        for i, code in enumerate(codes):
            at = np.flatnonzero(state.tail["code"] == code)
            if len(at):
                docs.append(state.tail["doc"][at])
                tfs.append(state.tail["tf"][at])
                terms.append((i, len(at)))
    if not docs:
        none = np.zeros(0, np.int64)
        return Found(none, none, none, np.zeros(0, np.float64))
    doc, tf = np.concatenate(docs), np.concatenate(tfs).astype(np.float64)
    term = np.repeat(np.array([i for i, _ in terms]), np.array([count for _, count in terms]))
    row = doc if state.passages == state.size else state.passage["row"][doc]
    if counts.mask is not None:
        kept = counts.mask[row]
        doc, tf, term, row = doc[kept], tf[kept], term[kept], row[kept]
    return Found(term, doc, row, tf)


def score(states: Sequence[State], alive: Sequence[Counts], codes: NDArray[np.uint32]) -> list[Lexical]:
    """The scores of all states, over their common statistics."""
    found = [find(state, counts, codes) for state, counts in zip(states, alive, strict=True)]
    total = sum(counts.passages for counts in alive)
    mean = sum(counts.words for counts in alive) / (total or 1) or 1.0
    df = sum((np.bincount(f.term, minlength=len(codes)) for f in found), np.zeros(len(codes), np.int64))
    idf = np.log1p((total - df + 0.5) / (df + 0.5)) * (K1 + 1)
    sessions = _sessions(states, alive, found, len(codes))
    scored = []
    for state, one, session in zip(states, found, sessions, strict=True):
        words = state.passage["words"][one.doc]
        weight = idf[one.term] * one.tf / (one.tf + (K1 * (1 - B) + (K1 * B / mean) * words))
        by_passage = np.bincount(one.doc, weights=weight, minlength=state.passages)
        if state.passages == state.size:
            scored.append(Lexical(by_passage, np.bincount(one.row, minlength=state.size), session))
            continue
        by_row = np.maximum.reduceat(by_passage, state.column("first")) if state.size else by_passage
        new = np.ones(len(one.row), np.bool_)
        order = np.lexsort((one.row, one.term))
        new[1:] = (np.diff(one.row[order]) != 0) | (np.diff(one.term[order]) != 0)
        scored.append(Lexical(by_row, np.bincount(one.row[order][new], minlength=state.size), session))
    return scored


def _sessions(states: Sequence[State], alive: Sequence[Counts], found: Sequence[Found], terms: int) -> list[F64]:
    """BM25 of sessions, computed from the occurrences alone."""
    pairs = [_by_session(state, one, len(counts.session_size), terms) for state, counts, one in zip(states, alive, found, strict=True)]
    total = sum(counts.sessions for counts in alive)
    mean = sum(int(counts.session_words.sum()) for counts in alive) / (total or 1) or 1.0
    df = sum((np.bincount(term, minlength=terms) for term, _, _ in pairs), np.zeros(terms, np.int64))
    idf = np.log1p((total - df + 0.5) / (df + 0.5)) * (K1 + 1)
    scores = []
    for counts, (term, session, tf) in zip(alive, pairs, strict=True):
        weight = idf[term] * tf / (tf + (K1 * (1 - B) + (K1 * B / mean) * counts.session_words[session]))
        scores.append(np.bincount(session, weights=weight, minlength=len(counts.session_size)))
    return scores


def _by_session(state: State, found: Found, sessions: int, terms: int) -> tuple[Ints, Ints, F64]:
    """By term and session how often, where it is at all."""
    session = state.rows["session"][found.row]
    key, tf = found.term * sessions + session, found.tf
    if len(session) and session.min() < 0:
        inside = session >= 0
        key, tf = key[inside], tf[inside]
    if terms * sessions <= 4 * len(key) + 4096:
        table = np.bincount(key, weights=tf, minlength=terms * sessions)
        at = np.flatnonzero(table)
        return (*divmod(at, sessions or 1), table[at])
    at, inverse = np.unique(key, return_inverse=True)
    return (*divmod(at, sessions or 1), np.bincount(inverse, weights=tf))
