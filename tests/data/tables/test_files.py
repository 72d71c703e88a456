"""Kinds of table files: packed, JSON lines, Parquet, Excel; several files as one; what is no table."""

import gzip
import os
import zipfile
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from hornbook.data import load
from hornbook.data.inputs.files import read_examples
from hornbook.data.readings import Reading
from hornbook.data.tables import files as table_files
from hornbook.data.tables import packed
from hornbook.data.tables.files import read_frame
from hornbook.errors import DataError
from hornbook.recipes.sources import Table

ROWS = [{"age": n * 1.5, "city": ("Oslo", "Rome")[n % 2], "sold": ("no", "yes")[n % 3 == 0]} for n in range(30)]
CSV = "age,city,sold\n" + "".join(f"{row['age']},{row['city']},{row['sold']}\n" for row in ROWS)
XLSX = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    "</Types>",
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
    'Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
}


def workbook(path, **sheets):
    """Write a workbook by hand: rows of numbers and texts by sheet."""
    names = list(sheets)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in XLSX.items():
            archive.writestr(name, text)
        entries = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="s{n}"/>' for n, name in enumerate(names, 1))
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{kind}"><sheets>{entries}</sheets></workbook>'
        )
        links = "".join(
            f'<Relationship Id="s{n}" Type="{kind}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(names) + 1)
        )
        package = "http://schemas.openxmlformats.org/package/2006/relationships"
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}">{links}</Relationships>')
        for number, rows in enumerate(sheets.values(), 1):
            body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
            )
    return str(path)


def _cell(value):
    if value is None:
        return "<c/>"
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>' if isinstance(value, str) else f"<c><v>{value}</v></c>"


def table(path, **options):
    return Table.model_validate({"path": path, "target": "sold", **options})


def fingerprint(path, **options):
    return load(table(path, **options), seed=1).info.fingerprint


def message(spec):
    with pytest.raises(DataError) as error:
        load(spec, seed=1)
    return str(error.value)


@pytest.fixture
def plain(tmp_path):
    (tmp_path / "plain.csv").write_text(CSV)
    return fingerprint(str(tmp_path / "plain.csv"))


# ---- kinds


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv"])
def test_gzip_is_known_by_its_content(tmp_path, plain, name):
    (tmp_path / name).write_bytes(gzip.compress(CSV.encode()))
    assert fingerprint(str(tmp_path / name)) == plain


def test_zstandard_is_read_in_several_frames(tmp_path, plain):
    zstandard = pytest.importorskip("zstandard")
    half = len(CSV) // 2
    packed_text = zstandard.compress(CSV[:half].encode()) + zstandard.compress(CSV[half:].encode())
    (tmp_path / "t.csv.zst").write_bytes(packed_text)
    assert fingerprint(str(tmp_path / "t.csv.zst")) == plain


def test_packed_text_may_be_in_any_encoding(tmp_path):
    text = "age;city;sold\n" + "1;Zürich;no\n2;Rome;yes\n" * 10
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text.encode("cp1252")))
    assert load(table(str(tmp_path / "t.csv.gz"), encoding="cp1252"), seed=1).info.features[1].categories == (
        "Rome",
        "Zürich",
    )


def test_a_packed_file_that_is_cut_off_is_named(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(CSV.encode())[:-20])
    assert "t.csv.gz: is packed and cannot be unpacked" in message(table(str(tmp_path / "t.csv.gz")))


def test_a_small_file_that_expands_beyond_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "memory_bytes", lambda: 2 * 10**6)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"age,sold\n" + b"1,yes\n" * 10**6))
    assert "expand to more than" in message(table(str(tmp_path / "t.csv.gz")))


@pytest.mark.parametrize("ending", [".jsonl", ".ndjson", ".jsonl.gz"])
def test_lines_of_json_give_the_same_data(tmp_path, plain, ending):
    frame = pl.DataFrame(ROWS)
    text = frame.write_ndjson().encode()
    (tmp_path / f"t{ending}").write_bytes(gzip.compress(text) if ending.endswith("gz") else text)
    assert fingerprint(str(tmp_path / f"t{ending}")) == plain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ('{"age": 1, "sold": "no"}\n{"age": \n', "line 2 is no JSON object ('{\"age\": ')"),
        ("[1, 2]\n", "line 1 is no JSON object"),
        ('{"age": 1, "sold": "no"}\n{"age": true, "sold": "yes"}\n', "cannot be read as lines of JSON"),
    ],
)
def test_lines_that_are_no_rows_are_named(tmp_path, text, said):
    (tmp_path / "t.jsonl").write_text(text)
    assert said in message(table(str(tmp_path / "t.jsonl")))


def test_what_parquet_has_of_types_becomes_numbers_and_categories(tmp_path):
    frame = pl.DataFrame(
        {
            "price": [Decimal("1.50"), None, Decimal("2.25")] * 10,
            "count": pl.Series([1, None, 3] * 10, dtype=pl.UInt16),
            "city": pl.Series(["Oslo", "Rome", None] * 10, dtype=pl.Categorical),
            "size": pl.Series(["S", "L", "S"] * 10, dtype=pl.Enum(["S", "L", "XL"])),
            "sold": pl.Series([Decimal("0"), Decimal("1"), Decimal("1")] * 10),
        }
    )
    frame.write_parquet(tmp_path / "t.parquet")
    splits = load(table(str(tmp_path / "t.parquet"), split={"validation": 0, "test": 0}), seed=1)
    np.testing.assert_array_equal(
        splits.train.x[:3], np.array([[1.5, 1, 1, 2], [np.nan, np.nan, 2, 1], [2.25, 3, 0, 2]], np.float32)
    )
    assert (splits.info.task, splits.info.class_names) == ("binary", ("0", "1"))


def test_an_excel_file_gives_the_same_data(tmp_path, plain):
    pytest.importorskip("fastexcel", reason="not installed: hornbook[excel]", exc_type=ImportError)
    rows = [["age", "city", "sold"], *([*row.values()] for row in ROWS)]
    path = workbook(tmp_path / "t.xlsx", Data=rows, Notes=[["what"], ["nothing"]])
    assert fingerprint(path) == plain
    assert fingerprint(path, sheet="Data") == plain
    assert "no sheet 'Dat'. Known: Data, Notes." in message(table(path, sheet="Dat"))


def test_without_its_library_an_excel_file_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fastexcel", None)
    path = workbook(tmp_path / "t.xlsx", Data=[["age", "sold"], [1, "no"]])
    assert "pip install 'hornbook[excel]'" in message(table(path))


def test_an_archive_that_is_no_workbook_is_named(tmp_path):
    pytest.importorskip("fastexcel", reason="not installed: hornbook[excel]", exc_type=ImportError)
    (tmp_path / "t.xlsx").write_text("age,sold\n1,no\n")
    assert "is no readable Excel file" in message(table(str(tmp_path / "t.xlsx")))


def test_quoted_fields_may_hold_line_breaks(tmp_path):
    (tmp_path / "t.csv").write_text('age,city,sold\n1,"Os\nlo",no\n2,"Ro\r\nme",yes\n\n3,"Os\nlo",no\n')
    splits = load(table(str(tmp_path / "t.csv"), split={"validation": 0, "test": 0}), seed=1)
    assert splits.info.features[1].categories == ("Os\nlo", "Ro\r\nme")
    np.testing.assert_array_equal(splits.train.x, [[1, 1], [2, 2], [3, 1]])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"PAR1....", "is a Parquet file, no text as its name says"),
        ("t.csv", b"PK\x03\x04....", "is an Excel file or another zip archive"),
        ("t.csv", b"BZh9....", "is packed with bzip2"),
        ("t.xls", b"....", "is Excel's old format; save it as .xlsx or .csv"),
        ("t.json", b"[]", "write one object per line into a .jsonl file"),
        ("t.csv.zip", b"PK", "is an archive; unpack it"),
        ("t.parquet", gzip.compress(b"PAR1", mtime=0), "is packed with gzip, which is for text files"),
        ("t.dat", b"1,2", "unknown kind of table"),
    ],
)
def test_what_is_no_table_is_named_for_what_it_is(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    assert said in message(table(str(tmp_path / name)))


@pytest.mark.parametrize("url", ["https://example.org/t.csv", "s3://bucket/t.parquet", "HTTP://example.org/*.csv"])
def test_addresses_are_refused_as_such(url):
    assert "This is a URL, and nothing is downloaded from it. Download it" in message(table(url))


# ---- several files


@pytest.fixture
def parts(tmp_path):
    for number in range(3):
        rows = ROWS[number * 10 : number * 10 + 10]
        names = ["age", "city", "sold"] if number != 1 else ["sold", "age", "city"]  # another order
        pl.DataFrame(rows).select(names).write_csv(tmp_path / f"part{number}.csv")
    return tmp_path


def test_a_pattern_and_a_list_are_one_table(parts, plain):
    assert fingerprint(str(parts / "part*.csv")) == plain
    assert fingerprint([str(parts / f"part{number}.csv") for number in range(3)]) == plain


def test_a_pattern_without_files_and_a_file_twice_are_refused(parts):
    assert "no file is called like this pattern" in message(table(str(parts / "*.parquet")))
    twice = [str(parts / "part0.csv"), str(parts / "part*.csv")]
    assert "is named twice" in message(table(twice))


@pytest.mark.parametrize(
    ("heading", "row", "said"),
    [
        ("age,city", "1,Oslo", "part1.csv: has no column 'sold', and"),
        ("age,city,sold,extra", "1,Oslo,no,5", "part1.csv: has a column 'extra', and"),
        ("age,city,sold", "young,Oslo,no", "part1.csv: column 'age' holds text ('young' in row 1), and in"),
        ("age,city,sold", "1,2,no", "part1.csv: column 'city' holds numbers, and in"),
    ],
)
def test_a_file_that_differs_is_named_with_the_column(parts, heading, row, said):
    (parts / "part1.csv").write_text(f"{heading}\n{row}\n")
    assert said in message(table(str(parts / "part*.csv")))


def test_a_category_may_look_like_numbers_in_one_file(parts):
    (parts / "part1.csv").write_text("age,city,sold\n1,2,no\n")
    info = load(table(str(parts / "part*.csv"), types={"city": "category"}, split={"test": 0}), seed=1).info
    assert "2" in info.features[1].categories


def test_other_types_in_parquet_files_are_refused(tmp_path):
    pl.DataFrame({"age": [1, 2], "sold": ["no", "yes"]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"age": [date(2024, 1, 1)], "sold": ["no"]}).write_parquet(tmp_path / "b.parquet")
    assert "b.parquet: column 'age' holds dates, and in" in message(table(str(tmp_path / "*.parquet")))


def test_own_files_for_validation_and_test(parts):
    paths = {
        key: str(parts / f"part{number}.csv") for number, key in enumerate(("path", "validation_path", "test_path"))
    }
    splits = load(Table.model_validate({**paths, "target": "sold"}), seed=1)
    assert splits.info.counts == {"train": 10, "validation": 10, "test": 10}
    assert splits.validation.x[0, 0] == 15.0


def test_predictions_read_the_same_files(parts):
    info = load(table(str(parts / "part*.csv")), seed=1).info
    examples = read_examples(parts / "part*.csv", info, Reading(keep=("age",), targets=("sold",)))
    assert len(examples.x) == len(examples.y) == len(examples.kept["age"]) == 30
    (parts / "part2.csv").write_text("age,city,sold\n1,Oslo,no\nyoung,Rome,no\n")
    with pytest.raises(DataError, match=r"part2.csv: column 'age' holds text \('young' in row 2\)"):
        read_examples(parts / "part*.csv", info, Reading())


# ---- bad files


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text(CSV)

    def read_and_grow(file, *arguments, **options):
        frame = original(file, *arguments, **options)
        file.write_text(CSV + "1,Oslo,no\n")
        return frame

    original = table_files.read_text
    monkeypatch.setattr(table_files, "read_text", read_and_grow)
    assert "was changed while it was read" in message(table(str(path)))


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "the file is empty"), ("age,city,sold\n", "has a heading but no rows"), ("\n\n", "is empty")],
)
def test_empty_files_are_refused(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    assert said in message(table(str(tmp_path / "t.csv")))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "t.csv").write_text(CSV)
    (tmp_path / "t.csv").chmod(0)
    assert "t.csv: cannot be read: Permission denied" in message(table(str(tmp_path / "t.csv")))


def test_a_parquet_file_of_more_rows_than_memory_holds_is_refused(tmp_path, monkeypatch):
    pl.DataFrame({"age": pl.Series([0] * 10**5, dtype=pl.UInt8), "sold": ["no"] * 10**5}).write_parquet(
        tmp_path / "t.parquet"
    )
    monkeypatch.setattr(table_files, "memory_bytes", lambda: 10**5)
    with pytest.raises(DataError, match="100,000 rows of 2 columns are 0.0 GB, more than"):
        read_frame(tmp_path / "t.parquet")
    assert read_frame(tmp_path / "t.parquet", rows=5).height == 5


@pytest.mark.whole
def test_ten_thousand_columns_are_read(tmp_path):
    values = np.random.default_rng(0).normal(size=(30, 10_000)).round(3)
    frame = pl.DataFrame(values, schema=[f"c{place}" for place in range(10_000)], orient="row")
    frame.with_columns(sold=pl.Series(["no", "yes"] * 15)).write_csv(tmp_path / "t.csv")
    splits = load(table(str(tmp_path / "t.csv"), split={"validation": 0, "test": 0}), seed=1)
    np.testing.assert_array_equal(splits.train.x, values.astype(np.float32))
