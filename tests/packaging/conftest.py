"""The wheel, built once from a copy of the sources, and Python processes that see it but not the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SITE_PACKAGES = sysconfig.get_path("purelib")
START = "import sys; sys.path[:0] = sys.argv.pop(1).split(';'); "
COMMAND = START + "sys.argv[0] = 'hornbook'; from hornbook.cli import main; main()"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """A wheel of the checkout as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    for name in ("hornbook", "tests"):  # tests too: they must not end up in the wheel
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """A folder with nothing but the wheel's contents, installed by pip."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel]
    subprocess.run(pip, check=True, capture_output=True)
    return target


@pytest.fixture(scope="session")
def python(installed):
    """A function that runs code in a folder, on the wheel and the dependencies alone.

    `-I -S` leaves out the working directory, PYTHONPATH and the `.pth` file of an editable installation.
    """

    def run(code: str, *arguments: str, folder: Path, also: Path | None = None) -> subprocess.CompletedProcess:
        path = ";".join(str(folder) for folder in (also, installed, SITE_PACKAGES) if folder is not None)
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [sys.executable, "-I", "-S", "-c", code, path, *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    return run


@pytest.fixture
def hornbook(python, tmp_path):
    """A function that runs a command of the installed wheel in an empty folder."""
    return lambda *arguments: python(COMMAND, *arguments, folder=tmp_path)
