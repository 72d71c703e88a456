"""Relative paths of a recipe in another folder: an error names both places, and of two files the one that is read is said."""

from pathlib import Path

import pytest

from hornbook.data.load import load_data
from hornbook.errors import DataError
from hornbook.recipes import load_recipe

RECIPE = "data: {name: table, path: t.csv, target: y}\nmodel: {name: mlp, units: [4]}\ntraining: {batch_size: 8}\n"
ROWS = "a,y\n" + "".join(f"{n * 3 % 11},{n % 2}\n" for n in range(40))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A current folder with a recipe in `sub`."""
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    Path("sub/r.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def test_a_file_beside_the_recipe_alone_is_named_with_both_places(folder, hornbook_command):
    Path("sub/t.csv").write_text(ROWS, encoding="utf-8")
    told = (
        f"data.path: t.csv: there is none in the current folder, {folder}, where the paths of recipes begin. There is one "
        "beside the recipe: write 'sub/t.csv'."
    )
    with pytest.raises(DataError) as caught:
        load_data(load_recipe("sub/r.yaml"))
    assert str(caught.value) == told
    checked = hornbook_command("hornbook check -c sub/r.yaml")
    assert (checked.code, checked.out) == (2, f"sub/r.yaml: 1 problem\n  1:27  {told}\n")
    assert load_data(load_recipe("sub/r.yaml", ["data.path=sub/t.csv"])).splits.info.counts["train"] > 0


def test_of_two_files_the_one_that_is_read_is_said(folder, hornbook_command):
    Path("t.csv").write_text(ROWS, encoding="utf-8")
    Path("sub/t.csv").write_text(ROWS + "7,1\n", encoding="utf-8")
    told = f"data.path: {folder / 't.csv'} is read, and not sub/t.csv, which lies beside the recipe."
    info = load_data(load_recipe("sub/r.yaml")).splits.info
    assert sum(info.counts.values()) == 40
    assert told in info.warnings
    checked = hornbook_command("hornbook check -c sub/r.yaml")
    assert (checked.code, checked.out) == (0, f"sub/r.yaml: 1 warning\n  1:27  warning: {told}\n")


@pytest.mark.parametrize("beside", ["", "the same"])
def test_nothing_is_said_where_only_one_file_can_be_meant(folder, beside):
    Path("t.csv").write_text(ROWS, encoding="utf-8")
    if beside:
        Path("sub/t.csv").symlink_to(folder / "t.csv")
    assert load_data(load_recipe("sub/r.yaml")).splits.info.warnings == ()


def test_a_recipe_in_the_current_folder_has_one_place_to_look(folder):
    Path("r.yaml").write_text(RECIPE, encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.csv: no such file\. A path is relative to the current folder, "):
        load_data(load_recipe("r.yaml"))
