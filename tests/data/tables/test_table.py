"""CSV and Parquet tables: typed columns, missing values, categories; every malformed file says where."""

import numpy as np
import polars as pl
import pytest

from hornbook.data import load
from hornbook.errors import DataError
from hornbook.recipes.sources import Table

HEADING = "rooms,city,area,sold,street,day\n"
ROWS = "".join(
    f"{n % 7},{('Bonn', 'Kiel', 'Ulm')[n % 3]},{'' if n % 10 == 0 else n * 0.5},{'yes' if n % 4 else 'no'},"
    f"{n // 5},2026-{n % 12 + 1:02d}-{n % 28 + 1:02d}\n"
    for n in range(60)
)


@pytest.fixture
def houses(tmp_path):
    path = tmp_path / "houses.csv"
    path.write_text(HEADING + ROWS)
    return str(path)


def table(path, **options):
    return Table.model_validate({"path": path, "target": "sold", "drop": ["street", "day"], **options})


def write(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text)
    return str(path)


def message(spec, task=None):
    with pytest.raises(DataError) as error:
        load(spec, seed=1, task=task)
    return str(error.value).removeprefix(f"{spec.path}: ")


def test_columns_are_typed_and_the_target_numbered(houses):
    info = load(table(houses), seed=1).info
    assert [(feature.name, feature.type) for feature in info.features] == [
        ("rooms", "number"),
        ("city", "category"),
        ("area", "number"),
    ]
    assert (info.task, info.class_names) == ("binary", ("no", "yes"))


def test_values_arrive_as_written(tmp_path):
    path = write(tmp_path, "city,area,y\nUlm,1.5,0\nBonn,,1\n ,2.5,0\n")
    splits = load(Table(path=path, target="y", split={"validation": 0, "test": 0}), seed=1)
    np.testing.assert_array_equal(splits.train.x, [[2, 1.5], [1, np.nan], [0, 2.5]])  # 0: missing city


def test_columns_may_be_listed_or_given_types(houses):
    listed = load(table(houses, columns=["area", "rooms"], drop=None), seed=1).info
    assert [feature.name for feature in listed.features] == ["area", "rooms"]
    typed = load(table(houses, columns={"rooms": "category"}, drop=None), seed=1).info
    assert typed.features[0].categories == ("0", "1", "2", "3", "4", "5", "6")


def test_types_override_single_columns(houses):
    info = load(table(houses, types={"rooms": "category"}), seed=1).info
    assert [feature.type for feature in info.features] == ["category", "category", "number"]


def test_parquet_gives_the_same_data_as_csv(houses, tmp_path):
    path = str(tmp_path / "houses.parquet")
    pl.read_csv(houses).write_parquet(path)
    assert load(table(path), seed=1).info.fingerprint == load(table(houses), seed=1).info.fingerprint


def test_other_separators_and_byte_order_marks_are_read(tmp_path):
    path = write(tmp_path, "\ufeffa;y\n" + "1;0\n2;1\n" * 10)
    assert load(Table(path=path, target="y", separator=";"), seed=1).info.features[0].name == "a"


def test_several_targets_are_predicted_together(houses):
    splits = load(table(houses, target=["rooms", "street"], drop=["day", "area"]), seed=1, task="regression")
    assert splits.train.y.shape == (43, 2)
    assert splits.info.extra["target_names"] == ["rooms", "street"]


def test_a_second_file_is_the_test_set(houses, tmp_path):
    test = write(tmp_path, "sold,city,rooms,area\nyes,Kiel,3,1\nno,Mainz,2,2\n", "test.csv")
    splits = load(table(houses, test_path=test), seed=1)
    assert splits.test.x.tolist() == [[3, 2, 1], [2, 0, 2]]  # columns by name; Mainz is unknown
    assert splits.test.y.tolist() == [1, 0]


def test_time_tests_on_the_latest_rows(tmp_path):
    days = pl.date_range(pl.date(2026, 1, 1), pl.date(2026, 2, 9), eager=True).to_list()
    order = np.random.default_rng(0).permutation(40)
    path = write(tmp_path, "age,day,y\n" + "".join(f"{n}.5,{days[n]},{n % 2}\n" for n in order))
    spec = Table.model_validate({"path": path, "target": "y", "split": {"method": "time", "column": "day"}})
    splits = load(spec, seed=1)
    assert sorted(splits.test.x.ravel().tolist()) == [n + 0.5 for n in range(32, 40)]
    assert [feature.name for feature in splits.info.features] == ["age"]  # the column itself is no feature


def test_groups_stay_together(houses):
    spec = table(houses, drop=["day"], columns=None, split={"method": "group", "column": "street"})
    assert sum(load(spec, seed=1).info.counts.values()) == 60


def test_text_that_means_missing_can_be_chosen(tmp_path):
    path = write(tmp_path, "a,y\n" + "1,0\n-999,1\n3,0\n" * 10)
    spec = Table.model_validate(
        {"path": path, "target": "y", "missing": ["-999"], "split": {"validation": 0, "test": 0}}
    )
    assert np.isnan(load(spec, seed=1).train.x[1, 0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b,y\n1,2,0\n3\n4,5,1\n", "row 2 (line 3) has 1 field, the heading has 3."),
        ("a,b,y\n1,2,0\n3,4,5,6\n", "row 2 (line 3) has 4 fields, the heading has 3."),
        ("", "the file is empty."),
        ("a,y\n", "has a heading but no rows."),
        ("a,a,y\n1,2,0\n", "the heading names column 'a' twice."),
        ("a,target\n1,0\n", "no column 'y'. Known: a, target."),
        (
            "a,y\n" + "1,0\nabc,1\n2,0\n" + "3,1\n" * 5,
            (
                "column 'a': 'abc' in row 2 is no number. If it means a missing value, say so (missing: [abc]); if all are "
                "categories: types: {a: category}."
            ),
        ),
        ("a,b,y\n" + "1,,0\n2,,1\n" * 5, "column 'b' is empty. Drop it (drop: [b])."),
        (
            "a,y\n1,0\n2,\n3,1\n4,?\n",
            "2 of 4 values of the target 'y' are missing: rows 2, 4. Remove these rows, or leave them out (missing_targets: drop).",
        ),
        ("a,y\n1,0\ninf,1\n2,1\n", "column 'a': row 2 is infinite (1 such rows). Repair it."),
        ("a,y\n1,0\n1e300,1\n2,1\n", "column 'a': row 2 is too large for float32 (1e+300) (1 such rows). Repair it."),
        (
            "name,y\n" + "".join(f"p{n},{n % 2}\n" for n in range(50)),
            (
                "column 'name' has 50 different texts in 50 rows, which looks like an identifier. "
                "Drop it (drop: [name]), or say what it is (types: {name: category}; text: types: {name: text})."
            ),
        ),
        (
            "a,y\n" + "".join(f"{n % 3},{n}.5\n" for n in range(30)) + "1,oops\n",
            (
                "the targets are text that holds numbers: 'oops' (example 31) stands among them. Repair it, or remove these "
                "rows. If they are classes, say 'task: multiclass'."
            ),
        ),
        ("y\n1\n0\n", "no column is left as a feature. Columns: y."),
    ],
)
def test_malformed_tables_say_where(tmp_path, text, expected):
    assert message(Table(path=write(tmp_path, text), target="y")) == expected


def test_text_that_is_not_utf8_is_no_traceback(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,y\n\xe9,1\n")
    assert message(Table(path=str(path), target="y")) == (
        "is not UTF-8 text. Save it as UTF-8, or name its encoding (encoding: cp1252)."
    )


def test_a_false_parquet_file_is_no_traceback(tmp_path):
    assert message(Table(path=write(tmp_path, "a,y", "t.parquet"), target="y")).startswith(
        "is no readable Parquet file"
    )


def test_a_missing_column_names_the_nearest(houses):
    assert message(table(houses, target="solt")) == "no column 'solt'. Did you mean 'sold'?"


def test_a_column_that_numbers_the_rows_is_a_warning(tmp_path):
    path = write(tmp_path, "id,a,y\n" + "".join(f"{n},{n % 5},{n % 2}\n" for n in range(30)))
    assert load(Table(path=path, target="y"), seed=1).info.warnings == (
        "column 'id' numbers the rows. If it is an identifier, drop it (drop: [id]).",
    )


def test_a_column_empty_in_the_training_split_is_refused(tmp_path):
    path = write(tmp_path, "a,b,y\n" + "1,,0\n2,,1\n" * 10 + "3,7,1\n")
    spec = Table.model_validate({"path": path, "target": "y", "split": {"method": "last", "test": 1, "validation": 0}})
    with pytest.raises(DataError, match=r"the training split has no value in column 'b'\. Drop it \(drop: \[b\]\)\."):
        load(spec, seed=1)


def test_rows_without_a_target_are_left_out_where_the_recipe_says_so(tmp_path):
    path = write(tmp_path, "a,b,y\n" + "1,2,0\n2,,\n3,4,1\n5,6,?\n" * 10)
    splits = load(Table(path=path, target="y", missing_targets="drop", split={"validation": 0, "test": 0}), seed=1)
    assert splits.train.x[:, 0].tolist() == [1, 3] * 10
    assert f"left out 20 rows of 40 without a target in {path}." in splits.info.warnings
    nothing = write(tmp_path, "a,y\n1,\n2,?\n", "none.csv")
    assert message(Table(path=nothing, target="y", missing_targets="drop")) == "no row has a value of the target 'y'."


@pytest.mark.parametrize("pair", [("yes", "no"), ("TRUE", "false"), ("1", "0"), ("Yes", "0")])
def test_several_targets_of_yes_and_no_are_labels(tmp_path, pair):
    rows = "".join(f"{n},{pair[n % 2]},{('true', 'false', 'true')[n % 3]},{n % 5 // 4}\n" for n in range(30))
    path = write(tmp_path, "x,a,b,c\n" + rows)
    splits = load(Table(path=path, target=["a", "b", "c"], split={"validation": 0, "test": 0}), seed=1)
    assert (splits.info.task, splits.info.class_names) == ("multilabel", ("a", "b", "c"))
    expected = [[n % 2 == 0, n % 3 != 1, n % 5 == 4] for n in range(30)]
    np.testing.assert_array_equal(splits.train.y, np.array(expected, np.float32))


def test_several_targets_of_other_words_are_refused(tmp_path):
    path = write(tmp_path, "x,a,b\n" + "1,yes,0\n2,no,1\n3,maybe,1\n" * 5)
    found = message(Table(path=path, target=["a", "b"]))
    assert found.startswith("target 'a': 'maybe' in row 3 is neither a number nor a label.")
