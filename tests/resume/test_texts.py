"""Runs on texts are exact: the vocabulary, the order and the dropout of a run that was stopped are those of one that was not."""

import numpy as np
import pytest
from reviews import write_reviews

from hornbook.errors import HornbookError, RunError
from hornbook.inference.evaluate import evaluate_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("texts")
    for place in range(120):
        name = root / ("bad", "good")[place % 2] / f"{place}.txt"
        name.parent.mkdir(exist_ok=True)
        name.write_text(f"text {place % 7} of {('dull', 'fine')[place % 2]} words " + "and more " * (place % 5))
    return root


@pytest.fixture
def texts(folder):
    """A recipe on 96 training texts: 3 batches of 32."""
    data = {"name": "text_folder", "path": str(folder), "split": {"validation": 12, "test": 12}, "text": {"length": 8}}
    model = {"name": "transformer", "width": 8, "heads": 2, "blocks": 1}
    return {"data": data, "model": model, "regularization": {"dropout": 0.2}}


def test_a_run_that_was_stopped_ends_where_one_that_was_not_does(texts, train, resume, stop_at, alone, assert_same):
    stopper = stop_at([(1, 2), (2, 2)])
    result = train(texts, callbacks=[stopper])
    assert result.state == "interrupted"
    result = resume(result.run, callbacks=[stopper])
    assert result.state == "interrupted"
    assert_same(resume(result.run), alone(texts), but=("recipe",))


def test_a_text_that_has_changed_is_noticed(texts, folder, interrupted, resume):
    result = interrupted(texts, at=(1, 2))
    path = folder / "bad" / "0.txt"
    before = path.read_text()
    path.write_text(before + " changed")
    with pytest.raises(RunError, match="the data has changed since training"):
        resume(result.run)
    with pytest.raises(HornbookError, match="the data has changed since training"):
        evaluate_run(str(result.run))
    path.write_text(before)
    assert resume(result.run).state == "finished"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_reviews(tmp_path_factory.mktemp("table") / "reviews.csv", 120)


@pytest.fixture
def beside(table):
    """A recipe on 96 rows with a text beside columns: 3 batches of 32."""
    data = {"name": "table", "path": str(table), "target": "liked", "types": {"review": "text"}, "text": {"length": 6}}
    encoder = {"name": "transformer", "width": 8, "heads": 2, "blocks": 1}
    return {
        "data": data | {"split": {"validation": 12, "test": 12}},
        "model": {"name": "mlp", "units": [8], "encoders": {"review": encoder}},
        "regularization": {"dropout": 0.2},
    }


@pytest.mark.parametrize("budget", ["", pytest.param("training.memory_budget=0.003 MB", marks=pytest.mark.whole)])
def test_a_run_on_texts_beside_columns_ends_where_one_left_alone_does(
    beside, train, resume, stop_at, alone, assert_same, budget
):
    stopper = stop_at([(0, 2), (2, 2)])
    result = train(beside, *filter(None, [budget]), callbacks=[stopper])
    stops = 0
    while result.state == "interrupted":
        stops += 1
        result = resume(result.run, callbacks=[stopper])
    assert stops == 2
    assert_same(result, alone(beside), but=("recipe", "best", "last"))  # whose layers are numbered by the process


@pytest.fixture(scope="module")
def by_name():
    """Texts and numbers from Python, and their targets."""
    texts = [f"text {place % 7} of {('dull', 'fine')[place % 2]} words" for place in range(120)]
    return {"review": texts, "rooms": np.arange(120.0) % 10}, np.arange(120) % 2


@pytest.mark.whole
def test_a_run_on_texts_from_python_ends_where_one_left_alone_does(
    beside, by_name, train, resume, stop_at, alone, assert_same
):
    tree = beside | {"data": {"name": "arrays", "text": {"length": 6}, "split": {"validation": 12, "test": 12}}}
    result = train(tree, data=by_name, callbacks=[stop_at([(1, 2)])])
    assert result.state == "interrupted"
    x, y = by_name
    with pytest.raises(RunError, match="the data has changed since training"):
        resume(result.run, data=({**x, "review": ["another", *x["review"][1:]]}, y))
    assert_same(resume(result.run, data=by_name), alone(tree, data=by_name), but=("recipe", "best", "last"))


def test_a_text_in_a_table_that_has_changed_is_noticed(beside, table, interrupted, resume):
    result = interrupted(beside, at=(1, 2))
    before = table.read_text()
    table.write_text(before.replace("dull words", "tedious words", 1))
    with pytest.raises(RunError, match="the data has changed since training"):
        resume(result.run)
    table.write_text(before)
    assert resume(result.run).state == "finished"
