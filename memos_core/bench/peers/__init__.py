"""What a user would pick instead, one file each.

A peer is a script. It runs in a process and an environment of its own, where this package is not installed, and
speaks JSON lines with `memos_core.bench.host`; `serving.py`, beside it, is the loop that they share.
"""
