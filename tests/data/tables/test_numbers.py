"""Columns of plain numbers, which come by a short way: the same numbers, refusals and rows as by the long one."""

import numpy as np
import polars as pl
import pytest

from hornbook.data import load
from hornbook.data.preprocessing import check_columns, compute_preprocessing
from hornbook.data.source import Split
from hornbook.data.storage.rows import Rows
from hornbook.data.storage.threads import side_by_side
from hornbook.data.tables.files import read_frame
from hornbook.errors import DataError
from hornbook.recipes.sources import Table

ROWS = 1_500  # more than are looked at first
LATE = 1_200
WHOLE = {"validation": 0, "test": 0, "method": "first"}
KEPT = {"standardize": False}  # numbers whose squares float32 does not hold cannot be standardized
NUMBERS = np.random.default_rng(5).normal(size=ROWS) * 10.0 ** np.random.default_rng(6).integers(-30, 30, ROWS)


def written(tmp_path, values, *, last=False, **keys):
    """Return a table of these values and a target."""
    rows = [f"{row % 2},{value}" if last else f"{value},{row % 2}" for row, value in enumerate(values)]
    (tmp_path / "t.csv").write_text("\n".join(["y,a" if last else "a,y", *rows]) + "\n")
    return Table.model_validate({"path": str(tmp_path / "t.csv"), "target": "y", "split": WHOLE, **KEPT, **keys})


def with_late(value):
    texts = [repr(float(number)) for number in NUMBERS]
    texts[LATE] = value
    return texts


def test_numbers_are_the_nearest_ones(tmp_path):
    x = load(written(tmp_path, with_late("1e-300")), seed=1).train.x
    expected = NUMBERS.copy()
    expected[LATE] = 0
    np.testing.assert_array_equal(x[:, 0], expected.astype(np.float32))
    frame = read_frame(tmp_path / "t.csv", may_count=lambda _: True)
    assert frame.schema["a"] == pl.Float64  # read as numbers at once, which is what this is about


@pytest.mark.parametrize("value", [" 1.5", "1.5 ", "\t1.5", "+1.5", "'1.5'", '"1.5"', "1.5e0", "00001.5"])
def test_late_values_in_another_spelling_are_read_alike(tmp_path, value):
    if value == "'1.5'":
        with pytest.raises(DataError, match="in row 1,201 is no number"):
            load(written(tmp_path, with_late(value)), seed=1)
        return
    assert load(written(tmp_path, with_late(value)), seed=1).train.x[LATE, 0] == 1.5


@pytest.mark.parametrize("value", ["", "NA", "NaN", "nan", "?", " NA "])
@pytest.mark.parametrize("is_first", [True, False])
def test_missing_values_are_missing_wherever_they_stand(tmp_path, value, is_first):
    texts = with_late(value)
    if is_first:
        texts[3] = "null"
    x = load(written(tmp_path, texts), seed=1).train.x[:, 0]
    assert np.flatnonzero(np.isnan(x)).tolist() == ([3, LATE] if is_first else [LATE])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("high", "'high' in row 1,201 is no number"),
        ("inf", "row 1,201 is infinite"),
        ("-inf", "row 1,201 is infinite"),
        ("1e300", "row 1,201 is too large for float32"),
        ("1,5", "row 1201 .* has 3 fields"),
        ('"1,5"', "'1,5' in row 1,201 is a number with"),
    ],
)
def test_late_values_that_are_no_numbers_are_refused_with_their_row(tmp_path, value, said):
    with pytest.raises(DataError, match=said.replace("row 1201", "row 1,201")):
        load(written(tmp_path, with_late(value)), seed=1)


def test_a_fraction_says_that_whole_numbers_with_a_0_in_front_are_no_codes(tmp_path):
    codes = [f"{row:04}" for row in range(100, 100 + ROWS)]
    assert any("begin with 0 ('0100')" in text for text in load(written(tmp_path, codes), seed=1).info.warnings)
    codes[LATE] = "7.5"
    assert not any("begin with 0" in text for text in load(written(tmp_path, codes), seed=1).info.warnings)


@pytest.mark.parametrize("quoted", [False, True])
def test_gaps_at_the_end_of_rows_are_told_from_short_rows_and_blank_lines(tmp_path, quoted):
    texts = [f'"{text}"' if quoted else text for text in with_late("")]
    spec = written(tmp_path, texts, last=True)
    assert np.flatnonzero(np.isnan(load(spec, seed=1).train.x[:, 0])).tolist() == [LATE]
    lines = (tmp_path / "t.csv").read_text().split("\n")
    lines.insert(700, "")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    assert np.flatnonzero(np.isnan(load(spec, seed=1).train.x[:, 0])).tolist() == [LATE]  # the blank line is no row
    lines[700] = "1"
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"row 700 \(line 701\) has 1 field, the heading has 2"):
        load(spec, seed=1)


def test_statistics_on_all_processors_are_those_of_rows_on_disk():
    x = np.random.default_rng(2).normal(size=(300_000, 4)).astype(np.float32)
    x[::7, 1], x[:, 2] = np.nan, 2.5
    found = []
    for inputs in (x, Rows(x)):
        parts = {"train": Split(inputs, np.zeros(len(x)))}
        preprocessing = compute_preprocessing(parts, kind="table", scale=None, standardize=True, features=None)
        found.append((check_columns(inputs, None), preprocessing))
    assert found[0] == found[1]
    np.testing.assert_allclose(found[0][1].mean, np.nanmean(x.astype(np.float64), axis=0), rtol=1e-9)
    np.testing.assert_allclose(found[0][1].variance[:2], np.nanvar(x.astype(np.float64), axis=0)[:2], rtol=1e-9)
    assert "column '2' is constant" in found[0][0][0]


def test_the_first_fault_is_raised_wherever_threads_are():
    def work(item):
        if item > 3:
            raise ValueError(item)
        return item * 2

    assert side_by_side(work, [1, 2, 3], size=1 << 30) == [2, 4, 6]
    with pytest.raises(ValueError, match="4"):
        side_by_side(work, range(10), size=1 << 30)
