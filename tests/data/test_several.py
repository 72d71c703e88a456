"""Inputs by name: how they become rows, and what is refused."""

import numpy as np
import polars as pl
import pytest

from hornbook.data import from_arrays
from hornbook.data.inputs.files import read_examples
from hornbook.data.readings import Reading
from hornbook.errors import DataError

RNG = np.random.default_rng(0)
WIDE, DEEP = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 3)).astype(np.float32)
PHOTO = RNG.integers(0, 256, (40, 4, 5), np.uint8)
SERIES = RNG.normal(size=(40, 6, 2))
Y = np.arange(40.0)


def splits(x, **more):
    return from_arrays({"x": x, "y": Y[: len(next(iter(x.values())))], **more})


def test_columns_come_first_then_blocks_in_the_order_given():
    info = (found := splits({"photo": PHOTO, "wide": WIDE, "series": SERIES, "deep": DEEP})).info
    assert [feature.name for feature in info.features] == ["wide_1", "wide_2", "deep_1", "deep_2", "deep_3"]
    assert info.extra["groups"] == {"wide": ["wide_1", "wide_2"], "deep": ["deep_1", "deep_2", "deep_3"]}
    assert [(block.name, block.kind, block.shape) for block in info.blocks] == [
        ("photo", "picture", (4, 5, 1)), ("series", "sequence", (6, 2)),
    ]  # fmt: skip
    assert info.input_shape == (5 + 20 + 12,)
    rows = {tuple(row) for row in found.train.x}
    expected = np.concatenate([WIDE, DEEP, PHOTO.reshape(40, -1), SERIES.reshape(40, -1)], axis=1).astype(np.float32)
    assert rows <= {tuple(row) for row in expected}


def test_only_columns_are_standardized_and_each_number_of_a_sequence(monkeypatch):
    found = splits({"wide": WIDE * 7 + 3, "photo": PHOTO, "series": SERIES * 5})
    mean = found.preprocessing.mean
    np.testing.assert_allclose(mean, found.train.x[:, :2].mean(axis=0), rtol=1e-5)
    means, variances = found.preprocessing.blocks["series"]
    series = found.train.x[:, 22:].astype(np.float64).reshape(-1, 2)
    np.testing.assert_allclose(means, series.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(variances, series.var(axis=0), rtol=1e-6)
    assert set(found.preprocessing.blocks) == {"series"}


def test_a_data_frame_has_typed_columns():
    frame = pl.DataFrame({"city": ["Oslo", "Rome"] * 20, "age": np.arange(40)})
    info = splits({"table": frame, "photo": PHOTO}).info
    assert [(feature.name, feature.type) for feature in info.features] == [("city", "category"), ("age", "number")]
    assert info.extra["groups"] == {"table": ["city", "age"]}


def test_rows_stay_on_disk_above_the_budget_and_are_the_same():
    x = {"wide": WIDE, "photo": PHOTO}
    whole, streamed = (from_arrays((x, Y), memory_budget=budget) for budget in (None, 1000))
    assert streamed.info.extra["streams"]
    assert streamed.info.fingerprint == whole.info.fingerprint
    np.testing.assert_array_equal(streamed.train.x.load(), whole.train.x)
    assert streamed.preprocessing == whole.preprocessing


def test_a_test_set_of_ones_own():
    x = {"wide": WIDE, "photo": PHOTO}
    found = from_arrays(((x, Y), ({name: value[:7] for name, value in x.items()}, Y[:7])))
    np.testing.assert_array_equal(found.test.x[:, :2], WIDE[:7].astype(np.float32))


@pytest.mark.parametrize(
    ("x", "test", "sentences"),
    [
        (
            {"wide": WIDE, "deep": DEEP[:39], "photo": PHOTO[:3]},
            None,
            ["x: the inputs do not fit each other.",
             "inputs have different numbers of examples: 'wide' 40, 'deep' 39, 'photo' 3."],
        ),
        (
            {"wide": WIDE, "deep": DEEP},
            {"wide": WIDE, "depe": DEEP},
            ["inputs by name:", "x_test: no input 'deep', which x has.",
             "x_test: unknown input 'depe'. Did you mean 'deep'?"],
        ),
        (
            {"wide": WIDE, "photo": PHOTO},
            {"wide": WIDE[:, :1], "photo": PHOTO[:, :3]},
            ["x_test: the inputs do not fit each other.", "'wide' has 1 columns, in x 2.",
             "'photo' has examples of shape (3, 5), expected (4, 5, 1)."],
        ),
        ({"wide": WIDE}, WIDE, ["x_test is ndarray, expected inputs by name, as in other roles."]),
        ({}, None, ["x: there are no inputs."]),
        ({"wide": WIDE, 3: DEEP}, None, ["x: a name of an input is text, found 3."]),
        ({"wide": np.array(["a"] * 40)}, None,
         ["x['wide']: holds texts, expected numbers, or a data frame whose columns have types."]),
        ({"wide": 3.0}, None, ["x['wide']: is a single value. Expected one per example."]),
        ({"cube": np.zeros((40, 2, 2, 2, 2))}, None,
         ["x['cube']: has 5 axes (40, 2, 2, 2, 2). Expected columns, a sequence or pictures."]),
        ({"wide": np.where(WIDE > 2, np.nan, WIDE)}, None,
         ["x['wide']: 1 of 80 values is NaN or infinite, the first (nan) at [39, 1]. Repair or remove these examples."]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_all_that_is_wrong(x, test, sentences):
    data = {"x": x, "y": Y} | ({"x_test": test, "y_test": Y} if test is not None else {})
    with pytest.raises(DataError) as error:
        from_arrays(data)
    assert [line.strip() for line in str(error.value).splitlines()] == sentences


def test_a_file_of_arrays_has_the_same_names(tmp_path):
    info = splits({"wide": WIDE, "photo": PHOTO}).info
    np.savez(tmp_path / "new.npz", photo=PHOTO[:3], wide=WIDE[:3], other=Y)
    examples = read_examples(tmp_path / "new.npz", info, Reading())
    np.testing.assert_array_equal(examples.x, np.concatenate([WIDE[:3], PHOTO[:3].reshape(3, -1)], axis=1).astype("f4"))
    assert examples.notes == ("new.npz: not read: other.",)
    np.savez(tmp_path / "bad.npz", photo=PHOTO[:3, :2], wdie=WIDE[:3])
    with pytest.raises(DataError) as error:
        read_examples(tmp_path / "bad.npz", info, Reading())
    assert [line.strip() for line in str(error.value).splitlines()] == [
        f"{tmp_path / 'bad.npz'}: the inputs do not fit the model.",
        "no input 'wide'. Did you mean 'wdie'?",
        "'photo' has shape (3, 2, 5), expected (examples, 4, 5, 1).",
    ]
