"""The lowest versions that pyproject.toml allows are those that `make test-oldest` installs."""

import importlib.util
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

SCRIPT = Path(__file__).parents[2] / "scripts" / "oldest_versions.py"
PROJECT = """
[project]
dependencies = ["numpy>=1.26,<2.5", "Jinja2>=3.1"]
optional-dependencies.dev = ["types-PyYAML", "build>=1.2.1"]
"""


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("oldest_versions", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_lower_bound_becomes_a_pin(script):
    assert script.lowest_versions(PROJECT) == ["numpy==1.26", "Jinja2==3.1", "build==1.2.1"]


def test_a_dependency_without_a_lower_bound_is_refused(script):
    with pytest.raises(ValueError, match="scipy<2: this dependency has no lower bound"):
        script.lowest_versions(PROJECT.replace("Jinja2>=3.1", "scipy<2"))


def test_the_pins_of_this_project_are_versions_that_it_allows(script):
    text = script.PYPROJECT.read_text(encoding="utf-8")
    pins = dict(pin.split("==") for pin in script.lowest_versions(text))
    project = tomllib.loads(text)["project"]
    allowed = [Requirement(line) for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]]
    assert {each.name for each in allowed} == {*pins, "types-PyYAML"}
    assert [each for each in allowed if each.name in pins and not each.specifier.contains(pins[each.name])] == []
