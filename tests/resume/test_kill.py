"""Processes killed with SIGKILL, resumed, and compared with runs that were left alone; `make soak` does hundreds."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_one_killed_run_of_each_kind_ends_bit_for_bit_where_it_would_have(tmp_path, warm):
    command = [warm.python, ROOT / "tests" / "soak.py", "--kills", "1", "--seed", "0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    *kinds, total = done.stdout.splitlines()
    assert len(kinds) == 5
    found = re.fullmatch(r"survivors (\d+)/(\d+) after 5 kills \(.*\)", total)
    assert found[1] == found[2]
    words = " ".join(kinds)
    for kind in (
        "dropout",
        "batch norm",
        "one_cycle",
        "performance scheduling",
        "early stopping",
        "augmentation",
        "accumulation",
        "averaged weights",
        "pretraining",
    ):
        assert kind in words
