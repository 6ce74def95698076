"""Which passages hold a term, and how often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Docs = NDArray[np.int32]
Counts = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Postings:
    """By term: `docs[offsets[i]:offsets[i + 1]]` are the passages, in order, that hold the term `codes[i]`."""

    codes: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    docs: Docs
    tf: Counts

    @staticmethod
    def build(codes: NDArray[np.uint32], docs: Docs, tf: Counts) -> Postings:
        """From pairs of term and passage, each once, in the order of passages."""
        order = _in_order(codes)
        ordered = codes[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(ordered) else np.zeros(0, np.int64)
        return Postings(ordered[starts], np.append(starts, len(ordered)).astype(np.int64), docs[order].astype(np.int32), tf[order])

    @staticmethod
    def none() -> Postings:
        return Postings(np.zeros(0, np.uint32), np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint16))

    def pairs(self) -> tuple[NDArray[np.uint32], Docs, Counts]:
        """All pairs of term and passage again, by term."""
        return np.repeat(self.codes, np.diff(self.offsets)), self.docs, self.tf

    def find(self, wanted: NDArray[np.uint32]) -> list[tuple[int, int]]:
        """Where the passages of each wanted term stand: start and end."""
        if not len(self.codes):
            return [(0, 0)] * len(wanted)
        at = np.minimum(self.codes.searchsorted(wanted), len(self.codes) - 1)
        there = self.codes[at] == wanted
        return list(zip(self.offsets[at].tolist(), self.offsets[at + there].tolist(), strict=True))

    @property
    def nbytes(self) -> int:
        return self.codes.nbytes + self.offsets.nbytes + self.docs.nbytes + self.tf.nbytes


def _in_order(codes: NDArray[np.uint32]) -> NDArray[np.intp]:
    """The stable order of codes: by their lower halves, then by their upper; numpy counts 16 bits where it would compare 32."""
    lower = np.argsort(codes.astype(np.uint16), kind="stable")
    return lower[np.argsort((codes >> np.uint32(16)).astype(np.uint16)[lower], kind="stable")]
