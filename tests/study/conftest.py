"""A short way to an ablation of a small recipe, and the command line in this process."""

import pytest

RECIPE = """
data: {name: digits, limit: 192, split: {validation: 100, test: 100}}
model: {name: mlp, units: [16]}
optimizer: {name: sgd, learning_rate: 0.1}
training: {epochs: 2, engine: graph}
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """Every test has a folder with the recipe to itself and a terminal of 80 columns."""
    (tmp_path / "small.yaml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="session")
def small_recipe():
    """The text of small.yaml."""
    return RECIPE


@pytest.fixture(scope="session")
def ablation(tensorflow):
    """A function: what to vary and options → (study, folder, lines of progress) of small.yaml, where it is called."""
    from hornbook.study.ablate import ablate
    from hornbook.study.factors import parse_factors
    from hornbook.study.plan import make_plan

    def run(vary=(), drop=(), overrides=(), *, seeds=2, tune=None, folds=None, **options):
        plan = make_plan("small.yaml", overrides, parse_factors(vary, drop), seeds=seeds, tune=tune, folds=folds)
        lines = []
        study, folder = ablate(plan, say=lines.append, **options)
        return study, folder, lines

    return run


@pytest.fixture(scope="session")
def finished(ablation, tmp_path_factory):
    """A folder with an ablation of the activation, and (study, folder, lines of progress), relative to it."""
    place = tmp_path_factory.mktemp("finished")
    (place / "small.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        return place, ablation(["activation=tanh"], target="val_accuracy>=0.2")
