"""A run that has learned from picture files: it predicts on files, says which it is wrong about, and goes out of the house."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from pictures import write_digits
from PIL import Image

import hornbook
from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.predict import predict_file
from hornbook.inference.report.page import page_of
from hornbook.inference.trained import load_run
from hornbook.runs.directory import find_run

RECIPE = """name: letters
data: {name: image_folder, path: letters, size: 12, channels: 1, split: {validation: 6, test: 6}}
model: {name: mlp, units: [4]}
training: {epochs: 2, batch_size: 24, engine: graph}
"""


@pytest.fixture(scope="module")
def home(tensorflow, tmp_path_factory):
    """A folder with pictures, a run on them and a list, which is the current folder."""
    folder = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HORNBOOK_CACHE", str(folder / "cache"))
        write_digits("letters", per_class=12, classes=3)
        (folder / "letters.yaml").write_text(RECIPE)
        hornbook.train("letters.yaml", progress=False)
        rows = [(path.relative_to(folder), path.parent.name) for path in sorted(folder.glob("letters/*/*"))]
        (folder / "list.csv").write_text("file,y\n" + "".join(f"{path},{name}\n" for path, name in rows))
        yield folder


def by_hand(path):
    """What the run's model makes of a picture whose shape is square, read by Pillow alone."""
    grey = Image.open(path).convert("L").resize((12, 12), Image.Resampling.BILINEAR)
    return np.asarray(load_run("letters").model(np.asarray(grey, np.float32)[None, ..., None]))[0]


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_predictions_stand_beside_the_paths_of_their_pictures(home, hornbook_command):
    done = hornbook_command("hornbook predict letters -i letters/a")
    rows = rows_of(done.out)
    assert [row["path"] for row in rows] == [f"letters/a/{path.name}" for path in sorted(home.glob("letters/a/*"))]
    expected = by_hand("letters/a/000.jpg")
    found = [float(rows[0][f"probability_{name}"]) for name in "abc"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert rows[0]["prediction"] == "abc"[expected.argmax()]
    assert "12 pictures: " in done.err


def test_a_folder_a_list_and_the_split_evaluate_alike(home):
    by_folder = evaluate_run("letters", input="letters")
    by_list = evaluate_run("letters", input="list.csv")
    assert (by_folder.count, by_list.count) == (36, 36)
    assert by_folder.metrics == pytest.approx(by_list.metrics)


def test_names_of_files_stand_with_mistakes_on_the_page_and_in_predictions_of_a_split(home, hornbook_command):
    report = evaluate_run("letters", errors=6)
    rows = rows_of(hornbook_command("hornbook predict letters --split test --keep name --keep y").out)
    wrong = {row["name"] for row in rows if row["y"] != row["prediction"]}
    assert wrong
    assert {one.name for one in report.errors.examples} == wrong
    assert all(row["name"].startswith(f"{row['y']}/") for row in rows)
    page = page_of(find_run("letters"))
    assert all(name in page for name in wrong)


def test_a_package_reads_pictures_as_the_run_does_without_hornbook(home, warm, tmp_path):
    from hornbook.exports import formats
    from hornbook.exports.export import export_run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(warm.python))
        patch.setattr(formats.Format, "missing", lambda self: ["tf2onnx"] if self.name == "onnx" else [])
        (package,) = export_run("letters", "package", output=tmp_path / "letters")
    assert package.reason == ""
    assert "pillow==" in (package.path / "requirements.txt").read_text()
    assert "--data-binary @photo.jpg" in (package.path / "README.md").read_text()
    command = [warm.python, str(package.path / "predict.py"), "letters"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    predict_file("letters", "letters", output=tmp_path / "rows.csv")
    rows = rows_of((tmp_path / "rows.csv").read_text())
    assert [answer["path"] for answer in answers] == [row["path"] for row in rows]
    found = [[answer["probabilities"][name] for name in "abc"] for answer in answers]
    expected = [[float(row[f"probability_{name}"]) for name in "abc"] for row in rows]
    np.testing.assert_allclose(found, expected, atol=1e-5)
