"""The first schema, which new folders get as a whole."""

from __future__ import annotations

revision, down_revision = "0001", None


def upgrade() -> None:
    """Nothing came before it."""
