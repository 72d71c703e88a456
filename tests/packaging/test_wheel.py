"""The built wheel: what is in it, what it says about itself, and that it works from any folder without the checkout.

That it trains is seen in test_plugin.py.
"""

import email
import zipfile
from pathlib import Path

import pytest

from hornbook.recipes import shipped_recipes


@pytest.fixture(scope="module")
def contents(wheel):
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name).decode("utf-8", "replace") for name in file.namelist()}


@pytest.fixture(scope="module")
def metadata(contents):
    return email.message_from_string(next(text for name, text in contents.items() if name.endswith("/METADATA")))


def test_every_shipped_recipe_and_the_typing_marker_are_in_the_wheel(contents):
    assert {f"hornbook/configs/{name}.yaml" for name in shipped_recipes()} <= set(contents)
    assert "hornbook/py.typed" in contents


def test_nothing_but_the_package_is_in_the_wheel(contents):
    assert {name.split("/")[0].split("-")[0] for name in contents} == {"hornbook"}
    assert not [name for name in contents if "__pycache__" in name or "/tests/" in name]


@pytest.mark.parametrize("kind", ["py", "jinja"])
def test_every_module_and_template_of_the_checkout_is_in_the_wheel(contents, kind):
    package = Path(__file__).parents[2] / "hornbook"
    files = {f"hornbook/{path.relative_to(package).as_posix()}" for path in package.rglob(f"*.{kind}")}
    assert len(files) > 10
    assert files <= set(contents)


def test_the_metadata_names_license_extras_and_python(metadata):
    assert metadata["Name"] == "hornbook"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == "<3.14,>=3.11"
    assert set(metadata.get_all("Provides-Extra")) >= {"gpu", "dev"}
    plain = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    needed = {line.split("<")[0].split(">")[0].split(";")[0].strip().lower() for line in plain}
    assert needed >= {"tensorflow", "keras", "keras-tuner", "tensorboard", "pydantic", "pyyaml", "rich", "typer"}


def test_the_license_is_in_the_wheel(contents):
    assert next(name for name in contents if name.endswith("/LICENSE"))


def test_the_script_is_declared(contents):
    entry_points = next(text for name, text in contents.items() if name.endswith("/entry_points.txt"))
    assert entry_points.strip() == "[console_scripts]\nhornbook = hornbook.cli:program"


def test_the_installed_copy_is_the_one_that_is_imported(python, installed, tmp_path):
    code = "import sys; sys.path[:0] = sys.argv.pop(1).split(';'); import hornbook; print(hornbook.__file__)"
    done = python(code, folder=tmp_path)
    assert Path(done.stdout.strip()) == installed / "hornbook" / "__init__.py"


def test_list_recipes_works_from_an_empty_folder(hornbook):
    done = hornbook("list", "recipes")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(shipped_recipes())


def test_check_works_from_an_empty_folder(hornbook):
    done = hornbook("check", "--config", "he_elu_bn")
    assert (done.returncode, done.stdout, done.stderr) == (0, "he_elu_bn.yaml: ok\n", "")
