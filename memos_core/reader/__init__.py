"""MemReader: from what was said, read or done to messages and drafts of memories. Rules only; no model, no I/O but files."""
