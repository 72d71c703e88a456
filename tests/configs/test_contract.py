"""Every shipped recipe builds the network it describes, trains, saves plain Keras models, and trains again from its run."""

import math
import zipfile

import keras
import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.data import load
from hornbook.recipes import check_recipe, shipped_recipes
from hornbook.recipes.resolve import resolve

PARAMETERS = {
    "alpha_dropout": 10_369,
    "backprop_example": 12,
    "bag_of_words": 97,  # few tokens are frequent in few sentences
    "class_weights": 65,
    "cnn_augmentation": 36_074,
    "cnn_group_normalization": 5_226,
    "cnn_residual": 19_706,
    "default_adam": 51_010,
    "default_nesterov": 51_010,
    "default_one_cycle": 48_410,
    "elastic_net": 11,
    "ema": 7_510,
    "forecast": 12_376,
    "forecast_series": 3_756,
    "free_layers": 20_042,
    "skip_connections": 12_090,
    "fashion_b_best": 51,  # the head alone: the others are frozen in the first epoch
    "fashion_b_on_a": 51,
    "fashion_b_scratch": 275_801,
    "fashion_model_a": 276_158,
    "funnel": 64_810,
    "gradient_accumulation": 7_510,
    "he_elu_bn": 51_010,
    "layer_normalization": 18_010,
    "leaky_relu": 17_610,
    "linear_regression": 2,
    "lion": 17_610,
    "logistic_regression": 31,
    "max_norm": 112_810,
    "mean_embedding": 2_945,
    "mixed_precision": 51_010,
    "mnist_300_100": 267_010,
    "mnist_dropout": 266_610,
    "mnist_l1": 266_610,
    "mnist_plain": 266_610,
    "multilabel": 199,
    "muon": 17_610,
    "noisy_regression": 4_353,
    "perceptron": 3,
    "picture_folder": 37_674,  # separable but for the first of six convolutions, which reads three channels
    "prelu": 17_810,
    "pretrained_autoencoder": 12_060,
    "pretrained_rbm": 12_060,
    "pretrained_rotation": 13_706,
    "randomized_leaky_relu": 17_610,
    "realmlp": 166_195,
    "reused_application": 12_810,  # the head alone, which reads 1,280 numbers: the others are frozen in the first epoch
    "rms_normalization": 8_899,
    "rnn_bidirectional": 10_474,
    "rnn_image_rows": 19_466,
    "rnn_imdb": 336_705,
    "rnn_waves": 1_281,
    "schedule_cosine": 17_610,
    "schedule_cosine_restarts": 7_510,
    "schedule_exponential": 7_510,
    "schedule_free": 17_610,
    "schedule_inverse_time": 15,
    "schedule_performance": 7_510,
    "schedule_polynomial": 17_610,
    "schedule_power": 7_510,
    "self_normalizing": 47_910,
    "sparse_l1": 7_510,
    "sweep_bayesian": 7_510,
    "sweep_grid": 7_510,
    "sweep_hyperband": 12_210,
    "sweep_random": 7_510,
    "several_heads": 1_174,
    "auxiliary_output": 11_920,
    "tabm": 677_216,
    "transformer_sentences": 15_169,
    "wide_and_deep": 1_236,  # 8-30-30 and five columns beside, to one number
    "xor_linear": 3,
    "xor_mlp": 9,
}
"""Trainable numbers of each recipe's network: digits (64 inputs) 64-300-100-10 with batch normalization has 51,010."""
NEEDS_HORNBOOK = {"perceptron", "randomized_leaky_relu", "layer_normalization", "realmlp", "tabm"} | {
    "bag_of_words",
    "forecast_series",
    "mean_embedding",
    "transformer_sentences",
}
"""Recipes with a layer or loss that Keras lacks: step, randomized leaky ReLU, the tanh form of GELU, columns of tables, series."""
AS_PUBLISHED = {name: {"selu"} for name in ("fashion_b_scratch", "fashion_model_a")}
"""Warnings about recipes that repeat a publication to the letter."""
EARLIER = {"fashion_b_best", "fashion_b_on_a", "reused_application"}
"""Recipes that begin with what another one has learned, frozen in their first epochs."""


def test_every_shipped_recipe_has_a_pinned_parameter_count():
    assert sorted(PARAMETERS) == sorted(shipped_recipes())


def test_parameter_count(short_runs, name):
    variables = short_runs[name].model.trainable_variables
    assert sum(math.prod(variable.shape) for variable in variables) == PARAMETERS[name]


def test_a_few_steps_of_training_end_with_finite_loss_and_test_metrics(short_runs, name):
    result = short_runs[name]
    assert result.state == "finished"
    (row,) = [row for row in result.history if not row["phase"].startswith("pretraining")]
    numbers = [value for value in row.values() if isinstance(value, float)] + list(result.test.values())
    assert np.isfinite(numbers).all()
    has_test = name not in {"backprop_example", "multilabel", "xor_linear", "xor_mlp"}
    assert ("loss" in result.test) == has_test


def test_saved_models_are_plain_keras(short_runs, name):
    result = short_runs[name]
    stops_before_its_last_phase = name in EARLIER  # and the best epoch is one of that
    checkpoints = ["last"] if stops_before_its_last_phase else ["best", "last"]
    paths = {which: result.run / "checkpoints" / f"{which}.keras" for which in checkpoints}
    if len(paths) == 2 and paths["best"].read_bytes() == paths["last"].read_bytes():
        del paths["best" if result.final == "last" else "last"]
    for which, path in paths.items():
        with zipfile.ZipFile(path) as archive:
            assert (b"hornbook" in archive.read("config.json")) == (name in NEEDS_HORNBOOK)
        loaded = keras.models.load_model(path)
        assert loaded.output_shape == result.model.output_shape  # of heads one each
        if which == result.final:
            models = loaded, result.model
            weights = [sorted(model.weights, key=lambda weight: weight.path) for model in models]
            weights = weights if result.recipe.heads else [model.weights for model in models]  # outputs by name, sorted
            for saved, trained in zip(*weights, strict=True):
                np.testing.assert_array_equal(saved, trained)


def test_the_run_holds_the_recipe_with_every_default_filled_in(short_runs, name):
    result = short_runs[name]
    checked = check_recipe(result.run / "recipe.yaml")
    assert checked.errors == []
    again = checked.recipe
    assert again.to_dict() == result.recipe.to_dict()
    splits = load(again.data, seed=again.seed, task=again.task, heads=again.heads)
    resolved, _ = resolve(again, splits.info, is_standardized=splits.preprocessing.variance is not None)
    assert resolved.to_dict() == again.to_dict()


def test_the_data_brings_up_no_warning(short_runs, name):
    recipe = load_recipe(name, short_runs.overrides(name))
    splits = load(recipe.data, seed=recipe.seed, task=recipe.task, heads=recipe.heads)
    _, problems = resolve(recipe, splits.info, is_standardized=splits.preprocessing.variance is not None)
    assert {problem.code for problem in problems} == AS_PUBLISHED.get(name, set())
    assert splits.info.warnings == ()


@pytest.mark.parametrize("name", ["cnn_augmentation", "max_norm", "rnn_bidirectional"])
def test_training_again_from_the_run_gives_the_same_bits(short_runs, name):
    first = short_runs[name]
    second = short_runs.train(load_recipe(first.run / "recipe.yaml"))
    assert without_clock(second.history) == without_clock(first.history)
    for one, other in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def without_clock(history):
    return [{key: value for key, value in row.items() if "seconds" not in key} for row in history]
