"""mos.records: the raw lane. Any JSON, verbatim, under a namespace and a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos_core.model.answer import Page, Record
    from memos_core.model.filter import Filter
    from memos_core.mos.handle import Handle

Namespace = Sequence[str]
Index = bool | Sequence[str] | None


class Records:
    """What frameworks' stores are built on: callers' own keys, values and vectors; nothing is extracted from them.

    A record lives in a lane: that of the user named, else of the agent named, else that of nobody in particular. Lanes do
    not see each other. What is deleted is gone: there is no history.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def put(
        self, namespace: Namespace, key: str, value: Any, *, vectors: Mapping[str, Sequence[float]] | None = None, index: Index = None,
        ttl: float | None = None, if_version: int | None = None, user_id: str | None = None, agent_id: str | None = None,
        request_id: str | None = None,
    ) -> Record:  # fmt: skip
        """Write a value, new or over the old one; its `created_at` stays that of the first.

        `vectors` are the caller's own, by name; without them, and with an embedder, the texts that `index` names are
        embedded. `index`: False for a record that `search` with a query does not rank, a list of paths ("title",
        "tags[*]", "$" for the whole) for the parts to be found by, None for the whole. `ttl` in seconds. `if_version`:
        0 for "not there yet". VersionConflict.
        """
        from memos_core.mos.recording import Put, put

        return put(self._handle, [Put(namespace, key, value, vectors, index, ttl, if_version)], user_id, agent_id, request_id)[0]

    def put_many(
        self, puts: Sequence[Mapping[str, Any]], *, user_id: str | None = None, agent_id: str | None = None, request_id: str | None = None
    ) -> tuple[Record, ...]:
        """Several puts in one transaction, in order; each a mapping of `put`'s arguments. All or none."""
        from memos_core.mos.recording import put, read_puts

        return tuple(put(self._handle, read_puts(puts), user_id, agent_id, request_id))

    def get(
        self, namespace: Namespace, key: str, *, refresh_ttl: bool = False, user_id: str | None = None, agent_id: str | None = None
    ) -> Record | None:
        """One record, None where there is none. `refresh_ttl` starts its time to live anew."""
        from memos_core.mos.recording import get

        return get(self._handle, [(namespace, key)], refresh_ttl, user_id, agent_id)[0]

    def get_many(
        self, keys: Sequence[tuple[Namespace, str]], *, refresh_ttl: bool = False, user_id: str | None = None, agent_id: str | None = None
    ) -> tuple[Record | None, ...]:
        """Several records, in the order asked for, as they were at one moment."""
        from memos_core.mos.recording import get

        return tuple(get(self._handle, keys, refresh_ttl, user_id, agent_id))

    def search(
        self, prefix: Namespace = (), *, query: str | None = None, vector: Sequence[float] | None = None, field: str | None = None,
        filter: Filter | Mapping[str, Any] | None = None, limit: int = 10, offset: int = 0, refresh_ttl: bool = False,
        user_id: str | None = None, agent_id: str | None = None,
    ) -> Page[Record]:  # fmt: skip
        """The records below a prefix that pass a filter; `limit` of them from `offset` on, `total` counts them all.

        Without a query or a vector: last written first, score None. With a `query`: by words and, where there are vectors
        of the embedder, by meaning. With a `vector`: by cosine with the callers' own vectors, the best of each record's
        (`field`: only those of that name). What can't be scored comes last, with score None.

        Filters are the one grammar; their fields are `key`, `namespace`, `created_at`, `updated_at` and `value.<key>`,
        or a path as a list: {"path": ["value", "a.b", "c"], "eq": 1}.
        """
        from memos_core.mos.recalling import search

        return search(self._handle, prefix, query, vector, field, filter, limit, offset, refresh_ttl, user_id, agent_id)

    def delete(
        self, namespace: Namespace, keys: str | Sequence[str] | None = None, *, filter: Filter | Mapping[str, Any] | None = None,
        everything: bool = False, user_id: str | None = None, agent_id: str | None = None, request_id: str | None = None,
    ) -> int:  # fmt: skip
        """Delete from exactly this namespace: by key or keys, by a filter, or everything. How many there were.

        Nothing of them is kept: no history, no vectors, and the database overwrites what they stood in (the write-ahead
        log may hold it until the memory is closed).
        """
        from memos_core.mos.recording import delete

        return delete(self._handle, namespace, keys, filter, everything, user_id, agent_id, request_id)

    def namespaces(
        self, match: Mapping[str, Namespace] | Sequence[tuple[str, Namespace]] | None = None, *, max_depth: int | None = None,
        limit: int = 100, offset: int = 0, user_id: str | None = None, agent_id: str | None = None,
    ) -> tuple[tuple[str, ...], ...]:  # fmt: skip
        """The namespaces that hold something, sorted. `match`: pairs of "prefix" or "suffix" and labels, "*" for any one
        label; all must hold. Deeper ones are cut at `max_depth`."""
        from memos_core.mos.recording import namespaces

        return namespaces(self._handle, match, max_depth, limit, offset, user_id, agent_id)

    def sweep(self, *, user_id: str | None = None, agent_id: str | None = None) -> int:
        """Delete for good what has expired; how many. Expired records are never found, swept or not."""
        from memos_core.mos.recording import sweep

        return sweep(self._handle, user_id, agent_id)
