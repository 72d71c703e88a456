"""The reader that goes with an exported table: values by name → numbers, in the order of the columns."""

import math

import numpy as np
import pytest

from hornbook.exports.rows import encode, read_csv

COLUMNS = [
    {"name": "size", "type": "number"},
    {"name": "city", "type": "category", "categories": ["Oslo", "Rome"]},
    {"name": "open", "type": "category", "categories": ["False", "True"]},
    {"name": "zip", "type": "category", "categories": ["101", "202"]},
]


@pytest.mark.parametrize(("row", "expected"), [
    ({"size": "2.5", "city": "Rome", "open": "true", "zip": "101"}, [2.5, 2, 2, 1]),
    ({"size": 3, "city": "Oslo", "open": False, "zip": 202}, [3, 1, 1, 2]),
    ({"size": None, "city": "Bonn", "open": None, "zip": 202.0}, [math.nan, 0, 0, 2]),
    ({"size": "", "city": "", "open": "", "zip": "", "other": "x"}, [math.nan, 0, 0, 0]),
])  # fmt: skip
def test_a_row_becomes_its_numbers(row, expected):
    np.testing.assert_array_equal(encode([row], COLUMNS), np.array([expected], np.float32))


@pytest.mark.parametrize(("row", "message"), [
    ({"size": 1, "city": "Rome", "open": True}, "row 2: no column 'zip', which the model reads."),
    ({"size": "big", "city": "", "open": "", "zip": ""}, "row 2, column 'size': a number is expected, found 'big'."),
])  # fmt: skip
def test_what_is_no_row_is_named(row, message):
    whole = {"size": 1, "city": "Rome", "open": True, "zip": "101"}
    with pytest.raises(ValueError, match=message):
        encode([whole, row], COLUMNS)


def test_a_csv_file_is_read_by_its_heading(tmp_path):
    (tmp_path / "rows.csv").write_text('zip,size,city,open\n202,1.5,"Rome",True\n', encoding="utf-8-sig")
    np.testing.assert_array_equal(read_csv(tmp_path / "rows.csv", COLUMNS), np.array([[1.5, 2, 2, 2]], np.float32))
    assert encode([], COLUMNS).shape == (0, 4)
