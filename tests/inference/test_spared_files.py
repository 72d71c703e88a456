"""Predictions never take the place of examples."""

import os

import pytest

import hornbook
from hornbook.errors import UsageError
from hornbook.inference.predict import predict_file

ROWS = "".join(f"{number},{number % 3},{number / 7:.3f}\n" for number in range(30))


@pytest.fixture(scope="module")
def run(tmp_path_factory, tensorflow):
    """A run on a table, trained from a mapping; the table and other files are beside it."""
    folder = tmp_path_factory.mktemp("tables")
    for name in ("data.csv", "test.csv", "new.csv"):
        (folder / name).write_text("a,b,y\n" + ROWS)
    data = {"name": "table", "path": str(folder / "data.csv"), "test_path": str(folder / "test.csv"), "target": "y"}
    tree = {
        "name": "few",
        "data": data,
        "model": {"name": "mlp", "units": [4]},
        "training": {"epochs": 1, "batch_size": 9},
    }
    return hornbook.train(tree, runs=str(folder / "runs"), progress=False).run


@pytest.mark.parametrize(
    ("output", "what"),
    [("new.csv", "the input"), ("data.csv", "data of the run"), ("test.csv", "data of the run")],
)
def test_examples_are_not_overwritten(run, output, what):
    folder = run.parents[2]
    link = folder / "link.csv"
    link.unlink(missing_ok=True)
    os.link(folder / output, link)  # another name of the same file
    for name in (output, "link.csv"):
        before = (folder / output).read_bytes()
        with pytest.raises(UsageError, match=f"{name}: this is {what}. Write the predictions to another file."):
            predict_file(str(run), folder / "new.csv", output=folder / name)
        assert (folder / output).read_bytes() == before


def test_earlier_predictions_are_replaced(run):
    output = run.parents[2] / "predictions.csv"
    output.write_text("old")
    predict_file(str(run), run.parents[2] / "new.csv", output=output)
    assert len(output.read_text().splitlines()) == 31
