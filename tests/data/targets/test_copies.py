"""A column that is the target in other words is named; one that is nearly it is not."""

import numpy as np
import pytest

from hornbook.data import load
from hornbook.recipes.sources import Table

WHOLE = {"validation": 0, "test": 0}


def warnings(tmp_path, rows, **options):
    (tmp_path / "t.csv").write_text("a,b,c,y\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    spec = Table.model_validate({"path": str(tmp_path / "t.csv"), "target": "y", "split": WHOLE, **options})
    return [text for text in load(spec, seed=1).info.warnings if "tells the target" in text]


@pytest.mark.parametrize("words", [("no", "yes"), ("no", "yes", "maybe")])
def test_a_copy_of_classes_is_named_whatever_its_values(tmp_path, words):
    rows = [
        (len(words) * 7 - n % len(words), n % 5, words[n % len(words)].upper(), words[n % len(words)])
        for n in range(40)
    ]
    found = warnings(tmp_path, rows)
    assert [text.split("'")[1] for text in found] == ["a", "c"]
    assert found[0].endswith(
        "in all 40 training rows. If it is known only together with the target, drop it (drop: [a])."
    )


@pytest.mark.parametrize(("row", "value"), [(30, 9), (39, "")])
def test_a_column_that_is_nearly_the_target_is_not_named(tmp_path, row, value):
    rows = [[n % 2, n % 5, n % 3, ("no", "yes")[n % 2]] for n in range(40)]
    rows[row][0] = value
    assert warnings(tmp_path, rows) == []


def test_a_copy_of_numbers_is_named_and_few_rows_say_nothing(tmp_path):
    y = np.random.default_rng(0).normal(size=40).round(3)
    rows = [(value, value + (n == 39), n % 3, value) for n, value in enumerate(y)]
    assert [text.split("'")[1] for text in warnings(tmp_path, rows)] == ["a"]
    assert warnings(tmp_path, rows[:15]) == []


def test_a_copy_of_a_label_is_named(tmp_path):
    rows = [(n % 2, n % 5, n % 7 // 6, n % 3 // 2) for n in range(60)]
    assert warnings(tmp_path, [(a, b, 1 - a, y) for a, b, _, y in rows], target=["y", "c"]) != []


def test_a_category_in_each_row_is_said(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"p{n},{n % 2}\n" for n in range(40)))
    spec = Table.model_validate(
        {"path": str(tmp_path / "t.csv"), "target": "y", "split": WHOLE, "types": {"a": "category"}}
    )
    assert any(
        "column 'a' has another category in each of 40 rows" in text for text in load(spec, seed=1).info.warnings
    )


def test_a_column_that_tells_some_classes_apart_is_not_named(tmp_path):
    rows = [(n % 3 // 2, n % 5, 7, ("no", "yes", "maybe")[n % 3]) for n in range(60)]
    assert warnings(tmp_path, rows) == []
