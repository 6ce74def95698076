"""`memos import`: chats and notes of one's own."""

from __future__ import annotations


def bring() -> None:
    """Read chats and notes."""
