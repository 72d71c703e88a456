"""Faults that a check knows before training, in their exact words, and the healthy recipes beside them."""

import numpy as np
import pytest

from hornbook.commands.check import DataLook
from hornbook.recipes import Recipe, check_recipe
from hornbook.recipes.facts import Facts
from hornbook.recipes.rules.check import check_rules

IMAGES = {"data": "digits", "model": {"name": "mlp", "units": [64, 32]}}
BINARY = {"data": "breast_cancer", "model": {"name": "mlp", "units": [16]}}
NUMBERS = {"data": "diabetes", "model": {"name": "mlp", "units": [16]}}
FREE = [{"name": "dense", "units": 30, "initializer": "ones"}, {"name": "dense", "units": 30}]


def deep(activation, layers, **more):
    return {**IMAGES, "model": {"name": "mlp", "units": 32, "depth": layers}, "activation": activation, **more}


def looked(recipe):
    """Return what `hornbook check` says of a recipe."""
    return [(one.code, one.sentence()) for one in check_recipe(recipe, look=DataLook(whole=False)).problems]


ILL = [
    (
        "symmetry",
        {**IMAGES, "initializer": "zeros"},
        "warning: initializer: with 'zeros' all units of a hidden layer start equal, and nothing in the layer tells them apart:"
        " they stay equal or nearly so. Omit it: the default suits the activation. For biases write 'initializer: {name:"
        " default, bias: zeros}'.",
    ),
    (
        "symmetry",
        {**IMAGES, "model": {"name": "layers", "layers": ["flatten", *FREE]}},
        "warning: model.layers.1.initializer: with 'ones' all units of a hidden layer start equal, and nothing in the layer"
        " tells them apart: they stay equal or nearly so. Omit it: the default suits the activation. For biases write"
        " 'initializer: {name: default, bias: ones}'.",
    ),
    (
        "initializer-size",
        {**IMAGES, "initializer": {"name": "random_normal", "stddev": 1.0}},
        "warning: initializer: the variance of the signal grows 1e+03 times on its way through the hidden layers."
        " Omit it: the default follows the layers' sizes.",
    ),
    (
        "initializer-size",
        {**IMAGES, "initializer": {"name": "random_normal", "stddev": 0.001}},
        "warning: initializer: the variance of the signal falls to 1e-09 of itself on its way through the hidden layers."
        " Omit it: the default follows the layers' sizes.",
    ),
    (
        "initializer-size",
        {**IMAGES, "activation": "tanh", "initializer": {"name": "random_normal", "stddev": 2.0}},
        "warning: initializer: weighted sums start with a deviation of 16, where 'tanh' is flat."
        " Omit it: the default follows the layers' sizes.",
    ),
    (
        "deep-saturating",
        deep("sigmoid", 3),
        "warning: activation: 3 layers of 'sigmoid' in a row without normalization: the gradient gets at least four times"
        " smaller with each, and hardly reaches the first ones. Use 'activation: relu', or add 'normalization:"
        " batch_normalization'.",
    ),
    (
        "deep-saturating",
        deep("tanh", 8),
        "warning: activation: 8 layers of 'tanh' in a row without normalization: the gradient gets smaller with each, and"
        " hardly reaches the first ones. Use 'activation: relu', or add 'normalization: batch_normalization'.",
    ),
    (
        "linear-hidden",
        {**IMAGES, "activation": "linear"},
        "warning: activation: 2 hidden layers without a nonlinear activation can compute no more than none at all."
        " Use 'activation: relu'.",
    ),
    (
        "hidden-softmax",
        {**IMAGES, "activation": "softmax"},
        "warning: activation: 'softmax' lets the units of a hidden layer share 1 among them, so it passes on little;"
        " it is for the head. Use 'relu'.",
    ),
    (
        "selu",
        {**IMAGES, "data": {"name": "digits", "standardize": True}, "model": "residual_cnn", "activation": "selu"},
        "warning: activation: SELU normalizes itself in a plain stack of layers only, and 'residual_cnn' has shortcuts."
        " Use 'elu', or 'relu' with normalization.",
    ),
    (
        "rate",
        {**IMAGES, "optimizer": {"name": "sgd", "learning_rate": 1.0, "momentum": 0.9}},
        "warning: optimizer.learning_rate: 1 with momentum 0.9 is far above what 'sgd' can use: weights jump over every"
        " minimum. 'hornbook lr-find' looks for one; the default is a start.",
    ),
    (
        "rate",
        {**IMAGES, "optimizer": {"name": "adam", "learning_rate": 0.3}},
        "warning: optimizer.learning_rate: 0.3 is far above what 'adam' can use: weights jump over every minimum."
        " 'hornbook lr-find' looks for one; the default is a start.",
    ),
    (
        "rate",
        {**IMAGES, "optimizer": {"name": "adam", "learning_rate": 1e-7}},
        "warning: optimizer.learning_rate: 1e-07 is so low that no weight moves in a run of 20 epochs."
        " 'hornbook lr-find' looks for one; the default is a start.",
    ),
    (
        "rate",
        {**IMAGES, "optimizer": {"name": "adam", "learning_rate": 1e-5}},
        "warning: optimizer.learning_rate: 1e-05 is low for a run of 820 steps: rate × steps = 0.0082, about how far weights"
        " get. 'hornbook lr-find' looks for one; or train longer.",
    ),
    (
        "few-steps",
        {**IMAGES, "training": {"batch_size": 1024}},
        "warning: training.batch_size: with batches of 1,024 for 1,293 training examples the whole run has 40 steps."
        " Use 32 to 256, or train longer.",
    ),
    (
        "schedule-end",
        {**IMAGES, "schedule": {"name": "exponential", "decay_steps": "1 epoch"}},
        "warning: schedule: in the middle of the run the rate has fallen to 1e-10 of its peak: the rest learns nothing."
        " Let it fall more slowly, or train for fewer epochs.",
    ),
    (
        "too-much",
        {**IMAGES, "regularization": {"dropout": 0.9}},
        "warning: regularization.dropout: dropping 90 % leaves too little to learn from. Use 0.1 to 0.5.",
    ),
    (
        "too-much",
        {**IMAGES, "regularization": {"l2": 1.0}},
        "warning: regularization.l2: a penalty of 1 outweighs any loss: it pulls all weights to 0. Use 0.01 or less.",
    ),
    (
        "too-much",
        {**IMAGES, "head": {"loss": {"name": "sparse_categorical_crossentropy", "label_smoothing": 0.9}}},
        "warning: head.loss.label_smoothing: a smoothing of 0.9 leaves the right class hardly more than the others. Use 0.1.",
    ),
    (
        "augmentation",
        {**IMAGES, "data": {"name": "digits", "augmentation": {"cutout": 0.8}}},
        "warning: data.augmentation.cutout: 0.8 blanks most of an image. Usual is 0.25 to 0.5.",
    ),
    (
        "augmentation",
        {**IMAGES, "data": {"name": "digits", "augmentation": {"flip": "horizontal"}}},
        "warning: data.augmentation.flip: digits that are mirrored are no digits, or others: a 2 looks like a 5. Remove it.",
    ),
    (
        "augmentation",
        {**IMAGES, "data": {"name": "mnist", "augmentation": {"rotate": 90}}},
        "warning: data.augmentation.rotate: a digit that is turned by 90 degrees may be another: a 6 looks like a 9."
        " Use 10 or 15.",
    ),
    (
        "no-patience",
        {**IMAGES, "training": {"early_stopping": {"patience": 0}}},
        "warning: training.early_stopping.patience: without patience training ends with the first epoch that is no better,"
        " which may be the second. Use 5 or more.",
    ),
    (
        "idle-steps",
        {**IMAGES, "optimizer": {"name": "sgd", "momentum": 0.999}},
        "warning: optimizer.momentum: a momentum of 0.999 averages over the last 1,000 steps. Use 0.9 to 0.99.",
    ),
    (
        "idle-steps",
        {**IMAGES, "optimizer": "sgd", "training": {"gradient_clipping": {"by": "norm", "threshold": 1e-6}}},
        "warning: training.gradient_clipping.threshold: gradients cut down to 1e-06 move no weight. Use 1 or so.",
    ),
    (
        "input-scale",
        {**IMAGES, "data": {"name": "digits", "scale": False}},
        "warning: data.scale: pixels up to 16 go into the network as they are; it is made for inputs of about 1."
        " Remove 'scale: false', or add 'standardize: true'.",
    ),
    (
        "input-scale",
        {**BINARY, "data": {"name": "breast_cancer", "standardize": False}},
        "warning: data.standardize: values up to 4254 go into the network as they are; it is made for inputs of about 1."
        " Set 'standardize: true'.",
    ),
    (
        "head-range",
        {**NUMBERS, "head": {"activation": "sigmoid"}},
        "warning: head.activation: 'sigmoid' returns numbers from 0 to 1, and of the targets the highest is 346."
        " Use 'linear', or omit it.",
    ),
    (
        "target-scale",
        {**NUMBERS, "head": {"standardize_targets": False}},
        "tip: head.standardize_targets: targets up to 346 are not standardized, and the network begins with outputs of about"
        " 1. It learns faster without this key.",
    ),
    (
        "width",
        {**BINARY, "model": {"name": "mlp", "units": [4096]}},
        "tip: model: a layer of 4,096 units for 409 training examples is wider than these can tell it."
        " It may well train; a narrower one costs less.",
    ),
    (
        "width",
        {**IMAGES, "model": {"name": "mlp", "units": [64, 1, 64]}},
        "tip: model: a layer of 1 unit has to tell 10 classes apart. Wider layers learn it more easily.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "recipe", "sentence"), ILL)
def test_a_fault_is_named_before_training(code, recipe, sentence):
    assert looked(recipe) == [(code, sentence)]


WORKED = {"name": "constant", "value": [[0.1, 0.2], [0.3, 0.4]]}
HEALTHY = [
    {**IMAGES, "initializer": {"name": "he_normal", "bias": "zeros"}},
    {**IMAGES, "initializer": WORKED, "data": "moons", "model": {"name": "mlp", "units": [2]}},
    {**IMAGES, "initializer": {"name": "random_normal", "stddev": 0.05}},
    {**IMAGES, "initializer": {"name": "random_normal", "stddev": 1.0}, "normalization": "batch_normalization"},
    {**IMAGES, "model": "mlp", "initializer": "zeros"},  # the head alone
    deep("sigmoid", 2),
    deep("sigmoid", 5, normalization="batch_normalization"),
    deep("tanh", 5),
    deep("relu", 8),
    {**IMAGES, "model": {"name": "layers", "layers": ["flatten", {"name": "dense", "units": 8, "activation": "linear"},
                                                      {"name": "dense", "units": 8}]}},
    {**IMAGES, "optimizer": {"name": "sgd", "learning_rate": 0.5, "momentum": 0.9}},
    {**IMAGES, "optimizer": {"name": "adam", "learning_rate": 1e-4}},
    {**IMAGES, "optimizer": {"name": "adam", "learning_rate": 1e-5}, "training": {"epochs": 200}},
    {**IMAGES, "optimizer": {"name": "adadelta", "learning_rate": 1.0}},
    {**IMAGES, "training": {"batch_size": 256}},
    {**IMAGES, "training": {"epochs": 1}},
    {**IMAGES, "schedule": {"name": "exponential", "decay_steps": "10 epochs"}},
    {**IMAGES, "schedule": "cosine"},
    {**IMAGES, "regularization": {"dropout": 0.5, "l2": 0.01}},
    {**IMAGES, "data": {"name": "digits", "scale": False, "standardize": True}},
    {**IMAGES, "data": {"name": "digits", "scale": False}, "normalization": {"name": "batch_normalization", "input": True}},
    {**BINARY, "data": {"name": "iris", "standardize": False}},
    {**NUMBERS, "head": {"activation": "relu"}},
    {**IMAGES, "data": {"name": "digits", "limit": 100}},
]  # fmt: skip


@pytest.mark.parametrize("recipe", HEALTHY)
def test_a_healthy_recipe_has_no_remark(recipe):
    assert looked(recipe) == []


@pytest.mark.parametrize(
    ("counts", "more", "severity"),
    [
        ((900, 100), {}, "warning"),
        ((850, 150), {}, "tip"),
        ((600, 400), {}, None),
        ((900, 100), {"training": {"class_weights": "balanced"}}, None),
        ((900, 100), {"training": {"metrics": ["accuracy", "f1_score"]}}, None),
        ((900, 100), {"head": {"loss": "binary_focal_crossentropy"}}, None),
    ],
)
def test_unbalanced_classes_are_noticed_where_only_accuracy_looks(counts, more, severity):
    facts = Facts(task="binary", kind="table", class_counts=counts, class_names=("ill", "well"), is_standardized=True)
    problems = list(check_rules(Recipe.model_validate({**BINARY, **more}), facts))
    assert [(one.code, one.severity) for one in problems] == ([("imbalance", severity)] if severity else [])


def test_the_examples_themselves_tell_their_scale_and_classes(tmp_path):
    generator = np.random.default_rng(0)
    x, rare = generator.normal(size=(400, 3)) * [1, 1, 1000], (np.arange(400) % 20 == 0).astype(int)
    np.savez(tmp_path / "raw.npz", x=x, y=rare)
    raw = {"name": "npz", "path": str(tmp_path / "raw.npz"), "standardize": False}
    assert [code for code, _ in looked({**BINARY, "data": raw})] == ["input-scale", "imbalance"]
    tame = {**raw, "standardize": True}
    assert [code for code, _ in looked({**BINARY, "data": tame})] == ["imbalance"]


def test_categories_do_not_count_as_large_inputs(tmp_path):
    rows = "".join(f"{i % 7},town{i % 90},{i % 2}\n" for i in range(400))
    (tmp_path / "towns.csv").write_text("age,town,label\n" + rows, encoding="utf-8")
    data = {"name": "table", "path": str(tmp_path / "towns.csv"), "target": "label", "standardize": False}
    assert looked({**BINARY, "data": data}) == []
