"""Forecasts of a run: what follows a file, figures beside baselines, the page; and files that cannot be continued."""

import csv
import io
import json

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import hornbook
from hornbook.errors import DataError, RunError, UsageError
from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.predict import predict_file
from hornbook.inference.trained import load_run

BEGIN = np.datetime64("2024-01-01")


def values_of(name, days):
    day = np.arange(days)
    level, size = {"north": (100, 20), "south": (5, 1)}[name]
    return level + size * np.sin(2 * np.pi * day / 7) + size * 0.1 * np.random.default_rng(len(name)).normal(size=days)


def table(days, names=("north", "south"), heading="day,shop,sales"):
    rows = [
        (str(BEGIN + place), name, f"{value:.4f}")
        for name in names
        for place, value in enumerate(values_of(name, days).tolist())
    ]
    return heading + "\n" + "".join(",".join(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tensorflow):
    """A folder with two runs on the sales of two shops, one with a scale for each, and files beside them."""
    folder = tmp_path_factory.mktemp("sales")
    (folder / "train.csv").write_text(table(200))
    (folder / "later.csv").write_text(table(230))
    (folder / "short.csv").write_text(table(9))
    (folder / "strange.csv").write_text(table(30).replace("south", "west"))
    (folder / "gap.csv").write_text(
        "".join(table(30).splitlines(keepends=True)[:25] + table(30).splitlines(keepends=True)[26:])
    )
    tree = {
        "name": "each",
        "data": {
            "name": "windows", "path": str(folder / "train.csv"), "time": "day", "series": "shop", "target": "sales",
            "window": 14, "horizon": 3, "scaling": "series", "split": {"validation": 20},
        },
        "model": {"name": "mlp", "units": []},
        "optimizer": {"name": "adam", "learning_rate": 0.02},
        "training": {"epochs": 30, "batch_size": 16, "engine": "graph"},
    }  # fmt: skip
    hornbook.train(tree, runs=str(folder / "runs"), progress=False)
    tree["data"] |= {"scaling": "global"}
    hornbook.train(tree | {"name": "all", "training": {"epochs": 1}}, runs=str(folder / "runs"), progress=False)
    return folder


@pytest.fixture
def run(folder):
    """The name of a run."""
    return lambda name: str(folder / "runs" / name / "latest")


def predicted(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_each_series_of_a_file_is_continued_from_its_last_window(folder, run, capsys):
    assert predict_file(run("each"), folder / "later.csv", output=None) == ()
    rows = predicted(capsys.readouterr().out)
    assert [(row["day"], row["shop"]) for row in rows] == [
        (str(BEGIN + day), shop) for shop in ("north", "south") for day in (230, 231, 232)
    ]
    model = load_run(run("each")).model
    for number, name in enumerate(("north", "south")):
        window = np.round(values_of(name, 230)[-14:], 4).astype(np.float32)
        x = np.stack([window, np.full(14, number, np.float32)], axis=1)[None]
        found = [float(row["prediction"]) for row in rows[3 * number :][:3]]
        assert found == pytest.approx(model.predict(x, verbose=0)[0].tolist(), rel=1e-6)


def test_the_forecast_of_the_scaled_network_follows_both_shops(folder, run, capsys):
    predict_file(run("each"), folder / "later.csv", output=None)
    rows = predicted(capsys.readouterr().out)
    for name, level, size in (("north", 100, 20), ("south", 5, 1)):
        day = np.arange(230, 233)
        expected = level + size * np.sin(2 * np.pi * day / 7)
        found = [float(row["prediction"]) for row in rows if row["shop"] == name]
        assert found == pytest.approx(expected, abs=0.5 * size)


def test_arrays_say_which_rows_scores_are_of(folder, run, tmp_path):
    notes = predict_file(run("each"), folder / "later.csv", output=tmp_path / "p.npz")
    assert notes == (f"wrote 6 predictions to {tmp_path / 'p.npz'}",)
    arrays = np.load(tmp_path / "p.npz")
    assert arrays["times"].tolist() == [[str(BEGIN + day) for day in (230, 231, 232)]] * 2
    assert arrays["series"].tolist() == ["north", "south"]
    assert arrays["scores"].shape == (2, 3)


def test_a_run_with_one_scale_continues_series_that_it_has_never_seen(folder, run, capsys):
    predict_file(run("all"), folder / "strange.csv", output=None)
    assert {row["shop"] for row in predicted(capsys.readouterr().out)} == {"north", "west"}


def test_rows_of_standard_input_are_continued(folder, run, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(table(40, names=("north",))))
    predict_file(run("each"), "-", output=None)
    assert [row["day"] for row in predicted(capsys.readouterr().out)] == [str(BEGIN + day) for day in (40, 41, 42)]


def test_months_are_continued_as_the_file_writes_them(tmp_path, tensorflow, capsys):
    rows = "".join(f"{place % 12 + 1:02}/{1990 + place // 12},{place % 12}\n" for place in range(110))
    (tmp_path / "months.csv").write_text("month,sold\n" + rows)
    tree = {
        "data": {
            "name": "windows", "path": str(tmp_path / "months.csv"), "time": "month", "target": "sold", "window": 3,
            "format": "%m/%Y", "horizon": 2,
        },
        "model": "mlp",
        "training": {"epochs": 1, "engine": "graph"},
    }  # fmt: skip
    run = hornbook.train(tree, runs=str(tmp_path / "runs"), progress=False).run
    predict_file(str(run), tmp_path / "months.csv", output=None)
    assert [row["month"] for row in predicted(capsys.readouterr().out)] == ["03/1999", "04/1999"]


@pytest.mark.parametrize(
    ("name", "file", "options", "expected"),
    [
        (
            "each",
            "short.csv",
            {},
            "the model sees the last 14 rows of a series, 1 day apart: series 'north' has 9; series 'south' has 9. Give it "
            "more history.",
        ),
        (
            "each",
            "gap.csv",
            {},
            "the model sees the last 14 rows of a series, 1 day apart: series 'north' has 5 since a gap or missing value before "
            "2024-01-26. Give it more history, or leave out its rows.",
        ),
        (
            "each",
            "strange.csv",
            {},
            "series 'west' was not in the training data, and the model knows the scale of those alone that were: 'north', "
            "'south'. Leave out their rows, or train with 'scaling: global'.",
        ),
        (
            "each",
            "later.csv",
            {"missing": "fill"},
            "a row without a value is a gap in its series. Fill it in in the file.",
        ),
        ("each", "later.csv", {"keep": ["shop"]}, "a forecast is of rows that the file does not have."),
    ],
)
def test_a_file_that_cannot_be_continued_is_refused_in_words(folder, run, name, file, options, expected):
    with pytest.raises((DataError, UsageError)) as caught:
        predict_file(run(name), folder / file, output=None, **options)
    assert expected in str(caught.value)


def test_a_file_without_the_columns_of_the_run_is_refused(folder, run, tmp_path):
    (tmp_path / "x.csv").write_text(table(30, heading="day,shop,sold"))
    with pytest.raises(DataError, match="no column 'sales'"):
        predict_file(run("each"), tmp_path / "x.csv", output=None)


def test_figures_beside_baselines_are_those_of_numpy(folder, run):
    report = evaluate_run(run("each"))
    record, trained = report.forecast, load_run(run("each"))
    days = np.arange(160, 200)
    seen, following, last, season, mean = [], [], [], [], []
    for number, name in enumerate(("north", "south")):
        values = np.round(values_of(name, 200), 4)[days].astype(np.float32)
        trained_on = np.round(values_of(name, 200), 4)[:140]
        means = np.array([trained_on[14 + ahead : 140 - 2 + ahead].mean() for ahead in range(3)])  # of its own shop
        for start in range(40 - 17 + 1):
            truth = values[start + 14 : start + 17]
            seen.append(np.stack([values[start : start + 14], np.full(14, number)], axis=1))
            following.append(truth)
            last.append(values[start + 13] - truth)
            season.append(values[start + 7 : start + 10] - truth)
            mean.append(means - truth)
    errors = trained.model.predict(np.array(seen, np.float32), verbose=0) - np.array(following)
    assert (record["examples"], record["season"]) == (48, 7)
    for name, differences in (("model", errors), ("last value", last), ("seasonal", season), ("training mean", mean)):
        differences = np.array(differences, np.float64)
        figures = record["figures"][name]
        assert figures["mean_absolute_error"] == pytest.approx(np.abs(differences).mean(), rel=1e-4)
        assert figures["root_mean_squared_error"] == pytest.approx(np.sqrt((differences**2).mean()), rel=1e-4)
        assert record["steps"][name]["mean_absolute_error"] == pytest.approx(np.abs(differences).mean(axis=0), rel=1e-4)
    changes = [
        np.abs(np.round(values_of(name, 200), 4)[7:140] - np.round(values_of(name, 200), 4)[:133])
        for name in ("north", "south")
    ]
    scaled = record["figures"]["seasonal"]["mean_absolute_scaled_error"]
    assert scaled == pytest.approx(np.abs(season).mean() / np.concatenate(changes).mean(), rel=1e-3)
    result = json.loads((load_run(run("each")).run.path / "result.json").read_text())
    assert result["forecast"]["figures"] == {
        name: pytest.approx(figures) for name, figures in record["figures"].items()
    }
    text = report.text()
    assert "season of 7" in text
    assert "MAE at step" in text


def test_a_split_is_not_read_by_the_scales_of_other_series(tmp_path, tensorflow):
    file = tmp_path / "t.csv"
    file.write_text(table(120, ("north", "south")))
    tree = {
        "data": {
            "name": "windows", "path": str(file), "time": "day", "series": "shop", "target": "sales",
            "window": 7, "scaling": "series", "split": {"validation": 20},
        },
        "model": "mlp",
        "training": {"epochs": 1, "engine": "graph"},
    }  # fmt: skip
    run = str(hornbook.train(tree, runs=str(tmp_path / "runs"), progress=False).run)
    file.write_text(table(121))
    assert evaluate_run(run, anyway=True).metrics
    file.write_text(table(120, ("south",)))
    with pytest.raises(RunError, match="Its series are others now, so that numbers of series would mean other scales"):
        evaluate_run(run, anyway=True)
    assert evaluate_run(run, input=file).metrics


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("short.csv", "the longest series has 9 rows, and what the model sees and what follows it take 17 (14 and 3). Give it "
         "more rows."),
        ("pieces.csv", "the longest series has 30 rows, 15 of them without a gap, and what the model sees and what follows it "
         "take 17 (14 and 3). Give it more rows, or fill the gaps."),
    ],
)  # fmt: skip
def test_a_file_without_a_window_to_evaluate_is_refused_with_its_own_length(folder, run, file, expected):
    lines = table(31).splitlines(keepends=True)
    (folder / "pieces.csv").write_text("".join(lines[:1] + [line for line in lines[1:] if "2024-01-16" not in line]))
    with pytest.raises(DataError) as caught:
        evaluate_run(run("each"), input=folder / file)
    assert expected in str(caught.value)
    assert "split" not in str(caught.value)


def test_a_file_is_evaluated_on_all_of_its_windows(folder, run):
    report = evaluate_run(run("each"), input=folder / "later.csv")
    assert report.count == 2 * (230 - 17 + 1)
    assert {*report.forecast["figures"]} == {"model", "last value", "seasonal"}


def test_the_linear_model_reaches_what_least_squares_reach(tmp_path, tensorflow):
    generator = np.random.default_rng(4)
    values = np.zeros(400)
    for place in range(2, 400):
        values[place] = 1.6 * values[place - 1] - 0.8 * values[place - 2] + generator.normal()
    rows = "".join(f"{place},{value:.5f}\n" for place, value in enumerate(values.tolist()))
    (tmp_path / "ar.csv").write_text("t,v\n" + rows)
    tree = {
        "data": {
            "name": "windows",
            "path": str(tmp_path / "ar.csv"),
            "time": "t",
            "target": "v",
            "window": 4,
            "horizon": 2,
        },
        "model": {"name": "mlp", "units": []},
        "optimizer": {"name": "adam", "learning_rate": 0.05},
        "training": {"epochs": 40, "batch_size": 32, "engine": "graph", "metrics": ["mean_squared_error"]},
    }
    result = hornbook.train(tree, runs=str(tmp_path / "runs"), progress=False)
    windows = np.lib.stride_tricks.sliding_window_view(values.astype(np.float32), 6)
    train, test = windows[: 288 - 5], windows[320 : 400 - 5]
    fitted = LinearRegression().fit(train[:, :4], train[:, 4:])
    best = float(np.square(fitted.predict(test[:, :4]) - test[:, 4:]).mean())
    assert result.test["mean_squared_error"] == pytest.approx(best, rel=0.05)
    assert result.forecast["figures"]["last value"]["root_mean_squared_error"] ** 2 > 1.2 * best


def test_the_page_shows_forecasts_and_their_errors(folder, run):
    from hornbook.inference.report.page import page_of

    page = page_of(load_run(run("each")).run)
    assert "a window with an error in the middle of all" in page
    assert "Grey is the end of what the model saw" in page
    assert "mean absolute error, step by step" in page
    assert "season of 7" in page
