"""A package predicts what the run predicts, knows its recipe and card, and says what is wrong with a file."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def package(run, tmp_path_factory, warm):
    """A package of the run, with a Keras model, and what is said of it; its programs run in warm processes."""
    from hornbook.exports import formats
    from hornbook.exports.export import export_run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(warm.python))
        patch.setattr(formats.Format, "missing", lambda self: ["tf2onnx"] if self.name == "onnx" else [])
        (exported,) = export_run(run, "package", output=tmp_path_factory.mktemp("package") / "three")
    return exported


@pytest.fixture
def program(package, warm, tmp_path):
    """A function: arguments of predict.py → what it left."""

    def start(*arguments):
        command = [warm.python, str(package.path / "predict.py"), *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return start


def test_it_is_proved_by_its_own_program(package):
    assert package.reason == ""
    assert package.proof.rows > 20
    assert package.proof.difference <= 1e-5


def test_it_holds_what_is_needed_and_nothing_else(package, run):
    from hornbook.runs.directory import find_run

    assert sorted(path.name for path in package.path.iterdir()) == [
        "README.md", "facts.json", "model.keras", "predict.py", "recipe.yaml", "requirements.txt", "service.py",
    ]  # fmt: skip
    assert (package.path / "recipe.yaml").read_text() == find_run(run).recipe_text
    pins = dict(
        line.split("==") for line in (package.path / "requirements.txt").read_text().splitlines() if "==" in line
    )
    assert pins["numpy"] == np.__version__
    assert {*pins} == {"numpy", "keras", "tensorflow", "fastapi", "uvicorn"}
    card = (package.path / "README.md").read_text()
    assert card.index("pip install -r requirements.txt") < card.index("## Data")
    assert "hornbook.layers" not in card  # which is for the run's own file, and that is not in the folder
    assert find_run(run).exports == []


def test_its_program_answers_each_row_by_the_names_of_classes(program, run, tmp_path):
    from hornbook.inference.trained import load_run

    rows = load_digits().images[:3].astype(np.uint8)[..., None]
    np.save(tmp_path / "rows.npy", rows)
    done = program("rows.npy")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    expected = np.asarray(load_run(run).model(rows.astype(np.float32)))
    assert [answer["label"] for answer in found] == [str(number) for number in expected.argmax(axis=1)]
    np.testing.assert_allclose([[*answer["probabilities"].values()] for answer in found], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 8, 8)), "rows.npy: inputs: found shape [2, 8, 8], expected (examples, 8, 8, 1)."),
        (np.full((1, 8, 8, 1), 0.5), "rows.npy: inputs: values that are no uint8."),
        (None, "rows.npy: [Errno 2] No such file or directory: 'rows.npy'"),
    ],
)
def test_its_program_says_in_one_line_what_is_wrong(program, tmp_path, array, message):
    if array is not None:
        np.save(tmp_path / "rows.npy", array)
    done = program("rows.npy")
    assert (done.returncode, done.stderr.strip(), done.stdout) == (1, message, "")
