"""The command line. `main` is the entry point and the one place where errors become words and exit codes.

    0    done
    1    the memory refused, or what was asked for does not hold (a failed check)
    2    bad input: the message names the field and what to do; nothing was stored
    130  interrupted

Answers go to stdout, alone; progress, notes and errors to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    from typer import Abort

    from memos_core.cli.app import app
    from memos_core.cli.faults import misused, tell
    from memos_core.errors import MemosError

    args = list(sys.argv[1:] if argv is None else argv)
    _speak_utf8()
    as_json = "--json" in args
    try:
        code = app(args=args, prog_name="memos", standalone_mode=not as_json)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except (KeyboardInterrupt, Abort):
        sys.stderr.write("\nInterrupted. What was stored stays; the same command can be given again.\n")
        return 130
    except BrokenPipeError:
        return _no_reader()
    except (MemosError, OSError) as exc:
        return tell(exc, as_json=as_json)
    except Exception as exc:
        if not hasattr(exc, "format_message"):  # what the parser of the command line raises, in whichever library it lives
            raise
        return misused(exc.format_message(), 2)
    return code if isinstance(code, int) else 0


def _speak_utf8() -> None:
    """Memories hold any script; a terminal that can't show a character shows a substitute instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _no_reader() -> int:
    """Whoever read our output has gone (`memos list | head`): stop without a word, and keep the interpreter quiet at its end."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
