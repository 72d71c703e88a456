"""What a group of tests needs besides the suite's own packages, and skips of the whole group where that is missing."""

import importlib.util
import shutil
from pathlib import Path

import pytest

BROWSER = ("chromium", "chromedriver")
"""Programs that the tests of pages need."""


def skipping(conftest, *packages, programs=()):
    """Return a hook that skips the tests beside a conftest.py where a package or program is missing, and says which."""
    folder = Path(conftest).parent
    missing = [
        *(name for name in packages if importlib.util.find_spec(name) is None),
        *(name for name in programs if shutil.which(name) is None),
    ]

    def pytest_collection_modifyitems(items):
        if not missing:
            return
        skip = pytest.mark.skip(reason=f"{', '.join(missing)} missing: `make test-{folder.name}` has all of it")
        for item in items:
            if folder in item.path.parents:
                item.add_marker(skip)

    return pytest_collection_modifyitems
