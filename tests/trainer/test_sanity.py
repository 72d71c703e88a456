"""The checks before training: what they say of recipes that are well, and of recipes that are not."""

import json

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.explain.explanation import explain
from hornbook.trainer.sanity import examine
from hornbook.trainer.sanity.examine import CHECKS

SMALL = ["model.units=[24,16]", "training.engine=graph"]
PECULIAR = ["perceptron", "backprop_example", "xor_linear", "elastic_net", "multilabel", "class_weights", "rnn_waves"]
"""Shipped recipes with a loss, a start, data or a network of their own kind; the others are like `he_elu_bn`."""


def verdicts(recipe, overrides=(), data=None):
    report = examine(load_recipe(recipe, overrides), data)
    return {name: outcome.verdict for name, outcome in report.outcomes.items()}, report


@pytest.fixture(scope="module")
def blobs():
    """Two classes of 6 numbers that a network of any size can tell apart."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 6)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] > 0).astype(np.int32)


@pytest.fixture
def hasty(monkeypatch):
    """Give up soon on a small batch that cannot be fitted, where another check is looked at."""
    monkeypatch.setattr("hornbook.trainer.sanity.batch.STEPS", 50)


def of_arrays(*overrides):
    return load_recipe({"data": "arrays", "model": {"name": "mlp", "units": [16, 8]}}, overrides)


def test_the_digits_recipe_passes_every_check_in_order():
    found, report = verdicts("he_elu_bn")
    assert list(found) == list(CHECKS)
    assert set(found.values()) == {"pass"}
    loss = report.outcomes["initial loss"].figures
    assert loss["theory"] == pytest.approx(np.log(10), abs=1e-5)
    signal = report.outcomes["signal"].figures["layers"]
    assert signal["hidden_2"]["deviation"] == pytest.approx(signal["hidden_2"]["expected"], rel=0.3)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "multilabel" else pytest.mark.whole) for name in PECULIAR]
)
def test_a_shipped_recipe_of_its_own_kind_passes_or_says_why_not(name):
    found, report = verdicts(name, ["data.steps=15"] if name == "rnn_waves" else [])
    assert "fail" not in found.values(), report.lines()
    assert all(outcome.reason for outcome in report.outcomes.values())


def test_layers_behind_a_mask_are_looked_into_and_explained():
    layers = [
        {"name": "lstm", "units": 4, "return_sequences": True},
        "batch_normalization",
        {"name": "gru", "units": 4},
    ]
    tokens = {"name": "embedding", "input_dim": 60, "output_dim": 4, "mask_zero": True}
    recipe = {
        "data": {"name": "sentences", "examples": 300},
        "model": {"name": "layers", "layers": [tokens, *layers]},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {"engine": "graph"},
    }
    found, report = verdicts(recipe)
    assert {found[name] for name in ("data", "initial loss", "signal", "gradients")} == {"pass"}, report.lines()
    assert any(line.startswith("hidden_2 ") for line in explain(load_recipe(recipe)).plan)


ILL = {
    "zeros": ("he_elu_bn", [*SMALL, "initializer=zeros"], {"signal", "gradients", "small batch"}),
    "constant": ("leaky_relu", [*SMALL, "initializer={name: constant, value: 0.1}"], {"signal"}),
    "rate of nothing": ("leaky_relu", [*SMALL, "optimizer.learning_rate=1e-8"], {"small batch"}),
    "rate of a thousand": ("leaky_relu", [*SMALL, "optimizer.learning_rate=1000"], {"small batch"}),
    "head out of reach": ("noisy_regression", ["model.units=[16]", "head.activation=sigmoid"], {"small batch"}),
    "saturated": ("leaky_relu", [*SMALL, "activation=tanh", "initializer={name: random_normal, stddev: 3.0}"], {"signal"}),
    "deep sigmoid": ("leaky_relu", ["activation=sigmoid", "initializer=default", f"model.units={[16] * 9}"], {"gradients"}),
}  # fmt: skip


@pytest.mark.parametrize(
    "ill",
    [pytest.param(ill, marks=() if ill in {"rate of nothing", "saturated"} else pytest.mark.whole) for ill in ILL],
)
def test_an_ill_recipe_fails_where_it_is_ill(ill, request):
    name, overrides, expected = ILL[ill]
    if "small batch" not in expected:
        request.getfixturevalue("hasty")
    found, report = verdicts(name, overrides)
    assert expected <= {check for check, verdict in found.items() if verdict == "fail"}, report.lines()


def test_layers_frozen_with_what_was_drawn_fail(hasty):
    layers = [{"name": "dense", "units": 12, "trainable": False}, {"name": "dense", "units": 8, "trainable": False}]
    _, report = verdicts({"data": "digits", "model": {"name": "layers", "layers": ["flatten", *layers]}})
    assert "'hidden_1', 'hidden_2' never learn" in report.outcomes["gradients"].reason


def test_inputs_with_nan_fail_and_the_rest_is_skipped(blobs):
    x, y = blobs
    broken = x.copy()
    broken[3, 2] = np.nan
    report = examine(of_arrays(), (broken, y))
    assert report.failures == ["data"]
    assert "NaN" in report.outcomes["data"].reason
    assert {outcome.verdict for name, outcome in report.outcomes.items() if name != "data"} == {"skip"}


def test_labels_that_are_all_equal_fail(blobs):
    x, y = blobs
    assert "data" in examine(of_arrays(), (x, np.zeros_like(y))).failures


def test_inputs_in_the_thousands_fail(blobs, hasty):
    x, y = blobs
    report = examine(of_arrays("data.standardize=false"), (x * 1000, y))
    assert {"data", "initial loss"} <= set(report.failures)
    assert "standardize: true" in report.outcomes["data"].reason


def test_inputs_in_the_thousands_pass_when_they_are_standardized(blobs):
    x, y = blobs
    assert examine(of_arrays(), (x * 1000, y)).failures == []


def test_the_command_ends_with_code_3_and_prints_json(hornbook_command, hasty):
    done = hornbook_command("hornbook sanity -c schedule_power initializer=zeros model.units=[8] --json")
    record = json.loads(done.out)
    assert done.code == 3
    assert not record["ok"]
    assert [check["check"] for check in record["checks"]] == list(CHECKS)
    assert "signal" in done.err


def test_the_command_prints_a_table_of_80_columns(hornbook_command):
    done = hornbook_command("hornbook sanity -c xor_linear")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].startswith("data          PASS  the first layer reads numbers from 0 to 1")
    assert "signal        SKIP  no hidden layers" in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines())
