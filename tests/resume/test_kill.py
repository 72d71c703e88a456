"""Processes killed with SIGKILL, resumed, and compared with runs that were left alone; `make soak` does hundreds."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from soak import KINDS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_ends_bit_for_bit_where_it_would_have(kind, tmp_path, warm):
    command = [warm.python, ROOT / "tests" / "soak.py", "--kills", "1", "--seed", "0", "--kind", kind]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    of_the_kind, total = done.stdout.splitlines()
    assert re.fullmatch(re.escape(kind) + r": (\d+)/\1 runs survived [1-9]\d* kills \(.*\)", of_the_kind)
    assert re.fullmatch(r"survivors ([1-9]\d*)/\1 after [1-9]\d* kills \(.*\)", total)


def test_the_kinds_cover_whatever_has_a_state():
    words = " ".join(KINDS)
    for part in (
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
        assert part in words
