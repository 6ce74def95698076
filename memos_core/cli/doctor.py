"""`memos doctor`: what is in use, what is missing, what outgrows the embedded engine."""

from __future__ import annotations


def doctor() -> None:
    """Say what is in use."""
