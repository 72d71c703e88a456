"""The site as `make site` builds it, and a browser."""

import subprocess
import sys
from pathlib import Path

import pytest
from chromium import Browser, missing

MISSING = missing("selenium", "selenium_axe_python", "pypdf", "zensical", "mkdocstrings", "nbclient", "ipykernel")
LESSON = "first_hour"
"""The one whose cells are run; the others take minutes."""
HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def pytest_collection_modifyitems(items):
    """Skip these tests where what they need is missing, and say what that is."""
    if MISSING:
        skip = pytest.mark.skip(reason=f"{', '.join(MISSING)} missing: `make test-site` has all of it")
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(skip)


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
