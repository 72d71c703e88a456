"""Generated data has the shape that its name promises."""

import numpy as np
import pytest

from hornbook.data import load
from hornbook.recipes.sources import Blobs, Inline, Moons, Regression, Spirals, SplitSpec, Waves, Xor

ALL = SplitSpec(validation=0, test=0)


def test_xor_trains_on_its_four_points():
    splits = load(Xor(), seed=42)
    assert splits.train.x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert splits.train.y.tolist() == [0, 1, 1, 0]
    assert splits.validation is None
    assert splits.test is None


def test_repeated_noisy_xor_can_be_split():
    splits = load(Xor(repeats=50, noise=0.1, split=SplitSpec(test=0.2)), seed=42)
    assert splits.info.counts == {"train": 160, "validation": 0, "test": 40}
    assert len(np.unique(splits.train.x[:, 0])) > 100


def test_moons_without_noise_lie_on_two_half_circles():
    train = load(Moons(noise=0.0, examples=200, split=ALL), seed=42).train
    upper, lower = train.x[train.y == 0], train.x[train.y == 1]
    assert np.hypot(*upper.T) == pytest.approx(1, abs=1e-5)
    assert np.hypot(*(lower - [1, 0.5]).T) == pytest.approx(1, abs=1e-5)


def test_spirals_have_one_class_per_arm_within_the_unit_circle():
    splits = load(Spirals(arms=4, noise=0.0, examples=402), seed=42)
    assert splits.info.class_names == ("0", "1", "2", "3")
    assert np.hypot(*splits.train.x.T).max() <= 1 + 1e-5


def test_blobs_are_wide_as_their_deviation():
    train = load(Blobs(examples=3000, centers=2, features=5, deviation=2.0, split=ALL), seed=42).train
    assert train.x[train.y == 0].std(axis=0) == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize(
    ("function", "at_two"), [("linear", 10.0), ("quadratic", 6.0), ("cubic", 1.0), ("sine", -0.756802)]
)
def test_regression_follows_its_function(function, at_two):
    train = load(Regression(function=function, noise=0.0, examples=4000, split=ALL), seed=42).train
    nearest = np.argmin(np.abs(train.x[:, 0] - 2))
    assert train.y[nearest] == pytest.approx(at_two, abs=0.02)


def test_regression_noise_has_the_variance_asked_for():
    clean, noisy = (load(Regression(noise=noise, seed=3, split=ALL), seed=42).train.y for noise in (0.0, 2.0))
    assert np.std(noisy - clean) == pytest.approx(2.0, rel=0.1)


def test_waves_are_continued_by_their_targets():
    splits = load(Waves(examples=60, steps=30, horizon=3), seed=42)
    assert splits.info.input_shape == (30, 1)
    assert splits.info.target_size == 3
    assert splits.info.kind == "sequence"


def test_inline_examples_are_used_as_written():
    splits = load(Inline(inputs=((0.05, 0.10),), targets=((0.01, 0.99),)), seed=42)
    assert splits.info.task == "regression"
    assert splits.train.x.tolist() == [[pytest.approx(0.05), pytest.approx(0.10)]]
    assert splits.train.y.tolist() == [[pytest.approx(0.01), pytest.approx(0.99)]]
    assert splits.preprocessing.mean is None


def test_inline_targets_may_be_names():
    splits = load(Inline(inputs=((0, 0), (1, 1)), targets=("off", "on")), seed=42)
    assert splits.info.class_names == ("off", "on")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": [[0, 1], [1]], "targets": [0, 1]}, "rows of 'inputs' have different lengths: 1, 2"),
        ({"inputs": [[0, 1], [1, 0]], "targets": [0]}, "2 inputs, but 1 targets"),
        ({"inputs": [[0], [1]], "targets": ["a", 1]}, "'targets' must be all names or all numbers"),
    ],
)
def test_inline_examples_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Inline.model_validate(options)
