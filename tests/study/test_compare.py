"""`hornbook compare`: recipes line by line beside the results, and statistics where runs are repeats. Needs no TensorFlow."""

import json
from pathlib import Path

import pytest

from hornbook.errors import RunError, UsageError
from hornbook.study.compare import compare_runs, flatten
from hornbook.study.grid import grid_lines

RECIPE = """\
name: {name}
seed: {seed}
data: {{name: digits}}
task: multiclass
model: {{name: mlp, units: [16, 8]}}
activation: {{name: {activation}}}
optimizer: {{name: sgd, learning_rate: {rate}, momentum: 0.0}}
training: {{epochs: 2, metrics: [{{name: accuracy}}]}}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function: what a run's recipe and result say → its folder."""
    monkeypatch.chdir(tmp_path)

    def make(accuracy=0.9, *, seed=42, activation="relu", rate=0.1, name="a", state="finished", keras="3.15", data="f"):
        folder = Path("runs") / name / f"20260101-{len(list(Path('runs').glob('*/*'))):06d}-0000"
        folder.mkdir(parents=True)
        (folder / "recipe.yaml").write_text(RECIPE.format(name=name, seed=seed, activation=activation, rate=rate))
        figures = {"loss": 1 - accuracy, "accuracy": accuracy} if state == "finished" else {}
        result = {"state": state, "stop_reason": "because", "validation": figures, "test": figures, "seconds": 2.0}
        (folder / "result.json").write_text(json.dumps(result))
        versions = {"hornbook": "0.1.0", "tensorflow": "2.21", "keras": keras}
        environment = {"seed": seed, "data_fingerprint": f"{data}{seed}", "versions": versions}
        (folder / "environment.json").write_text(json.dumps(environment))
        (folder / "history.jsonl").write_text('{"epoch": 1}\n{"epoch": 2}\n')
        return str(folder)

    return make


def test_differences_stand_line_by_line_beside_the_results(run):
    text = compare_runs([run(0.9), run(0.925, rate=0.05, activation="elu", name="b")]).text()
    assert [line.split() for line in text.splitlines()[3:]] == [
        ["A", "B"],
        ["state", "finished", "finished"],
        ["val_loss", "0.1000", "0.0750"],
        ["val_accuracy", "0.9000", "0.9250"],
        ["test_loss", "0.1000", "0.0750"],
        ["test_accuracy", "0.9000", "0.9250"],
        ["epochs", "2", "2"],
        ["seconds", "2.0", "2.0"],
        [],
        ["recipe"],
        ["A", "B"],
        ["name", "a", "b"],
        ["activation", "relu", "elu"],
        ["optimizer.learning_rate", "0.1", "0.05"],
        *[line.split() for line in text.splitlines()[-3:]],
    ]
    assert "One run of each says nothing about seeds" in text


def test_repeats_get_intervals_and_a_verdict(run):
    relu = [run(value, seed=seed) for seed, value in enumerate([0.90, 0.91, 0.92, 0.91, 0.90])]
    elu = [run(value, seed=seed, activation="elu") for seed, value in enumerate([0.92, 0.931, 0.94, 0.929, 0.92])]
    comparison = compare_runs([*relu, *elu])
    text = comparison.text()
    assert "val_accuracy B - A: +2.00 ± 0.09 points, p < 0.001 (Holm)" in text
    assert "B: better by 2.00 points" in text
    assert "seed " not in text
    assert comparison.json()["columns"][1]["verdict"] == "better by 2.00 points"
    assert comparison.json()["columns"][0]["seeds"] == [0, 1, 2, 3, 4]


def test_seeds_alone_differ_in_repeats_of_one_recipe(run):
    text = compare_runs([run(0.9, seed=1), run(0.8, seed=2)]).text()
    assert "The recipes are the same." in text
    assert "(2 runs)" in text


def test_runs_without_common_seeds_are_not_compared(run):
    runs = [run(0.9, seed=s) for s in (1, 2)] + [run(0.8, seed=s, activation="elu") for s in (3, 4)]
    assert "B: not compared: fewer than two seeds are the baseline's too" in compare_runs(runs).text()


def test_a_run_that_failed_is_a_column_with_its_state(run):
    text = compare_runs([run(0.9), run(state="diverged", rate=9.0)]).text()
    assert "finished  diverged" in text
    assert "0.9000         -" in text


def test_other_data_and_versions_are_said(run):
    text = compare_runs([run(), run(rate=0.2, keras="3.12", data="g")]).text()
    assert "Runs of one seed saw different data: their rows, columns or splits differ." in text
    assert "Versions differ: hornbook 0.1.0, tensorflow 2.21, keras 3.12;" in text


def test_losses_that_are_made_differently_are_said_to_tell_nothing(run):
    plain, other, penalized = run(), run(name="b"), run(name="c")
    for folder, lines in (
        (other, "head: {loss: {name: categorical_hinge}}"),
        (penalized, "regularization: {l2: 0.01}"),
    ):
        with open(Path(folder) / "recipe.yaml", "a") as file:
            file.write(lines + "\n")
    assert "Losses of these runs are made differently (head.loss): they do not" in compare_runs([plain, other]).text()
    assert "Losses hold the penalties" in compare_runs([plain, penalized]).text()
    assert "Losses" not in compare_runs([plain, run(0.8, rate=0.5)]).text()


def test_many_runs_stand_in_blocks_of_80_columns(run):
    runs = [run(0.9, rate=number / 100, name="a_long_name_of_a_recipe") for number in range(1, 9)]
    lines = compare_runs(runs).text().splitlines()
    assert max(map(len, lines[8:])) <= 80  # above stand the paths
    assert "H" in " ".join(lines)


def test_one_run_or_none_is_refused(run):
    folder = run()
    with pytest.raises(UsageError, match="compare needs two different runs at least, found 1"):
        compare_runs([folder, folder])
    with pytest.raises(UsageError, match="nowhere: there is no run here"):
        compare_runs([folder, "nowhere"])


def test_a_run_whose_recipe_cannot_be_read_is_named(run):
    folder = run()
    (Path(folder) / "recipe.yaml").write_text("a: {b")
    with pytest.raises(RunError, match=r"recipe.yaml: this is no recipe any more. Restore it, or leave the run out"):
        compare_runs([folder, run()])


def test_flattening_names_components_by_themselves():
    tree = {"optimizer": {"name": "sgd", "learning_rate": 0.1}, "model": {"units": [3, 2]}, "name": "x", "empty": {}}
    assert flatten(tree) == {
        "optimizer": "sgd", "optimizer.learning_rate": 0.1, "model.units": [3, 2], "name": "x", "empty": {}
    }  # fmt: skip


def test_the_default_of_one_component_is_no_difference(run):
    one, other = run(), run(activation="elu")
    for folder, line in ((one, "{name: relu, threshold: 0.0}"), (other, "{name: elu, alpha: 0.5}")):
        path = Path(folder) / "recipe.yaml"
        kept = [text for text in path.read_text().splitlines() if not text.startswith("activation")]
        path.write_text("\n".join([*kept, f"activation: {line}"]))
    keys = [key for key, _ in compare_runs([one, other]).differences]
    assert keys == ["activation", "activation.alpha"]


def test_a_column_that_is_too_wide_is_cut():
    assert grid_lines([("k", ("x" * 30, "y"))], ["A", "B"])[1] == "k  " + "x" * 21 + "…  y"
