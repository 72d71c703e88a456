"""The functions of `hornbook` do what the commands of the same purpose do."""

import json

import numpy as np
import pytest

import hornbook
from hornbook.errors import RecipeError, UsageError

TREE = {
    "name": "small",
    "data": {"name": "digits", "limit": 192, "split": {"validation": 60, "test": 60}},
    "model": {"name": "mlp", "units": [8]},
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
    "training": {"epochs": 2, "engine": "graph"},
}
SWEEP = {
    "objective": "val_accuracy",
    "max_trials": 2,
    "confirm": 0,
    "space": {"optimizer.learning_rate": {"min": 0.01, "max": 0.1}},
}


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def file(tmp_path):
    """A function: a recipe as a mapping → its file."""
    from hornbook.recipes.language.text import to_yaml

    def write(tree):
        (tmp_path / "small.yaml").write_text(to_yaml(tree))
        return "small.yaml"

    return write


@pytest.mark.whole
def test_find_learning_rate_finds_what_the_command_finds(hornbook_command, file):
    done = hornbook_command(f"hornbook lr-find -c {file(TREE)} --seeds 1 --json")
    search = hornbook.find_learning_rate(hornbook.load_recipe(TREE), seeds=1)
    said = json.loads(done.out)
    assert search.rate is not None
    assert (search.rate, list(search.reasons)) == (said["suggestion"], said["reasons"])
    assert [curve.losses.tolist() for curve in search.curves] == [curve["losses"] for curve in said["curves"]]


def test_find_learning_rate_takes_arrays_and_refuses_what_it_cannot_stand_for(tensorflow):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 5)).astype("float32")
    recipe = hornbook.load_recipe(TREE | {"data": "arrays"})
    search = hornbook.find_learning_rate(recipe, data=(x, (x[:, 0] > 0).astype("int32")), seeds=1)
    assert len(search.curves[0].losses) > 50
    with pytest.raises(RecipeError, match="a range test runs on one device"):
        hornbook.find_learning_rate(hornbook.load_recipe(TREE, ["training.strategy=mirrored"]))


def test_run_sweep_gives_the_trials_of_the_command(hornbook_command, file, capsys):
    done = hornbook_command(f"hornbook sweep -c {file(TREE | {'sweep': SWEEP})} --json")
    found = hornbook.run_sweep(hornbook.load_recipe(TREE | {"sweep": SWEEP}), runs="own", fresh=True)
    said = json.loads(done.out)
    assert (found.best, found.score, found.trials) == (said["best"], said["score"], said["trials"])
    assert f"selected by val_accuracy {found.score:.4f} (best of 2)" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"small: there is no 'sweep' in this recipe.*sweep_random.yaml"):
        hornbook.run_sweep(hornbook.load_recipe(TREE), progress=False)


@pytest.mark.whole
def test_ablate_compares_what_the_command_compares(hornbook_command, file, capsys):
    done = hornbook_command(
        f"hornbook ablate -c {file(TREE)} --vary initializer=he_uniform,orthogonal "
        "--vary 'optimizer={name: sgd, learning_rate: 0.001}' --seeds 2"
    )
    vary = {
        "initializer": ["he_uniform", "orthogonal"],
        "optimizer": [{"name": "sgd", "learning_rate": np.float64(0.001)}],
    }
    study, folder = hornbook.ablate(TREE, vary=vary, seeds=2, runs="own")
    shown = str(study)
    assert "optimizer=sgd(learning_rate=0.001)" in shown
    without_times = [line for line in done.out.splitlines() if line in shown.splitlines()]
    assert [line for line in without_times if line.startswith(("baseline ", "initializer=", "optimizer="))]
    assert shown.split("\n\n")[1] == done.out.split("\n\n")[1]  # the table of means and differences
    assert (folder / "report.html").is_file()
    assert len(capsys.readouterr().out.splitlines()) >= 8  # a line per run


def test_ablate_says_what_is_wrong_before_it_trains():
    with pytest.raises(RecipeError, match="unknown activation 'elux'. Did you mean 'elu'?"):
        hornbook.ablate(TREE, vary={"activation": ["elux"]}, seeds=2)
    with pytest.raises(UsageError, match="too few seeds for an interval"):
        hornbook.ablate(TREE, vary={"activation": ["elu"]}, seeds=1)
