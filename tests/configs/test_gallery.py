"""docs/recipes.md says about each recipe what its header says, and its commands and its table recipe work."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.recipes import check_recipe, shipped_recipes
from hornbook.trainer.train import train

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| \[`(\w+)`\]\(\.\./hornbook/configs/(\w+)\.yaml\) \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)


def test_every_shipped_recipe_is_in_the_gallery():
    assert {name for name, *_ in ROWS} == set(shipped_recipes())


def test_every_row_of_the_tables_is_understood():
    lines = [line for line in PAGE.splitlines() if line.startswith("| [")]
    assert len(ROWS) == len(lines)


@pytest.mark.parametrize(("name", "file", "what", "expected"), ROWS)
def test_a_row_says_what_the_header_says(name, file, what, expected):
    comments = [line for line in shipped_recipes()[name].splitlines() if line.startswith("#")]
    assert file == name
    assert f"# {what}" in comments
    assert f"# Expected: {expected}" in comments


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_commands_on_the_page_work():
    from typer.testing import CliRunner

    from hornbook.cli import app

    (commands,) = blocks("bash")
    for line in commands.splitlines():
        command = shlex.split(line, comments=True)
        assert command[0] == "hornbook"
        if command[1] == "train":
            assert check_recipe(command[3], command[4:]).problems == ()
        else:
            assert CliRunner().invoke(app, command[1:]).exit_code == 0


def test_the_recipe_for_a_table_trains_on_gaps_and_categories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    lines = ["id,rooms,area,zip_code,heating,price"]
    for number in range(600):
        rooms, heating = number % 5 + 1, ("gas", "oil", "")[number % 3]
        area = "" if number % 17 == 0 else f"{30 * rooms + generator.normal():.1f}"
        lines.append(
            f"{number},{rooms},{area},{10115 + number % 4},{heating},{rooms / 2 + generator.normal(0, 0.1):.3f}"
        )
    Path("houses.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text, _ = blocks("yaml")
    Path("mine.yaml").write_text(text, encoding="utf-8")
    result = train(load_recipe("mine.yaml", ["training.engine=graph"]), runs=tmp_path / "runs")
    assert result.test["root_mean_squared_error"] < 0.35  # half the deviation of the prices
    assert result.model.input_shape == (None, 4)


def test_the_network_by_hand_solves_xor(tmp_path):
    _, text = blocks("yaml")
    result = train(load_recipe(text, ["training.engine=graph"]), runs=tmp_path / "runs")
    assert result.history[-1]["accuracy"] == 1
