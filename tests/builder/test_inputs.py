"""What happens to inputs inside the saved model, against NumPy."""

import keras
import numpy as np
import pytest

import hornbook
from hornbook.data import load

RNG = np.random.default_rng(4)


@pytest.fixture
def table(tmp_path):
    """A CSV file with numbers, missing numbers and categories."""
    generator = np.random.default_rng(1)
    lines = ["size,colour,weight,price"]
    for row in range(60):
        size = "" if row % 7 == 3 else f"{generator.normal(5, 2):.3f}"
        colour = "" if row % 11 == 5 else ["red", "green", "blue"][row % 3]
        lines.append(f"{size},{colour},{generator.normal(100, 30):.3f},{generator.normal(10, 3):.3f}")
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def trained(table, tmp_path, **more):
    data = {"name": "table", "path": str(table), "target": "price", **more.pop("data", {})}
    tree = {"name": "t", "data": data, "task": "regression", "model": {"name": "mlp"}, **more}
    tree["head"] = {"standardize_targets": False}
    recipe = hornbook.load_recipe({**tree, "training": {"epochs": 1, "batch_size": 12, "engine": "graph"}})
    result = hornbook.train(recipe, runs=str(tmp_path / "runs"), progress=False)
    return result, load(result.recipe.data, seed=42)


@pytest.mark.parametrize("standardize", [True, False])
def test_a_saved_model_takes_raw_rows_and_does_all_the_rest(table, tmp_path, standardize):
    result, splits = trained(table, tmp_path, data={"standardize": standardize})
    train, rows = splits.train.x, np.concatenate((splits.train.x, splits.test.x))
    names = [feature.name for feature in splits.info.features]
    size, colour, weight = (names.index(name) for name in ("size", "colour", "weight"))
    assert np.isnan(train[:, size]).any()
    columns = []
    for column in (size, weight):
        mean = np.nanmean(train[:, column])
        values = np.where(np.isnan(rows[:, column]), mean, rows[:, column])
        columns.append((values - mean) / np.nanstd(train[:, column]) if standardize else values)
    order = np.argsort([size, weight])
    encoded = np.column_stack([*(columns[place] for place in order), np.eye(4)[rows[:, colour].astype(int)]])
    model = keras.models.load_model(result.run / "checkpoints" / "last.keras")
    kernel, bias = model.get_layer("head").get_weights()
    assert kernel.shape == (6, 1)  # two numbers; missing or unknown and three colours
    np.testing.assert_allclose(model(rows), encoded @ kernel + bias, rtol=1e-3, atol=1e-4)


def test_input_normalization_takes_the_place_of_standardizing_and_fills_with_the_mean(table, tmp_path):
    result, splits = trained(table, tmp_path, normalization={"name": "batch_normalization", "input": True})
    model, test = result.model, splits.test.x
    names = [layer.name for layer in model.layers]
    assert "standardize" not in names
    assert np.isfinite(model(test)).all()
    size = [feature.name for feature in splits.info.features].index("size")
    filled, missing = test.copy(), test.copy()
    filled[:, size], missing[:, size] = np.nanmean(splits.train.x[:, size]), np.nan
    np.testing.assert_allclose(model(filled), model(missing), rtol=1e-4)


def test_images_are_scaled_and_standardized_per_channel(prepare, generator):
    images = generator.integers(0, 256, (30, 4, 4, 3)).astype(np.uint8)
    data = {"name": "arrays", "standardize": True, "split": {"validation": 0, "test": 0}}
    model = prepare({"data": data, "training": {"batch_size": 8}}, (images, np.arange(30) % 3)).built.model
    inner = keras.Model(model.input, model.get_layer("standardize").output)(images).numpy()
    x = images / 255
    np.testing.assert_allclose(inner, (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2)), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(inner.std(axis=(0, 1, 2)), 1, rtol=1e-4)


def test_images_are_standardized_per_pixel_in_the_saved_model_too(prepare, generator, tmp_path):
    images = generator.integers(0, 256, (30, 3, 4, 2)).astype(np.uint8)
    images[:, 1, 2, 1] = 77  # constant
    data = {"name": "arrays", "standardize": "per_feature", "split": {"validation": 0, "test": 0}}
    model = prepare({"data": data, "training": {"batch_size": 8}}, (images, np.arange(30) % 3)).built.model
    model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    inner = keras.Model(model.input, model.get_layer("standardize").output)(images).numpy()
    x = images / 255
    deviation = x.std(axis=0)
    deviation[1, 2, 1] = 1
    np.testing.assert_allclose(inner, (x - x.mean(axis=0)) / deviation, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(inner[:, 1, 2, 1], 0, atol=1e-5)


AUGMENTATIONS = [
    {"shift": 0.3},
    {"rotate": 90},
    {"zoom": 0.5},
    {"flip": "horizontal"},
    {"flip": "both"},
    {"noise": 0.2},
]


@pytest.mark.parametrize("given", AUGMENTATIONS)
def test_augmentation_changes_training_images_only_and_keeps_their_shape(prepare, given, generator):
    images = generator.integers(0, 256, (30, 6, 6, 1)).astype(np.uint8)
    data = {"name": "arrays", "augmentation": given, "split": {"validation": 0, "test": 0}}
    model = prepare({"data": data, "training": {"batch_size": 8}}, (images, np.arange(30) % 3)).built.training_model
    (name,) = [layer.name for layer in model.layers if layer.name.startswith("augmentation")]
    inner = keras.Model(model.input, model.get_layer(name).output)
    plain = images.astype(np.float32) / 255
    np.testing.assert_allclose(inner(images, training=False).numpy(), plain, atol=1e-6)
    np.testing.assert_allclose(inner.predict(images, verbose=0), plain, atol=1e-6)
    changed = inner(images, training=True).numpy()
    assert changed.shape == plain.shape
    assert np.isfinite(changed).all()
    assert (np.abs(changed - plain).max(axis=(1, 2, 3)) > 0.01).mean() > 0.3
    assert (model(images, training=False).numpy() == model(images, training=False).numpy()).all()


def test_augmentation_draws_anew_each_step_and_the_same_for_the_same_seed(prepare, run_epochs, generator):
    images = np.repeat(generator.integers(0, 256, (1, 6, 6, 1)).astype(np.uint8), 8, axis=0)
    data = {"name": "arrays", "augmentation": {"shift": 0.3, "noise": 0.1}, "split": {"validation": 0, "test": 0}}
    tree = {"data": data, "model": {"name": "cnn", "filters": [3]}, "training": {"batch_size": 4, "engine": "graph"}}
    weights, losses = [], []
    for _ in range(2):
        prepared = prepare(tree, (images, np.arange(8) % 3))
        losses.append([logs["loss"] for logs in run_epochs(prepared, 3)])
        weights.append(prepared.built.model.get_weights())
    assert losses[0] == losses[1]
    assert all((a == b).all() for a, b in zip(*weights, strict=True))


def test_flips_mirror_the_images(prepare, generator):
    images = generator.integers(0, 256, (40, 4, 4, 1)).astype(np.uint8)
    data = {"name": "arrays", "augmentation": {"flip": "horizontal"}, "split": {"validation": 0, "test": 0}}
    model = prepare({"data": data, "training": {"batch_size": 8}}, (images, np.arange(40) % 3)).built.training_model
    out = keras.Model(model.input, model.get_layer("augmentation_flip").output)(images, training=True).numpy() * 255
    same = np.abs(out - images).max(axis=(1, 2, 3)) < 1e-3
    mirrored = np.abs(out - images[:, :, ::-1]).max(axis=(1, 2, 3)) < 1e-3
    assert (same | mirrored).all()
    assert 0.2 < mirrored.mean() < 0.8


def test_numbers_of_tokens_are_never_treated_as_quantities(prepare, generator):
    from hornbook.data import Source
    from hornbook.errors import RecipeError

    source = Source(generator.integers(0, 9, (30, 5)).astype(np.int32), np.arange(30) % 3, "tokens", vocabulary_size=9)
    tree = {"data": {"name": "arrays"}, "model": "rnn", "training": {"batch_size": 8}}
    tree |= {"normalization": {"name": "layer_normalization", "input": True}, "regularization": {"input_dropout": 0.1}}
    with pytest.raises(RecipeError) as caught:
        prepare(tree, source)
    paths = [problem.path for problem in caught.value.problems]
    assert paths == [("normalization", "input"), ("regularization", "input_dropout")]


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        ({"initializer": "identity", "model": {"name": "cnn"}}, "Identity matrix initializer can only be used for 2D"),
        ({"model": {"name": "cnn", "padding": "valid", "filters": [2, 2, 2]}}, "output size would be zero or negative"),
        (
            {"initializer": {"name": "constant", "value": [[1, 2], [3, 4]]}},
            r"Incompatible shapes: \[2,2\] vs. \[36,4\]",
        ),
        ({"normalization": {"name": "batch_normalization", "axis": 3}}, "index out of range"),
    ],
)
def test_what_keras_refuses_is_a_recipe_error(prepare, recipe, text):
    from hornbook.errors import RecipeError

    images = np.zeros((30, 6, 6, 1), np.uint8)
    with pytest.raises(RecipeError, match=rf"model: Keras refuses this network: .*{text}"):
        prepare({"training": {"batch_size": 8}, **recipe}, (images, np.arange(30) % 3))
