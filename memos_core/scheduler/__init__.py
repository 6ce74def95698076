"""MemScheduler: do it later, once."""
