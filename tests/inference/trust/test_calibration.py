"""Calibration against numbers worked out by hand, scikit-learn, and temperatures that are known."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from hornbook.errors import DataError, UsageError
from hornbook.inference.trust.calibration import check_options, fit_temperature, measure, softmax, two_columns
from hornbook.runs import Run

YES = np.array([0.62, 0.64, 0.98, 0.96, 0.06])  # confidence 0.62, 0.64, 0.98, 0.96, 0.94
LABELS = np.array([1, 0, 1, 1, 1])  # right, wrong, right, right, wrong


def test_every_figure_of_five_predictions_is_the_one_worked_out_by_hand():
    found = measure(two_columns(1 - YES[:, None], YES[:, None]), LABELS)
    assert found.accuracy == pytest.approx(0.6)
    assert found.log_loss == pytest.approx(0.874825, abs=1e-6)  # -(ln 0.62 + ln 0.36 + ln 0.98 + ln 0.96 + ln 0.06) / 5
    assert found.brier == pytest.approx(0.28792)  # (0.38² + 0.64² + 0.02² + 0.04² + 0.94²) / 5
    # (0.600, 0.667]: 2 examples, confidence 0.63, accuracy 1/2; (0.933, 1]: 3 examples, 0.96, 2/3
    assert found.expected_calibration_error == pytest.approx(0.228)  # (2 · 0.13 + 3 · 0.29333) / 5
    full = [
        (round(item.lower, 3), item.examples, item.confidence, item.accuracy) for item in found.bins if item.examples
    ]
    assert full == [
        (0.6, 2, pytest.approx(0.63), 0.5),
        (0.933, 3, pytest.approx(0.96), pytest.approx(2 / 3)),
    ]


def test_bins_cover_0_to_1_and_contain_their_upper_edge():
    found = measure(np.array([[0.6, 0.4], [0.61, 0.39], [1.0, 0.0]]), np.array([0, 0, 0])).bins
    assert len(found) == 15
    assert (found[0].lower, found[-1].upper) == (0, 1)
    assert [index for index, item in enumerate(found) if item.examples] == [8, 9, 14]
    assert found[0].confidence is None


def test_perfectly_calibrated_predictions_have_no_error():
    rows = np.tile([0.75, 0.25], (4, 1))
    assert measure(rows, np.array([0, 0, 0, 1])).expected_calibration_error == 0


@pytest.mark.parametrize("classes", [2, 5])
def test_log_loss_and_brier_score_equal_scikit_learns(classes):
    generator = np.random.default_rng(3)
    rows, labels = softmax(generator.normal(size=(200, classes)) * 3), generator.integers(0, classes, 200)
    found = measure(rows, labels)
    assert found.log_loss == pytest.approx(sk.log_loss(labels, rows))
    expected = (
        sk.brier_score_loss(labels, rows[:, 1]) if classes == 2 else ((rows - np.eye(5)[labels]) ** 2).sum() / 200
    )
    assert found.brier == pytest.approx(expected)


def test_a_right_class_of_probability_0_costs_much_but_not_everything():
    assert measure(np.array([[1.0, 0.0]]), np.array([1])).log_loss == pytest.approx(27.631021)  # -ln 1e-12


def test_labels_of_one_example_become_rows_in_their_order():
    rows = two_columns(0.0, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert rows.tolist() == [[0, 1], [0, 2], [0, 3], [0, 4]]


def test_probabilities_of_large_logits_are_finite():
    assert softmax(np.array([[1000.0, 0.0]])).tolist() == [[1, 0]]
    assert softmax(np.array([[0.0, np.log(9.0) * 2]]), 2.0)[0].tolist() == pytest.approx([0.1, 0.9])


def test_the_temperature_of_four_examples_is_the_one_worked_out_by_hand():
    logits = np.array([[2.0, 0.0]] * 4)  # three of four right: e^(2/T) / (e^(2/T) + 1) = 3/4, so that T = 2 / ln 3
    assert fit_temperature(logits, np.array([0, 0, 0, 1])) == pytest.approx(1.8204784)


@pytest.mark.parametrize("times", [0.5, 3.0])
@pytest.mark.parametrize("classes", [1, 4])
def test_logits_that_were_multiplied_get_that_temperature(classes, times):
    generator = np.random.default_rng(8)
    logits = generator.normal(size=(10_000, classes)) * 2
    logits = two_columns(0.0, logits) if classes == 1 else logits
    gumbel = generator.gumbel(size=logits.shape)  # the largest sum is a draw from the softmax
    labels = (logits + gumbel).argmax(axis=1)
    assert fit_temperature(logits * times, labels) == pytest.approx(times, rel=0.03)
    fitted = measure(softmax(logits * times, times), labels)
    assert fitted.expected_calibration_error < 0.02
    assert fitted.log_loss < measure(softmax(logits * times), labels).log_loss


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 0], "no temperature can be fitted: all 2 validation predictions are right, so that the log loss falls for "
         "ever as the temperature goes to 0. Train with a larger data.split.validation."),
        ([1, 1], "no temperature can be fitted: on the 2 validation predictions the model is no better than chance, so "
         "that the log loss falls for ever as the temperature rises."),
    ],
)  # fmt: skip
def test_logits_without_a_best_temperature_are_an_error(labels, message):
    with pytest.raises(DataError) as caught:
        fit_temperature(np.array([[2.0, 0.0], [1.0, 0.0]]), np.array(labels))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("task", "head", "counts", "asked", "message"),
    [
        ("regression", "", {"validation": 9}, "calibration",
         "--calibration is about probabilities of classes, and this run's task is regression."),
        ("binary", "head: {activation: linear, loss: hinge}\n", {"validation": 9}, "temperature",
         "--temperature needs probabilities, and this run's head ends in 'linear'. Train with a head that ends in "
         "softmax or sigmoid."),
        ("binary", "head: {activation: sigmoid}\n", {"validation": 0}, "temperature",
         "--temperature is fitted on the validation split, and this run has none. Train with data.split.validation."),
    ],
)  # fmt: skip
def test_runs_that_cannot_be_calibrated_are_refused(tmp_path, task, head, counts, asked, message):
    facts = {"name": "breast_cancer", "kind": "table", "input_shape": [30], "input_dtype": "float32", "num_classes": 2}
    facts |= {"target_size": 1, "class_names": None, "features": None, "vocabulary_size": None, "class_counts": []}
    facts |= {"fingerprint": "0", "split_method": "random", "task": task, "counts": counts}
    (tmp_path / "data.json").write_text(json.dumps(facts), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(f"data: breast_cancer\nmodel: mlp\n{head}", encoding="utf-8")
    options = {"calibration": False, "temperature": False}
    check_options(Run(tmp_path), **options)
    with pytest.raises((UsageError, DataError)) as caught:
        check_options(Run(tmp_path), **options | {asked: True})
    assert str(caught.value) == f"{tmp_path}: {message}"


@pytest.mark.parametrize("times", [1e-6, 1e4, 1e8])
def test_the_temperature_is_found_in_any_unit_of_the_logits(times):
    logits = np.array([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    assert fit_temperature(logits * times, np.array([0, 0, 0, 1])) == pytest.approx(2 / np.log(3) * times)


def test_equal_logits_are_no_better_than_chance():
    with pytest.raises(DataError, match="no better than chance"):
        fit_temperature(np.zeros((4, 3)), np.array([0, 1, 2, 0]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_an_error(value):
    with pytest.raises(DataError, match="on the 2 validation predictions some outputs are NaN or infinite"):
        fit_temperature(np.array([[2.0, value], [1.0, 0.0]]), np.array([0, 1]))


def test_examples_that_count_nothing_do_not_stand_against_a_temperature():
    logits, labels = np.array([[2.0, 0.0], [np.nan, 0.0], [1.0, 0.0]]), np.array([0, 1, 0])
    with pytest.raises(DataError, match="all 2 validation predictions are right"):
        fit_temperature(logits, labels, np.array([1.0, 0.0, 3.0]))
