"""The most confidently wrong examples and the largest residuals, from outputs that are written out."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from hornbook.data.facts import Feature
from hornbook.data.source import Split
from hornbook.inference.mistakes import find_mistakes, readable_rows


def mistakes(task, y, scores, *, count=2, decision=0.5, head="softmax", x=None, names=None, **facts):
    """Return the mistakes in some outputs (N, K); no model has to be trained for them."""
    scores = np.asarray(scores, np.float32)
    info = SimpleNamespace(task=task, kind="image", features=None, num_classes=scores.shape[1], class_names=None)
    vars(info).update(facts)
    recipe = SimpleNamespace(head=SimpleNamespace(activation=SimpleNamespace(name=head)))
    x = np.zeros((len(scores), 2), np.float32) if x is None else x
    split, trained = Split(x, np.asarray(y), names=names), SimpleNamespace(recipe=recipe, info=info)
    found = find_mistakes(trained, split, scores, decision=decision, count=count, where="x")
    assert [line for line in found.lines() if len(line) > 80] == []
    json.dumps(found.record(), allow_nan=False)
    return found


SCORES = [[0.9, 0.1, 0], [0.3, 0.6, 0.1], [0.05, 0.15, 0.8], [0.5, 0.4, 0.1], [0.1, 0.7, 0.2]]


def test_wrong_classes_come_the_most_certain_first():
    found = mistakes("multiclass", [0, 0, 1, 1, 0], SCORES, class_names=("cat", "dog", "fox"))
    assert (found.wrong, found.total) == (4, 5)
    shown = [(one.index, one.true, one.predicted) for one in found.examples]
    assert shown == [(2, "dog", "fox"), (4, "cat", "dog")]
    assert found.examples[0].probability == pytest.approx(0.8)
    assert found.examples[0].probability_of_true == pytest.approx(0.15)
    assert found.lines()[1] == "4 of 5 are wrong; the 2 most confident:"
    assert found.lines()[3].split() == ["2", "dog", "fox", "0.8000", "0.1500"]


def test_classes_that_are_taken_for_each_other_come_the_most_frequent_first():
    found = mistakes("multiclass", [0, 0, 1, 1, 0], SCORES, class_names=("cat", "dog", "fox"))
    first = found.confused[0]
    assert (first.true, first.predicted, first.count, first.share) == ("cat", "dog", 2, pytest.approx(2 / 3))
    assert len(found.confused) == 2
    assert found.lines()[-2].split() == ["cat", "dog", "2", "66.7", "%"]


def test_of_two_classes_the_probability_is_that_of_the_predicted_one():
    found = mistakes("binary", [1, 0, 1], [[0.02], [0.7], [0.9]], head="sigmoid", class_names=("no", "yes"))
    assert [(one.index, one.predicted) for one in found.examples] == [(0, "no"), (1, "yes")]
    assert [one.probability for one in found.examples] == pytest.approx([0.98, 0.7])


def test_the_threshold_decides_what_is_wrong():
    found = mistakes("binary", [1, 0], [[0.3], [0.3]], decision=0.2, head="sigmoid", class_names=("no", "yes"))
    assert [one.index for one in found.examples] == [1]


def test_scores_of_a_hinge_head_are_no_probabilities():
    found = mistakes("binary", [1, 0, 0], [[-3.0], [0.5], [2.0]], decision=0.0, head="linear", class_names=("a", "b"))
    assert [(one.index, one.score, one.probability) for one in found.examples] == [(0, -3.0, None), (2, 2.0, None)]
    assert "score" in found.lines()[2]


def test_of_several_labels_each_is_right_or_wrong_by_itself():
    y, scores = [[1, 0], [0, 1]], [[0.9, 0.6], [0.95, 0.2]]
    found = mistakes("multilabel", y, scores, head="sigmoid", class_names=("red", "round"), count=5)
    assert (found.wrong, found.total) == (3, 4)
    shown = [(one.index, one.of, one.true, one.predicted) for one in found.examples]
    assert shown == [(1, "red", "no", "yes"), (1, "round", "yes", "no"), (0, "round", "no", "yes")]


def test_of_a_regression_the_residuals_are_the_mistakes():
    found = mistakes("regression", [1, 2, 3], [[1.5], [2.0], [-1.0]], head="linear", target_names=lambda: ())
    assert [(one.index, one.true, one.predicted, one.residual) for one in found.examples] == [
        (2, 3.0, -1.0, -4.0), (0, 1.0, 1.5, 0.5),
    ]  # fmt: skip
    assert found.wrong is None


def test_targets_of_another_unit_are_compared_by_what_is_usual_for_each():
    scores = [[1000.0, 0.0], [-900.0, 0.0], [800.0, 5.0], [-950.0, 0.0]]

    def names():
        return "grams", "share"

    found = mistakes("regression", np.zeros((4, 2)), scores, head="linear", target_names=names)
    assert (found.examples[0].index, found.examples[0].of) == (2, "share")


def test_nothing_wrong_is_said():
    found = mistakes("multiclass", [0, 1], [[1.0, 0], [0, 1.0]], class_names=("a", "b"))
    assert found.lines() == ["", "none of 2 is wrong"]
    assert found.record()["examples"] == []


def test_rows_of_a_table_are_shown_as_they_were_read():
    features = (Feature("age", "number"), Feature("city", "category", ("Lima", "Oslo")))
    x = np.array([[31.1, 2], [np.nan, 0], [40, 1]], np.float32)
    rows = readable_rows(x, SimpleNamespace(features=features, blocks=()))
    assert rows == {"age": [31.1, None, 40.0], "city": ["Oslo", None, "Lima"]}
    facts = {"class_names": ("a", "b"), "kind": "table", "features": features, "blocks": ()}
    found = mistakes("multiclass", [1, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]], x=x, **facts)
    assert found.examples[0].inputs == {"age": 31.1, "city": "Oslo"}
    assert "       age 31.1  city Oslo" in found.lines()
    assert "       age missing  city missing" in found.lines()
    assert found.inputs == ""


def test_a_row_of_many_columns_takes_a_few_lines_that_say_how_many_more_there_are():
    x = np.arange(200, dtype=np.float32).reshape(1, 200)
    found = mistakes("multiclass", [1], [[0.9, 0.1]], x=x, class_names=("a", "b"), kind="table")
    below = [line for line in found.lines() if line.startswith("       column")]
    assert len(below) == 3
    assert below[0].startswith("       column 1 0  column 2 1")
    shown = "".join(below).count("column")
    assert below[-1].endswith(f"… {200 - shown} more")


def test_names_that_a_terminal_would_obey_are_escaped():
    found = mistakes("multiclass", [1], [[0.9, 0.1]], class_names=("\x1b[31m", "b" * 99))
    assert "\x1b" not in "".join(found.lines())


def test_a_mistake_is_called_by_its_file_whole():
    names = np.array([f"{'folder/' * 15}{row}.png" for row in range(5)])
    found = mistakes("multiclass", [0, 0, 1, 1, 0], SCORES, class_names=("cat", "dog", "fox"), names=names)
    assert [one.name for one in found.examples] == [names[2], names[4]]
    assert names[2] in "".join(line.strip() for line in found.lines())
