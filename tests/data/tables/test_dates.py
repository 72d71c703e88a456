"""Splits by time order dates as they are meant, or ask."""

import numpy as np
import pytest

from hornbook.data import from_arrays, load
from hornbook.errors import DataError
from hornbook.recipes.sources import Arrays, Table

ORDERED = [
    # texts in the order of time
    ["2026-01-03", "2026-02-01", "2026-11-21"],
    ["2026-01-03 08:30:00", "2026-01-03 09:00:00.5", "2026-01-04 07:00:00"],
    ["2026-01-03T08:30:00Z", "2026-01-03T08:30:00-01:00", "2026-01-04T00:00:00Z"],
    ["13/01/2026", "01/02/2026", "02/11/2026"],  # 13 can be no month
    ["02/13/2026", "03/01/2026", "11/02/2026"],
    ["3.1.2026", "14.1.2026", "1.12.2026"],
    ["31/12/98", "01/01/99", "01/01/01"],
    ["3 Jan 2026", "1 Feb 2026", "21 Nov 2026"],
    ["January 3, 2026", "February 1, 2026", "November 21, 2026"],
    ["1/13/2026 9:30 AM", "1/13/2026 1:05 PM", "2/1/2026 8:00 AM"],
    ["2025-11", "2025-12", "2026-01"],
    ["01/01/2026", "02/02/2026", "03/03/2026"],  # either way the same order
]


def ordered(texts, **split):
    """Return which of these examples train, in ascending order of their numbers, and the spans."""
    split = {"method": "time", "column": "t", "validation": 0, "test": 1, **split}
    arrays = {"x": np.arange(len(texts))[:, None] / 10, "y": np.arange(len(texts)) / 7, "t": np.array(texts)}
    splits = from_arrays(arrays, spec=Arrays.model_validate({"split": split}))
    return [round(10 * value) for value in splits.train.x.ravel().tolist()], splits.info.extra["spans"]


@pytest.mark.parametrize("texts", ORDERED, ids=[texts[0] for texts in ORDERED])
def test_dates_are_ordered_by_time(texts):
    shuffled = [texts[2], texts[0], texts[1]]
    assert ordered(shuffled) == ([1, 2], {"train": [texts[0], texts[1]], "test": [texts[2], texts[2]]})


def test_dates_that_fit_two_orders_are_refused_and_a_format_decides():
    texts = ["03/04/2026", "04/03/2026"]
    with pytest.raises(DataError) as error:
        ordered(texts)
    assert str(error.value) == (
        "data.split: column 't': dates like '03/04/2026' can be read in 2 ways that order the rows differently. "
        'Say which is meant (format: "%d/%m/%Y" or "%m/%d/%Y").'
    )
    assert ordered(texts, format="%d/%m/%Y")[0] == [1]
    assert ordered(texts, format="%m/%d/%Y")[0] == [0]


@pytest.mark.parametrize(
    ("texts", "split", "message"),
    [
        (["2026-01-03", "soon"], {}, "holds text that is neither number nor date ('2026-01-03')"),
        (["2026-01-03", "03/04/2026"], {}, "or dates written in several ways"),
        (["13/01/2026", "01/13/2026"], {}, "or dates written in several ways"),
        (
            ["2026-01-03", "2026-13-03"],
            {"format": "%Y-%m-%d"},
            "'2026-13-03' in row 2 is no date of the format '%Y-%m-%d'.",
        ),
    ],
)
def test_what_is_no_date_is_named(texts, split, message):
    with pytest.raises(DataError) as error:
        ordered(texts, **split)
    assert message in str(error.value)


def test_a_table_splits_by_numbers_too(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,year,y\n" + "".join(f"{row}.5,{2000 + row % 7},{row % 2}\n" for row in range(42)))
    split = {"method": "time", "column": "year", "validation": 6, "test": 6}
    info = load(Table.model_validate({"path": str(path), "target": "y", "split": split}), seed=1).info
    assert info.extra["spans"] == {"train": ["2000", "2004"], "validation": ["2005", "2005"], "test": ["2006", "2006"]}
