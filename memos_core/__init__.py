"""MemOS for agent frameworks: memory as an operating-system resource."""

__version__ = "0.1.0"
