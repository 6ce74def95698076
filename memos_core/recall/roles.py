"""Speakers who are parts in a chat with a machine, not people with a name. Folded."""

from __future__ import annotations

MACHINES = frozenset({"assistant", "ai", "bot", "agent", "model", "chatbot"})
USERS = frozenset({"user", "human"})
ROLES = MACHINES | USERS | {"system", "developer", "tool", "function"}
