"""Data larger than the recipe's memory budget is never in memory as a whole, whichever command reads it."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from trainer.memory import PIXELS, RECIPE, WHOLE

PROGRAM = Path(__file__).parent / "memory.py"
ALLOWED = 0.65 * WHOLE  # blocks, windows of the file, and what evaluation takes
FIRST = ["training", "evaluating", "predicting", "predicting_npz"]
OTHERS = ["whole", "sweeping", "table", "pictures"]


@pytest.fixture(scope="module")
def rises(tmp_path_factory, request):
    """{what a process did: how many bytes its memory rose}; of the tests that are chosen."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("this system does not tell how much memory a process has taken")
    folder = tmp_path_factory.mktemp("large")
    names = OTHERS if request.config.getoption("--whole") else FIRST
    environment = {**os.environ, "HORNBOOK_CACHE": str(folder / "cache")}
    command = [sys.executable, str(PROGRAM), str(folder), *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "work", [*FIRST, *(pytest.param(name, marks=pytest.mark.whole) for name in ("sweeping", "table"))]
)
def test_what_exceeds_the_budget_is_read_in_parts(rises, work):
    assert rises[work] < ALLOWED


@pytest.mark.whole
def test_a_whole_array_would_be_noticed(rises):
    assert rises["whole"] > 1.2 * ALLOWED


@pytest.mark.whole
def test_pictures_in_files_are_read_in_parts(rises):
    """Once read into the cache and once found there; a network's own memory is the same as with all pixels in memory."""
    read, found, in_memory = rises["pictures"]
    assert max(read, found) < in_memory - 0.7 * math.prod(PIXELS)


def test_the_budget_that_no_recipe_names_is_half_of_the_machine(monkeypatch):
    from hornbook import load_recipe
    from hornbook.data import memory_budget

    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}.__getitem__)
    assert memory_budget(load_recipe({**RECIPE, "training": {}})) == 2_048_000
    assert memory_budget(load_recipe(RECIPE)) == 6_000_000
