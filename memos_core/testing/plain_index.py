"""An index in plain Python, straight from the definitions: slow, small, and what the real ones are compared with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from memos_core.index.base import Candidates, Index, Probe, Vectors, View
from memos_core.model.change import Applied, Entry
from memos_core.model.filter import TIMES, Filter, as_time
from memos_core.model.scope import Scope
from memos_core.text.asking import ends_asking
from memos_core.text.passages import passages
from memos_core.text.times import holds_time
from memos_core.text.words import analyse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Connection

K1, B = 0.9, 0.4
FOREVER = 1 << 62


@dataclass(frozen=True)
class _Kept:
    entry: Entry
    until: int | None = None


class PlainIndex(Index):
    """Everything in lists."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._vectors: dict[tuple[int, int, str], Vectors] = {}

    def ride(self, connection: Connection | None, applied: Sequence[Applied]) -> None:
        for change in applied:
            self._kept = [replace(k, until=change.tx) if k.until is None and k.entry.nr in change.closed else k for k in self._kept]
            followers = {k.entry.nr for k in self._kept if k.entry.context in change.erased}
            self._kept = [k for k in self._kept if k.entry.nr not in change.erased]
            gone = followers | set(change.erased)
            self._vectors = {key: v for key, v in self._vectors.items() if key[0] not in gone}
            self._kept += [_Kept(entry) for entry in change.opened]

    def put_vectors(self, model: str, vectors: Sequence[Vectors]) -> None:
        known = {k.entry.nr for k in self._kept}
        for one in vectors:
            mine = [k.entry for k in self._kept if (k.entry.nr, k.entry.version) == (one.nr, one.version)]
            if mine:
                whole = any(entry.context in known for entry in mine)
                self._vectors[one.nr, one.version, model] = one if whole else replace(one, context=None)

    def view(self, scope: Scope, *, now: int, moment: int | None = None) -> View:
        at = FOREVER if scope.until is None else scope.until
        entries = [
            k.entry for k in self._kept
            if k.entry.cube in scope.cubes and k.entry.tx <= at and (k.until is None or k.until > at) and _expiry(k.entry) > now
        ]  # fmt: skip
        return PlainView(entries, dict(self._vectors))

    def residue(self, nrs: Sequence[int]) -> int:
        return sum(k.entry.nr in nrs for k in self._kept) + sum(key[0] in nrs for key in self._vectors)

    def close(self) -> None:
        self._kept, self._vectors = [], {}


def _expiry(entry: Entry) -> int:
    at = entry.fields.get("expires_at")
    return FOREVER if at is None else int(at)


class PlainView(View):
    """Some entries, all of which come back."""

    def __init__(self, entries: Sequence[Entry], vectors: dict[tuple[int, int, str], Vectors]) -> None:
        self._entries, self._vectors = sorted(entries, key=lambda e: e.nr), vectors
        self._passages = [
            [analyse(e.speaker) + analyse(e.text[a:b]) for a, b in passages(e.text) or [(0, 0)]] for e in self._entries
        ]  # fmt: skip

    @property
    def speakers(self) -> frozenset[str]:
        return frozenset(e.speaker for e in self._entries if e.speaker)

    @property
    def size(self) -> int:
        return len(self._entries)

    def gather(self, probe: Probe) -> Candidates:
        import numpy as np

        passing = [i for i, e in enumerate(self._entries) if probe.where is None or matches(probe.where, e.fields)]
        documents = [(i, words) for i, parts in enumerate(self._passages) for words in parts]
        lexical: dict[int, float] = {}
        for (i, _), value in zip(documents, bm25([words for _, words in documents], probe.terms), strict=True):
            lexical[i] = max(lexical.get(i, 0.0), value)
        sessions = self._sessions(probe)
        rows = [self._row(i, probe, lexical[i], sessions, passing) for i in passing]
        kinds = {"nr": "i8", "cube": "i8", "lexical": "f4", "matched": "i2", "dense": "f4", "embedded": "?",
                 "relevance": "f4", "said": "i8", "length": "i4", "speaker": "i4", "session": "i4", "session_score": "f4",
                 "session_size": "i4", "previous": "i4", "following": "i4", "timed": "?", "asks": "?"}  # fmt: skip
        columns: dict[str, Any] = {name: np.array([row[name] for row in rows], kind) for name, kind in kinds.items()}
        missing = sum((e.nr, e.version, probe.model) not in self._vectors for e in self._entries) if probe.vector is not None else 0
        here = tuple(number for (_, name), (number, _, _) in sessions.items() if name == probe.session)
        degraded = (f"vectors: {missing} missing",) if missing else ()
        return Candidates(**columns, speakers=tuple(sorted(self.speakers)), here=here, degraded=degraded)

    def _row(self, i: int, probe: Probe, lexical: float, sessions: dict[Any, tuple[int, float, int]], passing: list[int]) -> dict[str, Any]:
        entry, words = self._entries[i], [word for part in self._passages[i] for word in part]
        number, session_score, session_size = sessions.get((entry.cube, entry.session), (-1, 0.0, 0))
        names = sorted(self.speakers)
        after = [j for j, e in enumerate(self._entries) if e.context == entry.nr and e.cube == entry.cube]
        before = [j for j, e in enumerate(self._entries) if e.nr == entry.context and e.cube == entry.cube]
        dense, relevance, embedded = self._meaning(entry, probe)
        return {
            "nr": entry.nr, "cube": entry.cube, "lexical": lexical, "matched": len(set(words) & set(probe.terms)), "dense": dense,
            "embedded": embedded, "relevance": relevance, "said": entry.said, "length": len(words),
            "speaker": names.index(entry.speaker) if entry.speaker else -1,
            "session": number, "session_score": session_score, "session_size": session_size,
            "previous": passing.index(before[0]) if before and before[0] in passing else -1,
            "following": passing.index(after[0]) if after and after[0] in passing else -1,
            "timed": any(holds_time(entry.text[a:b]) for a, b in passages(entry.text)), "asks": ends_asking(entry.text),
        }  # fmt: skip

    def _sessions(self, probe: Probe) -> dict[Any, tuple[int, float, int]]:
        texts: dict[Any, list[str]] = {}
        size: Counter[Any] = Counter()
        for entry, parts in zip(self._entries, self._passages, strict=True):
            if entry.session is not None:
                texts.setdefault((entry.cube, entry.session), []).extend(word for part in parts for word in part)
                size[entry.cube, entry.session] += 1
        scores = bm25(list(texts.values()), probe.terms)
        return {key: (i, score, size[key]) for i, (key, score) in enumerate(zip(texts, scores, strict=True))}

    def _meaning(self, entry: Entry, probe: Probe) -> tuple[float, float, bool]:
        import numpy as np

        one = self._vectors.get((entry.nr, entry.version, probe.model or ""))
        if one is None or probe.vector is None or len(one.alone) != len(probe.vector):
            return 0.0, 0.0, False
        alone = float(one.alone @ probe.vector)
        dense = alone if one.context is None else (alone + float(one.context @ probe.vector)) / 2
        return dense, alone / float(np.linalg.norm(probe.vector) or 1.0), True

    def vectors(self, nrs: Sequence[int], model: str) -> NDArray[np.float32]:
        import numpy as np

        versions = {e.nr: e.version for e in self._entries}
        found = [self._vectors.get((nr, versions.get(nr, -1), model)) for nr in nrs]
        dim = next((len(one.alone) for one in found if one is not None), 0)
        return np.array([np.zeros(dim) if one is None else one.alone for one in found], np.float32).reshape(len(nrs), dim)


def matches(where: Filter, fields: Any) -> bool:
    """The filter's meaning, on an entry's fields: times there are microseconds."""
    told = {key: as_time(value / 1e6, key) if key in TIMES and isinstance(value, int) else value for key, value in fields.items()}
    return where.matches(told)


def bm25(texts: Sequence[Sequence[str]], terms: Sequence[str]) -> list[float]:
    """The textbook's BM25 of each text."""
    count, mean = len(texts), sum(map(len, texts)) / (len(texts) or 1) or 1.0
    bags = [Counter(text) for text in texts]
    scores = [0.0] * count
    for term in set(terms):
        df = sum(term in bag for bag in bags)
        idf = math.log(1 + (count - df + 0.5) / (df + 0.5))
        for i, bag in enumerate(bags):
            if tf := bag[term]:
                scores[i] += idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * len(texts[i]) / mean))
    return scores


