"""What is released: two files that an index takes, and that work where there is nothing else."""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

import hornbook

NOT_IN_SOURCE = {".gitignore", ".ci/run"}
"""Of the repository alone, as what is below `.github` is."""
WRITTEN = {"PKG-INFO", "setup.cfg"}
RECIPE = "data: digits\nmodel: {name: mlp, units: [32]}\ntraining: {epochs: 2}\n"


def test_the_files_are_named_after_the_version(built):
    assert built.wheel.name == f"hornbook-{hornbook.__version__}-py3-none-any.whl"
    assert built.source.name == f"hornbook-{hornbook.__version__}.tar.gz"


def test_an_index_takes_both(built):
    check = [sys.executable, "-m", "twine", "check", "--strict", built.wheel, built.source]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_source_distribution_holds_the_repository_and_nothing_of_this_machine(built):
    with tarfile.open(built.source) as archive:
        members = {member.name.partition("/")[2]: member for member in archive if member.isfile()}
        held = {name: archive.extractfile(member).read() for name, member in members.items()}
    wanted = {name for name in built.files if name not in NOT_IN_SOURCE and not name.startswith(".github/")}
    assert wanted - set(held) == set()
    others = {name for name in set(held) - wanted - WRITTEN if not name.startswith("hornbook.egg-info/")}
    assert others == set()
    here = [os.fsencode(path) for path in (Path.home(), built.source.parents[1]) if len(path.parts) > 2]
    assert [name for name, content in held.items() if any(path in content for path in here)] == []


@pytest.fixture(scope="module")
def folder():
    """A folder on disk, for two gigabytes that are too many for one in memory."""
    with tempfile.TemporaryDirectory(prefix="hornbook-alone-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def alone(built, folder):
    """A function that runs a program of an environment with nothing in it but the wheel and what pip brings for it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment |= {"PATH": f"{folder / 'venv' / 'bin'}:/usr/bin:/bin", "HORNBOOK_CACHE": str(folder / "cache")}
    work = folder / "work"
    work.mkdir()

    def run(*command: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=1200, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    run(str(base), "-m", "venv", str(folder / "venv"))
    run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(built.wheel))
    run.folder = work
    return run


def test_only_what_the_wheel_asks_for_is_there(alone):
    listed = json.loads(alone("python", "-m", "pip", "list", "--format", "json").stdout)
    names = {package["name"].lower() for package in listed}
    assert {"hornbook", "tensorflow", "keras"} <= names
    assert names & {"pytest", "ruff", "twine", "fastapi", "ray"} == set()
    alone("python", "-m", "pip", "check")


def test_list_new_and_train_run(alone):
    assert "he_elu_bn" in alone("hornbook", "list", "recipes").stdout
    alone("hornbook", "new", "mine.yaml")
    alone("hornbook", "check", "--config", "mine.yaml")
    (alone.folder / "digits.yaml").write_text(RECIPE, encoding="utf-8")
    result = json.loads(alone("hornbook", "train", "--config", "digits.yaml", "--quiet", "--json").stdout)
    assert (result["state"], result["epochs"]) == ("finished", 2)
    assert result["test"]["accuracy"] > 0.5
    predicted = alone("hornbook", "predict", "digits", "--split", "test").stdout.splitlines()
    assert len(predicted) == 361


def test_the_installed_version_is_the_released_one(alone):
    assert alone("hornbook", "version").stdout.splitlines()[0] == f"hornbook {hornbook.__version__}"
