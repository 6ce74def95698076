"""Ids."""

from __future__ import annotations

import os
import time


def new_id() -> str:
    """A time-ordered unique id (UUID version 7, RFC 9562), in hex."""
    raw = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big")
    raw = raw & ~(0xF << 76) | 7 << 76
    raw = raw & ~(0x3 << 62) | 2 << 62
    value = f"{raw:032x}"
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
