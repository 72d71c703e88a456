"""Backbones that read tokens: as written in NumPy, blind to padding, with embeddings of one's own."""

import keras
import numpy as np
import pytest

from hornbook.data.source import Source
from hornbook.errors import RecipeError

TEXTS = [
    "a good film",
    "a bad film",
    "good good plot and a moving end",
    "bad",
    "",
    "what a dull, dull evening it was",
] * 5
LABELS = np.arange(30) % 2
MODELS = {
    "bag": {"name": "bag_of_words", "weighting": "tf_idf", "dense": [4]},
    "linear": {"name": "bag_of_words", "dense": []},
    "mean": {"name": "mean_embedding", "embedding": 6, "dense": [4]},
    "rnn": {"name": "rnn", "units": [5, 4], "embedding": 6, "bidirectional": True},
    "gru": {"name": "rnn", "cell": "gru", "units": [5], "embedding": 6},
    "cnn": {"name": "cnn", "filters": [4, 5], "embedding": 6, "flatten": "global_max"},
    "cnn_mean": {"name": "cnn", "filters": [4, 5], "embedding": 6, "pooling": "average", "flatten": "global_average"},
    "transformer": {"name": "transformer", "width": 8, "heads": 2, "blocks": 2},
    "class_token": {"name": "transformer", "width": 8, "heads": 2, "pooling": "class_token", "positions": "sine"},
}


def recipe(model, length=12, **more):
    return {
        "data": {"name": "arrays", "text": {"length": length, **more.pop("text", {})}, "split": {"validation": 0, "test": 0}},
        "model": MODELS[model] if isinstance(model, str) else model,
        "training": {"epochs": 1, "batch_size": 8},
    } | more  # fmt: skip


@pytest.fixture
def built(prepare):
    """A function: a model and more of a recipe → what is built for the texts."""
    return lambda model, length=12, **more: prepare(recipe(model, length, **more), (TEXTS, LABELS))


@pytest.mark.parametrize("name", MODELS)
def test_padding_changes_no_prediction(built, name):
    short, long = built(name, length=8), built(name, length=21)
    generator, values, longer = np.random.default_rng(1), [], []
    for value, other in zip(short.built.model.get_weights(), long.built.model.get_weights(), strict=True):
        values.append(generator.normal(size=value.shape, scale=0.5).astype(np.float32))
        more = np.ones((other.shape[0] - value.shape[0], *value.shape[1:]), np.float32)  # of learned positions
        longer.append(np.concatenate([values[-1], more]))
    short.built.model.set_weights(values)
    long.built.model.set_weights(longer)
    found, expected = (np.asarray(each.built.model(each.splits.train.x)) for each in (short, long))
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)
    assert np.ptp(found[:6]) > 1e-4


@pytest.mark.parametrize("name", ["mean", "cnn", "transformer"])
def test_the_order_of_words_counts_where_it_should(built, name):
    prepared = built(name)
    x = prepared.splits.train.x[2:3]
    turned = x.copy()
    turned[0, :7] = x[0, :7][::-1]
    outputs = [np.asarray(prepared.built.model(each)) for each in (x, turned)]
    assert np.allclose(*outputs, atol=1e-6) == (name == "mean")


def test_a_bag_of_words_is_what_numpy_computes(built):
    prepared = built("bag")
    x, model = prepared.splits.train.x, prepared.built.model
    idf = prepared.splits.preprocessing.texts["text"].idf
    counts = np.stack([np.bincount(row, minlength=len(idf)) for row in x]) * idf
    kernel, bias, head, head_bias = (np.asarray(model.get_layer(name).weights[place])
                                     for name in ("hidden_1", "head") for place in (0, 1))  # fmt: skip
    logits = np.maximum(counts @ kernel + bias, 0) @ head + head_bias
    np.testing.assert_allclose(np.asarray(model(x)), 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_a_transformer_is_what_plain_keras_layers_compute(built):
    prepared = built("transformer")
    model, x = prepared.built.model, prepared.splits.train.x
    mask = (x != 0).astype(np.float32)

    def dense(name, values):
        layer = model.get_layer(name)
        return values @ np.asarray(layer.kernel) + np.asarray(layer.bias)

    def normal(name, values):
        scaled = (values - values.mean(-1, keepdims=True)) / np.sqrt(values.var(-1, keepdims=True) + 1e-3)
        layer = model.get_layer(f"{name}_normalization")
        return scaled * np.asarray(layer.gamma) + np.asarray(layer.beta)

    h = np.asarray(model.get_layer("embedding").embeddings)[x] + np.asarray(model.get_layer("positions").table)
    for block in (1, 2):
        n = normal(f"attention_{block}", h)
        heads = []
        for head in range(2):
            q, k, v = (dense(f"attention_{block}_{part}", n)[..., head * 4 : head * 4 + 4]
                       for part in ("query", "key", "value"))  # fmt: skip
            scores = q @ k.swapaxes(1, 2) / 2 + (mask[:, None] - 1) * 1e9
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            heads.append(shares / shares.sum(-1, keepdims=True) @ v)
        h = h + dense(f"attention_{block}_output", np.concatenate(heads, -1))
        h = h + dense(f"hidden_{block}_output", np.maximum(dense(f"hidden_{block}", normal(f"hidden_{block}", h)), 0))
    h = normal("transformed", h)
    pooled = (h * mask[..., None]).sum(1) / np.maximum(mask.sum(1, keepdims=True), 1)
    expected = 1 / (1 + np.exp(-dense("head", pooled)))
    np.testing.assert_allclose(np.asarray(model(x)), expected, rtol=1e-4, atol=1e-5)


def test_query_and_key_do_not_begin_with_the_same_weights(built):
    model = built("transformer").built.model
    kernels = [
        np.asarray(model.get_layer(f"attention_1_{part}").kernel) for part in ("query", "key", "value", "output")
    ]
    assert not any(np.allclose(kernels[i], kernels[j]) for i in range(4) for j in range(i))


def test_recipes_ingredients_go_into_a_transformer(built):
    model = built(
        "transformer", activation="gelu", regularization={"dropout": 0.3, "l2": 0.01}, initializer="he_uniform",
        normalization="rms_normalization",
    ).built.training_model  # fmt: skip
    names = [layer.name for layer in model.layers]
    assert isinstance(model.get_layer("hidden_1").kernel_initializer, keras.initializers.HeUniform)
    assert model.get_layer("hidden_1_activation").activation is keras.activations.gelu
    assert {"positions_dropout", "attention_1_dropout", "hidden_2_dropout"} <= {*names}
    assert isinstance(model.get_layer("attention_2_normalization"), keras.layers.RMSNormalization)
    assert all(model.get_layer(f"attention_1_{part}").kernel_regularizer for part in ("query", "output"))


def test_a_one_dimensional_cnn_reads_sequences_like_plain_keras(prepare):
    x = np.random.default_rng(2).normal(size=(20, 12, 3)).astype(np.float32)
    tree = {
        "model": {"name": "cnn", "filters": [4, 5]},
        "data": {"name": "arrays", "standardize": False},
        "training": {"batch_size": 7},
        "task": "binary",
    }
    prepared = prepare(tree, Source(x, np.arange(20) % 2, "sequence"))
    layers = keras.layers
    plain = keras.Sequential([
        keras.Input((12, 3)), layers.Conv1D(4, 3, padding="same", activation="relu"), layers.MaxPooling1D(2),
        layers.Conv1D(5, 3, padding="same", activation="relu"), layers.MaxPooling1D(2), layers.Flatten(),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    plain.set_weights(prepared.built.model.get_weights())
    np.testing.assert_allclose(np.asarray(prepared.built.model(x)), np.asarray(plain(x)), rtol=1e-5)


@pytest.fixture
def vectors(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("good 1 2 3 4 5 6 7 8\nbad -1 -2 -3 -4 -5 -6 -7 -8\nzebra 0 0 0 0 0 0 0 0\n")
    return {"embeddings": str(path)}


@pytest.mark.parametrize(
    ("model", "key"),
    [({"name": "mean_embedding"}, "embedding"), ({"name": "rnn", "units": [3]}, "embedding"),
     ({"name": "transformer", "heads": 2, "pooling": "class_token"}, "width")],
)  # fmt: skip
def test_embeddings_of_a_file_are_where_training_begins(built, vectors, model, key):
    prepared = built(model | {"frozen_embedding": True}, text=vectors)
    layer = prepared.built.model.get_layer("embedding")
    vocabulary = prepared.splits.info.extra["texts"]["text"]["vocabulary"]
    table = np.asarray(layer.embeddings)
    np.testing.assert_array_equal(table[2 + vocabulary.index("bad")], -np.arange(1, 9))
    assert np.abs(table[2 + vocabulary.index("film")]).max() < 1
    assert getattr(prepared.recipe.model, key) == 8
    assert not layer.trainable
    assert "2 with embeddings of" in prepared.splits.info.describe_texts()[0]


def test_embeddings_of_another_width_are_refused(built, vectors):
    with pytest.raises(RecipeError, match="the file of embeddings has 8 numbers per token, and this is 5"):
        built({"name": "mean_embedding", "embedding": 5}, text=vectors)


def test_a_transformer_reads_texts_of_one_word(built):
    """Keras warns of a softmax over a single step, and warnings are errors here."""
    assert built("transformer", length=1).built.model.output_shape == (None, 1)
