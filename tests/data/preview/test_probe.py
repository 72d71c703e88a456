"""What `hornbook check` says about data: each thing that training would refuse, without training."""

from pathlib import Path

import numpy as np
import pytest
from pictures import write_digits

from hornbook.data.preview import probe
from hornbook.recipes import check_recipe

ROWS = "".join(f"{n % 7},{('Bonn', 'Kiel')[n % 2]},{('no', 'yes')[n % 3 > 0]}\n" for n in range(200))
TABLE = {"name": "table", "path": "t.csv", "target": "y"}
RECIPE = {"data": TABLE, "model": {"name": "mlp", "units": [8]}}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a table of 200 rows and an archive of 60 examples."""
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("a,city,y\n" + ROWS)
    np.savez("t.npz", x=np.zeros((60, 3), np.float32), y=np.arange(60) % 2)


def look(recipe):
    seen = probe.probe(recipe)
    return seen.facts, list(seen.problems)


def said(*overrides, **own):
    checked = check_recipe(RECIPE | own, list(overrides), look=look)
    return [problem.sentence() for problem in checked.problems]


SMALL_AND_LARGE = [
    ("data.path=t.cvs", "data.path: t.cvs: no such file. Did you mean 't.csv'?"),
    ("data.test_path=none.csv", "data.test_path: none.csv: no such file."),
    ("data.target=yy", "data.target: no column 'yy'."),
    ("data.target=[a, yy]", "data.target.1: no column 'yy'."),
    ("data.weight=aa", "data.weight: no column 'aa'. Did you mean 'a'?"),
    ("data.drop=[cty]", "data.drop.0: no column 'cty'. Did you mean 'city'?"),
    ("data.types={cty: category}", "data.types.cty: no column 'cty'. Did you mean 'city'?"),
    ("data.columns=[a, cty]", "data.columns.1: no column 'cty'. Did you mean 'city'?"),
    ("data.split={method: group, column: cty}", "data.split.column: no column 'cty'. Did you mean 'city'?"),
    ("task=regression", "task: regression needs numbers, but the targets are text ('no' …)."),
]


@pytest.mark.parametrize(("override", "expected"), SMALL_AND_LARGE)
@pytest.mark.parametrize("whole_bytes", [probe.WHOLE_BYTES, 0])
def test_what_the_heading_and_the_first_rows_show_is_a_problem_of_its_key(monkeypatch, whole_bytes, override, expected):
    monkeypatch.setattr(probe, "WHOLE_BYTES", whole_bytes)
    (found,) = said(override)
    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("data.split={validation: 5000}", "data.split: 5,000 validation and 40 test examples leave none of 200"),
        ("data.split={folds: 300, fold: 0}", "data.split.folds: 200 examples cannot be cut into 300 folds."),
        ("training.metrics=[r2_score]", "training.metrics.0: 'r2_score' is for regression tasks"),
        ("head={units: 7}", "head.units: two classes need 1 unit, found 7."),
        ("training.early_stopping={monitor: val_nope}", "training.early_stopping.monitor: 'val_nope' is not recorded."),
        ("training.class_weights={maybe: 2}", "training.class_weights.maybe: there is no class 'maybe'."),
        ("data.classes=[nope, yes]", "data.classes: there is no class 'nope'."),
        ("training.batch_size=500", "training.batch_size: a batch of 500 is larger than the training split of 144"),
        ("data.scale=true", "data.scale: only images are scaled"),
    ],
)
def test_what_all_of_a_small_table_shows_is_a_problem_of_its_key(override, expected):
    (found,) = said(override)
    assert found.startswith(expected)


def test_every_missing_column_is_reported_at_once():
    assert len(said("data.target=yy", "data.drop=[cty, aa]")) == 3


def test_a_table_that_fits_has_no_problem():
    assert said() == []


@pytest.mark.parametrize("whole_bytes", [probe.WHOLE_BYTES, 0])
@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"data": {"name": "npz", "path": "t.npz", "inputs": "xx"}}, "data: t.npz: no array 'xx'."),
        ({"data": {"name": "npz", "path": "t.npz", "split": {"validation": 60}}}, "data.split: 60 validation and 12 "),
        ({"data": {"name": "npz", "path": "t.npz"}, "head": {"units": 3}}, "head.units: two classes need 1 unit"),
        ({"data": {"name": "npz", "path": "t.npz"}, "model": "cnn"}, "model: 'cnn' reads images"),
    ],
)
def test_archives_are_read_whole_or_without_their_inputs(monkeypatch, whole_bytes, own, expected):
    monkeypatch.setattr(probe, "WHOLE_BYTES", whole_bytes)
    (found,) = said(**own)
    assert found.startswith(expected)


def test_problems_of_other_sections_are_reported_beside_those_of_the_data():
    sentences = said("data.target=yy", "optimizer.lr=1")
    assert [sentence.split(":")[0] for sentence in sentences] == ["optimizer.lr", "data.target"]


@pytest.mark.parametrize("whole_bytes", [probe.WHOLE_BYTES, 0])
@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"classes": ["a", "d"]}, "data.classes: there is no class 'd'."),
        ({"split": {"validation": 50}}, "data.split: 50 validation and 2 test examples leave none of 10"),
        ({"path": "p/a"}, "data: p/a: the pictures are in no folder of a class"),
        ({"path": "q"}, "data.path: q: no such folder."),
    ],
)
def test_folders_of_pictures_are_read_whole_or_without_their_pixels(monkeypatch, whole_bytes, own, expected):
    monkeypatch.setattr(probe, "WHOLE_BYTES", whole_bytes)
    write_digits("p", per_class=5, classes=2)
    (found,) = said(data={"name": "image_folder", "path": "p", "size": 4, **own})
    assert found.startswith(expected)


@pytest.mark.parametrize("whole_bytes", [probe.WHOLE_BYTES, 0])
def test_a_folder_of_texts_is_looked_at_as_a_folder(monkeypatch, whole_bytes):
    monkeypatch.setattr(probe, "WHOLE_BYTES", whole_bytes)
    for number in range(80):
        file = Path("films", "ab"[number % 2], f"{number}.txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"film {number}")
    own = {"model": "bag_of_words"}
    assert not said(data={"name": "text_folder", "path": "films"}, **own)
    assert said(data={"name": "text_folder", "path": "film"}, **own) == [
        "data.path: film: no such folder. Did you mean 'films'?"
    ]
    assert said(data={"name": "text_folder", "path": "t.csv"}, **own) == [
        "data.path: t.csv: is a file, expected a folder of texts."
    ]
