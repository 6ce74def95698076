"""The index port: find by words and by meaning.

An index is a projection of the ledger. It is asked through a `View`, which is one scope at one moment; what a view
gathers is a table of `Candidates`, columns of equal length, from which `recall` ranks. Filters and scope apply before
anything is cut: they never lower recall.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from memos_core.model.change import Applied
from memos_core.model.filter import Filter
from memos_core.model.scope import Scope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Probe:
    """What one question asks of an index.

    `terms` are analysed and distinct. `vector` (float32, dim) need not have unit length: the dense score is linear in it.
    `vector` belongs to the model `model`, a digest; vectors of other models are never compared with it.
    `limit` is how many of the best by words and how many of the best by meaning are wanted at least. `session` is the name of
    the session in which the asker stands.
    """

    terms: tuple[str, ...]
    vector: NDArray[np.float32] | None = None
    model: str | None = None
    where: Filter | None = None
    limit: int = 300
    session: str | None = None


class Cosines(Protocol):
    """A column that is computed where it is asked for; an array is one, too."""

    def __getitem__(self, rows: Any, /) -> NDArray[np.float32]:
        """Of these rows; `[:]` of all."""
        ...


@dataclass(slots=True)
class Candidates:
    """Columns of equal length n, one row a memory. Rows are distinct memories, in no particular order.

    nr            int64    the ledger's number of the memory
    cube          int64    the ledger's number of its cube
    lexical       float32  BM25 (k1 0.9, b 0.4) of the best passage, over the statistics of the whole scope; 0 where no term matches
    matched       int16    how many distinct terms of the probe the memory holds
    dense         float32  inner product of the probe's vector with the memory's vector (mean of "alone" and "with context"); 0 without
    embedded      bool     whether it has a vector of the probe's model
    relevance     float32  cosine, as stored, of the memory's own vector ("alone"); what thresholds use; 0 without vectors.
                           Few rows are ever asked for: `relevance[rows]`, soon after
    said          int64    when it was said, microseconds since the epoch
    length        int32    its length in analysed terms
    speaker       int32    position in `speakers`; -1 for none
    session       int32    a number for its session, distinct across cubes; -1 for none
    session_score float32  BM25 of its whole session, its turns taken as one text, against the scope's other sessions; 0 for none
    session_size  int32    how many memories its session holds
    previous      int32    the row of the memory said just before it in its session; -1 where none, or not gathered
    following     int32    the row of the memory said just after it; -1 likewise
    timed         bool     whether its text holds a time expression
    asks          bool     whether its text ends by asking somebody something
    """

    nr: NDArray[np.int64]
    cube: NDArray[np.int64]
    lexical: NDArray[np.float32]
    matched: NDArray[np.int16]
    dense: NDArray[np.float32]
    embedded: NDArray[np.bool_]
    relevance: Cosines
    said: NDArray[np.int64]
    length: NDArray[np.int32]
    speaker: NDArray[np.int32]
    session: NDArray[np.int32]
    session_score: NDArray[np.float32]
    session_size: NDArray[np.int32]
    previous: NDArray[np.int32]
    following: NDArray[np.int32]
    timed: NDArray[np.bool_]
    asks: NDArray[np.bool_]
    speakers: tuple[str, ...] = ()
    here: tuple[int, ...] = ()
    """The numbers, by cube, of the session in which the asker stands."""
    degraded: tuple[str, ...] = ()
    kept: dict[str, Any] = field(default_factory=dict, compare=False)
    """Room for what follows from said, length, speaker, session, previous, following, timed and asks alone: an index that gives the
    same of these again gives this again, too."""

    def __len__(self) -> int:
        return len(self.nr)


class View(ABC):
    """One scope at one moment."""

    @property
    @abstractmethod
    def speakers(self) -> frozenset[str]:
        """The names of those who speak in this scope."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many memories are in the scope."""

    @abstractmethod
    def gather(self, probe: Probe) -> Candidates:
        """At least the `limit` best by words and by meaning that pass the filter, with their neighbours in their sessions
        (neighbours that the filter excludes are not rows). A small scope may come back whole."""

    def beside(self, other: View) -> View:
        """Both scopes as one, ranked by the statistics of all. Their numbers must be distinct. For views of one kind of index."""
        raise NotImplementedError

    @abstractmethod
    def vectors(self, nrs: Sequence[int], model: str) -> NDArray[np.float32]:
        """The "alone" vectors of these memories, (n, dim), unit length; a row of zeros where there is none."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of one version: `alone` and, where it is a short turn with one before it, `context` (else None); unit length."""

    nr: int
    version: int
    cube: int
    alone: NDArray[np.float32]
    context: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What an index says of itself, for `doctor` and for erasure receipts."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


class Index(ABC):
    """Find by words and by meaning."""

    @abstractmethod
    def ride(self, connection: Connection, applied: Sequence[Applied]) -> None:
        """Take part in the ledger's transaction: entries closed, erased and opened, in this order for each of `applied`."""

    @abstractmethod
    def put_vectors(self, model: str, vectors: Sequence[Vectors]) -> None:
        """Keep vectors of the model with this digest. Idempotent by (nr, version, model); of a version that is erased: dropped."""

    @abstractmethod
    def view(self, scope: Scope, *, now: int, moment: int | None = None) -> View:
        """The scope as it is now, or as it was at `scope.until`. Memories expired at `now` (microseconds) are not in it.

        `moment` is the ledger's, where the caller has just asked for it: an index in the same database need not look itself.
        """

    @abstractmethod
    def residue(self, nrs: Sequence[int]) -> int:
        """How many traces (rows, vectors, segments in memory) of these memories the index still holds."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything held."""

    def rest(self) -> None:  # noqa: B027
        """Watch for nothing until `go_on`: the process is about to fork."""

    def let_go(self) -> None:  # noqa: B027
        """Close what is open still, now that nothing more can be opened."""

    def go_on(self) -> None:  # noqa: B027
        """After `rest`."""

    def unembedded(self, model: str, limit: int) -> list[tuple[int, int]]:
        """(number, version) of current entries that have no vector of this model, at most `limit`."""
        return []

    def clear(self, connection: Connection) -> None:
        """Empty it inside a write transaction, to ride everything anew."""
        raise NotImplementedError

    def health(self) -> Health:
        """What it says of itself; `current` among the facts is how many memories it holds."""
        return Health(type(self).__name__)
