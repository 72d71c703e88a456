"""Processes killed with SIGKILL, resumed, and compared with runs that were left alone; `make soak` does hundreds."""

import os
import subprocess
from pathlib import Path

import pytest
from soak import KINDS

ROOT = Path(__file__).parents[2]
DEATHS = {  # of each kind: files written in full before each death, and where the run stands then
    "dropout, batch norm, one_cycle, mixed examples": {42: "mid-epoch, mid-save"},
    "performance scheduling, early stopping, accumulation, averaged weights": {
        28: "between epochs, mid-save",
        60: "mid-epoch, mid-save",
    },
    "pretraining layer by layer, averaged weights, augmentation, max-norm": {14: "mid-save, pretraining"},
    "picture files, streamed": {
        10: "mid-epoch, mid-save",
        26: "between epochs, mid-save",
    },  # the second after the last epoch
    "table, read in parts and streamed": {12: "mid-epoch, mid-save", 24: "mid-epoch, mid-save"},
    "several heads": {16: "mid-epoch, mid-save", 40: "between epochs, mid-save"},
    "windows, a scale for each series": {14: "mid-epoch, mid-save", 18: "between epochs, mid-save"},
    "texts beside columns": {20: "mid-epoch, mid-save", 36: "between epochs, mid-save"},
}
LONGEST = {
    "performance scheduling, early stopping, accumulation, averaged weights",
    "picture files, streamed",
    "table, read in parts and streamed",
    "several heads",
    "windows, a scale for each series",
    "texts beside columns",
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.whole if kind in LONGEST else ()) for kind in KINDS]
)
def test_a_killed_run_ends_bit_for_bit_where_it_would_have(kind, tmp_path, warm):
    numbers = map(str, DEATHS[kind])
    command = [warm.python, ROOT / "tests" / "soak.py", "--kind", kind, "--at", *numbers]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "HORNBOOK_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [f"death-{number}: {where}: survived" for number, where in DEATHS[kind].items()]


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
        "mixed examples",
    ):
        assert part in words
