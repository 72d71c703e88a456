"""What training did not see adds nothing to a prediction, and is counted wherever rows are read."""

import numpy as np
import pytest

import hornbook
from hornbook.errors import RunError
from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.predict import predict_file

CITIES = {"Bern": 1.0, "Oslo": 2.0, "Rome": 3.0}
NOTE = (
    "column 'city': {} of {} {} have no category, or one that training did not have; it adds nothing to the prediction."
)


def rows(cities, generator):
    numbers = generator.normal(size=len(cities))
    return "".join(
        f"{city},{number:.4f},{CITIES.get(city, 0) + 0.1 * number:.4f}\n"
        for city, number in zip(cities, numbers, strict=True)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tensorflow):
    folder, generator = tmp_path_factory.mktemp("cities"), np.random.default_rng(0)
    heading = "city,number,y\n"
    (folder / "train.csv").write_text(heading + rows(generator.choice(list(CITIES), 90), generator))
    (folder / "test.csv").write_text(heading + rows(["Bern", "Kyiv", "Oslo", ""] * 5, generator))
    (folder / "new.csv").write_text("city,number\nBern,0.5\nKyiv,0.5\n,0.5\n")
    (folder / "gaps.csv").write_text(heading + rows(generator.choice([*CITIES, ""], 90), generator))
    return folder


def trained(folder, seed, path="train.csv"):
    """Return a run, and what it predicts without any city: the network with those columns at 0."""
    tree = {
        "name": f"cities_{seed}",
        "data": {"name": "table", "path": str(folder / path), "test_path": str(folder / "test.csv"), "target": "y"},
        "model": {"name": "mlp", "units": [8]},
        "head": {"standardize_targets": False},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {"epochs": 3, "batch_size": 27, "engine": "graph"},
        "seed": seed,
    }
    return hornbook.train(tree, runs=str(folder / "runs"), progress=False)


def by_hand(model, mean, deviation, number):
    """Return the network's output with no city: the number alone, in plain NumPy."""
    hidden, head = model.get_layer("hidden_1"), model.get_layer("head")
    kernel, bias = (np.asarray(weight) for weight in hidden.weights)
    z = (number - mean) / deviation * kernel[0] + bias  # numbers come before categories
    last, last_bias = (np.asarray(weight) for weight in head.weights)
    return float((np.maximum(z, 0) @ last + last_bias)[0])


def test_unknown_and_missing_categories_are_neutral(folder):
    result = trained(folder, 1)
    standardize = result.model.get_layer("standardize")
    mean, deviation = (
        float(np.asarray(value).ravel()[1]) for value in (standardize.mean, np.sqrt(standardize.variance))
    )
    output = folder / "new_predictions.csv"
    notes = predict_file(str(result.run), folder / "new.csv", output=output)
    known, unknown, missing = (float(line) for line in output.read_text().split()[1:])
    assert unknown == missing == pytest.approx(by_hand(result.model, mean, deviation, 0.5), rel=1e-5)
    assert known != unknown
    assert "new.csv: " + NOTE.format(2, 3, "rows") in notes
    report = evaluate_run(str(result.run))
    assert "note: " + NOTE.format(10, 20, "test rows") in report.notes
    assert NOTE.format(10, 20, "test rows") in (result.run / "log.txt").read_text()


def test_a_gap_that_training_has_is_learned(folder):
    result = trained(folder, 2, path="gaps.csv")
    assert "have no category" not in (result.run / "log.txt").read_text()
    kernel = np.asarray(result.model.get_layer("hidden_1").kernel)
    notes = predict_file(str(result.run), folder / "new.csv", output=folder / "gap_predictions.csv")
    assert "new.csv: column 'city': 1 row holds a category that training did not have." in notes
    _, unknown, missing = (float(line) for line in (folder / "gap_predictions.csv").read_text().split()[1:])
    assert unknown == missing
    assert kernel.shape == (1 + 4, 8)


def test_a_split_is_not_read_by_other_categories(tmp_path, tensorflow):
    file, generator = tmp_path / "t.csv", np.random.default_rng(1)
    known = rows(generator.choice(list(CITIES), 90), generator)
    file.write_text("city,number,y\n" + known)
    tree = {
        "data": {"name": "table", "path": str(file), "target": "y"},
        "model": "mlp",
        "training": {"epochs": 1, "batch_size": 20, "engine": "graph"},
    }
    run = str(hornbook.train(tree, runs=str(tmp_path / "runs"), progress=False).run)
    file.write_text("city,number,y\n" + known + rows(["Oslo"] * 5, generator))
    assert evaluate_run(run, anyway=True).metrics
    file.write_text("city,number,y\n" + known + rows(["Aden"] * 40, generator))
    with pytest.raises(RunError, match="Its columns or their categories are others now"):
        evaluate_run(run, anyway=True)
    assert evaluate_run(run, input=file).metrics
