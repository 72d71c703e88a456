"""Predictions and figures for files of one's own: labelled ones, gaps, columns that are kept, thresholds, arrays, stdin."""

import csv
import io
import json

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

import hornbook
from hornbook.errors import DataError, UsageError
from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.predict import predict_file

CITIES = ("Oslo", "Rome", "Lima")
ROWS = [(place, (place * 37 % 101) / 10, CITIES[place % 3]) for place in range(60)]
ROWS = [(*row, "yes" if row[1] + (row[2] == "Oslo") > 5 else "no") for row in ROWS]


def table(rows, heading="id,size,city,answer"):
    return heading + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tensorflow):
    """A folder with a run on a table of a number and a category, and files beside it."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "train.csv").write_text(table(ROWS))
    (folder / "labelled.csv").write_text(table(ROWS[:20]))
    (folder / "gaps.csv").write_text(table([(7, "", "Oslo", "no"), (8, 3, "Rome", "no"), (9, 4.5, "", "yes")]))
    tree = {
        "name": "answers",
        "data": {"name": "table", "path": str(folder / "train.csv"), "target": "answer", "drop": ["id"]},
        "model": {"name": "mlp", "units": [4]},
        "optimizer": {"name": "adam", "learning_rate": 0.05},
        "training": {"epochs": 5, "batch_size": 6, "engine": "graph", "metrics": ["accuracy", "precision", "recall"]},
    }
    hornbook.train(tree, runs=str(folder / "runs"), progress=False)
    x = np.array([row[:2] for row in ROWS], np.float32)
    arrays = {"x": x * 0, "measured": x, "answers": np.array([row[3] for row in ROWS])}
    np.savez(folder / "arrays.npz", **arrays)
    tree |= {"name": "arrays", "data": {"name": "npz", "path": str(folder / "arrays.npz")}}
    tree["data"] |= {"inputs": "measured", "targets": "answers"}
    tree["training"] |= {"epochs": 1, "metrics": ["accuracy"]}
    hornbook.train(tree, runs=str(folder / "runs"), progress=False)
    return folder


@pytest.fixture
def command(folder, monkeypatch, hornbook_command):
    """A function that runs a command in the folder."""
    monkeypatch.chdir(folder)
    return hornbook_command


def predicted(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def scores(folder):
    """The probability of "yes" of each row of the labelled file."""
    predict_file(str(folder / "runs/answers"), folder / "labelled.csv", output=folder / "all.npz")
    with np.load(folder / "all.npz") as arrays:
        return arrays["probabilities"][:, 0]


def test_a_labelled_file_gives_the_figures_of_its_rows(command, scores):
    code, out, err = command("hornbook evaluate answers --input labelled.csv --json")
    assert code == 0
    assert err == "note: labelled.csv: columns that the model does not read: id.\n"
    report = json.loads(out)
    truth = np.array([row[3] == "yes" for row in ROWS[:20]])
    yes = scores > 0.5
    assert (report["input"], report["split"], report["count"]) == ("labelled.csv", None, 20)
    assert report["metrics"]["accuracy"] == pytest.approx((yes == truth).mean())
    assert np.trace(report["confusion"]) == (yes == truth).sum()
    assert report["threshold"] == 0.5


def test_what_the_model_does_not_know_of_a_labelled_file_is_said(command, folder):
    (folder / "unseen.csv").write_text(table([(1, 2, "Paris", "no"), (2, 8, "Oslo", "yes")]))
    code, _, err = command("hornbook evaluate answers --input unseen.csv")
    assert code == 0
    assert "note: unseen.csv: column 'city': 1 of 2 rows has no category, or one that training did not have" in err
    (folder / "typo.csv").write_text(table([(1, 2, "Oslo", "no"), (2, 8, "Oslo", "maybe")]))
    code, _, err = command("hornbook evaluate answers --input typo.csv")
    assert code == 1
    assert "typo.csv: answer: the targets hold classes that the model does not know: maybe. Known: no, yes." in err
    code, _, err = command("hornbook evaluate answers --input labelled.csv --split train")
    assert (code, err.split(",")[0]) == (2, "--split train is of the run's own data")
    (folder / "unlabelled.csv").write_text("size,city\n1,Oslo\n")
    assert "no column 'answer', the target" in command("hornbook evaluate answers --input unlabelled.csv")[2]


def test_a_file_of_ones_own_needs_no_data_of_the_run(command, folder):
    path = folder / "train.csv"
    before = path.read_text()
    path.unlink()
    try:
        code, text, _ = command("hornbook evaluate answers --input labelled.csv")
        assert code == 0
        assert text.startswith("labelled.csv by runs/answers/")
    finally:
        path.write_text(before)


def test_a_threshold_decides_about_labels_and_metrics(command, scores):
    threshold = float(np.sort(scores)[4]) - 1e-4  # far from 0.5: all but four are yes
    yes, truth = scores > threshold, np.array([row[3] == "yes" for row in ROWS[:20]])
    assert 0 < threshold < 0.5
    code, out, err = command(f"hornbook predict answers -i labelled.csv --threshold {threshold}")
    assert code == 0
    assert [row["prediction"] for row in predicted(out)] == ["yes" if one else "no" for one in yes]
    assert f"note: labels by threshold {threshold:g}; the run's own is 0.5." in err
    code, out, err = command(f"hornbook evaluate answers -i labelled.csv --threshold {threshold} --json")
    report = json.loads(out)
    assert report["threshold"] == pytest.approx(threshold)
    assert report["metrics"]["accuracy"] == pytest.approx((yes == truth).mean())
    assert report["metrics"]["precision"] == pytest.approx(precision_score(truth, yes))
    assert report["metrics"]["recall"] == pytest.approx(recall_score(truth, yes))
    assert report["classes"]["yes"]["precision"] == pytest.approx(precision_score(truth, yes))
    assert "note: labels and metrics by threshold" in err
    assert command("hornbook predict answers -i labelled.csv --threshold 1.5")[0] == 2
    assert command("hornbook evaluate answers --threshold 0.3 --calibration")[0] == 2


def test_columns_are_kept_beside_the_predictions(command, folder):
    rows = predicted(command("hornbook predict answers -i labelled.csv --keep id --keep city")[1])
    assert list(rows[0]) == ["id", "city", "prediction", "probability_yes"]
    assert [(row["id"], row["city"]) for row in rows] == [(str(row[0]), row[2]) for row in ROWS[:20]]
    assert command("hornbook predict answers -i labelled.csv --keep id -o kept.npz")[0] == 0
    with np.load(folder / "kept.npz") as arrays:
        assert arrays["id"].tolist() == [str(place) for place in range(20)]
        assert len(arrays["labels"]) == 20
    code, _, err = command("hornbook predict answers -i labelled.csv --keep idd")
    assert code == 1
    assert "no column 'idd'. Did you mean 'id'?" in err
    (folder / "taken.csv").write_text(table([(1, 2, "Oslo", "no")], "prediction,size,city,answer"))
    assert command("hornbook predict answers -i taken.csv --keep prediction")[0] == 2


def test_missing_values_are_filled_skipped_or_refused(command, folder):
    code, out, err = command("hornbook predict answers -i gaps.csv --keep id")
    assert (code, out) == (1, "")
    assert "--missing fill and --missing skip" in err
    code, out, err = command("hornbook predict answers -i gaps.csv --keep id --missing skip")
    assert [row["id"] for row in predicted(out)] == ["8"]
    assert "gaps.csv: left out 2 rows with missing values: 1, 3." in err
    code, out, err = command("hornbook predict answers -i gaps.csv --keep id --missing fill")
    assert [row["id"] for row in predicted(out)] == ["7", "8", "9"]
    assert "gaps.csv: filled 1 missing value with the training mean." in err
    splits = hornbook.load_recipe(folder / "runs/answers/latest/recipe.yaml")
    from hornbook.data import load_data

    mean = load_data(splits).splits.preprocessing.mean[0]
    (folder / "mean.csv").write_text(table([(7, mean, "Oslo", "no")]))
    filled = float(predicted(out)[0]["probability_yes"])
    mean_row = predicted(command("hornbook predict answers -i mean.csv")[1])[0]
    assert filled == pytest.approx(float(mean_row["probability_yes"]), abs=1e-5)
    report = evaluate_run(str(folder / "runs/answers"), input=folder / "gaps.csv", missing="skip")
    assert report.count == 1


def test_rows_come_from_standard_input(command, folder):
    text = (folder / "labelled.csv").read_text()
    piped = command("hornbook predict answers -i - --keep id", stdin=text)
    assert piped.out == command("hornbook predict answers -i labelled.csv --keep id").out
    assert piped.err == "stdin: columns that the model does not read: answer.\n"
    assert command("hornbook evaluate answers -i -", stdin=text).out.startswith("- by runs/answers/")
    code, out, err = command("hornbook predict answers -i -", stdin="size\n1\n")
    assert (code, out) == (1, "")
    assert err.startswith("stdin: no column 'city'")


def test_the_recipes_array_comes_first_and_another_can_be_named(command, folder):
    def rows(options=""):
        code, out, err = command(f"hornbook predict arrays -i arrays.npz {options}")
        assert code == 0
        return [row["probability_yes"] for row in predicted(out)], err

    measured, err = rows()
    assert err == "arrays.npz: predicting on 'measured'; not read: x, answers.\n"
    assert len({*measured}) > 1
    zeros, err = rows("--array x --keep answers")
    assert len({*zeros}) == 1
    assert err == ""
    report = evaluate_run(str(folder / "runs/arrays"), input=folder / "arrays.npz")
    truth = [row[3] == "yes" for row in ROWS]
    assert report.metrics["accuracy"] == pytest.approx(np.mean((np.array(measured, float) > 0.5) == truth))
    with pytest.raises(DataError, match="no array 'z'"):
        predict_file(str(folder / "runs/arrays"), folder / "arrays.npz", output=None, array="z")
    with pytest.raises(UsageError, match="a table has no array"):
        predict_file(str(folder / "runs/answers"), folder / "labelled.csv", output=None, array="x")


@pytest.mark.whole
def test_arrays_on_disk_are_filled_and_skipped_as_they_are_read(folder, tmp_path, monkeypatch):
    x = np.array([row[:2] for row in ROWS], np.float32)
    x[3, 1] = np.nan
    np.savez(tmp_path / "new.npz", measured=x, row=np.arange(60))
    run = str(folder / "runs/arrays")

    def arrays(missing):
        notes = predict_file(run, tmp_path / "new.npz", output=tmp_path / "out.npz", missing=missing, keep=["row"])
        with np.load(tmp_path / "out.npz") as found:
            return dict(found), notes

    whole = {missing: arrays(missing) for missing in ("fill", "skip")}
    monkeypatch.setattr("hornbook.inference.examples.memory_budget", lambda recipe: 100)
    for missing, (expected, notes) in whole.items():
        found, same = arrays(missing)
        assert same == notes
        np.testing.assert_allclose(found["probabilities"], expected["probabilities"], rtol=1e-5)
        np.testing.assert_array_equal(found["row"], expected["row"])
    assert whole["skip"][0]["row"].tolist() == [row for row in range(60) if row != 3]
