"""Networks that read texts train in every engine as plain Keras trains them."""

import numpy as np
import pytest

from hornbook.builder.randomness import permutation
from hornbook.engine.choice import choose_engine

TEXTS = ["a good film", "a bad film", "good plot and a moving end", "bad", "what a dull evening", "not bad at all"] * 8
LABELS = np.arange(48) % 2
MODELS = {
    "bag": ({"name": "bag_of_words", "weighting": "tf_idf", "dense": [4]}, "xla"),
    "mean": ({"name": "mean_embedding", "embedding": 6, "dense": [4]}, "xla"),
    "rnn": ({"name": "rnn", "units": [5], "embedding": 6}, "graph"),
    "cnn": ({"name": "cnn", "filters": [4], "embedding": 6, "flatten": "global_max"}, "graph"),
    "transformer": ({"name": "transformer", "width": 8, "heads": 2, "blocks": 1}, "xla"),
    "class_token": ({"name": "transformer", "width": 8, "heads": 2, "blocks": 1, "pooling": "class_token"}, "xla"),
}


def recipe(name, engine):
    return {
        "seed": 5,
        "data": {"name": "arrays", "text": {"length": 6}, "split": {"validation": 0, "test": 0}},
        "model": MODELS[name][0],
        "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
        "training": {"epochs": 2, "batch_size": 16, "engine": engine},
    }


@pytest.mark.parametrize(("name", "engine"), [
    ("bag", "xla"), ("mean", "xla"), ("cnn", "graph"),
    *(pytest.param(name, engine, marks=pytest.mark.whole) for name, engine in [
        ("transformer", "xla"), ("transformer", "graph"), ("class_token", "xla"), ("bag", "graph"), ("mean", "graph"), ("rnn", "graph"),
    ]),
])  # fmt: skip
def test_every_engine_trains_like_fit_of_keras(prepare, run_epochs, name, engine):
    import keras

    prepared = prepare(recipe(name, "auto"), (TEXTS, LABELS))
    assert prepared.recipe.training.engine == choose_engine("auto", prepared.built) == MODELS[name][1]
    model = keras.models.clone_model(prepared.built.model)
    model.set_weights(prepared.built.model.get_weights())
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "binary_crossentropy")
    x, losses = prepared.splits.train.x, []
    for epoch in range(2):
        order = permutation(5, epoch, 48)
        history = model.fit(x[order], LABELS[order], batch_size=16, shuffle=False, verbose=0).history
        losses.append(history["loss"][0])
    again = prepare(recipe(name, engine), (TEXTS, LABELS))
    logs = run_epochs(again, 2)
    assert [row["loss"] for row in logs] == pytest.approx(losses, rel=1e-4)
    for value, expected in zip(again.built.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-5)
