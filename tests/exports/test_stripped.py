"""A stripped model predicts what the run's model predicts, with nothing in it that is for training or ours alone."""

import keras
import numpy as np
import pytest

from hornbook.recipes.language.spec import catalog

OF_RECIPES = {
    "dropout": {"regularization": {"dropout": 0.5, "input_dropout": 0.2}, "activation": "relu"},
    "alpha dropout": {"regularization": {"alpha_dropout": 0.1}, "activation": "selu"},
    "noise": {"regularization": {"gaussian_noise": 1.0}, "activation": "relu"},
    "gaussian dropout": {"regularization": {"gaussian_dropout": 0.5}, "activation": "relu"},
    "half precision": {"training": {"precision": "mixed_bfloat16"}, "activation": "relu"},
}


def stripped_and_plain(prepare, recipe, generator, **options):
    from hornbook.exports.stripped import stripped

    x = generator.normal(500.0, 3.0, (32, 5)).astype(np.float32)  # a mean that is large beside the deviation
    data = (x, np.arange(32) % 3)
    model = prepare({"data": {"name": "arrays", "split": {"validation": 0, "test": 0}}, **recipe}, data).built.model
    made = stripped(model, **options)
    return made, np.asarray(made(x)), np.asarray(model(x, training=False))


@pytest.mark.parametrize("name", sorted(set(catalog("activation")) - {"linear", "step"}))
def test_every_activation_predicts_the_same(name, prepare, generator):
    made, found, expected = stripped_and_plain(prepare, {"activation": name}, generator)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert {type(layer).__module__.partition(".")[0] for layer in made.layers} == {"keras"}


@pytest.mark.parametrize("name", sorted(set(catalog("normalization")) - {"none"}))
def test_every_normalization_predicts_the_same(name, prepare, generator):
    chosen = {"name": name, "groups": 2} if name == "group_normalization" else name
    _, found, expected = stripped_and_plain(prepare, {"normalization": chosen, "activation": "relu"}, generator)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", OF_RECIPES)
def test_what_is_for_training_alone_is_gone(name, prepare, generator):
    made, found, expected = stripped_and_plain(prepare, OF_RECIPES[name], generator)
    half = name == "half precision"
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-2 if half else 1e-6)
    assert found.dtype == np.float32
    assert not [layer for layer in made.layers if "ropout" in type(layer).__name__ or "Noise" in type(layer).__name__]


@pytest.mark.parametrize("model", [
    {"name": "rnn", "units": [3], "cell": "lstm"},
    {"name": "rnn", "units": [3, 2], "cell": "gru"},
    {"name": "rnn", "units": [3], "bidirectional": True},
])  # fmt: skip
def test_a_recurrent_layer_that_is_unrolled_predicts_the_same(model, prepare, generator):
    from hornbook.exports.stripped import stripped

    x = generator.normal(size=(32, 6, 2)).astype(np.float32)
    plain = prepare({"model": model, "activation": "tanh"}, (x, np.arange(32) % 2)).built.model
    made = stripped(plain, unrolls=True)
    np.testing.assert_allclose(np.asarray(made(x)), np.asarray(plain(x)), rtol=0, atol=1e-6)
    recurrent = [layer for layer in made.layers if isinstance(layer, keras.layers.RNN)]
    assert all(layer.unroll for layer in recurrent)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_of_tokens_is_passed_over_unrolled_too(bidirectional, prepare, generator, tmp_path):
    from hornbook.exports.stripped import stripped

    tokens = generator.integers(1, 9, (32, 6)) * (np.arange(6) < generator.integers(1, 7, (32, 1)))
    model = {"name": "rnn", "units": [3], "embedding": 2, "bidirectional": bidirectional}
    np.savez(tmp_path / "tokens.npz", x=tokens, y=np.arange(32) % 2)
    data = {
        "name": "npz",
        "path": str(tmp_path / "tokens.npz"),
        "input_kind": "tokens",
        "split": {"validation": 0, "test": 0},
    }
    plain = prepare({"data": data, "model": model, "activation": "tanh"}).built.model
    made = stripped(plain, unrolls=True)
    np.testing.assert_allclose(np.asarray(made(tokens)), np.asarray(plain(tokens)), rtol=0, atol=1e-6)


TOKEN_MODELS = [
    {"name": "bag_of_words", "weighting": "count"},
    {"name": "bag_of_words", "weighting": "binary"},
    {"name": "mean_embedding", "embedding": 3},
    {"name": "cnn", "filters": [3], "pooling": "max"},
    {"name": "transformer", "width": 4, "heads": 2, "blocks": 1, "pooling": "class_token"},
]
SLOW = [pytest.param(model, marks=pytest.mark.whole) for model in TOKEN_MODELS]


@pytest.mark.parametrize("model", [{"name": "bag_of_words", "weighting": "tf_idf"}, *SLOW])
def test_a_network_on_texts_is_loaded_by_keras_alone_and_predicts_the_same(model, prepare, tmp_path):
    from hornbook.exports.stripped import stripped

    texts = ["a fine film", "dull dull dull film", "", "odd"] * 8
    plain = prepare({"model": model, "activation": "elu"}, (texts, np.arange(32) % 2)).built.model
    tokens = np.array([[2, 3, 0, 0], [4, 4, 4, 1], [0, 0, 0, 0]], np.int32)[:, : plain.inputs[0].shape[1]]
    made = stripped(plain, is_plain=True)
    assert {type(layer).__module__.partition(".")[0] for layer in made.layers} == {"keras"}
    made.save(tmp_path / "made.keras")
    loaded = keras.models.load_model(tmp_path / "made.keras")
    expected = np.asarray(plain(tokens))
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(np.asarray(loaded(tokens)), expected, rtol=0, atol=1e-6)


def test_targets_that_were_standardized_come_back_in_their_unit(prepare, generator):
    from hornbook.exports.stripped import stripped

    x = generator.normal(size=(32, 3)).astype(np.float32)
    recipe = {"task": "regression", "activation": "relu", "head": {"standardize_targets": True}}
    model = prepare(recipe, (x, x.sum(axis=1) * 1e6 + 5e6)).built.model
    expected = np.asarray(model(x))
    assert np.abs(expected).max() > 1e5
    np.testing.assert_allclose(np.asarray(stripped(model)(x)), expected, rtol=1e-5)


def test_a_step_at_the_end_stays_a_step(prepare, generator):
    from hornbook.exports.stripped import stripped

    x = generator.normal(size=(32, 3)).astype(np.float32)
    head = {"units": 1, "activation": "step", "loss": "perceptron"}
    model = prepare({"model": "mlp", "head": head, "optimizer": "sgd"}, (x, np.arange(32) % 2)).built.model
    made = stripped(model)
    np.testing.assert_array_equal(np.asarray(made(x)), np.asarray(model(x)))
    assert {type(layer).__module__.partition(".")[0] for layer in made.layers} == {"keras"}


def test_weights_are_shared_and_the_model_itself_stays_what_it_was(prepare, generator):
    from hornbook.exports.stripped import stripped

    x = generator.normal(size=(32, 4)).astype(np.float32)
    model = prepare({"activation": "relu", "regularization": {"dropout": 0.5}}, (x, np.arange(32) % 2)).built.model
    names = [layer.name for layer in model.layers]
    made = stripped(model)
    assert [layer.name for layer in model.layers] == names
    assert made.get_layer("head").kernel is model.get_layer("head").kernel


def test_operations_of_a_model_that_was_read_do_not_meet_new_ones_of_the_same_name(tmp_path, generator):
    from hornbook.exports.stripped import stripped

    keras.utils.clear_session()  # names begin anew, as in another process
    inputs = keras.Input((5,))
    codes = keras.layers.Normalization(mean=np.zeros(5), variance=np.ones(5), invert=True)(inputs)
    keras.Model(inputs, codes * np.arange(5, dtype=np.float32)).save(tmp_path / "model.keras")
    keras.utils.clear_session()
    model = keras.models.load_model(tmp_path / "model.keras")
    made, x = stripped(model), generator.normal(size=(3, 5)).astype(np.float32)
    np.testing.assert_allclose(made(x), model(x), rtol=1e-6)
    made.save(tmp_path / "again.keras")
