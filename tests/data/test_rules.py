"""What is wrong with a data section shows without loading the data, and without TensorFlow or NumPy."""

import subprocess
import sys

import pytest

from hornbook.recipes.language.spec import catalog
from hornbook.recipes.sources import (
    Augmentation,
    Digits,
    FashionMnist,
    Inline,
    Iris,
    Mnist,
    Npz,
    SplitSpec,
    Table,
)
from hornbook.recipes.sources.checks import section_problems


def sentences(spec, task=None):
    return [problem.sentence() for problem in section_problems(spec, task=task)]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (Iris(scale=True), "data.scale: only images are scaled, but 'iris' is a table. Tables are standardized: 'standardize: true'."),
        (Iris(augmentation=Augmentation(zoom=0.1)), "data.augmentation: 'zoom' changes images, but 'iris' is a table. Remove it."),
        (FashionMnist(classes=("Sandal", "Shrit")), "data.classes.1: 'fashion_mnist' has no class 'Shrit'. Did you mean 'Shirt'?"),
        (Mnist(classes=(3, 3)), "data.classes: class 3 is listed 2 times. List it once."),
        (Mnist(classes=(3,)), "data.classes: one class alone leaves nothing to tell apart. List two or more."),
        (Mnist(classes=(3, 5), relabel={3: 0}), "data.relabel: no new label for class 5. Give every kept class one, or keep fewer with 'classes'."),
        (Mnist(classes=(3, 5), relabel={3: 0, 5: 1, 7: 1}), "data.relabel: class 7 is not among the kept classes. Add it to 'classes', or remove it here."),
        (Mnist(classes=(3, 5), relabel={3: 1, 5: 2}), "data.relabel: new labels are 1, 2. Labels count from 0 without gaps."),
        (Digits(split=SplitSpec(method="time")), "data.split.method: 'digits' has nothing to split by time. For examples that are in order already use 'last'."),
        (Digits(split=SplitSpec(method="group", column="writer")), "data.split.column: 'digits' has no columns to split by. Remove it."),
        (Digits(split=SplitSpec(folds=5)), "data.split.folds: 'folds' needs 'fold'. Write {folds: 5, fold: 0}."),
        (Digits(split=SplitSpec(fold=1)), "data.split.fold: 'fold' needs 'folds'. Write {folds: 5, fold: 0}."),
        (Digits(split=SplitSpec(folds=5, fold=5)), "data.split.fold: there is no fold 5 among 5. Folds count from 0 to 4."),
        (Digits(split=SplitSpec(folds=5, fold=1, test=0.2)), "data.split.test: with folds one of them is the test set. Remove it, or remove 'folds' and 'fold'."),
        (Digits(split=SplitSpec(folds=5, fold=1, method="last")), "data.split.method: folds are random, stratified, by group or by time, not 'last'. Remove 'folds' and 'fold'."),
        (Npz(path="a.npz", split=SplitSpec(method="time")), "data.split.method: 'time' needs the column that orders the examples. Add 'column'."),
        (Table(path="a.csv", target="y", drop=("y",)), "data.drop: column 'y' is the target already. Remove it here."),
        (Table(path="a.csv", target="y", columns=("a",), drop=("a",)), "data.drop: column 'a' is also in 'columns'. Remove one of the two."),
        (Table(path="a.parquet", target="y", separator=";"), "data.separator: a Parquet file has no separator to name. Remove it."),
        (Table(path="a.csv", target="y", columns=("a",), types={"b": "number"}), "data.types: column 'b' is no feature, so its type means nothing. Remove it."),
    ],
)  # fmt: skip
def test_a_contradiction_is_reported_in_one_sentence(spec, expected):
    assert sentences(spec) == [expected]


def test_the_recipes_task_counts():
    assert sentences(Digits(classes=(1, 2)), task="regression") == [
        (
            "data.classes: the task is regression, which has no classes to choose from. "
            "Remove 'classes', or set 'task: multiclass'."
        )
    ]


def test_a_sound_section_has_no_problems():
    assert sentences(Mnist(classes=(3, 5), limit=100, scale=True, augmentation=Augmentation(shift=0.1))) == []
    assert sentences(Iris(relabel={"setosa": 1, "versicolor": 0, "virginica": 0})) == []


@pytest.mark.parametrize("name", sorted(catalog("data")))
def test_every_source_is_documented_with_an_example(name):
    documentation = catalog("data")[name].__doc__
    assert "Example:" in documentation
    assert documentation.split("\n", 1)[0].endswith(".")


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        (Inline, {"inputs": [[0, 1], [1, 0]], "targets": [0, 1]}),
        (Iris, {"columns": ["petal_length"], "classes": ["setosa", 1]}),
        (Table, {"path": "a.csv", "target": ["a", "b"], "missing": ["x"]}),
    ],
)
def test_yaml_lists_are_accepted_and_survive_a_round_trip(spec, options):
    first = spec.model_validate(options)
    assert spec.model_validate(first.model_dump(mode="json")) == first


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("moons", {"noise": -0.1}),
        ("spirals", {"arms": 1}),
        ("waves", {"steps": 0}),
        ("imdb", {"num_words": 3}),
        ("xor", {"repeats": 0}),
        ("digits", {"limit": 0}),
        ("blobs", {"centers": 2.5}),
        ("regression", {"function": "cosine"}),
    ],
)
def test_options_out_of_range_are_refused(name, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        catalog("data")[name].model_validate(options)


def test_describing_data_imports_neither_numpy_nor_tensorflow():
    code = "import sys, hornbook.recipes.sources; print([m for m in ('numpy', 'polars', 'sklearn', 'keras', 'tensorflow') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
