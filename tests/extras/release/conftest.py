"""Wheel and source distribution, built by `python -m build` from a copy of what is under version control."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from needed import skipping

CHECKOUT = Path(__file__).parents[3]

pytest_collection_modifyitems = skipping(__file__, "build", "twine")


class Built(NamedTuple):
    """What was built, and from which files."""

    wheel: Path
    source: Path
    files: set[str]


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Both distributions."""
    folder = tmp_path_factory.mktemp("release")
    copy = folder / "copy"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    files = {name for name in listed.stdout.split("\0") if name and (CHECKOUT / name).is_file()}
    for name in files:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, copy / name)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", copy],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Built(next((folder / "dist").glob("*.whl")), next((folder / "dist").glob("*.tar.gz")), files)
