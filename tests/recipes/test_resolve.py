"""What only the data can tell is filled in: task, head, loss, metric, activation, initializer, monitors."""

from types import SimpleNamespace

import pytest

from hornbook.errors import RecipeError
from hornbook.recipes import load_recipe
from hornbook.recipes.resolve import resolve


def info(**facts):
    known = {"task": "multiclass", "kind": "image", "num_classes": 10, "class_names": None, "target_size": None}
    known |= {"class_counts": (), "input_shape": (8, 8, 1), "vocabulary_size": None, "blocks": ()}
    known |= {"counts": {"train": 1000, "validation": 100, "test": 100}, "extra": {}}
    return SimpleNamespace(**known | facts)


def resolved(*lines, **facts):
    text = "data: digits\nmodel: {name: mlp, units: [30]}\n" + "".join(f"{line}\n" for line in lines)
    return resolve(load_recipe(text), info(**facts))[0]


@pytest.mark.parametrize(
    ("facts", "units", "activation", "loss", "metric"),
    [
        ({}, 10, "softmax", "sparse_categorical_crossentropy", "accuracy"),
        ({"task": "binary", "num_classes": 2}, 1, "sigmoid", "binary_crossentropy", "accuracy"),
        ({"task": "multilabel", "num_classes": 4}, 4, "sigmoid", "binary_crossentropy", "accuracy"),
        (
            {"task": "regression", "num_classes": 0, "target_size": 2},
            2,
            "linear",
            "mean_squared_error",
            "root_mean_squared_error",
        ),
    ],
)
def test_the_head_follows_from_the_task(facts, units, activation, loss, metric):
    recipe = resolved(**facts)
    assert recipe.task == facts.get("task", "multiclass")
    assert (recipe.head.units, recipe.head.activation.name, recipe.head.loss.name) == (units, activation, loss)
    assert [metric.name for metric in recipe.training.metrics] == [metric]


@pytest.mark.parametrize(
    ("activation", "initializer"),
    [("relu", "he_normal"), ("elu", "he_normal"), ("selu", "lecun_normal"), ("tanh", "glorot_uniform")],
)
def test_the_initializer_is_the_one_that_suits_the_activation(activation, initializer):
    assert resolved(f"activation: {activation}").initializer.name == initializer


def test_an_omitted_activation_is_relu():
    recipe = resolved()
    assert (recipe.activation.name, recipe.initializer.name) == ("relu", "he_normal")


def test_the_bias_initializer_is_kept():
    assert resolved("initializer: {name: default, bias: ones}").initializer.bias.name == "ones"


def test_a_loss_brings_its_activation():
    recipe = resolved("head: {loss: hinge}", "task: binary", task="binary", num_classes=2)
    assert recipe.head.activation.name == "linear"


def test_monitors_get_their_direction():
    recipe = resolved("training: {early_stopping: {monitor: val_accuracy}}")
    assert (recipe.training.early_stopping.mode, recipe.training.checkpoint.monitor) == ("max", "val_accuracy")
    assert recipe.training.checkpoint.mode == "max"


def test_without_validation_monitors_fall_back():
    recipe = resolved("training: {early_stopping: {}}", counts={"train": 100, "validation": 0, "test": 10})
    assert (recipe.training.early_stopping.monitor, recipe.training.early_stopping.mode) == ("loss", "min")


def test_resolving_again_changes_nothing():
    recipe = resolved("schedule: {name: performance}", "activation: selu")
    assert resolve(recipe, info())[0] == recipe


def test_what_does_not_fit_the_data_is_placed_in_the_file():
    with pytest.raises(RecipeError) as raised:
        resolved("training: {batch_size: 5000}")
    assert str(raised.value) == (
        "recipe: 1 problem\n"
        "  3:24  training.batch_size: a batch of 5000 is larger than the training split of 1000 examples."
        " Use at most 1000."
    )


@pytest.mark.parametrize(
    ("task", "averages"),
    [
        ("multiclass", {"precision": "macro", "recall": "weighted", "f1_score": "macro", "auc": "macro"}),
        ("multilabel", {"precision": "micro", "recall": "weighted", "f1_score": "macro", "auc": "macro"}),
    ],
)
def test_a_run_says_how_it_averages(task, averages):
    metrics = "training: {metrics: [accuracy, precision, {name: recall, average: weighted}, f1_score, auc]}"
    recipe = resolved(metrics, task=task)
    assert {metric.name: metric.average for metric in recipe.training.metrics[1:]} == averages
