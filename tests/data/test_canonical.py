"""Inputs reach the few types that models take, or are refused with their place."""

import numpy as np
import pytest

from hornbook.data import from_arrays
from hornbook.data.canonical import to_float32
from hornbook.errors import DataError
from hornbook.recipes.sources import Arrays, SplitSpec

Y = np.arange(10) % 2
KEEP_ALL = Arrays(split=SplitSpec(validation=0, test=0))


@pytest.mark.parametrize(
    ("x", "kind", "shape", "dtype", "scale"),
    [
        (np.zeros((10, 4, 4, 3), np.uint8), "image", (4, 4, 3), "uint8", 255.0),
        (np.zeros((10, 4, 4), np.uint8), "image", (4, 4, 1), "uint8", 255.0),  # grey images without a channel
        (np.full((10, 4, 4, 1), 200), "image", (4, 4, 1), "uint8", 255.0),  # bytes in wide integers
        (np.full((10, 4, 4, 1), 5000, np.uint16), "image", (4, 4, 1), "float32", 65535.0),
        (np.ones((10, 4, 4, 1), bool), "image", (4, 4, 1), "uint8", None),
        (np.ones((10, 4, 4, 1)), "image", (4, 4, 1), "float32", None),
        (np.ones((10, 5, 2)), "sequence", (5, 2), "float32", None),
        (np.arange(20).reshape(10, 2), "table", (2,), "float32", None),
        (np.arange(10.0), "table", (1,), "float32", None),
    ],
)
def test_kind_and_type_follow_from_shape_and_values(x, kind, shape, dtype, scale):
    splits = from_arrays((x, Y), spec=KEEP_ALL)
    info = splits.info
    assert (info.kind, info.input_shape, info.input_dtype) == (kind, shape, dtype)
    assert splits.preprocessing.scale == scale


def test_whole_numbers_in_rows_are_tokens_when_told_so():
    info = from_arrays((np.arange(20).reshape(10, 2), Y), spec=KEEP_ALL, kind="tokens").info
    assert (info.kind, info.vocabulary_size, info.input_dtype) == ("tokens", 20, "int32")


def test_float_images_to_255_are_scaled_only_when_told_so():
    x = np.linspace(0, 255, 160, dtype=np.float32).reshape(10, 4, 4, 1)
    silent = from_arrays((x, Y), spec=KEEP_ALL)
    assert silent.preprocessing.scale is None
    assert silent.info.warnings == (
        "images of type float32 reach 255 and are not scaled; 'scale: true' divides by 255.",
    )
    told = from_arrays((x, Y), spec=Arrays(split=SplitSpec(validation=0, test=0), scale=True))
    assert told.preprocessing.scale == 255.0


def test_nan_in_arrays_is_counted_and_placed():
    x = np.zeros((10, 3))
    x[4, 2] = x[7, 0] = np.nan
    with pytest.raises(DataError) as error:
        from_arrays((x, Y))
    assert str(error.value) == (
        "x: 2 of 30 values are NaN or infinite, the first (nan) at [4, 2]. Repair or remove these examples."
    )


def test_infinity_in_the_test_set_is_found():
    x, bad = np.zeros((10, 3)), np.full((10, 3), np.inf)
    with pytest.raises(DataError, match=r"x_test: 30 of 30 values are NaN or infinite, the first \(inf\) at \[0, 0\]"):
        from_arrays(((x, Y), (bad, Y)))


def test_numbers_too_large_for_float32_are_refused():
    with pytest.raises(DataError, match=r"x: 1e\+300 at \[1\] is too large for float32\."):
        to_float32(np.array([1.0, 1e300]), "x")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((10, 2)), np.zeros(9), "x has 10 examples, but y has 9 targets."),
        (np.zeros((0, 2)), np.zeros(0), "x has no examples."),
        (np.zeros((10, 0)), Y, "x: found shape (10, 0), which holds no values."),
        (np.array([["a", "b"]] * 10), Y, "x: found text, expected numbers."),
        (3, Y, "inputs have 0 dimensions"),
        ([[1, 2], [3]], [0, 1], "x: cannot be read as an array"),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_refused(x, y, message):
    with pytest.raises(DataError) as error:
        from_arrays((x, y))
    assert str(error.value).startswith(message)


def test_splits_of_different_shape_are_refused():
    message = r"x_test: one example has shape \(3,\), but in the training data \(2,\)\."
    with pytest.raises(DataError, match=message):
        from_arrays(((np.zeros((10, 2)), Y), (np.zeros((10, 3)), Y)))
