"""Tables that exceed the memory budget are read in parts, with the same numbers, facts and messages as in memory."""

import gzip
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hornbook.data import Rows, load
from hornbook.data.storage.rows import in_memory
from hornbook.errors import DataError
from hornbook.recipes.sources import Table
from hornbook.runs.caches import cache_folder, cached_sets

ROWS = 600
KEYS = {
    "target": "y",
    "weight": "w",
    "types": {"day": {"date": ["month", "weekday"]}, "price": "number"},
    "drop": ["note"],
}


def frame(rows=ROWS):
    """Numbers with gaps, codes that begin with 0, a sign, a boolean, a date, categories of which one is rare, and prose."""
    number = np.arange(rows)
    rng = np.random.default_rng(11)
    return pl.DataFrame(
        {
            "size": [None if n % 9 == 4 else round(float(value), 4) for n, value in enumerate(rng.normal(size=rows))],
            "code": [f"{n % 70:03d}" for n in number],
            "price": [f"${n % 40}.50" for n in number],
            "is_new": ["true" if n % 3 else "FALSE" for n in number],
            "day": [f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d}" for n in number],
            "city": ["Rare" if n == rows - 3 else ("Ulm", " Kiel", "NA", "Bonn, old", 'the "Hague"\nby the sea')[n % 5] for n in number],
            "note": [f"words {n}" for n in number],
            "w": rng.integers(1, 4, rows),
            "y": [("no", "yes")[n % 2] for n in rng.integers(0, 9, rows)],
        }
    )  # fmt: skip


@pytest.fixture(autouse=True)
def small_parts(monkeypatch, tmp_path):
    """Texts are cut into some twenty parts; the cache is the test's own."""
    monkeypatch.setattr("hornbook.data.tables.text.PART_BYTES", 2000)
    monkeypatch.setenv("HORNBOOK_CACHE", str(tmp_path / "cache"))


def csv(path, table):
    table.write_csv(path)
    return str(path)


def parquet(path, table):
    table.write_parquet(path, row_group_size=100)
    return str(path)


def packed(path, table):
    path.write_bytes(gzip.compress(table.write_csv().encode()))
    return str(path)


def latin(path, table):
    path.write_text(table.with_columns(city=pl.col("city") + "é").write_csv(), encoding="latin-1")
    return str(path)


def headless(path, table):
    table.write_csv(path, include_header=False)
    return str(path)


def several(path, table):
    table[:250].write_csv(path.with_suffix(".1.csv"))
    table[250:].select(reversed(table.columns)).write_csv(path.with_suffix(".2.csv"))
    return str(path.with_suffix(".*.csv"))


FORMS = {
    "csv": (csv, "t.csv", {}),
    "parquet": (parquet, "t.parquet", {}),
    "gzip": (packed, "t.csv.gz", {}),
    "latin-1": (latin, "t.csv", {"encoding": "latin-1"}),
    "without heading": (headless, "t.csv", {"heading": frame(1).columns}),
    "several files": (several, "t", {}),
}


def splits_of(path, budget, **options):
    spec = Table.model_validate({"path": path, **KEYS, **options})
    return load(spec, seed=3, memory_budget=budget)


def assert_same(streamed, resident):
    assert isinstance(streamed.train.x, Rows)
    for name in ("train", "validation", "test"):
        some, others = getattr(streamed, name), getattr(resident, name)
        np.testing.assert_array_equal(in_memory(some.x), others.x)
        np.testing.assert_array_equal(some.y, others.y)
        np.testing.assert_array_equal(some.weights, others.weights)
    assert streamed.preprocessing == resident.preprocessing
    extra = {key: value for key, value in streamed.info.extra.items() if key != "streams"}
    assert replace(streamed.info, extra=extra) == resident.info


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=() if form in {"csv", "parquet"} else pytest.mark.whole) for form in FORMS]
)
def test_a_streamed_table_is_that_in_memory_bit_for_bit(tmp_path, form):
    write, name, options = FORMS[form]
    path = write(tmp_path / name, frame())
    resident = splits_of(path, None, **options)
    assert len(resident.info.warnings) >= 2  # codes; a category that training does not have
    assert_same(splits_of(path, 1000, **options), resident)
    shutil.rmtree(tmp_path / "cache")
    assert_same(splits_of(path, 1000, **options), resident)


def test_splits_by_column_and_files_of_their_own(tmp_path):
    train, test = parquet(tmp_path / "a.parquet", frame()), csv(tmp_path / "b.csv", frame(200))
    options = {
        "test_path": test,
        "split": {"validation": 0.2, "method": "time", "column": "day"},
        "columns": ["size", "city"],
    }
    options["types"] = {}
    assert_same(splits_of(train, 1000, **options), splits_of(train, None, **options))


def test_rows_without_target_are_left_out_where_that_is_asked_for(tmp_path):
    table = frame().with_columns(y=pl.when(pl.int_range(ROWS) % 50 == 3).then(None).otherwise("y"))
    path = csv(tmp_path / "t.csv", table)
    resident = splits_of(path, None, missing_targets="drop")
    assert any(warning.startswith("left out 12 rows of 600") for warning in resident.info.warnings)
    assert_same(splits_of(path, 1000, missing_targets="drop"), resident)


BAD = {
    "several columns": frame().with_columns(a=pl.Series(["1,5"] * ROWS), b=pl.Series(["x", *["1"] * (ROWS - 1)])),
    "a number too large": frame().with_columns(size=pl.Series(["1e300" if n == 500 else "2" for n in range(ROWS)])),
    "an empty column": frame().with_columns(size=pl.Series([None] * ROWS, dtype=pl.String)),
    "no target in a row": frame().with_columns(y=pl.when(pl.int_range(ROWS) == 400).then(None).otherwise("y")),
    "texts for a missing value": frame().with_columns(
        size=pl.Series(["n.a." if n == 500 else "2" for n in range(ROWS)])
    ),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_is_refused_is_refused_in_the_same_words(tmp_path, case, form):
    write, name, _ = FORMS[form]
    path, said = write(tmp_path / name, BAD[case]), []
    for budget in (None, 1000):
        with pytest.raises(DataError) as error:
            splits_of(path, budget)
        said.append(str(error.value))
    assert said[0] == said[1]
    assert [one for one in cached_sets() if "damaged" in one.what] == []


@pytest.mark.parametrize("line", ["1,2", "1,2,3,4,5,6,7,8,9,10"])
def test_a_row_of_another_length_is_named_with_its_place_in_the_file(tmp_path, line):
    lines = frame().write_csv().splitlines(keepends=True)
    place = next(
        place
        for place in range(2000, 0, -1)
        if place < len(lines) - 60 and lines[place - 1].endswith(("no\n", "yes\n"))
    )
    (tmp_path / "t.csv").write_text("".join([*lines[:place], line + "\n", *lines[place:]]))
    said = []
    for budget in (None, 1000):
        with pytest.raises(DataError, match=r"row [\d,]+ \(line [\d,]+\) has ") as error:
            splits_of(str(tmp_path / "t.csv"), budget)
        said.append(str(error.value))
    assert said[0] == said[1]


def test_a_quote_that_is_never_closed_is_refused_before_memory_is_full(tmp_path):
    text = frame(1000).drop("city").write_csv()
    (tmp_path / "t.csv").write_text(text.replace("words 300", 'words " 300'))
    with pytest.raises(DataError, match=r"a quote that opens in line 3\d\d or below is not closed .* doubled"):
        splits_of(str(tmp_path / "t.csv"), 1000)


def test_blank_lines_are_no_rows(tmp_path):
    lines = frame().write_csv().replace("no\n", "no\n\n").replace("yes\n", "yes\n\n")
    (tmp_path / "t.csv").write_text(lines)
    assert_same(splits_of(str(tmp_path / "t.csv"), 1000), splits_of(csv(tmp_path / "u.csv", frame()), None))


def test_a_table_is_read_once_for_all_runs(tmp_path, monkeypatch):
    path = csv(tmp_path / "t.csv", frame())
    first = splits_of(path, 1000)
    shutil.copy(path, tmp_path / "copy.csv")
    monkeypatch.setattr("hornbook.data.tables.kept.encode_table", None)
    assert_same(splits_of(str(tmp_path / "copy.csv"), 1000), splits_of(path, None))
    del first
    (one,) = cached_sets()
    assert one.what == "600 rows of 9 numbers"  # one for each wave of month and weekday


def test_what_is_kept_is_listed_and_freed(tmp_path, hornbook_command):
    path, runs = csv(tmp_path / "t.csv", frame()), tmp_path / "runs"
    runs.mkdir()
    splits_of(path, 1000)
    said = hornbook_command(f"hornbook runs prune {runs} --yes").out
    assert f"600 rows of 9 numbers of {path}" in said
    assert len(cached_sets()) == 1
    (tmp_path / "t.csv").unlink()
    assert "freed" in hornbook_command(f"hornbook runs prune {runs} --yes").out
    assert cached_sets() == []


def test_another_content_or_way_of_reading_is_read_anew(tmp_path):
    path = csv(tmp_path / "t.csv", frame())
    splits_of(path, 1000)
    splits_of(path, 1000, types={**KEYS["types"], "code": "category"})
    csv(tmp_path / "t.csv", frame().with_columns(size=pl.lit(0.5)))
    assert splits_of(path, 1000).preprocessing.mean[0] == 0.5
    assert len(cached_sets()) == 3


@pytest.mark.parametrize("name", ["rows.npy", "beside.arrow", "about.json"])
def test_what_is_damaged_is_read_anew(tmp_path, name):
    path = csv(tmp_path / "t.csv", frame())
    splits_of(path, 1000)
    (place,) = (one.path for one in cached_sets())
    content = bytearray((place / name).read_bytes())
    content[-40] ^= 1
    (place / name).write_bytes(content)
    assert_same(splits_of(path, 1000), splits_of(path, None))


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    path = csv(tmp_path / "t.csv", frame())
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(DataError, match=r"600 rows take 0 MB, 0 are free\. Free some room .*HORNBOOK_CACHE"):
        splits_of(path, 1000)
    assert [entry.name for entry in cache_folder("tables").iterdir()] == ["locks"]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    from hornbook.data.tables import kept

    path, encode = csv(tmp_path / "t.csv", frame()), kept.encode_table

    def changing(*args, **keys):
        with open(path, "a") as file:
            file.write("\n")
        return encode(*args, **keys)

    monkeypatch.setattr(kept, "encode_table", changing)
    with pytest.raises(DataError, match="was changed while it was read"):
        splits_of(path, 1000)
    assert [entry.name for entry in cache_folder("tables").iterdir()] == ["locks"]
