"""Inputs to predict on meet the form in which the model was trained."""

import json

import numpy as np
import pytest

from hornbook.data import from_arrays, from_json, load, read_examples, read_inputs, to_json
from hornbook.data.readings import Reading
from hornbook.data.storage.files import existing_file
from hornbook.errors import DataError
from hornbook.recipes.sources import Digits, Iris, Regression, SplitSpec, Table

Y = np.arange(12) % 2


@pytest.fixture
def info(tmp_path):
    """Facts about a table with a category and missing numbers."""
    path = tmp_path / "train.csv"
    path.write_text("city,area,sold\n" + "Kiel,1,yes\nUlm,,no\n" * 10)
    return load(Table(path=str(path), target="sold"), seed=1).info


def write(folder, text, name="new.csv"):
    path = folder / name
    path.write_text(text)
    return path


def test_columns_match_by_name_in_any_order(info, tmp_path):
    x, notes = read_inputs(write(tmp_path, "area,city\n2,Ulm\n,Kiel\n"), info)
    np.testing.assert_array_equal(x, [[2, 2], [1, np.nan]])
    assert x.dtype == np.float32
    assert notes == ()


def test_extra_columns_and_unknown_categories_are_noted(info, tmp_path):
    x, notes = read_inputs(write(tmp_path, "city,sold,area\nBonn,yes,1\nUlm,no,2\n"), info)
    assert x.tolist() == [[0, 1], [2, 2]]
    assert notes == (
        "new.csv: columns that the model does not read: sold.",
        "new.csv: column 'city': 1 of 2 rows has no category, or one that training did not have; it adds nothing to the "
        "prediction.",
    )


def test_a_missing_column_names_the_nearest(info, tmp_path):
    path = write(tmp_path, "city,areas\nKiel,1\n")
    with pytest.raises(DataError) as error:
        read_inputs(path, info)
    assert str(error.value) == f"{path}: no column 'area', which the model reads. Did you mean 'areas'?"


def test_a_missing_number_is_refused_where_training_had_none(tmp_path):
    info = load(Iris(columns=("petal_length", "petal_width")), seed=1).info
    path = write(tmp_path, "petal_length,petal_width\n1,2\n,3\n")
    with pytest.raises(
        DataError, match="column 'petal_length' has no value in row 2 .1 missing in all., and the training"
    ):
        read_inputs(path, info)


def test_an_array_file_needs_no_key(tmp_path):
    info = load(Digits(), seed=1).info
    images = np.zeros((3, 8, 8), np.uint8)
    np.savez(tmp_path / "a.npz", images=images)
    np.save(tmp_path / "a.npy", images)
    for name in ("a.npz", "a.npy"):
        x, notes = read_inputs(tmp_path / name, info)
        assert (x.shape, x.dtype, notes) == ((3, 8, 8, 1), np.uint8, ())


def test_targets_beside_the_inputs_are_noted(tmp_path):
    info = load(Regression(), seed=1).info
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 1)), y=Y[:3])
    assert read_inputs(tmp_path / "a.npz", info)[1] == ("a.npz: predicting on 'x'; not read: y.",)


def test_one_example_gets_its_batch_axis(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((8, 8, 1), np.uint8))
    x, notes = read_inputs(tmp_path / "a.npy", load(Digits(), seed=1).info)
    assert x.shape == (1, 8, 8, 1)
    assert notes == (f"{tmp_path / 'a.npy'}: one example without a batch axis.",)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 9, 9), np.uint8), "found shape (3, 9, 9), the model expects (examples, 8, 8, 1)."),
        (
            np.full((3, 8, 8), 0.5),
            (
                "the model was trained on images of whole numbers from 0 to 255, found float64 values between 0.5 and 0.5. "
                "Give it images as they were before scaling."
            ),
        ),
    ],
)
def test_images_that_differ_from_training_are_refused(tmp_path, array, message):
    path = tmp_path / "a.npy"
    np.save(path, array)
    with pytest.raises(DataError) as error:
        read_inputs(path, load(Digits(), seed=1).info)
    assert str(error.value) == f"{path}: {message}"


def test_whole_float_images_become_bytes(tmp_path):
    np.save(tmp_path / "a.npy", np.full((3, 8, 8), 16.0))
    assert read_inputs(tmp_path / "a.npy", load(Digits(), seed=1).info)[0].dtype == np.uint8


def test_tables_without_names_go_by_position(tmp_path):
    info = from_arrays((np.arange(24.0).reshape(12, 2), Y), spec=None).info
    assert read_inputs(write(tmp_path, "a,b\n1,2\n"), info)[0].tolist() == [[1, 2]]
    with pytest.raises(DataError, match="has 1 columns, the model reads 2"):
        read_inputs(write(tmp_path, "a\n1\n"), info)


def test_tokens_are_padded_and_shortened_as_in_training(tmp_path):
    info = from_arrays((np.arange(48).reshape(12, 4), Y), kind="tokens").info
    np.save(tmp_path / "short.npy", np.array([[5, 6]]))
    np.save(tmp_path / "long.npy", np.array([[1, 2, 3, 4, 5, 6]]))
    assert read_inputs(tmp_path / "short.npy", info)[0].tolist() == [[5, 6, 0, 0]]
    assert read_inputs(tmp_path / "long.npy", info)[0].tolist() == [[3, 4, 5, 6]]
    np.save(tmp_path / "unknown.npy", np.array([[999, 1]]))
    with pytest.raises(DataError, match="token numbers lie between 1 and 999, the model knows 0 to 47"):
        read_inputs(tmp_path / "unknown.npy", info)


def test_facts_survive_json(info):
    for facts in (info, load(Digits(), seed=1).info, load(Regression(), seed=1).info):
        assert from_json(json.loads(json.dumps(to_json(facts)))) == facts


def test_a_record_that_lacks_facts_is_refused(info):
    record = to_json(info)
    del record["task"]
    with pytest.raises(DataError, match="the record of the data lacks task"):
        from_json(record)


def test_a_table_lists_files_for_images(tmp_path):
    info = load(Digits(split=SplitSpec(validation=0, test=0)), seed=1).info
    with pytest.raises(DataError, match=r"no column .file. that names the picture files\. Known: a\."):
        read_inputs(write(tmp_path, "a\n1\n"), info)


@pytest.mark.parametrize("name", ["x.npz", "nowhere/x.npz"])
def test_a_file_that_is_gone_says_how_its_path_was_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"A path is relative to the current folder, "):
        existing_file(name)
    with pytest.raises(DataError, match=r"Has it moved\? A run keeps absolute paths: correct it in its recipe\.yaml\."):
        existing_file(tmp_path / name)


def test_a_column_to_keep_stands_beside_inputs_without_names_or_is_one(tmp_path):
    info = from_arrays((np.arange(80.0).reshape(40, 2), np.arange(40) / 7)).info
    for text, column, kept in (("id,a,b\n7,1,2\n", "id", "7"), ("a,b\n1,2\n", "a", "1")):
        examples = read_examples(write(tmp_path, text), info, Reading(keep=(column,)))
        assert examples.x.tolist() == [[1, 2]]
        assert examples.kept[column].to_list() == [kept]
