"""The site as `make site` builds it, and a browser."""

import subprocess
import sys
from pathlib import Path

import pytest
from chromium import Browser
from needed import BROWSER, skipping

LESSON = "first_hour"
"""The one whose cells are run; the others take minutes."""
ROOT = Path(__file__).parents[3]

pytest_collection_modifyitems = skipping(
    __file__,
    "selenium",
    "selenium_axe_python",
    "pypdf",
    "zensical",
    "mkdocstrings",
    "nbclient",
    "ipykernel",
    programs=BROWSER,
)


@pytest.fixture(scope="session")
def site():
    """The folder of the site, built anew, with the outputs of one lesson."""
    subprocess.run([sys.executable, ROOT / "scripts" / "build_site.py", LESSON], check=True, timeout=500)
    return ROOT / "site"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium."""
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.driver.quit()
