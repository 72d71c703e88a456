"""A run on texts predicts on lines, stdin, folders and tables of raw texts; so does its saved model by itself."""

import csv
import io
import json

import numpy as np
import pytest

import hornbook
from hornbook.errors import DataError, UsageError

GOOD, BAD = "This was a fine evening.", "This was a dull evening."
ODD = ["", "…", "\u202eabc שלום", "👍 fine", "a\0b", "fine " * 5000, "DULL!"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tensorflow):
    """A folder with a run on a table of texts, and files beside it."""
    folder = tmp_path_factory.mktemp("texts")
    rows = [
        (("a fine film", "a dull film")[place % 2] + f" number {place % 9}", "yn"[place % 2]) for place in range(80)
    ]
    with (folder / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("review", "liked"), *rows])
    tree = {
        "name": "reviews",
        "data": {"name": "table", "path": str(folder / "train.csv"), "target": "liked", "types": {"review": "text"}},
        "model": {"name": "mean_embedding", "embedding": 8, "dense": []},
        "optimizer": {"name": "adam", "learning_rate": 0.1},
        "training": {"epochs": 5, "batch_size": 8},
    }
    result = hornbook.train(tree, runs=str(folder / "runs"), progress=False)
    assert result.test["accuracy"] == 1
    (folder / "lines.txt").write_text(f"{GOOD}\n{BAD}\r\n\n")
    return folder


@pytest.fixture
def command(folder, monkeypatch, hornbook_command):
    """A function that runs a command in the folder."""
    monkeypatch.chdir(folder)
    return hornbook_command


def predictions(text):
    return [row["prediction"] for row in csv.DictReader(io.StringIO(text))]


def test_each_line_of_a_file_is_a_text(command):
    done = command("hornbook predict reviews --input lines.txt")
    assert predictions(done.out)[:2] == ["y", "n"]
    assert len(predictions(done.out)) == 3
    assert "lines.txt: 1 of 3 texts has no token" in done.err


def test_each_line_of_stdin_is_a_text(command):
    done = command("hornbook predict reviews --input -", stdin=f"{BAD}\n{GOOD}\n")
    assert predictions(done.out) == ["n", "y"]


def test_a_table_is_read_by_the_column_of_texts_and_evaluated_by_its_targets(command, folder):
    (folder / "more.csv").write_text(f"id,review,liked\n1,{GOOD},y\n2,{BAD},y\n")
    done = command("hornbook predict reviews --input more.csv --keep id")
    assert [row["id"] for row in csv.DictReader(io.StringIO(done.out))] == ["1", "2"]
    done = command("hornbook evaluate reviews --input more.csv --json")
    assert json.loads(done.out)["metrics"]["accuracy"] == 0.5


def test_a_folder_of_texts_is_read_and_evaluated_by_its_folders(command, folder):
    for name, text in {"y/1.txt": GOOD, "y/2.txt": BAD, "n/3.txt": BAD}.items():
        (folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / name).write_text(text)
    done = command("hornbook predict reviews --input files")
    assert [row["prediction"] for row in csv.DictReader(io.StringIO(done.out))] == ["n", "y", "n"]
    done = command("hornbook evaluate reviews --input files --json")
    assert json.loads(done.out)["metrics"]["accuracy"] == pytest.approx(2 / 3)


def test_the_saved_model_takes_raw_texts_and_predicts_the_same(folder, tensorflow):
    import keras

    from hornbook.data.inputs.texts import encoded_texts
    from hornbook.inference.trained import load_run

    trained = load_run(folder / "runs" / "reviews" / "latest")
    texts = [GOOD, BAD, *ODD]
    saved = keras.models.load_model(trained.run.model_path(None), compile=False)
    found = np.asarray(saved(tensorflow.constant(texts)))
    x, notes = encoded_texts(np.array(texts, object), trained.info, "x")
    np.testing.assert_allclose(found, np.asarray(trained.model(x)), rtol=1e-6)
    assert found[0, 0] > 0.5 > found[1, 0]
    assert np.isfinite(found).all()
    assert any("cut behind" in note for note in notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "there are no texts"), (b"fine\n\xff\xfe\n", "line 2 is no UTF-8")],
)
def test_lines_that_cannot_be_read_are_named(folder, content, message):
    from hornbook.inference.predict import predict_file

    path = folder / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        predict_file(folder / "runs" / "reviews" / "latest", path, output=None)


def test_what_texts_do_not_have_is_refused(folder):
    from hornbook.inference.evaluate import evaluate_run
    from hornbook.inference.predict import predict_file

    run = folder / "runs" / "reviews" / "latest"
    with pytest.raises(UsageError, match="--keep id: lines and files of text have no columns"):
        predict_file(run, folder / "lines.txt", output=None, keep=["id"])
    with pytest.raises(DataError, match=r"lines of text have no targets\. Give a table with a column 'review'"):
        evaluate_run(str(run), input=folder / "lines.txt")
    (folder / "other.csv").write_text("reviw\nfine\n")
    with pytest.raises(DataError, match="no column 'review'"):
        predict_file(run, folder / "other.csv", output=None)


def test_a_folder_is_read_as_that_of_training_is_written(tmp_path, tensorflow):
    from hornbook.inference.evaluate import evaluate_run

    for number in range(40):
        file = tmp_path / "films" / "ab"[number % 2] / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(("très bon", "à éviter")[number % 2].encode("cp1252"))
    tree = {
        "data": {"name": "text_folder", "path": str(tmp_path / "films"), "encoding": "cp1252"},
        "model": {"name": "mean_embedding", "embedding": 8, "dense": []},
        "optimizer": {"name": "adam", "learning_rate": 0.1},
        "training": {"epochs": 5, "batch_size": 8},
    }
    run = hornbook.train(tree, runs=str(tmp_path / "runs"), progress=False)
    report = evaluate_run(str(run.run), input=tmp_path / "films")
    assert report.metrics["accuracy"] == 1


def test_layers_of_a_run_on_texts_are_reused_where_the_vocabulary_is_the_same(folder):
    data = {"name": "table", "path": str(folder / "train.csv"), "target": "liked", "types": {"review": "text"}}
    tree = {
        "name": "again",
        "data": data,
        "model": {"name": "mlp", "units": [4]},
        "reuse": {"from": str(folder / "runs" / "reviews" / "latest"), "layers": "embedding-pooling"},
        "training": {"epochs": 1, "batch_size": 8, "engine": "graph"},
    }
    assert hornbook.train(tree, runs=str(folder / "runs"), progress=False).state == "finished"
    other = tree | {"data": data | {"text": {"vocabulary": 5}}}
    with pytest.raises(hornbook.RecipeError, match="the earlier model was trained on texts with another vocabulary"):
        hornbook.train(other, runs=str(folder / "runs"), progress=False)


def test_a_split_is_not_read_by_another_vocabulary(folder):
    from hornbook.errors import RunError
    from hornbook.inference.predict import predict_file

    path = folder / "train.csv"
    before = path.read_text()
    path.write_text(before.replace("fine", "grand"))
    try:
        with pytest.raises(RunError, match="The vocabulary is another one now"):
            predict_file(folder / "runs" / "reviews" / "latest", split="test", output=None, anyway=True)
    finally:
        path.write_text(before)
