"""Files whose rows have weights, or no target: figures against scikit-learn's with the same weights."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, log_loss, recall_score

import hornbook
from hornbook.errors import UsageError
from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.predict import predict_file
from hornbook.inference.trained import load_run

RNG = np.random.default_rng(3)
ROWS = [(round(size, 2), ("no", "yes")[int(size + noise > 0)], (0, 0.5, 3)[n % 3])
        for n, (size, noise) in enumerate(RNG.normal(size=(60, 2)))]  # fmt: skip
HEADING = "size,answer,often\n"


def text(rows):
    return HEADING + "".join(",".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture(scope="module")
def run(tmp_path_factory, tensorflow):
    folder = tmp_path_factory.mktemp("weighted")
    (folder / "train.csv").write_text(text(ROWS) + "5,,1\n")
    (folder / "new.csv").write_text(text(ROWS[:24]) + "7,?,9\n")
    (folder / "plain.csv").write_text("size,answer\n" + "".join(f"{row[0]},{row[1]}\n" for row in ROWS[:24]))
    tree = {
        "name": "weighted",
        "data": {
            "name": "table", "path": str(folder / "train.csv"), "target": "answer", "weight": "often",
            "missing_targets": "drop", "split": {"validation": 6, "test": 6},
        },
        "model": {"name": "mlp", "units": [3]},
        "training": {"epochs": 2, "batch_size": 16, "engine": "graph"},
    }  # fmt: skip
    hornbook.train(tree, runs=str(folder / "runs"), progress=False)
    return folder


def test_figures_of_a_file_are_weighted(run):
    report = evaluate_run(str(run / "runs" / "weighted"), input=run / "new.csv", calibration=True)
    model = load_run(str(run / "runs" / "weighted")).model
    x = np.array([row[0] for row in ROWS[:24]], np.float32)[:, None]
    y, weights = np.array([row[1] == "yes" for row in ROWS[:24]]), np.array([row[2] for row in ROWS[:24]])
    yes = np.asarray(model(x))[:, 0].astype(np.float64)
    assert report.count == 24
    assert any("left out 1 of 25 rows, which have no target" in note for note in report.notes)
    assert report.metrics["accuracy"] == pytest.approx(np.average((yes > 0.5) == y, weights=weights))
    np.testing.assert_allclose(report.confusion, confusion_matrix(y, yes > 0.5, sample_weight=weights))
    assert report.classes["yes"]["recall"] == pytest.approx(recall_score(y, yes > 0.5, sample_weight=weights))
    figures = report.confidence.figures["plain"]
    assert figures["log_loss"] == pytest.approx(log_loss(y, yes, sample_weight=weights), rel=1e-5)
    assert figures["brier"] == pytest.approx(np.average((yes - y) ** 2, weights=weights), rel=1e-5)
    lines = report.text().splitlines()
    assert lines[0].endswith("24 examples, last weights, weighted")
    assert max(map(len, lines[1:])) <= 80


def test_a_file_without_weights_counts_all_alike_and_says_so(run):
    report = evaluate_run(str(run / "runs" / "weighted"), input=run / "plain.csv")
    assert any("nothing is called 'often', which weighs the run's examples" in note for note in report.notes)
    assert sum(map(sum, report.confusion)) == 24


def test_predictions_are_not_written_over_a_file_of_a_pattern(run):
    before = (run / "plain.csv").read_text()
    with pytest.raises(UsageError, match="this is the input. Write the predictions to another file"):
        predict_file(str(run / "runs" / "weighted"), run / "pl*.csv", output=run / "plain.csv")
    assert (run / "plain.csv").read_text() == before
