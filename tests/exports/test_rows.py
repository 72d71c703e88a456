"""The reader that goes with an exported table: values by name → numbers, in the order of the columns."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from hornbook.data.tables.columns import moments
from hornbook.exports import rows
from hornbook.exports.package import _together
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


def test_texts_and_numbers_that_mean_a_missing_value_are_missing():
    columns = [{**column, "missing": ["-999", "none"]} for column in COLUMNS[:2]]
    rows = [{"size": -999.0, "city": "none"}, {"size": "-999", "city": " Rome "}, {"size": "none", "city": "-999"}]
    np.testing.assert_array_equal(encode(rows, columns), [[math.nan, 0], [math.nan, 2], [math.nan, 0]])


def test_it_stands_alone_in_a_package(tmp_path):
    (tmp_path / "rows_alone.py").write_text(_together(moments, rows))
    code = "import sys; sys.modules['hornbook'] = None; import json, rows_alone; "
    code += "print(rows_alone.encode([{'day': '31.01.2000'}], json.loads(sys.argv[1])).tolist())"
    column = {"name": "day.elapsed", "type": "date", "column": "day", "part": "elapsed", "format": "%d.%m.%Y"}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps([column])], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[[30.0]]\n", "")


def test_a_csv_file_is_read_by_its_heading(tmp_path):
    (tmp_path / "rows.csv").write_text('zip,size,city,open\n202,1.5,"Rome",True\n', encoding="utf-8-sig")
    np.testing.assert_array_equal(read_csv(tmp_path / "rows.csv", COLUMNS), np.array([[1.5, 2, 2, 2]], np.float32))
    assert encode([], COLUMNS).shape == (0, 4)
