"""A browser, and one page of each kind. Without Selenium or Chromium all of these tests are skipped."""

import json

import pytest
from chromium import Browser
from needed import BROWSER, skipping

TABLE = """data: {name: table, path: flowers.csv, target: kind}
model: {name: mlp, units: [8]}
training: {epochs: 4, batch_size: 16, engine: graph}
"""
NUMBERS = """data: {name: regression, examples: 160}
model: {name: mlp, units: [8]}
training: {epochs: 3, batch_size: 16, engine: graph}
"""
IMAGES = """data: digits
model: {name: mlp, units: [8, 8]}
training: {epochs: 3, batch_size: 431, engine: graph}
"""
SWEEP = """data: {name: regression, examples: 80}
model: {name: mlp, units: [4]}
training: {epochs: 2, batch_size: 16, engine: graph}
sweep: {tuner: random, objective: val_loss, max_trials: 3, confirm: 2, space: {activation: [elu, relu, tanh]}}
"""

pytest_collection_modifyitems = skipping(__file__, "selenium", "selenium_axe_python", "pypdf", programs=BROWSER)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium."""
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.driver.quit()


@pytest.fixture(scope="session")
def pages(tmp_path_factory, tensorflow):
    """A page of each kind by its name, all of them real; names of columns, classes and folders look like HTML."""
    from conftest import RECORDING

    import hornbook

    folder = tmp_path_factory.mktemp("all pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        RECORDING.append(True)
        write_table(folder / "flowers.csv")
        written = {}
        runs = [
            train(TABLE, name="table"),
            train(TABLE, "activation=tanh", "seed=7"),
            train(TABLE, "seed=7", name="table"),
        ]
        written["classification"] = hornbook.report(runs[0])
        written["regression"] = hornbook.report(train(NUMBERS, name="numbers"))
        written["image"] = hornbook.report(train(IMAGES, name="images"))
        written["comparison"] = hornbook.report(*runs)
        RECORDING.clear()
        sweep = hornbook.run_sweep(hornbook.load_recipe(SWEEP, ["name=search"]), progress=False)
        written["sweep"] = hornbook.report(sweep)
        _, study = hornbook.ablate(
            NUMBERS, ["name=numbers"], vary={"activation": ["elu", "tanh"]}, seeds=2, progress=False
        )
        written["ablation"] = hornbook.report(study)
        written["index"] = many_runs(folder / "many", 1000)
    return written


def train(recipe, *overrides, name="other"):
    """Return the result of a training as the command line would have begun it."""
    import hornbook
    from hornbook.trainer.train import train as train_recipe

    options = (*overrides, f"name={name}")
    return train_recipe(hornbook.load_recipe(recipe, options), runs="runs", source=(recipe, options))


def write_table(path):
    """Write a table of flowers whose texts would do harm on a page that does not escape them."""
    from sklearn.datasets import load_iris

    flowers = load_iris()
    kinds = ('"<script>console.error(1)</script>"', '"<b>versicolor"', '"virginica & ""co"""')
    lines = ["<i>sepal</i>,sepal width,petal length,petal width,kind"]
    for row, kind in zip(flowers.data, flowers.target, strict=True):
        lines.append(",".join([*map(str, row), kinds[kind]]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def many_runs(folder, count):
    """Write so many small runs and their index; returns its file."""
    from hornbook.runs.usage import find_runs, usage_of
    from hornbook.study.index import write_index

    for number in range(count):
        run = folder / f"recipe_{number % 20}" / f"20261126-{number:06d}-0000"
        run.mkdir(parents=True)
        (run / "recipe.yaml").write_text("data: digits\nmodel: mlp\n", encoding="utf-8")
        result = {"state": "finished", "epochs": 20, "test": {"loss": 0.1, "accuracy": number / count}}
        (run / "result.json").write_text(json.dumps(result), encoding="utf-8")
        rows = [json.dumps({"epoch": epoch, "loss": 1 / epoch, "val_loss": 1.1 / epoch}) for epoch in range(1, 21)]
        (run / "history.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return write_index(folder, [usage_of(path, folder) for path in find_runs(folder)])
