"""Runs on picture files are exact: interrupted or not, in memory or streamed, and whatever becomes of the cache meanwhile."""

import shutil

import pytest
from pictures import digit, encoded, write_digits

from hornbook.errors import HornbookError, RunError
from hornbook.inference.evaluate import evaluate_run
from hornbook.runs.caches import cache_folder

STREAMED = "training.memory_budget=0.001 MB"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A recipe on 96 training pictures: 3 batches of 32."""
    folder = write_digits(tmp_path_factory.mktemp("pictures"), per_class=40)
    data = {
        "name": "image_folder",
        "path": str(folder),
        "size": 8,
        "channels": 1,
        "split": {"validation": 12, "test": 12},
    }
    return {"data": data}


def test_a_streamed_run_ends_where_one_in_memory_does_though_its_cache_is_deleted(
    pictures, train, resume, stop_at, alone, assert_same
):
    stopper = stop_at([(1, 2)])
    result = train(pictures, STREAMED, callbacks=[stopper])
    assert result.state == "interrupted"
    assert "data streams from disk" in (result.run / "log.txt").read_text()
    shutil.rmtree(cache_folder())  # what is left of the run reads all pictures again
    again = resume(result.run, callbacks=[deleting()])
    assert again.state == "finished"
    assert not cache_folder().exists()
    assert_same(again, alone(pictures), but=("recipe",))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A recipe on a table of 96 training rows, each of two numbers and a picture."""
    folder = tmp_path_factory.mktemp("table")
    lines = ["photo,amount,size,label"]
    for place in range(120):
        (folder / f"{place}.png").write_bytes(encoded(digit(place, (9, 9))))
        lines.append(f"{place}.png,{place * 7 % 11},{place % 3},{place % 5}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    data = {
        "name": "table",
        "path": str(folder / "table.csv"),
        "target": "label",
        "types": {"photo": "picture"},
        "pictures": {"size": 8, "channels": 1},
        "split": {"validation": 12, "test": 12},
    }
    encoders = {"photo": {"name": "cnn", "filters": [3]}}
    return {
        "task": "regression",
        "data": data,
        "model": {"name": "mlp", "units": [6], "encoders": encoders},
        "regularization": {"dropout": 0.3},
    }


def test_rows_with_pictures_are_resumed_exactly_in_memory_and_on_disk(
    table, train, resume, interrupted, alone, assert_same, tmp_path
):
    whole = alone(table)
    assert_same(resume(interrupted(table, at=(1, 2)).run), whole)
    streamed = resume(interrupted(table, STREAMED, at=(2, 1), runs=tmp_path / "streamed").run)
    assert "data streams from disk" in (streamed.run / "log.txt").read_text()
    assert_same(streamed, whole, but=("recipe",))


def deleting():
    """A callback that deletes the cache at the start of each epoch."""
    import keras

    class Deletes(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            shutil.rmtree(cache_folder(), ignore_errors=True)

    return Deletes()


def test_a_picture_that_has_changed_is_noticed(pictures, interrupted, resume):
    folder, saved = pictures["data"]["path"], digit(0)
    result = interrupted(pictures, at=(1, 2))
    path = f"{folder}/a/001.png"
    with open(path, "rb") as file:
        before = file.read()
    with open(path, "wb") as file:
        file.write(encoded(saved.transpose(1)))
    with pytest.raises(RunError, match="the data has changed since training"):
        resume(result.run)
    with pytest.raises(HornbookError, match="the data has changed since training"):
        evaluate_run(str(result.run))
    with open(path, "wb") as file:
        file.write(before)
    assert resume(result.run).state == "finished"
