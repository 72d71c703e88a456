"""A run on a table says how it was read, and reads files to predict on alike, whatever their format."""

import polars as pl
import pytest

import hornbook
from hornbook.inference.predict import predict_file


@pytest.fixture(scope="module")
def run(tmp_path_factory, tensorflow):
    """A run on a file without a heading, with decimal commas, booleans, a placeholder, and a split by time."""
    folder = tmp_path_factory.mktemp("tables")
    lines = [
        f"{row % 28 + 1}.{row // 28 + 1}.2026;{'-' if row == 5 else f'{row / 8:.3f}'.replace('.', ',')};"
        f"{('TRUE', 'false')[row % 2]};{(row % 2 + row / 50):.2f}\n".replace(f"{(row % 2 + row / 50):.2f}", f"{(row % 2 + row / 50):.2f}".replace(".", ","))
        for row in range(56)
    ]  # fmt: skip
    (folder / "t.csv").write_text("\n".join(lines), encoding="utf-8")  # a blank line behind each row
    data = {
        "name": "table",
        "path": str(folder / "t.csv"),
        "target": "y",
        "heading": ["day", "a", "member", "y"],
        "decimal": ",",
        "missing": ["-"],
        "split": {"method": "time", "column": "day", "validation": 8, "test": 8},
    }
    tree = {
        "name": "alike",
        "data": data,
        "model": {"name": "mlp", "units": [4]},
        "training": {"epochs": 1, "batch_size": 10, "engine": "graph"},
    }
    return hornbook.train(tree, runs=str(folder / "runs"), progress=False).run


def test_the_header_says_what_was_read(run):
    log = (run / "log.txt").read_text(encoding="utf-8")
    assert "56 rows of 2 columns, 1 target" in log
    assert "columns: 1 number, 1 boolean" in log
    assert "by time: train 1.1.2026 to 12.2.2026, validation 13.2.2026 to 20.2.2026," in log
    assert "test 21.2.2026 to 28.2.2026" in log


def test_the_recipe_of_the_run_says_how(run):
    data = hornbook.load_recipe(run / "recipe.yaml", of_run=True).data
    assert (data.reading, data.decimal, data.missing, data.heading) == (
        "strict",
        ",",
        ("-",),
        ("day", "a", "member", "y"),
    )


def test_files_of_every_format_are_predicted_alike(run):
    folder = run.parents[2]
    (folder / "new.csv").write_text("a;member\n2,5;true\n-;FALSE\n", encoding="utf-8")
    (folder / "bare.csv").write_text("2,5;True\n\n-;False\n\n", encoding="utf-8")
    pl.DataFrame({"a": [2.5, None], "member": [True, False]}).write_parquet(folder / "new.parquet")
    results = set()
    for name in ("new.csv", "bare.csv", "new.parquet"):
        predict_file(str(run), folder / name, output=folder / "out.csv")
        results.add((folder / "out.csv").read_text(encoding="utf-8"))
    assert len(results) == 1
    assert len(results.pop().splitlines()) == 3
