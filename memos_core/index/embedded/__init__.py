"""The embedded index: words and vectors in the ledger's own file, exact segments in memory."""

from memos_core.index.embedded.engine import EmbeddedIndex

__all__ = ["EmbeddedIndex"]
