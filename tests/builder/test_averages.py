"""Precision, recall, F1 and AUC of several classes and labels against scikit-learn, counted batch by batch."""

import keras
import numpy as np
import pytest
from sklearn import metrics as sk

from hornbook.builder.heads.metrics import build_metric
from hornbook.recipes.language.spec import catalog

AVERAGES = ("macro", "micro", "weighted")
FIGURES = {"precision": sk.precision_score, "recall": sk.recall_score, "f1_score": sk.f1_score}
K = 5


def examples(case):
    """Return class numbers (60,) and probabilities (60, 5): any; a class that is not there; and not predicted either."""
    generator = np.random.default_rng(sum(map(ord, case)))
    y, p = generator.integers(0, K, 60), generator.dirichlet(np.ones(K), 60).astype(np.float32)
    if case != "all there":
        y[y == 3] = 2
    if case == "neither there nor predicted":
        p[:, 3] = 0
    return y, p


def value(name, task, y, p, **options):
    """Return a metric over batches of 25, 25 and 10."""
    metric = build_metric(catalog("metric")[name](**options), task, units=K)
    for start in (0, 25, 50):
        metric.update_state(y[start : start + 25], p[start : start + 25])
    return float(metric.result())


@pytest.mark.parametrize("case", ["all there", "not there", "neither there nor predicted"])
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_several_classes_are_scikit_learns(name, average, case):
    y, p = examples(case)
    expected = FIGURES[name](y, p.argmax(axis=1), average=average, zero_division=0)
    assert value(name, "multiclass", y, p, average=average) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_labels_are_scikit_learns(name, average):
    _, p = examples("all there")
    y = np.random.default_rng(3).integers(0, 2, (60, K))
    y[:, 2] = 0
    key = "threshold" if name == "f1_score" else "thresholds"
    expected = FIGURES[name](y, p > 0.25, average=average, zero_division=0)
    assert value(name, "multilabel", y, p, average=average, **{key: 0.25}) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("curve", "average", "case"),
    [
        ("ROC", "macro", "all there"),
        *(("ROC", average, "not there") for average in AVERAGES),
        ("PR", "weighted", "not there"),
    ],
)
def test_the_area_is_that_of_the_classes_that_have_a_curve(curve, average, case):
    y, p = examples(case)
    rows = np.eye(K)[y]
    there = slice(None) if average == "micro" else rows.any(axis=0)
    if curve == "ROC":
        expected, margin = sk.roc_auc_score(rows[:, there], p[:, there], average=average), 1e-3
    else:  # scikit-learn's is a sum of steps, Keras's runs between them
        expected, margin = sk.average_precision_score(rows[:, there], p[:, there], average=average), 0.04
    found = value("auc", "multiclass", y, p, average=average, curve=curve, num_thresholds=4000)
    assert found == pytest.approx(expected, abs=margin)
    if (curve, case) == ("ROC", "not there"):
        assert value("auc", "multilabel", rows, p, average=average, curve=curve, num_thresholds=4000) == found


@pytest.mark.parametrize("name", [*FIGURES, "auc"])
def test_an_example_of_weight_0_does_not_count(name):
    y, p = examples("all there")
    metric = build_metric(catalog("metric")[name](), "multiclass", units=K)
    metric.update_state(y, p, np.arange(60) < 40)
    half = build_metric(catalog("metric")[name](), "multiclass", units=K)
    half.update_state(y[:40], p[:40])
    assert float(metric.result()) == pytest.approx(float(half.result()), abs=1e-6)


METRICS = ["precision", "f1_score", {"name": "f1_score", "average": "weighted", "record_as": "weighted_f1"}, "auc"]


@pytest.mark.whole
def test_engines_and_fit_record_the_same_figures(prepare, run_epochs):
    generator = np.random.default_rng(4)
    x, y = generator.normal(size=(72, 4)).astype(np.float32), generator.integers(0, 3, 72)
    logs = {}
    for engine in ("graph", "xla", "fit"):
        training = {"engine": engine, "batch_size": 24, "metrics": METRICS}
        prepared = prepare({"training": training, "optimizer": {"name": "sgd", "learning_rate": 1e-30}}, (x, y))
        (logs[engine],) = run_epochs(prepared)
    p = np.asarray(prepared.built.model(x))
    assert logs["graph"]["f1_score"] == pytest.approx(sk.f1_score(y, p.argmax(axis=1), average="macro"), abs=1e-6)
    expected = sk.f1_score(y, p.argmax(axis=1), average="weighted")
    assert logs["graph"]["weighted_f1"] == pytest.approx(expected, abs=1e-6)
    assert logs["graph"]["auc"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"), abs=0.01)
    for engine in ("xla", "fit"):
        assert logs[engine] == pytest.approx(logs["graph"], rel=1e-5), engine


def test_a_saved_figure_goes_on_as_it_was():
    y, p = examples("all there")
    metric = build_metric(catalog("metric")["f1_score"](average="weighted"), "multiclass", units=K)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    for one in (metric, again):
        one.update_state(y, p)
    assert float(again.result()) == float(metric.result()) > 0
