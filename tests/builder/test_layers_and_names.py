"""Where normalization, activation and regularization stand, how layers are called, and who has a bias."""

import numpy as np
import pytest

X = np.zeros((8, 4), np.float32)
Y = np.array([0, 1, 2, 1, 0, 1, 2, 0])
SERIES = np.zeros((8, 5, 3), np.float32)
IMAGES = np.zeros((8, 8, 8, 2), np.uint8)


@pytest.fixture
def layers(prepare):
    """A function: recipe and inputs → {layer's name: layer} in order."""

    def build(recipe, x=X):
        model = prepare({"training": {"batch_size": 4}, **recipe}, (x, Y)).built.model
        return {layer.name: layer for layer in model.layers}

    return build


def test_normalization_before_the_activation_takes_the_bias_away(layers):
    found = layers({"normalization": "batch_normalization", "regularization": {"dropout": 0.1}, "activation": "elu"})
    assert list(found) == [
        "input", "hidden_1", "hidden_1_normalization", "hidden_1_activation", "hidden_1_dropout", "head",
        "head_activation",
    ]  # fmt: skip
    assert not found["hidden_1"].use_bias
    assert found["head"].use_bias
    weights = [weight.path for name in found for weight in found[name].weights]
    assert weights[:5] == [
        "hidden_1/kernel", "hidden_1_normalization/gamma", "hidden_1_normalization/beta",
        "hidden_1_normalization/moving_mean", "hidden_1_normalization/moving_variance",
    ]  # fmt: skip


def test_normalization_after_the_activation_keeps_the_bias(layers):
    found = layers({"normalization": {"name": "batch_normalization", "position": "after_activation"}})
    assert list(found)[1:4] == ["hidden_1", "hidden_1_activation", "hidden_1_normalization"]
    assert found["hidden_1"].use_bias


@pytest.mark.parametrize(
    "name", ["layer_normalization", "rms_normalization", {"name": "group_normalization", "groups": 2}]
)
def test_only_batch_normalization_makes_a_bias_useless(layers, name):
    assert layers({"normalization": name})["hidden_1"].use_bias


def test_without_batch_normalizations_own_offset_the_bias_is_still_subtracted(layers):
    found = layers({"normalization": {"name": "batch_normalization", "center": False}})
    assert not found["hidden_1"].use_bias
    assert [weight.name for weight in found["hidden_1_normalization"].trainable_weights] == ["gamma"]


def test_inputs_and_outputs_are_normalized_where_the_recipe_says_so(layers):
    found = layers({"normalization": {"name": "batch_normalization", "input": True, "output": True}})
    assert list(found)[1] == "input_normalization"
    assert list(found)[-3:] == ["head", "head_normalization", "head_activation"]
    assert not found["head"].use_bias
    own = layers({"normalization": {"name": "layer_normalization", "output": True}})
    assert own["head"].use_bias


def test_input_normalization_replaces_standardization(layers):
    data = {"name": "arrays", "standardize": True, "split": {"validation": 0, "test": 0}}
    assert "standardize" in layers({"data": data})
    found = layers({"data": data, "normalization": {"name": "batch_normalization", "input": True}})
    assert "standardize" not in found
    assert "input_normalization" in found


def test_convolutions_drop_their_bias_too_and_recurrent_cells_keep_theirs(layers):
    recipe = {"normalization": "batch_normalization"}
    assert not layers({**recipe, "model": {"name": "cnn", "filters": [4]}}, IMAGES)["hidden_1"].use_bias
    assert layers({**recipe, "model": {"name": "rnn", "units": [4]}}, SERIES)["hidden_1"].cell.use_bias


def test_every_kind_of_noise_has_a_layer_of_its_own(layers):
    given = {"dropout": 0.1, "alpha_dropout": 0.2, "gaussian_dropout": 0.3, "gaussian_noise": 0.4, "input_dropout": 0.5}
    found = layers({"regularization": given})
    assert list(found)[1] == "input_dropout"
    assert found["input_dropout"].rate == 0.5
    assert [found[f"hidden_1_{kind}"].rate for kind in ("dropout", "alpha_dropout", "gaussian_dropout")] == [
        0.1,
        0.2,
        0.3,
    ]
    assert found["hidden_1_gaussian_noise"].stddev == 0.4
    seeds = [layer.seed for layer in found.values() if hasattr(layer, "seed")]
    assert len(set(seeds)) == len(seeds) == 5


def test_a_rate_of_zero_adds_no_layer(layers):
    assert len(layers({"regularization": {"dropout": 0.0, "input_dropout": 0.0}})) == 5


def test_spatial_dropout_stands_behind_convolutions_and_recurrent_layers(layers):
    recipe = {"regularization": {"spatial_dropout": 0.3}}
    cnn = layers({**recipe, "model": {"name": "cnn", "filters": [4], "dense": [3]}}, IMAGES)
    assert type(cnn["hidden_1_spatial_dropout"]).__name__ == "SpatialDropout2D"
    rnn = layers({**recipe, "model": {"name": "rnn", "units": [4, 3]}}, SERIES)
    assert type(rnn["hidden_1_spatial_dropout"]).__name__ == "SpatialDropout1D"


def test_a_funnel_has_evenly_falling_widths(layers):
    found = layers({"model": {"name": "mlp", "funnel": {"from": 30, "to": 6, "layers": 4}}})
    assert [found[f"hidden_{n}"].units for n in (1, 2, 3, 4)] == [30, 22, 14, 6]


def test_images_and_series_are_flattened_for_dense_layers(layers):
    assert layers({}, IMAGES)["flatten"].output.shape == (None, 128)
    assert layers({}, SERIES)["flatten"].output.shape == (None, 15)
    assert list(layers({}, IMAGES))[:3] == ["input", "scale", "flatten"]


PARAMETERS = [  # counted by hand
    ({"name": "mlp", "units": [300, 100]}, X, 4 * 300 + 300 + 300 * 100 + 100 + 100 * 3 + 3),
    ({"name": "mlp"}, X, 4 * 3 + 3),
    (
        {"name": "cnn", "filters": [5, 6], "dense": [7]},
        IMAGES,
        (9 * 2 * 5 + 5) + (9 * 5 * 6 + 6) + (2 * 2 * 6 * 7 + 7) + (7 * 3 + 3),
    ),
    (
        {"name": "cnn", "filters": [5], "convolutions": 2, "padding": "valid", "pooling": "average"},
        IMAGES,  # 8×8 → 6×6 → 4×4 → 2×2
        (9 * 2 * 5 + 5) + (9 * 5 * 5 + 5) + (2 * 2 * 5 * 3 + 3),
    ),
    (
        {"name": "cnn", "filters": [5], "pooling": "stride", "kernel_size": 5, "flatten": "global_average"},
        IMAGES,
        (25 * 2 * 5 + 5) + (5 * 3 + 3),
    ),
    ({"name": "cnn", "filters": [5], "pooling": "none"}, IMAGES, (9 * 2 * 5 + 5) + (8 * 8 * 5 * 3 + 3)),
    (
        {"name": "residual_cnn", "filters": [4, 6], "blocks": 1},
        IMAGES,  # stem; block of 4; shortcut 4→6 and block of 6
        (9 * 2 * 4 + 4) + 2 * (9 * 4 * 4 + 4) + (4 * 6 + 6) + (9 * 4 * 6 + 6) + (9 * 6 * 6 + 6) + (6 * 3 + 3),
    ),
    (
        {
            "name": "cnn",
            "filters": [5, 6],
            "convolutions": 2,
            "separable": True,
            "stem_strides": 2,
            "flatten": "global_max",
        },
        IMAGES,  # the first is plain; each of the others 3×3 for each channel, then 1×1
        (9 * 2 * 5 + 5) + (9 * 5 + 5 * 5 + 5) + (9 * 5 + 5 * 6 + 6) + (9 * 6 + 6 * 6 + 6) + (6 * 3 + 3),
    ),
    (
        {"name": "residual_cnn", "filters": [4, 6], "blocks": 1, "separable": True},
        IMAGES,  # stem; block of 4; shortcut 4→6 and block of 6
        (9 * 2 * 4 + 4) + 2 * (9 * 4 + 16 + 4) + (4 * 6 + 6) + (9 * 4 + 24 + 6) + (9 * 6 + 36 + 6) + (6 * 3 + 3),
    ),
    ({"name": "rnn", "cell": "simple", "units": [5]}, SERIES, 5 * (3 + 5 + 1) + 5 * 3 + 3),
    ({"name": "rnn", "cell": "lstm", "units": [5]}, SERIES, 4 * 5 * (3 + 5 + 1) + 5 * 3 + 3),
    ({"name": "rnn", "cell": "gru", "units": [5]}, SERIES, 3 * 5 * (3 + 5 + 2) + 5 * 3 + 3),
    (
        {"name": "rnn", "units": [5, 4], "bidirectional": True, "dense": [6]},
        SERIES,
        2 * 4 * 5 * (3 + 5 + 1) + 2 * 4 * 4 * (10 + 4 + 1) + (8 * 6 + 6) + (6 * 3 + 3),
    ),
    ({"name": "rnn", "cell": "simple", "units": [5]}, IMAGES, 5 * (16 + 5 + 1) + 5 * 3 + 3),  # 8 rows of 16 numbers
]


@pytest.mark.parametrize(("model", "x", "count"), PARAMETERS)
def test_backbones_have_the_parameters_that_paper_and_pencil_give(prepare, model, x, count):
    built = prepare({"model": model, "training": {"batch_size": 4}}, (x, Y)).built.model
    assert built.count_params() == count
    assert built.output_shape == (None, 3)


def test_a_residual_block_adds_its_input_in_front_of_the_activation(layers):
    found = layers(
        {"model": {"name": "residual_cnn", "filters": [4, 6], "blocks": 1}, "normalization": "batch_normalization"},
        IMAGES,
    )
    names = list(found)
    assert names.index("hidden_3_normalization") < names.index("hidden_3_add") < names.index("hidden_3_activation")
    assert "hidden_5_shortcut" in found
    assert "hidden_3_shortcut" not in found  # same size: the input itself
    assert found["hidden_5_add"].output.shape == (None, 4, 4, 6)


@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        ({"name": "cnn", "filters": [4, 6]}, {"hidden_1": 4, "pooling_1": 2, "pooling_2": 1}),
        ({"name": "cnn", "filters": [4, 6], "pooling": "stride"}, {"hidden_1": 2, "hidden_2": 1}),
        ({"name": "residual_cnn", "filters": [4, 6], "blocks": 1}, {"hidden_1": 4, "hidden_2": 4, "hidden_5": 2}),
    ],
)
def test_the_stem_takes_every_second_pixel_where_the_recipe_says_so(layers, model, shapes):
    found = layers({"model": {**model, "stem_strides": 2}}, IMAGES)
    assert {name: found[name].output.shape[1] for name in shapes} == shapes


def test_tokens_are_embedded_with_padding_masked(prepare):
    from hornbook.data import Source

    tokens = np.array([[3, 4, 0, 0], [5, 1, 2, 0]] * 4, np.int32)
    source = Source(tokens, Y, "tokens", vocabulary_size=6)
    recipe = {"model": {"name": "rnn", "units": [3], "embedding": 5}, "training": {"batch_size": 4}}
    built = prepare({**recipe, "data": {"name": "arrays", "split": {"validation": 0, "test": 0}}}, source).built
    embedding = built.model.get_layer("embedding")
    assert embedding.embeddings.shape == (6, 5)
    longer = np.concatenate([tokens, np.zeros((8, 3), np.int32)], axis=1)
    short = np.asarray(built.model(tokens).numpy())
    cell = built.model.get_layer("hidden_1")
    states = [cell(embedding(x), mask=embedding.compute_mask(x)).numpy() for x in (tokens, longer)]
    np.testing.assert_allclose(states[0], states[1], atol=1e-6)  # padding changes nothing
    assert short.shape == (8, 3)
