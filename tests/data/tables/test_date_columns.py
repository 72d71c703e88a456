"""Columns of dates as numbers: parts, formats, missing dates, the same at training, prediction and in an export."""

import math
from datetime import date, datetime, time, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from hornbook.data import load
from hornbook.data.inputs.files import read_inputs
from hornbook.data.records import from_json, to_json
from hornbook.data.tables.columns.moments import moment_of
from hornbook.errors import DataError
from hornbook.exports.columns import columns_of
from hornbook.exports.rows import encode
from hornbook.recipes.sources import Table
from hornbook.recipes.sources.table import DateColumn

DAYS = [date(2024, 1, 31) + timedelta(days=37 * row) for row in range(30)]
WHOLE = {"validation": 0, "test": 0}


@pytest.fixture
def table(tmp_path):
    def write(values, type_="date", name="t.csv", **options):
        frame = pl.DataFrame({"day": values, "y": [row % 2 for row in range(len(values))]})
        path = tmp_path / name
        frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
        return Table.model_validate(
            {"path": str(path), "target": "y", "split": WHOLE, "types": {"day": type_}, **options}
        )

    return write


def message(spec):
    with pytest.raises(DataError) as error:
        load(spec, seed=1)
    return str(error.value).removeprefix(f"{spec.path}: ")


def test_a_date_is_days_since_2000_and_loses_nothing(table):
    splits = load(table([f"{day:%d.%m.%Y}" for day in DAYS]), seed=1)
    assert [feature.name for feature in splits.info.features] == ["day"]
    np.testing.assert_array_equal(splits.train.x[:, 0], [(day - date(2000, 1, 1)).days for day in DAYS])
    assert splits.info.describe_columns() == "columns: 1 date"


def test_parts_that_repeat_are_sines_and_cosines(table):
    moments = [datetime(2024, 2, 29, 18, 15), datetime(2023, 12, 31, 0, 0), datetime(2023, 7, 1, 6, 30)] * 10
    parts = ["year", "month", "day", "weekday", "day_of_year", "hour", "minute"]
    splits = load(table([f"{moment:%Y-%m-%d %H:%M}" for moment in moments], {"date": parts}), seed=1)
    assert [feature.name for feature in splits.info.features][:3] == ["day.year", "day.month_sin", "day.month_cos"]
    expected = []
    for moment in moments:
        length = 366 if moment.year == 2024 else 365
        turns = [
            (moment.month - 1) / 12,
            (moment.day - 1) / 31,
            moment.weekday() / 7,
            (moment.timetuple().tm_yday - 1) / length,
            (moment.hour + moment.minute / 60) / 24,
            moment.minute / 60,
        ]
        waves = [wave(2 * math.pi * turn) for turn in turns for wave in (math.sin, math.cos)]
        expected.append([moment.year, *waves])
    np.testing.assert_allclose(splits.train.x, expected, atol=1e-6)


def test_missing_dates_are_missing_numbers(table):
    splits = load(table(["2024-01-01", None, "NA"] * 10, {"date": ["elapsed", "month"]}), seed=1)
    assert np.isnan(splits.train.x[1:3]).all()
    assert not np.isnan(splits.train.x[0]).any()
    assert splits.info.extra["has_missing"]


@pytest.mark.parametrize(
    ("values", "type_", "days"),
    [
        (["03/04/2024"], {"date": ["elapsed"], "format": "%m/%d/%Y"}, date(2024, 3, 4)),
        (["03/04/2024"], {"date": ["elapsed"], "format": "%d/%m/%Y"}, date(2024, 4, 3)),
        (["03/04/2024", "13/04/2024"], "date", date(2024, 4, 3)),
        (["March 4, 2024"], "date", date(2024, 3, 4)),
        (["2024-03"], "date", date(2024, 3, 1)),
    ],
)
def test_dates_are_read_as_they_are_written(table, values, type_, days):
    splits = load(table(values * 10, type_), seed=1)
    assert splits.train.x[0, 0] == (days - date(2000, 1, 1)).days


@pytest.mark.parametrize(
    ("values", "type_", "said"),
    [
        (
            ["03/04/2024"],
            "date",
            "can be read in 2 ways ('%d/%m/%Y' or '%m/%d/%Y'). Say which is meant (types: {day: {date:",
        ),
        (["3 March 24th"], "date", "holds text that is no date ('3 March 24th')"),
        (["2024-01-02", "02.01.2024"], "date", "dates written in several ways"),
        (
            ["2024-01-02", "2024-13-02"],
            {"date": ["month"], "format": "%Y-%m-%d"},
            "'2024-13-02' in row 2 is no date of",
        ),
        (["08:30"], {"date": ["month"]}, "holds times of day, which have no month"),
        (["1"], "date", "holds text that is no date ('1')"),
    ],
)
def test_what_is_no_date_or_two_is_refused(table, values, type_, said):
    assert said in message(table(values * 20, type_))


def test_times_of_day_have_hours(table, tmp_path):
    text = load(table(["06:00", "18:30"] * 10, {"date": ["hour"]}), seed=1)
    np.testing.assert_allclose(text.train.x[0], [1, 0], atol=1e-7)
    typed = load(table([time(6, 0), time(18, 30)] * 10, {"date": ["hour"]}, name="t.parquet"), seed=1)
    np.testing.assert_array_equal(text.train.x, typed.train.x)


def test_columns_with_a_type_are_the_same_and_zones_count(table):
    text = load(table([str(day) for day in DAYS]), seed=1).train.x
    np.testing.assert_array_equal(load(table(DAYS, name="t.parquet"), seed=1).train.x, text)
    zone = timezone(timedelta(hours=2))
    zoned = pl.Series([datetime(2024, 1, 1, 1, 0, tzinfo=zone)] * 20)
    expected = (datetime(2023, 12, 31, 23) - datetime(2000, 1, 1)) / timedelta(days=1)
    for values, name in ((zoned, "z.parquet"), (["2024-01-01T01:00:00+02:00"] * 20, "z.csv")):
        np.testing.assert_array_equal(load(table(values, name=name), seed=1).train.x[0], np.float32(expected))


def test_predictions_read_dates_as_training_did(table, tmp_path):
    spec = table([f"{day:%d/%m/%Y}" for day in DAYS], {"date": ["elapsed", "weekday"]})
    splits = load(spec, seed=1)
    info = from_json(to_json(splits.info))
    np.testing.assert_array_equal(read_inputs(spec.path, info)[0], splits.train.x)
    pl.DataFrame({"day": DAYS}).write_parquet(tmp_path / "new.parquet")  # typed dates mean the same
    np.testing.assert_array_equal(read_inputs(tmp_path / "new.parquet", info)[0], splits.train.x)
    for wrong in ("2024-01-03", "soon"):
        pl.DataFrame({"day": ["02/01/2024", wrong]}).write_csv(tmp_path / "new.csv")
        with pytest.raises(DataError, match=rf"column 'day': '{wrong}' in row 2 is no date of the format '%d/%m/%Y'"):
            read_inputs(tmp_path / "new.csv", info)
    pl.DataFrame({"other": [1]}).write_csv(tmp_path / "none.csv")
    with pytest.raises(DataError, match="no column 'day', which the model reads"):
        read_inputs(tmp_path / "none.csv", info)


def test_an_export_reads_dates_to_the_same_bits(table):
    values = [f"{day:%d/%m/%y} 0{row % 9}:{row}" for row, day in enumerate(DAYS, 10)] + [None]
    parts = ["elapsed", "year", "month", "day", "weekday", "day_of_year", "hour", "minute"]
    splits = load(table(values, {"date": parts, "format": "%d/%m/%y %H:%M"}), seed=1)
    np.testing.assert_array_equal(encode([{"day": value} for value in values], columns_of(splits.info)), splits.train.x)
    with pytest.raises(ValueError, match=r"row 1, column 'day': a date like %d/%m/%y %H:%M is expected, found 'soon'"):
        encode([{"day": "soon"}], columns_of(splits.info))


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("01/02/69", "%d/%m/%y"),
        ("01/02/68", "%d/%m/%y"),
        ("01/02/70", "%d/%m/%y"),
        ("2024-032", "%Y-%j"),
        ("2024-03", "%Y-%m"),
        ("Mar  5, 2024", "%b %d, %Y"),
        ("5 March 2024 11:05:30 PM", "%d %B %Y %I:%M:%S %p"),
        ("2024-01-02T10:00:00.25Z", "%Y-%m-%dT%H:%M:%S%.f%z"),
        ("2024-01-02 10:00:00+0530", "%Y-%m-%d %H:%M:%S%z"),
        ("12:30 AM", "%I:%M %p"),
    ],
)
def test_python_and_polars_read_the_same_moment(table, text, format):
    part = ["hour"] if "%Y" not in format and "%y" not in format else ["elapsed", "hour"]
    info = load(table([text] * 20, {"date": part, "format": format}), seed=1)
    row = encode([{"day": text}], columns_of(info.info))
    np.testing.assert_array_equal(row[0], info.train.x[0])
    assert not np.isnat(moment_of(text, format))


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        ({"date": ["moon"]}, "'elapsed', 'year', 'month'"),
        ({"date": ["month", "month"]}, "part 'month' is listed twice"),
        ({"date": []}, "at least 1"),
        ({"date": ["month"], "format": "%Q"}, "'%Q' is no code of a date"),
        ({"date": ["month"], "format": "%d.%m."}, "has no year"),
        ({"date": ["month"], "format": "day"}, "has no code"),
    ],
)
def test_types_that_mean_nothing_are_refused(type_, said):
    with pytest.raises(ValidationError, match=said):
        DateColumn.model_validate(type_)
