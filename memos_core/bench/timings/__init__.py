"""What `memos bench speed` measures, one file a question."""
