"""A recipe for a file of one's own: what each column becomes, and that it passes the check whatever the file is like."""

import csv
import random

import numpy as np
import polars as pl
import pytest
from PIL import Image

from hornbook.data.preview.draft import start_from
from hornbook.data.preview.probe import probe
from hornbook.errors import DataError, HornbookError, UsageError
from hornbook.recipes import load_recipe
from hornbook.recipes.describe.scaffold import written

draw = random.Random(0)


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def table(name, heading, row, rows=400, delimiter=","):
    """Write a CSV file of which `row` gives the fields of each row."""
    with open(name, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(heading)
        writer.writerows(row(place) for place in range(rows))


def recipe_for(path, **options):
    """Return the recipe of a file, which passes the check against the whole of its data."""
    start = start_from(path, **options)
    text = written(start)
    assert all(len(line) <= 120 for line in text.splitlines()), text
    recipe = load_recipe(text)
    seen = probe(recipe, whole=True)
    assert not [problem for problem in seen.problems if problem.severity == "error"]
    assert seen.splits is not None
    assert recipe.training.batch_size <= seen.splits.info.counts["train"]
    return recipe, text, start.notes


def test_semicolons_decimal_commas_dates_gaps_and_free_text():
    def row(place):
        day, month, year = 13 + place % 15, place % 12 + 1, 2010 + place % 9
        price = f"{place % 9 + 1}.{100 + place},{10 + place % 90}"
        return [place + 1, f"{day:02d}.{month:02d}.{year}", f"{place / 7:.2f}".replace(".", ","), price,
                ["Bonn", "Köln"][place % 2], "", f"Wohnung Nummer {place} mit Aussicht"]  # fmt: skip

    table("wohnung.csv", ["Nr", "Datum", "Fläche", "Preis", "Ort", "Leer", "Text"], row, delimiter=";")
    recipe, text, notes = recipe_for("wohnung.csv", target="Preis")
    data = recipe.data
    assert (data.decimal, data.thousands, data.drop) == (",", ".", ("Nr", "Leer", "Text"))
    assert (data.split.method, data.split.column, data.split.validation) == ("time", "Datum", 0.2)
    assert (recipe.task, notes) == ("regression", ())
    for reason in ("# Nr says which row it is", "# Leer is empty", "# Text is free text"):
        assert reason in text


def test_placeholders_codes_rare_classes_and_rows_of_one_patient():
    def row(place):
        age = "unknown" if place % 50 == 7 else 20 + place % 60
        return [5000 + place, place % 60, f"2024-{place % 12 + 1:02d}-{place % 28 + 1:02d}", age,
                f"0{1000 + place % 30}", "yes" if place % 16 == 3 else "no"]  # fmt: skip

    table("visits.csv", ["visit_id", "patient_id", "day", "age", "zip", "label"], row, rows=1300)
    recipe, text, notes = recipe_for("visits.csv")
    data = recipe.data
    assert data.missing[-1] == "unknown"
    assert len(data.missing) > 5  # the usual ones still are
    assert (data.drop, data.types) == (("visit_id", "patient_id"), {"zip": "category"})
    assert (data.split.method, data.split.column) == ("time", "day")
    [note] = notes
    assert "split: {method: group, column: patient_id}" in note
    assert "split: {method: group" in text
    assert recipe.training.class_weights == "balanced"
    assert [metric.name for metric in recipe.training.metrics] == ["accuracy", "auc"]


def test_an_identifier_that_repeats_keeps_its_rows_together():
    table(
        "orders.csv",
        ["customer_id", "amount", "channel", "y"],
        lambda place: [
            f"C{place % 80:03d}",
            f"${place % 9 + 1},{100 + place % 900}.50",
            ["web", "shop", "none"][place % 3],
            place / 7,
        ],
        rows=1600,
    )
    recipe, _, _ = recipe_for("orders.csv")
    assert (recipe.data.split.method, recipe.data.split.column) == ("group", "customer_id")
    assert (recipe.data.types, recipe.data.thousands) == ({"amount": "number"}, ",")
    assert recipe.model.units == (64, 32)


def test_a_comma_that_could_be_either_is_noted():
    table("either.csv", ["price", "y"], lambda place: [f"{place % 9 + 1},{100 + place}", place % 2])
    recipe, _, notes = recipe_for("either.csv")
    assert recipe.data.thousands == ","
    assert notes == (
        "column 'price': 1,100 is read as 1100; if it means 1.100, write 'decimal: \",\"' in place of 'thousands'",
    )


def test_dates_that_could_be_either_divide_nothing():
    table(
        "when.csv",
        ["when", "x", "y"],
        lambda place: [f"{place % 12 + 1:02d}/{place % 11 + 1:02d}/2024", place / 3, place % 2],
    )
    recipe, text, _ = recipe_for("when.csv")
    assert (recipe.data.drop, recipe.data.split.method) == (("when",), None)
    assert "when holds dates that can be read in several ways" in text


def test_a_copy_of_the_target_is_noted():
    table(
        "copy.csv",
        ["size", "price_in_cents", "target"],
        lambda place: [draw.random(), place % 71 * 100, place % 71 + 0.5],
    )
    assert recipe_for("copy.csv")[2] == (
        "column 'price_in_cents' tells the target by itself: if it is not known before the target is, drop it",
    )


def test_a_file_without_a_heading_gets_one():
    with open("plain.csv", "w", encoding="utf-8") as file:
        file.writelines(
            f"{place / 3:.3f}, {['red', 'blue'][place % 2]}, {place % 7}, {'yes' if place % 3 else 'no'}\n"
            for place in range(300)
        )
    with pytest.raises(UsageError, match=r"Say '--target NAME'. Columns: column_1 \(0\.000\), column_2 \(red\)"):
        start_from("plain.csv")
    recipe, _, _ = recipe_for("plain.csv", target="column_4")
    assert recipe.data.heading == ("column_1", "column_2", "column_3", "column_4")


def test_parquet_with_lists_and_dates_without_gaps(tmp_path):
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 10, 26), eager=True)
    pl.DataFrame({"when": days, "tags": [[1, 2]] * 300, "x": [place / 7 for place in range(300)],
                  "class": [["a", "b", "c"][place % 3] for place in range(300)]}).write_parquet("t.parquet")  # fmt: skip
    recipe, _, _ = recipe_for("t.parquet")
    assert (recipe.data.drop, recipe.data.split.column, recipe.task) == (("tags",), "when", "multiclass")


def test_what_the_user_says_is_kept():
    table(
        "mine.csv",
        ["id", "when", "zip", "y"],
        lambda place: [place, f"2024-01-{place % 28 + 1:02d}", f"0{place % 9}", place % 2],
    )
    recipe, _, _ = recipe_for("mine.csv", overrides=["data.types={zip: number}", "data.split.method=random"])
    assert recipe.data.types == {"zip": "number", "when": "date"}
    assert (recipe.data.split.method, recipe.data.drop) == ("random", ("id",))


def test_rows_without_target_are_left_out_and_dates_of_birth_are_numbers():
    def row(place):
        return [f"19{place % 60 + 30}-03-{place % 28 + 1:02d}", place % 7, "" if place % 40 == 9 else place % 2]

    table("patients.csv", ["birth_date", "x", "y"], row, rows=200)
    recipe, text, notes = recipe_for("patients.csv")
    assert (recipe.data.types, recipe.data.split.method) == ({"birth_date": "date"}, None)
    assert recipe.data.missing_targets == "drop"
    assert notes == ("5 of 200 rows have no y: they are left out",)
    assert "missing_targets: drop" in text


def test_files_of_a_pattern_and_lines_of_json(tmp_path):
    for part in ("a", "b"):
        table(f"part_{part}.csv", ["x", "y"], lambda place: [place / 3, place % 2], rows=100)
    recipe, _, _ = recipe_for("part_*.csv")
    assert recipe.data.path == "part_*.csv"
    lines = "".join(f'{{"x": {place / 3}, "y": "{"ab"[place % 2]}"}}\n' for place in range(100))
    (tmp_path / "rows.jsonl").write_text(lines, encoding="utf-8")
    assert recipe_for("rows.jsonl")[0].task == "binary"
    with pytest.raises(DataError, match=r"https://example.org/a.csv"):
        start_from("https://example.org/a.csv")


def test_arrays_and_pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("HORNBOOK_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    np.savez("waves.npz", x=random.normal(size=(200, 9, 2)).astype("float32"), y=random.integers(0, 2, 200))
    assert recipe_for("waves.npz")[0].model.name == "rnn"
    for place in range(30):
        folder = tmp_path / "pictures" / ["rose", "tulip"][place % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (20, 24, 3), np.uint8)).save(folder / f"{place}.png")
    recipe, _, _ = recipe_for("pictures")
    assert (recipe.data.name, recipe.data.size, recipe.model.name) == ("image_folder", 20, "cnn")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b\n1,2\n", {}, "which column is to be predicted? Say '--target NAME'. Columns: a (1), b (2)."),
        ("a,y\n1,2\n", {"target": "z"}, "f.csv: no column 'z'. Known: a, y."),
        ("a,y\n1,2\n2,2\n", {}, "f.csv: the target 'y' never changes, so there is nothing to learn."),
        ("a,y\n1,\n2,\n", {}, "f.csv: the target 'y' is empty."),
        ("a,y\n", {}, "f.csv: has a heading but no rows."),
        ("", {}, "f.csv: the file is empty."),
        ("y\n1\n2\n", {}, "f.csv: no column is left as a feature. Columns: y."),
        ("a,y\n1,2024-01-02\n2,2024-01-03\n", {}, "f.csv: the target 'y' holds dates, which are neither classes nor numbers."),
        ("a,y\n1,2\n", {"overrides": ["model=mlp"]}, "'model' is for the recipe once it is written"),
        ("a,y\n" + "".join(f"1,name{place}\n" for place in range(60)), {}, "f.csv: the target 'y' has 60 different texts in 60 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_begun_is_refused(text, options, message, tmp_path):
    (tmp_path / "f.csv").write_text(text, encoding="utf-8")
    with pytest.raises(HornbookError) as raised:
        start_from("f.csv", **options)
    assert str(raised.value).startswith(message)


def test_a_file_in_another_encoding_can_be_named(tmp_path):
    (tmp_path / "old.csv").write_bytes("größe;y\n".encode("cp1252") + b"1;a\n2;b\n" * 40)
    with pytest.raises(DataError, match="encoding: cp1252"):
        start_from("old.csv")
    assert recipe_for("old.csv", overrides=["data.encoding=cp1252"])[0].data.encoding == "cp1252"


def test_a_missing_file_and_a_target_of_no_table(tmp_path):
    with pytest.raises(UsageError, match="gone.csv: there is no such file, and no data source of that name"):
        start_from("gone.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="'--target' names a column of a table"):
        start_from("folder", target="x")
