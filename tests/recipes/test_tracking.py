"""`tracking` in a recipe: what is accepted, and what is said of the rest, before any training."""

import pytest

from hornbook import load_recipe
from hornbook.recipes import check_recipe

BASE = "data: digits\nmodel: mlp\n"


@pytest.fixture
def installed(monkeypatch):
    """Let every client seem to be installed."""
    monkeypatch.setattr("hornbook.recipes.rules.installed.is_installed", lambda package: True)


@pytest.fixture
def missing(monkeypatch):
    """Let no client be installed."""
    monkeypatch.setattr("hornbook.recipes.rules.installed.is_installed", lambda package: False)


def test_nothing_is_tracked_by_default():
    assert load_recipe(BASE).tracking == ()
    assert "tracking" not in load_recipe(BASE).to_dict()


def test_an_entry_is_a_name_or_a_mapping(installed):
    recipe = load_recipe(BASE, ["tracking=[tensorboard, {name: mlflow, experiment: digits}]"])
    assert recipe.to_dict()["tracking"] == [
        {"name": "tensorboard"},
        {"name": "mlflow", "files": ["model", "recipe", "page"], "experiment": "digits"},
    ]


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("[tensorbord]", "recipe:3:12: tracking.0: unknown tracker 'tensorbord'. Did you mean 'tensorboard'?"),
        (
            "[{name: wandb, mod: online}]",
            "recipe:3:26: tracking.0.mod: unknown key for tracker 'wandb'. Did you mean 'mode'?",
        ),
        (
            "[{name: wandb, mode: disabled}]",
            "recipe:3:32: tracking.0.mode: expected one of 'offline' or 'online', found 'disabled'.",
        ),
        (
            "[{name: mlflow, uri: ./mlruns}]",
            "recipe:3:32: tracking.0.uri: a plain folder holds no runs since MLflow 3. Expected a server or a database, "
            "for instance sqlite:///mlflow.db, found './mlruns'.",
        ),
        ("[{name: mlflow, files: [model, model]}]", "recipe:3:34: tracking.0.files: 'model' is listed twice."),
        ("[tensorboard, tensorboard]", "recipe:3:25: tracking.1: 'tensorboard' is listed twice. Remove one of them."),
    ],
)
def test_what_is_wrong_is_named_with_its_place(section, sentence, installed):
    [problem] = check_recipe(f"{BASE}tracking: {section}\n").problems
    assert f"{problem.origin}:{problem.line}:{problem.column}: {problem.sentence()}" == sentence


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_tracker_without_its_client_is_refused_before_training(name, missing):
    [problem] = check_recipe(f"{BASE}tracking: [{name}]\n").errors
    assert problem.sentence() == (
        f"tracking.0: '{name}' needs the package '{name}', which is not installed. Install it: pip install "
        f"'hornbook[{name}]'. Or leave this tracker out."
    )


def test_a_run_is_evaluated_where_the_client_is_not_installed(missing):
    recipe = load_recipe(f"{BASE}tracking: [mlflow]\n", for_training=False, of_run=True)
    assert [tracker.name for tracker in recipe.tracking] == ["mlflow"]


def test_a_folder_of_a_clients_name_is_no_client(monkeypatch, tmp_path):
    (tmp_path / "hornbook_no_such_client").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    from hornbook.recipes.rules.installed import is_installed

    assert not is_installed("hornbook_no_such_client")
    assert is_installed("yaml")
