"""train, evaluate and predict in one process, on small recipes: what goes where, and with which exit code."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("tensorflow")

IRIS = """\
data: iris
model: {name: mlp, units: [8]}
training: {epochs: 3, batch_size: 27, early_stopping: {patience: 2}, engine: graph}
"""
TABLE = "age,colour,label\n" + "".join(
    f"{20 + i % 40},{('red', 'blue')[i % 2]},{('no', 'yes')[i % 2]}\n" for i in range(60)
)


@pytest.fixture(autouse=True)
def recipes(workplace):
    Path("iris.yaml").write_text(IRIS, encoding="utf-8")


@pytest.fixture(scope="module")
def finished(tensorflow, tmp_path_factory):
    """A folder of runs with a finished one of iris.yaml."""
    import hornbook

    folder = tmp_path_factory.mktemp("finished")
    (folder / "iris.yaml").write_text(IRIS, encoding="utf-8")
    hornbook.train(hornbook.load_recipe(folder / "iris.yaml"), runs=folder / "runs", progress=False)
    return folder / "runs"


@pytest.fixture
def trained(finished, workplace):
    """A finished run of iris.yaml."""
    shutil.copytree(finished, "runs", symlinks=True)


def test_progress_goes_to_stderr_the_result_to_stdout_and_both_to_the_log(hornbook_command):
    done = hornbook_command("hornbook train -c iris.yaml")
    assert done.code == 0
    progress, result = done.err.splitlines(), done.out.splitlines()
    assert progress[0] == "iris   iris: 150 rows of 4 columns, 3 classes"
    assert progress[1].strip() == "108 train, 12 validation, 30 test"
    assert [line.split()[0] for line in progress[4:]] == ["epoch", "1", "2", "3", "page"]
    heads = [line.split()[0] for line in result if not line.startswith(" ")]  # the reason may take a second line
    assert heads == ["test", "ended", "run", "next"]
    assert result[-2] == "next    hornbook evaluate runs/iris/latest"
    assert [line for line in progress + result if len(line) > 80] == []
    log = Path("runs/iris/latest/log.txt").read_text(encoding="utf-8")
    assert log.splitlines() == progress[:-1] + result  # how to get a page is said by the command alone
    assert [char for char in done.out + done.err if ord(char) < 32 and char != "\n"] == []  # neither is a terminal


def test_quiet_prints_only_the_result_and_gates_that_hold_exit_with_0(hornbook_command):
    done = hornbook_command("hornbook train -c iris.yaml --quiet --require 'val_loss<1e9' --require 'test_loss<1e9'")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("iris: finished after 3 epochs (all 3 epochs done)\n  validation loss ")


def test_json_prints_one_object_on_stdout_also_where_a_gate_fails_which_exits_with_3(hornbook_command):
    done = hornbook_command("hornbook train -c iris.yaml --json --require 'test_loss<0'")
    assert done.code == 3
    result = json.loads(done.out)
    assert set(result) >= {"run", "state", "stop_reason", "epochs", "best_epoch", "final", "validation", "test"}
    assert (result["state"], result["epochs"]) == ("finished", 3)
    assert Path(result["run"], "result.json").is_file()
    assert "epoch" in done.err
    assert done.err.splitlines()[-1].startswith("gate not met: test_loss is ")


def test_dry_run_prints_the_plan_and_leaves_nothing(hornbook_command):
    done = hornbook_command("hornbook train -c iris.yaml --dry-run schedule=cosine")
    lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert next(line for line in lines if line.startswith("total")).split() == ["total", "67"]  # 4·8 + 8 + 8·3 + 3
    assert "steps     12 in 3 epochs of 4 batches of 27" in lines
    assert next(line for line in lines if line.startswith("rate")).startswith("rate      cosine: 0.001 to ")
    hidden = next(line for line in lines if line.startswith("hidden_1 ")).split()
    assert hidden[:4] == ["hidden_1", "Dense", "8", "40"]
    assert 1.2 < float(hidden[4]) < 1.6  # standardized inputs and He's variance 2/fan_in: √2
    assert next(line for line in lines if line.startswith("memory")).startswith("memory    about ")
    assert next(line for line in lines if line.startswith("time")).startswith("time      very roughly ")
    assert [line for line in lines if len(line) > 80] == []
    assert not Path("runs").exists()


def test_a_gate_on_training_measures_the_final_weights_on_the_training_split(hornbook_command):
    done = hornbook_command("hornbook train -c iris.yaml -q --require 'train_accuracy>1' --require 'accuracy>=0'")
    assert done.code == 3
    said, failed = done.err.splitlines()
    assert said == "--require: 'accuracy' is taken as 'test_accuracy'."
    report = json.loads(hornbook_command("hornbook evaluate iris --split train --json").out)
    assert failed == f"gate not met: train_accuracy is {report['metrics']['accuracy']:.4g}, required > 1."


def test_evaluate_takes_gates_on_any_split_after_its_report(trained, hornbook_command):
    done = hornbook_command("hornbook evaluate iris --json --require 'train_loss<0' --require 'val_loss>0'")
    report = json.loads(done.out)
    assert (done.code, report["split"]) == (3, "test")
    assert done.err.startswith("gate not met: train_loss is ")
    assert "val_loss" not in done.err


def test_a_gate_without_a_split_beside_one_that_is_named_has_two_readings(trained, hornbook_command):
    done = hornbook_command("hornbook evaluate iris --split validation --require 'accuracy>0'")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "--require: 'accuracy' of which split? Write one of 'train_accuracy', 'val_accuracy', 'test_accuracy'.\n"
    )


def test_a_gate_on_a_file_is_on_its_figures(trained, hornbook_command):
    row = "sepal_length,sepal_width,petal_length,petal_width,y\n5.1,3.5,1.4,0.2,setosa\n"
    Path("new.csv").write_text(row, encoding="utf-8")
    done = hornbook_command("hornbook evaluate iris --input new.csv --require 'loss<0'")
    assert done.code == 3
    assert done.err.splitlines()[-1].startswith("gate not met: loss is ")
    done = hornbook_command("hornbook evaluate iris --input new.csv --require 'val_loss<0'")
    assert (done.code, done.err) == (
        2, "--require: 'val_loss' is of a split, and --input another file: write 'loss'.\n",
    )  # fmt: skip


def test_a_gate_on_what_this_run_does_not_record_exits_with_2(hornbook_command):
    done = hornbook_command("hornbook train -c iris.yaml --require 'auc>0.5'")
    assert done.code == 2
    assert "'auc' was not recorded. Recorded: val_loss, val_accuracy, test_loss, test_accuracy." in done.err


def test_warnings_are_shown_before_training(hornbook_command):
    done = hornbook_command("hornbook train -c iris.yaml activation=tanh initializer=he_normal")
    assert done.code == 0
    assert done.err.splitlines()[0] == "iris.yaml: 1 warning"


def test_evaluate_reports_each_class_and_the_confusion_matrix(trained, hornbook_command):
    done = hornbook_command("hornbook evaluate runs/iris/latest")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("test split of runs/iris/")
    for text in ("class", "precision", "setosa", "versicolor", "virginica", "confusion"):
        assert text in done.out
    assert [line for line in done.out.splitlines() if len(line) > 80] == []


def test_evaluate_shows_wrong_examples_and_what_a_prediction_costs(trained, hornbook_command):
    done = hornbook_command("hornbook evaluate iris --errors 3")
    assert (done.code, done.err) == (0, "")
    assert [line for line in done.out.splitlines() if len(line) > 80] == []
    report = json.loads(hornbook_command("hornbook evaluate iris --errors 3 --json").out)
    wrong = round(30 * (1 - report["metrics"]["accuracy"]))
    errors, cost = report["errors"], report["cost"]
    assert f"{wrong} of 30 are wrong" in done.out
    assert errors["wrong"] == wrong
    assert len(errors["examples"]) == min(3, wrong)
    assert list(errors["examples"][0]["inputs"]) == ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    assert cost["parameters"] == 67
    assert cost["bytes"] == Path("runs/iris/latest/checkpoints/best.keras").stat().st_size
    assert [one["batch_size"] for one in cost["prediction"]] == [1, 256]
    assert all(0 < one["median_ms"] <= one["p95_ms"] for one in cost["prediction"])


def test_predict_takes_a_split_of_the_run(trained, hornbook_command):
    done = hornbook_command("hornbook predict iris --split test --keep index --keep y --keep petal_width")
    assert (done.code, done.err) == (0, "")
    rows = list(csv.DictReader(done.out.splitlines()))
    assert list(rows[0])[:4] == ["index", "y", "petal_width", "prediction"]
    assert [row["index"] for row in rows] == [str(place) for place in range(30)]
    report = json.loads(hornbook_command("hornbook evaluate iris --errors 1 --json").out)
    right = sum(row["y"] == row["prediction"] for row in rows)
    assert right == round(30 * report["metrics"]["accuracy"])
    (worst,) = report["errors"]["examples"]
    row = rows[worst["index"]]
    assert (row["y"], row["prediction"]) == (worst["true"], worst["predicted"])
    assert float(row[f"probability_{worst['predicted']}"]) == pytest.approx(worst["probability"])
    assert float(row["petal_width"]) == worst["inputs"]["petal_width"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "what to predict? Name a file with --input, or a split of the run with --split."),
        (
            "--split test --input x.npz",
            "--split test is of the run's own data, and --input another file. Leave one out.",
        ),
        ("--split test --missing skip", "--missing skip says how to read a file. Name one with --input."),
        (
            "--split test --keep petal",
            "--keep petal: the split has no such column. It has index, sepal_length, sepal_width, petal_length, "
            "petal_width, y.",
        ),
    ],
)
def test_what_predict_cannot_mean_is_refused(trained, hornbook_command, options, message):
    done = hornbook_command(f"hornbook predict iris {options}")
    assert (done.code, done.out, done.err) == (2, "", message + "\n")


def test_evaluate_takes_the_recipes_name_a_split_and_a_checkpoint(trained, hornbook_command):
    done = hornbook_command("hornbook evaluate iris --split validation --checkpoint last --json")
    report = json.loads(done.out)
    assert (report["split"], report["weights"], report["count"]) == ("validation", "last", 12)


def test_predict_writes_csv_to_stdout_without_output(trained, hornbook_command):
    np.savez("x.npz", x=np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]))
    done = hornbook_command("hornbook predict iris --input x.npz")
    lines = done.out.splitlines()
    assert lines[0] == "prediction,probability_setosa,probability_versicolor,probability_virginica"
    assert len(lines) == 3


@pytest.mark.parametrize("name", ["out.csv", "out.npz"])
def test_predict_writes_a_file_and_says_so(name, trained, hornbook_command):
    np.save("x.npy", np.array([[5.1, 3.5, 1.4, 0.2]]))
    done = hornbook_command(f"hornbook predict iris -i x.npy -o {name}")
    assert (done.code, done.out, done.err) == (0, "", f"wrote 1 predictions to {name}\n")
    assert Path(name).is_file()


def test_predict_refuses_what_does_not_fit_and_leaves_nothing(trained, hornbook_command):
    np.savez("wrong.npz", x=np.zeros((2, 7)))
    Path("t.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    Path("junk.npz").write_text("junk", encoding="utf-8")
    cases = {
        "-i wrong.npz -o out.csv": (1, "wrong.npz: found shape (2, 7), the model expects (examples, 4)."),
        "-i t.csv -o out.csv": (1, "t.csv: no columns "),
        "-i junk.npz -o out.csv": (1, "junk.npz: is no NumPy file"),
        "-i missing.npz -o out.csv": (1, "missing.npz: no such file."),
        "-i wrong.npz -o out.txt": (2, "out.txt: predictions are written as .csv or .npz."),
        "-i wrong.npz -o nowhere/out.csv": (2, "nowhere: there is no such folder."),
    }
    for arguments, (code, message) in cases.items():
        done = hornbook_command(f"hornbook predict iris {arguments}")
        assert (done.code, done.out) == (code, ""), arguments
        assert done.err.startswith(message), done.err
    assert not Path("out.csv").exists()


def test_predict_reads_a_tables_columns_by_name(hornbook_command):
    Path("people.csv").write_text(TABLE, encoding="utf-8")
    done = hornbook_command(
        "hornbook train -c iris.yaml -q name=people 'data={name: table, path: people.csv, target: label}'"
    )
    assert done.code == 0, done.err
    Path("new.csv").write_text("colour,age\nred,30\nblue,31\n", encoding="utf-8")
    done = hornbook_command("hornbook predict people -i new.csv")
    assert done.out.splitlines()[0] == "prediction,probability_yes"
    Path("bad.csv").write_text("color,age\nred,30\n", encoding="utf-8")
    done = hornbook_command("hornbook predict people -i bad.csv")
    assert (done.code, done.out) == (1, "")
    assert done.err == "bad.csv: no column 'colour', which the model reads. Did you mean 'color'?\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("'data={name: npz, path: no.npz}'", 1, "no.npz: no such file."),
        ("--runs iris.yaml", 1, "iris.yaml: runs cannot be written here, because "),
        ("training.batch_size=5000", 2, "iris.yaml: 1 problem\n  command line: training.batch_size: a batch of 5000 "),
        ("'data={name: arrays}'", 1, "the recipe's data is 'arrays': pass them in Python"),
    ],
)
def test_what_cannot_be_trained_leaves_no_run(arguments, code, message, hornbook_command):
    done = hornbook_command(f"hornbook train -c iris.yaml {arguments}")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(message), done.err
    assert not Path("runs").exists()


def test_a_run_without_the_split_says_which_it_has(hornbook_command):
    assert hornbook_command("hornbook train -c iris.yaml -q data.split.test=0 ~training.early_stopping").code == 0
    done = hornbook_command("hornbook evaluate iris")
    assert (done.code, done.out) == (1, "")
    assert done.err == "the run has no test split. It has: train, validation.\n"


def test_an_unwritable_runs_folder_is_named(hornbook_command, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # the tests may run as root, who may write anywhere
    done = hornbook_command("hornbook train -c iris.yaml --runs closed")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("closed: runs cannot be written here, ")
    assert not Path("closed").exists()


def test_divergence_exits_with_1_and_says_what_to_do(hornbook_command):
    done = hornbook_command("hornbook train -c iris.yaml 'optimizer={name: sgd, learning_rate: 1e30}'")
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("training diverged in epoch 1: ")
    assert json.loads(Path("runs/iris/latest/result.json").read_text(encoding="utf-8"))["state"] == "diverged"


@pytest.mark.whole
def test_a_new_recipe_of_few_examples_learns_what_there_is_to_learn(hornbook_command):
    hornbook_command("hornbook new mine.yaml --data iris")
    done = hornbook_command("hornbook train -c mine.yaml -q training.engine=graph --require test_accuracy>=0.93")
    assert (done.code, done.err) == (0, "")


@pytest.mark.whole
def test_the_examples_in_help_run_one_after_the_other(hornbook_command, monkeypatch):
    monkeypatch.setattr("hornbook.engine.choice.XLA_LAYERS", frozenset())  # a graph compiles faster
    np.savez("images.npz", x=np.zeros((3, 8, 8)))
    np.savez("labelled.npz", x=np.zeros((3, 8, 8)), y=np.arange(3))
    assert hornbook_command("hornbook train -c default_nesterov -q training.epochs=2 data.limit=320").code == 0
    for name in ("train", "resume", "evaluate", "predict"):
        text = hornbook_command(f"hornbook {name} --help").out
        for example in text.partition("Examples:\n")[2].splitlines():
            done = hornbook_command(example.strip())
            assert done.code == 0, (example, done.err)
    assert Path("predictions.csv").is_file()
