"""Targets of every common form become what a user would expect."""

import numpy as np
import pytest

from hornbook.data import from_arrays
from hornbook.errors import DataError
from hornbook.recipes.sources import Arrays, SplitSpec

KEEP_ALL = Arrays(split=SplitSpec(validation=0, test=0))


def splits(y, task=None, **extra):
    x = np.arange(len(y) * 2, dtype=np.float32).reshape(-1, 2)
    return from_arrays({"x": x, "y": y, **extra}, spec=KEEP_ALL, task=task)


@pytest.mark.parametrize(
    ("y", "task", "names", "labels"),
    [
        (["no", "yes", "no"], "binary", ("no", "yes"), [0, 1, 0]),
        ([10, 2, 10], "binary", ("2", "10"), [1, 0, 1]),  # numbers sort as numbers
        ([True, False, True], "binary", ("False", "True"), [1, 0, 1]),
        ([0.0, 1.0, 2.0], "multiclass", ("0", "1", "2"), [0, 1, 2]),
        ([[1], [0], [1]], "binary", ("0", "1"), [1, 0, 1]),
        ([b"a", b"b", b"a"], "binary", ("a", "b"), [0, 1, 0]),
    ],
)
def test_classes_are_numbered_in_sorted_order(y, task, names, labels):
    result = splits(y)
    assert (result.info.task, result.info.class_names) == (task, names)
    assert result.train.y.tolist() == labels
    assert result.train.y.dtype == np.int32


@pytest.mark.parametrize("y", [[0.5, 1.0, 2.0], [[0.1, 0.2], [3, 4], [5, 6]]])
def test_numbers_with_fractions_are_regression(y):
    result = splits(y)
    assert result.info.task == "regression"
    assert result.train.y.dtype == np.float32
    assert result.info.target_size == np.asarray(y).reshape(3, -1).shape[1]
    assert result.info.class_names is None


def test_rows_of_zeros_and_ones_are_labels():
    result = splits([[1, 1, 0], [0, 0, 0], [0, 1, 1]])
    assert result.info.task == "multilabel"
    assert (result.info.num_classes, result.info.target_size) == (3, 3)
    assert result.train.y.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 1]]


def test_one_hot_rows_are_classes_and_say_so():
    result = splits([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert result.info.task == "multiclass"
    assert result.train.y.tolist() == [1, 2, 0]
    assert result.info.warnings == (
        "every row of the targets holds exactly one 1: read as one-hot classes; 'task: multilabel' reads them as labels.",
    )


def test_one_hot_rows_are_labels_when_the_recipe_says_multilabel():
    assert splits([[0, 1], [1, 0]], task="multilabel").train.y.tolist() == [[0, 1], [1, 0]]


def test_task_regression_keeps_whole_numbers():
    result = splits([3, 1, 2], task="regression")
    assert result.train.y.tolist() == [3.0, 1.0, 2.0]


def test_task_multiclass_keeps_two_classes_apart_by_softmax():
    assert splits([0, 1, 1], task="multiclass").info.task == "multiclass"


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        ([0, 1, 2], "binary", "task: binary has two classes, found 3: 0, 1, 2. Use 'task: multiclass'."),
        (
            [0.5, 1, 2],
            "multiclass",
            "task: multiclass needs classes, but the targets have fractions (0.5 …). Use 'task: regression'.",
        ),
        (["a", "b"], "regression", "task: regression needs numbers, but the targets are text ('a' …)."),
        (
            [0, 1, 1],
            "multilabel",
            "task: multilabel needs one 0/1 column per label, but the targets are one column.",
        ),
        ([7, 7, 7], None, "there is only one class (7), which leaves nothing to tell apart."),
        (
            list(range(30)),
            None,
            (
                "the targets are whole numbers with 30 different values in 30 examples: classes, or a measure? "
                "Say 'task: multiclass' or 'task: regression'."
            ),
        ),
        (
            [0.5, np.nan, np.inf],
            None,
            "y: 2 of 3 values are NaN or infinite, the first (nan) at [1]. Repair or remove these examples.",
        ),
        (
            [f"p{n}" for n in range(30)],
            None,
            (
                "the targets are text with 30 different values in 30 examples ('p0' …), which looks like no classes. "
                "If they are, say 'task: multiclass'."
            ),
        ),
        (["a", None, "b"], None, "y: 1 of 3 targets are missing, the first at [1]."),
        (
            [n % 85 for n in range(3000)],
            None,
            (
                "the targets are whole numbers with 85 different values in 3,000 examples: classes, or a measure? "
                "Say 'task: multiclass' or 'task: regression'."
            ),
        ),
        (
            ["2,5", "3,5"] * 5,
            None,
            (
                "the targets are text that holds numbers: '2,5' is one with a decimal comma. To read numbers say so "
                "(decimal: \",\"). If they are classes, say 'task: multiclass'."
            ),
        ),
        (
            ["1", "None"] * 5,
            None,
            (
                "the targets are text that holds numbers: 'None' (example 2) stands among them. Repair it, or remove these "
                "rows. If they are classes, say 'task: multiclass'."
            ),
        ),
        (
            ["0.5", "1.5"] * 5,
            None,
            (
                "the targets are text that holds numbers ('0.5' …). Give them as numbers. If they are classes, say "
                "'task: multiclass'."
            ),
        ),
        (
            ["2,5", "3,5"] * 5,
            "regression",
            (
                "task: regression needs numbers, but the targets are text: '2,5' is one with a decimal comma. To read "
                'numbers say so (decimal: ",").'
            ),
        ),
        (
            ["5 kg", "7 kg"],
            None,
            (
                "the targets are text that holds numbers with a unit ('5 kg' …). Give them as numbers; if they are classes, "
                "say 'task: multiclass'."
            ),
        ),
    ],
)
def test_targets_that_do_not_fit_are_refused(y, task, message):
    with pytest.raises(DataError) as error:
        splits(y, task=task)
    assert str(error.value) == message


def test_a_class_that_only_the_test_set_has_is_refused():
    x = np.random.default_rng(0).random((9, 2))
    with pytest.raises(DataError, match=r"the test split has class 5, which the training split lacks\."):
        from_arrays(((x, [0, 1, 2] * 3), (x, [0, 1, 5] * 3)))


@pytest.mark.parametrize(
    ("y", "task"),
    [
        ([n % 20 for n in range(60)], "multiclass"),  # as many as may be classes of a table
        ([n % 10 for n in range(30)], "multiclass"),
        ([float(n % 30) for n in range(300)], "regression"),
        (["5", "0", "4"] * 5, "multiclass"),  # digits as text
    ],
)
def test_many_or_few_whole_numbers(y, task):
    assert splits(y).info.task == task


def test_many_classes_of_images_are_numbered_from_zero():
    images, y = np.zeros((2600, 2, 2, 1), np.uint8), np.arange(2600) % 26
    assert from_arrays((images, y)).info.num_classes == 26
    with pytest.raises(DataError, match="classes, or a measure"):
        from_arrays((images, y + 1))


def test_text_that_holds_numbers_is_classes_where_the_task_says_so():
    assert splits(["1", "2", "3+"] * 5, task="multiclass").info.class_names == ("1", "2", "3+")
