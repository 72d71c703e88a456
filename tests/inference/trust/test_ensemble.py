"""Several runs as one: the mean of what they predict, what that gains, and never on what one of them has learned from."""

import csv
import io
import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, root_mean_squared_error

import hornbook
from hornbook.data.facts import DataInfo, Feature
from hornbook.errors import UsageError
from hornbook.inference.evaluate import split_of
from hornbook.inference.predict import predict_file
from hornbook.inference.trained import load_run
from hornbook.inference.trust.ensemble import Members, compare_members
from hornbook.inference.trust.seen import Keys, recoded

CITIES = ("Oslo", "Rome", "Lima", "Bonn")
random = np.random.default_rng(0)
ROWS = [(place, round(size, 3), CITIES[place % 4]) for place, size in enumerate(random.normal(size=120))]
ROWS = [(*row, "yes" if row[1] + (row[2] == "Oslo") > 0.2 else "no", round(3 * row[1], 3)) for row in ROWS]
HEADING = "id,size,city,answer,amount\n"


def table(rows):
    return HEADING + "".join(",".join(map(str, row)) + "\n" for row in rows)


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def train(folder, name, *overrides, target="answer", columns=None):
    tree = {
        "name": name,
        "data": {"name": "table", "path": str(folder / "all.csv"), "target": target,
                 "columns": columns or ["size", "city"], "split": {"seed": 3, "validation": 24, "test": 24}},
        "model": {"name": "mlp", "units": [4]},
        "optimizer": {"name": "adam", "learning_rate": 0.05},
        "training": {"epochs": 2, "batch_size": 24, "engine": "graph"},
        "health": "off",
    }  # fmt: skip
    recipe = hornbook.load_recipe(tree, overrides)
    return str(hornbook.train(recipe, runs=str(folder / "runs"), progress=False).run)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tensorflow):
    folder = tmp_path_factory.mktemp("ensemble")
    (folder / "all.csv").write_text(table(ROWS), encoding="utf-8")
    fresh = [(place + 500, row[1] + 0.0004, *row[2:]) for place, row in enumerate(ROWS[:40])]
    (folder / "fresh.csv").write_text(table([*fresh, *ROWS[:8]]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pair(folder):
    """Two runs that differ in their seeds, on the same division of the examples."""
    return [train(folder, "pair", f"seed={seed}") for seed in (1, 2)]


def test_predictions_are_the_mean_of_the_runs_predictions(folder, pair, capsys):
    singles = []
    for run in pair:
        predict_file(run, folder / "fresh.csv", output=folder / "one.csv")
        singles.append([float(row["probability_yes"]) for row in rows_of(folder / "one.csv")])
    notes = predict_file(pair, folder / "fresh.csv", output=folder / "mean.csv", keep=["id"])
    rows = rows_of(folder / "mean.csv")
    mean = np.mean(singles, axis=0)
    np.testing.assert_allclose([float(row["probability_yes"]) for row in rows], mean, rtol=1e-5)
    assert [row["prediction"] for row in rows] == ["yes" if share > 0.5 else "no" for share in mean]
    assert [row["id"] for row in rows][:2] == ["500", "501"]
    assert "note: the mean of 2 runs." in notes
    assert any(
        note.startswith("note: on 24 examples of the test split, which no run has learned from") for note in notes
    )


def test_what_averaging_gains_is_measured_on_the_same_test_rows(pair):
    comparison = compare_members(Members(pair))
    test = split_of(pair[0], "test")
    scores = [np.asarray(load_run(run).model.predict(test.x, verbose=0))[:, 0] for run in pair]
    mean = np.mean(scores, axis=0)
    assert comparison.count == 24
    for row, share in zip(comparison.singles, scores, strict=True):
        assert row["accuracy"] == pytest.approx(accuracy_score(test.y, share > 0.5))
        assert row["cross_entropy"] == pytest.approx(log_loss(test.y, share), rel=1e-5)
    assert comparison.averaged["cross_entropy"] == pytest.approx(log_loss(test.y, mean), rel=1e-5)
    gain = comparison.gained["cross_entropy"]
    losses = [-np.where(test.y > 0, np.log(share), np.log1p(-share)) for share in (*scores, mean)]
    pairs = losses[2] - (losses[0] + losses[1]) / 2
    assert gain.mean == pytest.approx(pairs.mean(), rel=1e-4)
    assert gain.half == pytest.approx(1.96 * pairs.std(ddof=1) / np.sqrt(24), rel=1e-4)


def test_a_files_rows_that_a_run_has_learned_from_are_left_out(folder, pair):
    comparison = compare_members(Members(pair), input=folder / "fresh.csv")
    learned = 8 - sum(place in _ids_of_test(pair[0]) for place in range(8))
    assert comparison.count == 48 - learned
    assert f"note: left out {learned} of 48 examples, which one of the runs has learned from." in comparison.notes


def _ids_of_test(run):
    sizes = split_of(run, "test").x[:, 0]
    return {place for place, row in enumerate(ROWS) if np.float32(row[1]) in sizes}


def test_the_command_prints_a_table_that_fits(folder, pair, hornbook_command, monkeypatch):
    monkeypatch.chdir(folder)
    done = hornbook_command(f"hornbook evaluate {pair[0]} {pair[1]}")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "test split, 24 examples, 2 runs averaged"
    assert [line.split("  ")[0].strip() for line in lines[-4:-1]] == ["mean of the runs", "averaged", "gained"]
    assert max(map(len, lines)) <= 80
    done = hornbook_command(f"hornbook evaluate {pair[0]} {pair[1]} --json")
    record = json.loads(done.out)
    assert [row["run"] for row in record["runs"]] == [f"runs/pair/{run.rsplit('/', 1)[1]}" for run in pair]
    assert set(record["gained"]) == {"accuracy", "cross_entropy"}
    done = hornbook_command(f"hornbook evaluate {pair[0]} {pair[1]} --errors 3")
    assert (done.code, done.err) == (2, "--errors is about one run, and there are several to average. Leave it out.\n")
    done = hornbook_command(f"hornbook predict {pair[0]} {pair[1]} --split test")
    assert len(list(csv.DictReader(io.StringIO(done.out)))) == 24


def test_runs_that_mean_something_else_are_refused_with_all_differences(folder, pair):
    other = train(folder, "amounts", "training.epochs=1", target="amount", columns=["size", "id"])
    with pytest.raises(UsageError) as raised:
        Members([pair[0], other])
    text = str(raised.value)
    assert text.startswith("these runs cannot be averaged.\n  task: binary of ")
    assert ", regression of " in text
    assert "columns: city, size of " in text
    with pytest.raises(UsageError, match="the only run that is named. To average, name several."):
        Members([pair[0], pair[0]])


@pytest.mark.whole
def test_the_folds_of_an_ablation_are_its_members(folder, monkeypatch, hornbook_command):
    monkeypatch.chdir(folder)
    tree = {
        "name": "amount",
        "data": {"name": "table", "path": "all.csv", "target": "amount", "columns": ["size", "city"]},
        "model": {"name": "mlp", "units": [2]},
        "training": {"epochs": 1, "batch_size": 18, "engine": "graph"},
        "health": "off",
    }
    study, path = hornbook.ablate(tree, vary={"model.units": [[4]]}, folds=2, progress=False)
    assert study is not None
    done = hornbook_command("hornbook predict amount_ablation --input fresh.csv")
    assert done.code == 0
    predicted = [float(row["prediction"]) for row in csv.DictReader(io.StringIO(done.out))]
    members = Members([str(path)])
    scores, _ = members.scores_of_file("fresh.csv")
    assert len(scores) == 4
    np.testing.assert_allclose(predicted, np.mean(scores, axis=0)[:, 0], rtol=1e-5)
    assert "what averaging gains is not known: each example of the test split of" in done.err
    done = hornbook_command("hornbook evaluate amount_ablation")
    assert (done.code, "was used to train another of these runs" in done.err) == (2, True)
    comparison = compare_members(members, input="fresh.csv")
    truth = np.array([row[4] for row in ROWS[:40]])
    mean = np.mean(scores, axis=0)[:40, 0]
    assert comparison.averaged["root_mean_squared_error"] == pytest.approx(
        root_mean_squared_error(truth, mean), rel=1e-5
    )
    assert comparison.averaged["mean_absolute_error"] == pytest.approx(mean_absolute_error(truth, mean), rel=1e-5)


INFO = {
    "name": "t", "kind": "table", "input_shape": (2,), "input_dtype": "float32", "task": "binary", "num_classes": 2,
    "target_size": 1, "class_names": None, "vocabulary_size": None, "counts": {}, "class_counts": (), "fingerprint": "",
    "split_method": "random",
}  # fmt: skip
ONE = DataInfo(**INFO, features=(Feature("size", "number"), Feature("city", "category", ("Lima", "Oslo"))))
TWO = DataInfo(**INFO, features=(Feature("city", "category", ("Bonn", "Lima", "Oslo")), Feature("size", "number")))


def test_the_same_rows_are_known_again_in_another_runs_codes():
    one = np.array([[0.5, 1], [0.5, 2], [1.5, 0]], np.float32)  # Lima, Oslo, unknown to this run
    assert recoded(one, ONE, TWO).tolist() == [[2, 0.5], [3, 0.5], [0, 1.5]]
    keys, y = Keys(), np.array([0, 1, 1], np.int32)
    keys.add(one, y, ONE)
    two = np.array([[2, 0.5], [2, 0.5], [3, 0.5], [1, 1.5], [1, 2.5]], np.float32)
    found = keys.among(two, np.array([0, 1, 1, 1, 1], np.int32), TWO)
    assert found.tolist() == [True, False, True, True, False]  # Bonn may be what was unknown
