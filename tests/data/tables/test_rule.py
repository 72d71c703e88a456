"""What a column is, by the one rule: never by guess, with the key that says what the values alone do not."""

import numpy as np
import polars as pl
import pytest

import hornbook
from hornbook.data import from_arrays, load, read_inputs
from hornbook.errors import DataError, RecipeError
from hornbook.recipes.sources import Table

ROWS = range(40)
WHOLE = {"validation": 0, "test": 0}


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A function that writes a column `a` beside a target, and returns the source that reads it."""
    monkeypatch.chdir(tmp_path)

    def write(values, **options):
        lines = [f"{value};{row % 2}\n" for row, value in enumerate(values)]
        (tmp_path / "t.csv").write_text("a;y\n" + "".join(lines), encoding="utf-8")
        return Table.model_validate({"path": "t.csv", "target": "y", "split": WHOLE, **options})

    return write


def column(spec):
    return load(spec, seed=1).train.x[:, 0].tolist()


def refusal(spec, **options):
    with pytest.raises(DataError) as error:
        load(spec, seed=1, **options)
    return str(error.value).removeprefix("t.csv: ")


ODD = [
    # what the values look like, what the key is, and what they mean then
    ("{0},5", "a decimal comma", {"decimal": ","}, 3.5),
    ("1.00{0},5", "a decimal comma and thousands marks", {"decimal": ",", "thousands": "."}, 1003.5),
    ("1,00{0}.5", "thousands marks", {"thousands": ","}, 1003.5),
    ("1 00{0}", "thousands marks", {"thousands": " "}, 1003),
    ("1\u202f00{0}", "thousands marks", {"thousands": " "}, 1003),
    ("1'00{0}", "thousands marks", {"thousands": "'"}, 1003),
    ("${0}", "a sign ($)", {"types": {"a": "number"}}, 3),
    ("{0} %", "a sign (%)", {"types": {"a": "number"}}, 3),
    ("EUR {0},50", "a decimal comma and a sign (EUR)", {"decimal": ",", "types": {"a": "number"}}, 3.5),
    ("({0})", "a sign", {"types": {"a": "number"}}, -3),
    ("−{0}", "a sign", {"types": {"a": "number"}}, -3),
]


@pytest.mark.parametrize(("form", "what", "keys", "value"), ODD, ids=[form for form, *_ in ODD])
@pytest.mark.parametrize("different", [2, 9])
def test_a_number_in_another_notation_is_refused_and_its_key_reads_it(table, form, what, keys, value, different):
    texts = [form.format(row % different + 1) for row in ROWS]
    message = refusal(table(texts))
    assert f"column 'a': {texts[0]!r} in row 1 is a number with {what} (and 39 more)." in message
    for key, text in keys.items():
        assert (f'{key}: "{text}"' if isinstance(text, str) else "types: {a: number}") in message
    texts[5] = form.format(3)
    assert column(table(texts, **keys))[5] == pytest.approx(value)
    assert column(table(texts, types={"a": "category"}))[0] == 1  # the other way out


def test_a_comma_that_could_be_either_is_asked_for(table):
    message = refusal(table(["1,234"] * 40))
    assert (
        'If 1,234 is a thousand and more, say so (thousands: ","); if it is one and a fraction: decimal: ","' in message
    )
    assert column(table(["1,234"] * 40, thousands=","))[0] == 1234
    assert column(table(["1,234"] * 40, decimal=","))[0] == pytest.approx(1.234)


def test_numbers_with_one_unit_are_refused_and_read_where_the_recipe_says_so(table):
    texts = [f"{row % 3} kg" for row in ROWS]
    assert refusal(table(texts)).startswith("column 'a' holds numbers with a unit ('0 kg').")
    assert column(table(texts, types={"a": "number"}))[2] == 2
    assert load(table(["4wd", "2wd", "awd", "fwd"] * 10), seed=1).info.features[0].type == "category"


def test_signs_that_differ_are_refused(table):
    spec = table([f"{'$' if row % 2 else '€'}{row}" for row in ROWS], types={"a": "number"})
    assert refusal(spec) == "column 'a' holds numbers with different signs ($, €). Give all of them the same."


@pytest.mark.parametrize(("text", "key"), [("None", "None"), ("-", '"-"'), ("#N/A", '"#N/A"'), ("n/a", "n/a")])
@pytest.mark.parametrize("every", [2, 5, 39])
def test_a_placeholder_among_numbers_is_no_category_whatever_its_share(table, text, key, every):
    values = [text if row % every == 0 else row % 7 for row in ROWS]
    assert f"If it means a missing value, say so (missing: [{key}]); if all" in refusal(table(values))
    read = column(table(values, missing=[text]))
    assert np.isnan(read[0])
    assert read[1] == 1


def test_a_list_of_ones_own_keeps_the_texts_that_the_table_holds(table):
    values = ["None" if row % 3 == 0 else "NA" if row == 1 else row for row in ROWS]
    assert "(missing: [None, NA])" in refusal(table(values))


def test_a_number_that_means_missing_is_one_in_every_kind_of_file(table, tmp_path):
    spec = table([-999 if row % 3 == 0 else row for row in ROWS], missing=["-999"])
    frame = pl.DataFrame({"a": [-999.0 if row % 3 == 0 else row for row in ROWS], "y": [row % 2 for row in ROWS]})
    frame.write_parquet(tmp_path / "t.parquet")
    other = Table.model_validate({"path": "t.parquet", "target": "y", "split": WHOLE, "missing": ["-999"]})
    np.testing.assert_array_equal(column(spec), column(other))
    assert np.isnan(column(spec)[0])


def test_dates_and_prose_are_no_categories(table):
    assert refusal(table([f"2026-01-0{row % 3 + 1}" for row in ROWS])).startswith(
        "column 'a' holds dates or times ('2026-01-01'). To read them as numbers say so (types: {a: date}, or "
    )
    assert "looks like free text" in refusal(table([f"a story of {row} words" for row in ROWS]))
    assert "column 'a' names picture files ('a/0.JPG')" in refusal(table([f"a/{row % 2}.JPG" for row in ROWS]))


def test_every_column_that_is_refused_is_named_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a;b;y\n" + "1,5;None;0\n2,5;3;1\n" * 20)
    message = refusal(Table(path="t.csv", target="y"))
    assert message.startswith("2 columns cannot be read.\n  column 'a': '1,5'")
    assert "\n  column 'b': 'None'" in message


def test_codes_that_begin_with_zero_are_pointed_at(table):
    warnings = load(table([f"0{row % 9}" for row in ROWS]), seed=1).info.warnings
    assert "say so (types: {a: category})" in warnings[0]


@pytest.mark.parametrize("spelling", [("True", "False"), ("TRUE", "FALSE"), ("true", "false")])
def test_a_boolean_is_one_type_in_every_spelling_and_file(table, tmp_path, spelling):
    info = load(table([spelling[row % 2] for row in ROWS]), seed=1).info
    assert info.features[0].categories == ("False", "True")
    assert info.describe_columns() == "columns: 1 boolean"
    pl.DataFrame({"a": [True, False, None]}).write_parquet(tmp_path / "new.parquet")
    (tmp_path / "new.csv").write_text('a\nTRUE\nfalse\n""\n')
    for name in ("new.parquet", "new.csv"):
        assert read_inputs(tmp_path / name, info)[0].ravel().tolist() == [2, 1, 0]


def test_a_boolean_target_has_one_spelling_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,y\n" + "1,true\n2,FALSE\n" * 20)
    pl.DataFrame({"a": [1, 2], "y": [True, False]}).write_parquet(tmp_path / "test.parquet")
    splits = load(Table(path="t.csv", target="y", test_path="test.parquet", classes=("true", "false")), seed=1)
    assert splits.info.class_names == ("True", "False")
    assert splits.test.y.tolist() == [0, 1]


def test_whole_numbers_are_the_same_category_with_and_without_a_fraction(table, tmp_path):
    info = load(table([1010 + row % 3 for row in ROWS], types={"a": "category"}), seed=1).info
    pl.DataFrame({"a": [1012.0, 1010.0]}).write_parquet(tmp_path / "new.parquet")
    (tmp_path / "new.csv").write_text("a\n1012.0\n1010\n")
    for name in ("new.parquet", "new.csv"):
        assert read_inputs(tmp_path / name, info)[0].ravel().tolist() == [3, 1]


def test_a_column_without_any_known_value_is_an_error(table, tmp_path):
    info = load(table(["no", "yes"] * 20), seed=1).info
    (tmp_path / "new.csv").write_text("a\nYes\nNo\n")
    with pytest.raises(DataError, match="column 'a' holds no category that training had: found 'Yes', known: no, yes"):
        read_inputs(tmp_path / "new.csv", info)
    (tmp_path / "test.csv").write_text("a,y\nYes,1\n")
    with pytest.raises(DataError, match="test.csv: column 'a' holds no category"):
        load(table(["no", "yes"] * 20, test_path="test.csv"), seed=1)


def test_predictions_are_read_as_the_training_table_was(table, tmp_path):
    spec = table([f"{row},5 €" for row in ROWS], decimal=",", types={"a": "number"})
    info = load(spec, seed=1).info
    (tmp_path / "new.csv").write_text("a;b\n1,25 €;x\n€ 2;x\n")
    assert read_inputs(tmp_path / "new.csv", info)[0].ravel().tolist() == [1.25, 2]
    (tmp_path / "bare.csv").write_text("a;b\n1,25;x\n")
    with pytest.raises(DataError, match="'1,25' in row 1 is no number with '€'"):
        read_inputs(tmp_path / "bare.csv", info)


def test_a_data_frame_follows_the_same_rule():
    frame = pl.DataFrame({"a": ["1,5", "2,5"] * 10})
    with pytest.raises(DataError, match="x: column 'a': '1,5' in row 1 is a number with a decimal comma"):
        from_arrays((frame, np.arange(20) % 2))


def test_the_table_of_an_early_run_is_read_as_it_was(table):
    values = ["None" if row % 3 else row % 5 for row in ROWS]
    recipe = {"data": table(values).model_dump(exclude_unset=True) | {"name": "table"}, "model": "mlp"}
    early = hornbook.load_recipe({**recipe, "data": recipe["data"] | {"separator": ";"}}, of_run=True)
    assert early.data.reading == "loose"
    assert load(early.data, seed=1).info.features[0].categories == ("0", "1", "2", "3", "4", "None")
    with pytest.raises(DataError):
        load(hornbook.load_recipe(recipe).data, seed=1)


FILES = [
    # text of a file, keys, names of the columns, rows
    ("a;b;y\n1;2;0\n3;4;1\n", {}, ["a", "b"], 2),
    ("a\tb\ty\n1\t2\t0\n3\t4\t1\n", {}, ["a", "b"], 2),
    ("a|b|y\n1|2|0\n3|4|1\n", {}, ["a", "b"], 2),
    ("a;b;y\nx, z;2;0\nu, v;4;1\n", {}, ["a", "b"], 2),
    ('a,b,y\n1,"u;v",0\n3,w,1\n', {}, ["a", "b"], 2),
    ("a b y\n1 2 0\n3 4 1\n", {"separator": " "}, ["a", "b"], 2),
    ("\na,b,y\n\n1,2,0\n   \n3,4,1\n\n\n", {}, ["a", "b"], 2),
    ("a,b,y\r\n1,2,0\r\n\r\n3,4,1\r\n\r\n", {}, ["a", "b"], 2),
    ('a,b,y\n1,"u\n\nv",0\n\n3,w,1\n', {}, ["a", "b"], 2),
    ("1,2,0\n\n3,4,1\n", {"heading": ["a", "b", "y"]}, ["a", "b"], 2),
]


@pytest.mark.parametrize(("text", "keys", "names", "rows"), FILES)
def test_rows_and_columns_of_a_file(tmp_path, text, keys, names, rows):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    splits = load(Table.model_validate({"path": str(path), "target": "y", "split": WHOLE, **keys}), seed=1)
    assert [feature.name for feature in splits.info.features] == names
    assert len(splits.train) == rows


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        (
            "a;b;c,d;y\n1;2;3,4;0\n1;2;3,4;1\n", {},
            "commas and semicolons all split its rows alike. Say what separates fields (separator: ',' or ';').",
        ),
        (
            "a;b,y\n1;2,3\n1;2;3,4,5\n", {},
            "commas and semicolons occur in its heading, and none splits its rows alike. Say what separates fields "
            "(separator: ',' or ';').",
        ),
        ("a b y\n1 2 0\n", {}, "no column 'y'. Known: a b y. The file has one column: if spaces separate its fields, say so (separator: ' ')."),
        ("1,2,0\n3,4,1\n", {}, "no column 'y'. Known: 0, 1, 2. The first line looks like values: if the file has no heading, name the columns (heading: [a, b, …])."),
        ("a,y\n1,0\n", {"heading": ["a", "y"]}, "the first line is the heading itself. Remove 'heading'."),
        ("1,2,0\n", {"heading": ["a", "y"]}, "row 1 has 3 fields, 'heading' names 2 columns."),
        ("a,y\n1,0\n\n2\n", {}, "row 2 (line 4) has 1 field, the heading has 2."),
        ("a,y\n1,0\n,\n", {}, "1 of 2 values of the target 'y' is missing: row 2. Remove these rows, or leave them out (missing_targets: drop)."),
    ],
)  # fmt: skip
def test_a_file_that_can_be_read_in_several_ways_says_so(tmp_path, monkeypatch, text, keys, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(text)
    assert refusal(Table.model_validate({"path": "t.csv", "target": "y", **keys})) == message


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_an_encoding_is_named_and_read(tmp_path, monkeypatch, encoding):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_bytes(("c,y\n" + "é,0\nü,1\n\n" * 20).encode(encoding))
    assert refusal(Table(path="t.csv", target="y")) == (
        f"is not UTF-8 text. Save it as UTF-8, or name its encoding (encoding: {encoding})."
    )
    info = load(Table(path="t.csv", target="y", encoding=encoding), seed=1).info
    assert info.features[0].categories == ("é", "ü")
    assert sum(info.counts.values()) == 40


def test_a_file_to_predict_on_may_have_a_heading_or_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("1,2,0\n3,4,1\n" * 20)
    info = load(Table(path="t.csv", target="y", heading=("a", "b", "y")), seed=1).info
    for text in ("5,6\n", "5,6,1\n", "b,a\n6,5\n"):
        (tmp_path / "new.csv").write_text(text)
        assert read_inputs(tmp_path / "new.csv", info)[0].tolist() == [[5, 6]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thousands": ",", "decimal": ","}, "data.thousands: ',' is the decimal already. Remove it."),
        ({"heading": ["a", "a"]}, "data.heading: column 'a' is named twice. Name each column once."),
        (
            {"types": {"y": "category"}},
            "data.types.y: the target 'y' is told apart by the task. Say 'task: multiclass'.",
        ),
        (
            {"split": {"format": "%d"}},
            "data.split.format: a format of dates is read by the method 'time' only. Add 'method: time', or remove it.",
        ),
    ],
)
def test_keys_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(RecipeError) as error:
        load(Table.model_validate({"path": "t.csv", "target": "y", **options}), seed=1)
    assert message in str(error.value)


def test_a_target_with_a_sign_is_a_number_where_the_recipe_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,y\n" + "1,$5\n2,$7\n" * 20)
    assert "say 'task: multiclass'" in refusal(Table(path="t.csv", target="y"))
    splits = load(Table(path="t.csv", target="y", types={"y": "number"}, split=WHOLE), seed=1)
    assert (splits.info.task, splits.train.y[:2].tolist()) == ("regression", [5, 7])


@pytest.mark.parametrize(("heading", "is_warned"), [("39,x,77516,y", True), ("0,1,2,y", False), ("a,b,2020,y", False)])
def test_an_example_in_the_place_of_the_heading_is_warned_about(tmp_path, heading, is_warned):
    from hornbook.data.sources.table import load_table
    from hornbook.recipes.sources.table import Table

    path = tmp_path / "t.csv"
    path.write_text(heading + "\n" + "".join(f"{n},{n % 3},{n * 2},{'no' if n % 2 else 'yes'}\n" for n in range(20)))
    found = load_table(Table(path=str(path), target="y"), seed=0).warnings
    assert any("is it an example?" in text for text in found) == is_warned
