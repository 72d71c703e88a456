"""What is kept of an earlier model computes what it did there, and the earlier model stays as it is."""

import hashlib
import json

import numpy as np
import pytest

from hornbook.errors import HornbookError, RecipeError


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 17, (20, 8, 8, 1)).astype(np.float32)


def test_frozen_layers_compute_what_they_did_in_the_earlier_model(train_b, model_a, load_model, images):
    import keras

    new, old = train_b().model, load_model(model_a)
    ours = keras.Model(new.input, new.get_layer("hidden_3_activation").output)(images, training=False)
    theirs = keras.Model(old.input, old.get_layer("hidden_3_activation").output)(images, training=False)
    np.testing.assert_array_equal(ours, theirs)


def test_the_earlier_models_file_and_weights_are_untouched(train_b, model_a, load_model):
    path = next((model_a / "checkpoints").glob("last.keras"))
    digest, weights = hashlib.sha256(path.read_bytes()).hexdigest(), load_model(model_a).get_weights()
    result = train_b({"freeze": False})
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    for before, now in zip(weights, load_model(model_a).get_weights(), strict=True):
        np.testing.assert_array_equal(before, now)
    record = json.loads((result.run / "reuse.json").read_text())
    assert record["sha256"] == digest
    assert record["unchanged"] is True


def test_the_kept_part_can_be_cut_anywhere_and_new_blocks_go_on_counting(prepare, on_a, model_a, load_model):
    reuse = {"layers": "hidden_1-hidden_2"}
    model = prepare(on_a(reuse, model={"name": "mlp", "units": [9]}, activation="elu")).built.model
    names = [layer.name for layer in model.layers]
    assert [name for name in names if name.startswith("hidden_3")] == ["hidden_3", "hidden_3_activation"]
    assert model.get_layer("hidden_3").units == 9
    assert type(model.get_layer("hidden_3_activation")).__name__ == "ELU"
    assert type(model.get_layer("hidden_2_activation")).__name__ == "ReLU"  # ingredients are for new layers
    kernels = [load_model(model_a).get_layer("hidden_2").kernel, model.get_layer("hidden_2").kernel]
    np.testing.assert_array_equal(*kernels)


def test_reuse_without_freezing_starts_from_the_earlier_weights(train_b, model_a, load_model, weights_by_epoch):
    train_b({"freeze": False}, callbacks=[weights_by_epoch], training={"epochs": 1})
    start, after = weights_by_epoch.kept
    np.testing.assert_array_equal(start["hidden_1"][0], load_model(model_a).get_layer("hidden_1").kernel)
    assert not np.array_equal(after["hidden_1"][0], start["hidden_1"][0])


def test_fresh_weights_keep_the_structure_and_nothing_learned(prepare, on_a, model_a, load_model):
    recipe = on_a({"weights": "fresh", "freeze": False})
    first, again = (prepare(recipe | {"seed": seed}).built.model for seed in (42, 43))
    ours = [model.get_layer("hidden_1").kernel.numpy() for model in (first, again, load_model(model_a))]
    assert ours[0].shape == ours[2].shape
    correlation = np.corrcoef([kernel.ravel() for kernel in ours])
    assert abs(correlation[0, 1]) < 0.2  # the recipe's seed decides what is drawn
    assert abs(correlation[1, 2]) < 0.2  # and nothing of the earlier run's weights is left


def test_copy_fills_a_whole_network_by_name(train_b, model_a, load_model):
    result = train_b(
        {"copy": {"hidden_1": "hidden_1", "hidden_3": "hidden_3"}},
        model={"name": "mlp", "units": [24, 16, 12]},
        normalization="batch_normalization",
        training={"epochs": 1},
    )
    old = load_model(model_a)
    for name, is_copied in {"hidden_1": True, "hidden_2": False, "hidden_3": True}.items():
        same = np.array_equal(result.model.get_layer(name).kernel, old.get_layer(name).kernel)
        assert same == is_copied
    statistics = [model.get_layer("hidden_3_normalization").moving_mean for model in (result.model, old)]
    np.testing.assert_array_equal(*statistics)


def test_copy_names_both_layers_and_shapes_that_differ(train_b):
    with pytest.raises(RecipeError) as caught:
        train_b({"copy": {"hidden_1": "hidden_1"}}, model={"name": "mlp", "units": [30]})
    expected = "'hidden_1' ((64, 30), (30,)) cannot take the weights of 'hidden_1' ((64, 24))."
    assert expected in str(caught.value)


def test_inputs_of_another_size_and_colour_are_adapted_inside_the_model(prepare, on_a):
    grey = np.repeat(np.random.default_rng(0).integers(9, 247, (60, 12, 10, 1), dtype=np.uint8), 3, axis=3)
    x = np.add(grey, [-9, 0, 9]).astype(np.uint8)  # the mean of the channels stays
    recipe = on_a(data={"name": "arrays", "split": {"validation": 0, "test": 0}})
    model = prepare(recipe, (x, np.arange(60) % 2)).built.model
    assert model.input_shape == (None, 12, 10, 3)
    assert model.get_layer("resize").output.shape == (None, 8, 8, 3)
    assert model.get_layer("hidden_1").input.shape == (None, 64)
    np.testing.assert_allclose(model(grey), model(x), atol=1e-5)


def test_what_only_the_file_can_tell_is_found_before_training(train_b, tmp_path):
    path = tmp_path / "no_model.keras"
    path.write_bytes(b"not a zip archive")
    with pytest.raises(HornbookError, match="not a model saved by Keras 3"):
        train_b({"from": str(path)})
    assert not (tmp_path / "runs").exists()
