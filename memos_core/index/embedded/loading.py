"""Building segments from the file, and keeping them up with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos_core.index.embedded.matrix import Matrix, Query, Scores
from memos_core.index.embedded.reading import Reader, batches
from memos_core.index.embedded.segment import Segment
from memos_core.index.embedded.state import State


def build(reader: Reader, cube: int, until: int, moment: int | None, keep: NDArray[np.uint32] | None = None) -> Segment:
    """A segment of what is visible, as the file is now; `keep` are the only terms that are wanted."""
    segment = Segment(cube, until, keep)
    with reader.snapshot():
        counters = reader.state()
        segment.epoch, segment.stamp = counters.get("epoch", 0), counters.get("stamp", 0)
        newest = [reader.run(name, cube=cube).fetchone()[0] or 0 for name in ("newest", "newest_until", "newest_erased")]
        segment.seen, segment.seen_erased = max(newest[:2]), newest[2]
        segment.load(batches(reader.visible("rows", cube, until)))
    segment.moment = moment
    segment.publish()
    return segment


def refresh(reader: Reader, segment: Segment, moment: int) -> State | None:
    """Take in what was written since; None where the segment has to be built anew."""
    with segment.lock:
        if segment.moment == moment:
            return segment.state
        with reader.snapshot():
            counters = reader.state()
            if counters.get("epoch", 0) != segment.epoch:
                return None
            opened = reader.run("opened", cube=segment.cube, seen=segment.seen, t=segment.until).fetchall()
            closed = reader.run("closed", cube=segment.cube, seen=segment.seen, t=segment.until).fetchall()
            erased = reader.run("erased", cube=segment.cube, seen=segment.seen_erased).fetchall()
            if erased:
                segment.erase([nr for nr, _ in erased])
                segment.seen_erased = max(tx for _, tx in erased)
            again = segment.newcomers(opened)
            if opened or closed:
                segment.change(opened, closed)
                segment.seen = max([segment.seen, *(row[3] for row in opened), *(row[2] for row in closed)])
            for model in segment.matrices:
                for nr in again:
                    segment.vectors(model, reader.run("vectors_of", nr=nr, model=model).fetchall())
                _vectors(reader, segment, model, counters.get("stamp", 0))
            segment.stamp = counters.get("stamp", 0)
        if segment.wants_merge:
            segment.merge()
        segment.moment = moment
        return segment.publish() if opened or closed or erased else segment.state


def add_model(reader: Reader, segment: Segment, model: str, dim: int, query: Query | None = None) -> None:
    """Load the vectors of a model into a segment; with a `query`, only what they say to it."""
    with segment.lock:
        if model in segment.matrices:
            return
        segment.matrices[model] = Scores(dim, query) if query is not None else Matrix(dim)
        with reader.snapshot():
            _vectors(reader, segment, model, reader.state().get("stamp", 0))
        segment.matrices[model].stamp = segment.stamp
        segment.publish()


def _vectors(reader: Reader, segment: Segment, model: str, newest: int) -> None:
    matrix: Any = segment.matrices[model]
    if matrix.stamp < newest:
        for rows in batches(reader.run("vectors", cube=segment.cube, model=model, seen=matrix.stamp)):
            segment.vectors(model, rows)
        matrix.stamp = newest
