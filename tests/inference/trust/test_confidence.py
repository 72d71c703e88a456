"""Figures of a run's predictions by several ways, and the options of the two commands that show them."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import hornbook
from hornbook.inference.predicted import prediction_columns
from hornbook.inference.trained import Trained
from hornbook.inference.trust.confidence import assess
from hornbook.inference.uncertainty import sample_run
from hornbook.runs import Run

RNG = np.random.default_rng(4)
ROWS = RNG.normal(size=(60, 4)).astype(np.float32)
TARGETS = {
    "multiclass": RNG.integers(0, 3, 60),
    "binary": RNG.integers(0, 2, 60),
    "multilabel": RNG.integers(0, 2, (60, 3)),
    "regression": RNG.normal(size=60).astype(np.float32),
}
COLUMNS = {
    "multiclass": ["prediction", "probability_0", "probability_1", "probability_2", "std_0", "std_1", "std_2", "entropy",
                   "mutual_information"],
    "binary": ["prediction", "probability_1", "std_1", "entropy", "mutual_information"],
    "multilabel": ["0", "1", "2", "probability_0", "probability_1", "probability_2", "std_0", "std_1", "std_2",
                   "entropy_0", "entropy_1", "entropy_2", "mutual_information_0", "mutual_information_1",
                   "mutual_information_2"],
    "regression": ["prediction", "std"],
}  # fmt: skip


@pytest.mark.parametrize("task", TARGETS)
def test_every_task_has_columns_and_figures(prepare, task):
    prepared = prepare({"task": task, "regularization": {"dropout": 0.4}}, (ROWS, TARGETS[task]))
    trained = Trained(Run(Path("run")), prepared.recipe, prepared.splits.info, prepared.built.model, "last")
    found = sample_run(trained, ROWS, 20)
    columns = prediction_columns(found.mean, trained, found)
    assert list(columns) == COLUMNS[task]
    assert {len(values) for values in columns.values()} == {60}
    split = prepared.splits.train
    report = assess(trained, prepared.splits, split, mc_samples=20, calibration=False, temperature=False)
    assert set(report.figures) == {"plain", "monte_carlo"}
    y, scores = TARGETS[task], prepared.built.model.predict(ROWS, verbose=0)
    if task == "regression":
        error = np.sqrt(((scores[:, 0] - y) ** 2).mean())
        assert report.figures["plain"]["root_mean_squared_error"] == pytest.approx(error, rel=1e-5)
        assert report.uncertainty["all"]["mean_std"] == pytest.approx(found.std.mean())
    else:
        predicted = scores.argmax(axis=1) if task == "multiclass" else (scores > 0.5).reshape(y.shape)
        assert report.figures["plain"]["accuracy"] == pytest.approx((predicted == y).mean())
        right, wrong = (report.uncertainty[name] for name in ("right", "wrong"))
        assert right["examples"] == pytest.approx(report.figures["monte_carlo"]["accuracy"] * y.size)
        total = right["examples"] * right["mean_entropy"] + wrong["examples"] * wrong["mean_entropy"]
        assert total == pytest.approx(found.entropy.sum())
    assert [line for line in report.lines() if len(line) > 80] == []


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tensorflow):
    """A folder with two finished runs: digits with dropout, and linear regression."""
    folder = tmp_path_factory.mktemp("confidence")
    training = {"epochs": 8, "batch_size": 431, "engine": "graph"}  # 1293 examples
    digits = {"name": "digits", "data": "digits", "model": {"name": "mlp", "units": [30]}, "training": training}
    digits |= {"optimizer": {"name": "adam", "learning_rate": 0.01}, "regularization": {"dropout": 0.3}}
    hornbook.train(hornbook.load_recipe(digits), runs=str(folder / "runs"), progress=False)
    line = {"name": "line", "data": "diabetes", "model": {"name": "mlp", "units": [3]}}
    line["training"] = {"epochs": 1, "batch_size": 29, "engine": "graph"}
    hornbook.train(hornbook.load_recipe(line), runs=str(folder / "runs"), progress=False)
    np.savez(folder / "x.npz", x=np.random.default_rng(1).integers(0, 17, (5, 8, 8)))
    return folder


@pytest.fixture
def command(runs, monkeypatch, hornbook_command):
    """A function that runs a command beside the runs: exit code, stdout, stderr."""
    monkeypatch.chdir(runs)
    return hornbook_command


WAYS = "hornbook evaluate digits --mc-samples 20 --calibration --temperature"


@pytest.fixture(scope="module")
def measured():
    """Where what a command said is kept for other tests: {command: outcome}."""
    return {}


@pytest.fixture
def once(command, measured):
    """A function that runs a command of this file once, whoever asks."""
    return lambda line: measured[line] if line in measured else measured.setdefault(line, command(line))


@pytest.mark.whole
def test_evaluate_compares_the_ways_to_predict(command, once):
    code, text, errors = command(WAYS)
    assert (code, errors) == (0, "")
    assert [row for row in text.splitlines() if len(row) > 80] == []
    for words in ("log loss", "Brier score", "expected calibration error", "mean of 20", "reliability, plain"):
        assert words in text
    report = json.loads(once(WAYS + " --json")[1])
    figures = report["figures"]
    assert set(figures) == set(report["reliability"]) == {"plain", "temperature", "monte_carlo"}
    assert figures["plain"]["accuracy"] == pytest.approx(report["metrics"]["accuracy"])
    assert figures["plain"]["log_loss"] == pytest.approx(report["metrics"]["loss"], rel=1e-5)
    assert figures["temperature"]["accuracy"] == figures["plain"]["accuracy"]
    assert figures["monte_carlo"] != figures["plain"]
    assert (report["mc_samples"], report["count"]) == (20, 360)
    assert report["temperature"] > 0
    assert sum(item["examples"] for item in report["reliability"]["plain"]) == 360
    assert report["uncertainty"]["wrong"]["mean_entropy"] > report["uncertainty"]["right"]["mean_entropy"]
    again = json.loads(command(WAYS + " --json")[1])
    assert {**report, "cost": None} == {**again, "cost": None}  # but for how long predictions took


def test_a_temperature_lowers_the_log_loss_of_the_split_it_was_fitted_on(command):
    report = json.loads(command("hornbook evaluate digits --split validation --temperature --json")[1])
    assert report["figures"]["temperature"]["log_loss"] < report["figures"]["plain"]["log_loss"]
    assert report["reliability"] == {}


def test_evaluate_says_no_more_than_before_unless_asked(command):
    assert "Brier" not in command("hornbook evaluate digits")[1]
    assert "figures" not in json.loads(command("hornbook evaluate digits --json")[1])


def test_predict_writes_what_the_samples_say(command, once):
    code, text, errors = command("hornbook predict digits -i x.npz --mc-samples 30")
    assert (code, errors) == (0, "")
    rows = list(csv.DictReader(io.StringIO(text)))
    numbers = [str(digit) for digit in range(10)]
    assert list(rows[0]) == [
        "prediction", *(f"probability_{n}" for n in numbers), *(f"std_{n}" for n in numbers), "entropy", "mutual_information"
    ]  # fmt: skip
    assert command("hornbook predict digits -i x.npz -o y.npz --mc-samples 30")[0] == 0
    with np.load("y.npz") as arrays:
        assert arrays["std"].shape == (5, 10)
        for name in ("entropy", "mutual_information"):
            np.testing.assert_allclose(arrays[name], [float(row[name]) for row in rows], rtol=1e-6)
        assert (arrays["labels"] == [int(row["prediction"]) for row in rows]).all()
    plain = list(csv.DictReader(io.StringIO(once("hornbook predict digits -i x.npz")[1])))
    assert plain[0]["probability_0"] != rows[0]["probability_0"]


def test_predict_with_a_temperature_divides_the_logits(command, once):
    report = json.loads(once(WAYS + " --json")[1])
    code, text, note = command("hornbook predict digits -i x.npz --temperature")
    assert code == 0
    assert note == f"note: temperature {report['temperature']:.4g}, fitted on 144 validation examples.\n"
    names = [f"probability_{digit}" for digit in range(10)]
    plain_text = once("hornbook predict digits -i x.npz")[1]
    found, plain = (
        np.array([[float(row[name]) for name in names] for row in csv.DictReader(io.StringIO(lines))])
        for lines in (text, plain_text)
    )
    expected = plain ** (1 / report["temperature"])
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("predict digits -i x.npz --mc-samples 1", 2, "Invalid value for '--mc-samples': "),
        ("predict digits -i x.npz --mc-samples 9 --temperature", 2,
         "--temperature is fitted to predictions without dropout. Leave it out, or --mc-samples.\n"),
        ("evaluate line --mc-samples 9", 2, "line: Monte Carlo samples need dropout, and this model has none. "),
        ("evaluate line --calibration", 2, "--calibration is about probabilities of classes, and this run's task is "),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_a_message_and_no_output(command, line, code, message):
    found = command(f"hornbook {line}")
    assert (found[0], found[1]) == (code, "")
    assert message in found[2]
