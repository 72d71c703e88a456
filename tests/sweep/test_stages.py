"""A sweep that is killed or stopped at any stage goes on and ends like one that was left alone."""

import os
import re
import subprocess
from pathlib import Path

SOAK = Path(__file__).parents[1] / "soak.py"
STAGES = ("opening", "trial", "between", "confirm", "report")


def test_a_sweep_survives_kills_and_sigterm_at_every_stage(tmp_path, warm):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [warm.python, SOAK, "--sweep", "22"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    survived = re.findall(r"^(\w+) \d+( TERM)?: survived$", done.stdout, re.MULTILINE)
    assert {stage for stage, _ in survived} == set(STAGES)
    assert {stage for stage, term in survived if term} == set(STAGES) - {"opening"}
