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
        "training": {"epochs": 1, "batch_size": 9, "engine": "graph"},
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


@pytest.fixture
def moved(run):
    """The run, while the rows of its table stand in another order."""
    path = run.parents[2] / "data.csv"
    before = path.read_text()
    heading, *rows = before.splitlines(keepends=True)
    path.write_text(heading + "".join(reversed(rows)))
    yield run
    path.write_text(before)


def test_splits_of_changed_data_are_evaluated_only_where_that_is_asked_for(moved, hornbook_command):
    code, out, err = hornbook_command(f"hornbook evaluate {moved}")
    assert (code, out) == (1, "")
    assert "the data has changed since training" in err
    assert "Restore the data, or go on with --anyway" in err
    code, out, err = hornbook_command(f"hornbook evaluate {moved} --anyway")
    assert code == 0
    assert err.startswith("note: the data has changed since training")
    assert "examples that were trained on may be among those of every split" in err
    assert out.startswith("test split of ")


def test_data_as_it_was_needs_nothing(run, hornbook_command):
    code, _, err = hornbook_command(f"hornbook evaluate {run}")
    assert (code, err) == (0, "")
