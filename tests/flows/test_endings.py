"""A program ends in peace, whatever the background is doing: threads inside a model's own code must not outlive the interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from memos_core import Settings
from memos_core.inference.choose import is_installed

ADD = 'mos.add([{"role": "user", "content": f"Fact {i} about the sea and the boat."} for i in range(200)], user_id="alice")'
PROGRAMS = {
    "it opened a memory and closed it at once": "MOS(home).close()",
    "it opened a memory and never closed it": "mos = MOS(home)",
    "memories are being embedded when it closes": f"mos = MOS(home); {ADD}; time.sleep(0.6); mos.close()",
    "memories are being embedded and it never closed": f"mos = MOS(home); {ADD}; time.sleep(0.6)",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_ends_in_peace_when(program: str, tmp_path: Path) -> None:
    settings = Settings.load()
    if not is_installed(settings.embedder, cache=settings.embedder_dir):
        pytest.skip("the embedder is not installed: `memos embedder install`")
    script = f"import sys, time; from memos_core import MOS; home = sys.argv[1]; {program}"
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path / "memory")], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
