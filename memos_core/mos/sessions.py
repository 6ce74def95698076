"""mos.sessions: conversations, word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos_core.model.answer import Deletion, Page, Receipt, Session
    from memos_core.model.message import Message
    from memos_core.mos.handle import Handle


class Sessions:
    """Conversations that were given a `session_id`, and all messages as they were said."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def list(self, *, user_id: str | None = None, agent_id: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Session]:
        """The sessions that the asker may read, the one that was spoken in last first.

        Runs of messages that named no session are not listed; `messages` without a session has them.
        """
        from memos_core.mos.conversing import list_sessions

        return list_sessions(self._handle, user_id, agent_id, limit, cursor)

    def messages(
        self, session_id: str | None = None, *, user_id: str | None = None, agent_id: str | None = None, cube_id: str | None = None,
        limit: int = 100, cursor: str | None = None,
    ) -> Page[Message]:  # fmt: skip
        """What was said, oldest first: in one session, the asker's own before one that they may read, or in everything that the
        asker may read.

        An edited message stands where it stood. SessionNotFound also for what is not yours.
        """
        from memos_core.mos.conversing import messages

        return messages(self._handle, session_id, user_id, agent_id, cube_id, limit, cursor)

    def replace(
        self, session_id: str, messages: Sequence[str | Message | Mapping[str, Any]], *, user_id: str | None = None,
        agent_id: str | None = None, cube_id: str | None = None, learn: bool = True, request_id: str | None = None,
    ) -> Receipt:  # fmt: skip
        """From now on the session, of the asker's own or of the cube named, is these messages, in this order; it is made when it is
        missing.

        Messages are recognised by their id, without one by what they say. Those that are unchanged stay, changed ones get a
        new version, missing ones are closed, and memories made from nothing else are archived.
        """
        from memos_core.mos.replacing import replace

        return replace(self._handle, session_id, messages, user_id, agent_id, cube_id, learn, request_id)

    def delete(
        self, session_id: str, *, user_id: str | None = None, agent_id: str | None = None, cube_id: str | None = None,
        request_id: str | None = None,
    ) -> Deletion:  # fmt: skip
        """Close the messages of a session, of the asker's own or of the cube named, and archive the memories made from nothing else;
        these are restorable."""
        from memos_core.mos.replacing import delete

        return delete(self._handle, session_id, user_id, agent_id, cube_id, request_id)
