"""A package of a run on texts takes texts as they are, without Hornbook, and predicts what the run's saved model does."""

import csv
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import hornbook
from hornbook.runs import find_run

pytestmark = pytest.mark.whole  # each exports; tests of `exports.texts` are short

FILMS = ["A fine film", "dull, dull film", "An odd film, but moving", 'a "classic"', ""]
ODD = ["", "DULL!", "👍 fine", "a\tfine\nfilm", "\u202eשלום film", "unheard of", "film " * 40]
MODELS = {
    "beside": {"name": "mlp", "units": [4], "encoders": {"review": {"name": "mean_embedding", "dense": [3]}}},
    "alone": {"name": "bag_of_words", "weighting": "tf_idf", "dense": [3]},
    "subwords": {"name": "transformer", "width": 4, "heads": 2, "blocks": 1},
}
"""Networks on a text beside columns, and on a text by itself."""


def written(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture(scope="module", params=[*MODELS])
def kind(request):
    """Which of the networks it is."""
    return request.param


@pytest.fixture(scope="module")
def run(kind, tensorflow, tmp_path_factory):
    """The folder of a run on a table with a text, and, where it has company, a number and a category beside it."""
    folder = tmp_path_factory.mktemp("films")
    rows = [[FILMS[place % 5], place % 4, ("Bern", "Uri")[place % 2], "ny"[place % 5 < 2]] for place in range(120)]
    table = written(folder / "films.csv", [("review", "stars", "city", "liked"), *rows])
    data = {"name": "table", "path": str(table), "target": "liked", "types": {"review": "text"}, "text": {"length": 6}}
    data |= {"split": {"validation": 40}}
    if kind != "beside":
        data["columns"] = ["review"]
    if kind == "subwords":
        data["text"] = {"tokens": "subwords", "vocabulary": 40, "length": 12, "standardize": "lower"}
    tree = {"name": "films", "data": data, "model": MODELS[kind], "activation": "elu"}
    tree["training"] = {"epochs": 2, "engine": "graph"}
    return hornbook.train(tree, runs=str(folder / "runs"), progress=False).run


@pytest.fixture(scope="module")
def export(run, warm, tmp_path_factory):
    """A function that packages the run with a Keras model; the package's programs run in warm processes."""
    from hornbook.exports import formats
    from hornbook.exports.export import export_run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(warm.python))
        patch.setattr(formats.Format, "missing", lambda self: ["tf2onnx"] if self.name == "onnx" else [])
        yield lambda: export_run(run, "package", output=tmp_path_factory.mktemp("package") / "films")[0]


@pytest.fixture(scope="module")
def package(export):
    """The package, and what is said of it."""
    return export()


@pytest.fixture
def program(package, warm, tmp_path):
    """A function: a file → what predict.py left."""

    def start(name):
        command = [warm.python, str(package.path / "predict.py"), name]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return start


def test_its_program_predicts_what_the_saved_model_does(kind, package, run, program, tmp_path, tensorflow):
    assert package.reason == ""
    model = keras.models.load_model(find_run(run).model_path(), compile=False)
    texts, stars = tensorflow.constant(ODD), [place % 4 for place in range(len(ODD))]
    if kind == "beside":
        columns = np.array([[number, 1 + place % 2] for place, number in enumerate(stars)], np.float32)
        expected = model.predict({"columns": columns, "review": texts}, verbose=0)
    else:
        expected = model.predict(texts, verbose=0)
    categories = find_run(run).data["features"][1]["categories"] if kind == "beside" else ["Bern", "Uri"]
    rows = [[text, number, categories[place % 2]] for place, (text, number) in enumerate(zip(ODD, stars, strict=True))]
    written(tmp_path / "new.csv", [("review", "stars", "city"), *rows])
    done = program("new.csv")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({answer["probabilities"]["y"] for answer in found}) > 3
    np.testing.assert_allclose([answer["probabilities"]["y"] for answer in found], expected[:, 0], atol=1e-5)


def test_it_holds_what_reads_texts_and_the_vocabulary(kind, package, run):
    names = ["README.md", "facts.json", "model.keras", "predict.py", "recipe.yaml", "requirements.txt", "service.py"]
    names += ["texts.json", "texts.py", *(["columns.json", "rows.py"] if kind == "beside" else [])]
    assert sorted(path.name for path in package.path.iterdir()) == sorted(names)
    texts = json.loads((package.path / "texts.json").read_text())
    assert texts["review"]["vocabulary"] == list(find_run(run).data["extra"]["texts"]["review"]["vocabulary"])
    card = (package.path / "README.md").read_text()
    assert "A few words." in card
    assert ("texts.txt" in card) == (kind != "beside")


def test_each_line_of_a_file_is_a_text_where_there_is_nothing_else(kind, program, tmp_path):
    (tmp_path / "new.txt").write_text("a fine film\r\n\ndull\n")
    done = program("new.txt")
    if kind == "beside":
        assert (done.returncode, done.stderr.strip()) == (
            1,
            "new.txt: row 1: no column 'stars', which the model reads.",
        )
    else:
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"reviw,stars,city\nfine,1,Uri\n", "new.csv: row 1: no column 'review', which the model reads."),
        (b"review,stars,city\n\xff,1,Uri\n", "new.csv: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_its_program_says_in_one_line_what_is_wrong(program, tmp_path, content, message):
    (tmp_path / "new.csv").write_bytes(content)
    done = program("new.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_one_that_reads_texts_otherwise_than_the_run_is_refused(export, monkeypatch):
    from hornbook.exports import package

    program = package._reader_of_texts().replace("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCEDFGHIJKLMNOPQRSTUVWXYZ")
    monkeypatch.setattr(package, "_reader_of_texts", lambda: program)
    refused = export()
    assert refused.path is None
    assert refused.reason.startswith("its texts.py gives ")
