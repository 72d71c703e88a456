"""A table whose only input is a column of texts."""

import numpy as np
import polars as pl
import pytest

from hornbook.data import load
from hornbook.data.sources.arrays import from_arrays
from hornbook.data.tables.overview import overview
from hornbook.errors import DataError
from hornbook.recipes.sources import Table

TEXTS = [f"review {word} number {place}" for place in range(10) for word in ("good", "bad")]
ALL = {"validation": 0, "test": 0}


def written(tmp_path, suffix=".csv", **columns):
    path = tmp_path / f"reviews{suffix}"
    frame = pl.DataFrame({"review": TEXTS, "label": ["yes", "no"] * 10} | columns)
    frame.write_csv(path) if suffix == ".csv" else frame.write_parquet(path)
    return path


def table(path, **keys):
    return load(Table(path=str(path), target="label", types={"review": "text"}, split=ALL, **keys), seed=1)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_of_texts_alone_is_tokens(tmp_path, suffix):
    splits = table(written(tmp_path, suffix))
    assert (splits.info.kind, splits.info.task, splits.info.counts["train"]) == ("tokens", "binary", 20)
    facts = splits.info.extra["texts"]["review"]
    np.testing.assert_array_equal(facts["vocabulary"][:2], ["review", "number"])
    words = {facts["vocabulary"][row[1] - 2]: label for row, label in zip(splits.train.x, splits.train.y, strict=True)}
    assert words == {"good": 1, "bad": 0}


def test_texts_stay_as_they_are_and_missing_ones_are_empty(tmp_path):
    splits = table(written(tmp_path, ".parquet", review=[None, "NA", " a  b ", *TEXTS[3:]]))
    assert splits.info.extra["texts"]["review"]["empty"] == {"train": 1}
    assert "na" in splits.info.extra["texts"]["review"]["vocabulary"]


def test_other_columns_stand_beside_a_text_unless_it_is_the_only_one_that_is_named(tmp_path):
    path = written(tmp_path, price=list(range(20)))
    info = table(path).info
    assert info.kind == "table"
    assert ([feature.name for feature in info.features], [block.name for block in info.blocks]) == (
        ["price"],
        ["review"],
    )
    splits = load(Table(path=str(path), target="label", columns={"review": "text"}, split=ALL), seed=1)
    assert splits.info.kind == "tokens"


def test_free_text_is_refused_with_the_key_that_reads_it(tmp_path):
    path = written(tmp_path, review=[f"this is text number {place} of many" for place in range(20)])
    frame = pl.read_csv(path)
    pl.concat([frame.with_columns(pl.col("review") + f" {again}") for again in range(9)]).write_csv(path)
    with pytest.raises(DataError, match=r"looks like free text\. To read its words say so \(types: \{review: text\}\)"):
        load(Table(path=str(path), target="label"), seed=1)


def test_a_table_above_the_budget_is_refused(tmp_path):
    spec = Table(path=str(written(tmp_path)), target="label", types={"review": "text"})
    with pytest.raises(DataError, match="a table with texts is read whole"):
        load(spec, seed=1, memory_budget=100)


def test_lists_of_texts_come_from_python(tmp_path):
    from_table, from_lists = table(written(tmp_path)), from_arrays((TEXTS, ["yes", "no"] * 10))
    assert from_lists.info.kind == "tokens"
    assert from_lists.info.counts == {"train": 14, "validation": 2, "test": 4}
    whole = from_arrays({"x": TEXTS, "y": ["yes", "no"] * 10, "x_test": TEXTS[:2], "y_test": ["yes", "no"]})
    assert whole.info.counts["test"] == 2
    np.testing.assert_array_equal(whole.test.x[0, :1], from_table.train.x[0, :1])


def test_what_means_missing_elsewhere_is_a_word_of_a_text(tmp_path):
    path = written(tmp_path, review=["NA", "null", " ", *TEXTS[3:]])
    spec = Table(path=str(path), target="label", types={"review": "text"})
    (line,) = [line for line in overview(spec) if line.name == "review"]
    assert (line.becomes, line.missing, line.distinct) == ("tokens", 1, 19)
