"""Several heads against plain Keras with several outputs and `loss_weights`, and against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hornbook.builder.randomness import permutation
from hornbook.errors import RecipeError

RNG = np.random.default_rng(7)
X = RNG.normal(size=(75, 6)).astype(np.float32)  # 4 batches of 16 and one of 11
PRICE = (3 + 20 * X[:, 0] + RNG.normal(size=75)).astype(np.float32)
SOLD = (X[:, 1] + 0.3 * RNG.normal(size=75) > 0).astype(int)
KIND = RNG.integers(0, 3, 75)
Y = {"price": PRICE, "sold": SOLD, "kind": KIND}
HEADS = {
    "price": {"loss": "huber", "weight": 0.9, "metrics": ["mean_absolute_error"]},
    "sold": {"weight": 0.3, "metrics": ["accuracy"]},
    "kind": {"metrics": ["accuracy", "f1_score"]},
    "early": {"target": "price", "loss": "mean_squared_error", "weight": 0.1, "from": "hidden_1", "metrics": []},
}
RECIPE = {
    "seed": 5,
    "data": {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}},
    "model": {"name": "mlp", "units": [8, 4]},
    "activation": "elu",
    "heads": HEADS,
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "training": {"epochs": 2, "batch_size": 16},
}
LOSSES = {
    "price": "huber",
    "sold": keras.losses.BinaryCrossentropy(from_logits=True),
    "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "early": "mean_squared_error",
}
WEIGHTS = {"price": 0.9, "sold": 0.3, "kind": 1.0, "early": 0.1}


def with_engine(engine, recipe=RECIPE):
    return {**recipe, "training": {**recipe["training"], "engine": engine}}


def plain_model(weights):
    """The same network in plain Keras: logits as outputs, an auxiliary one behind the first hidden layer."""
    inputs = keras.Input((6,))
    first = keras.layers.Dense(8, "elu", name="hidden_1")(inputs)
    second = keras.layers.Dense(4, "elu", name="hidden_2")(first)
    sizes = {"price": 1, "sold": 1, "kind": 3}
    outputs = {name: keras.layers.Dense(size, name=f"head_{name}")(second) for name, size in sizes.items()}
    outputs["early"] = keras.layers.Dense(1, name="head_early")(first)
    model = keras.Model(inputs, outputs)
    for name, values in weights.items():
        model.get_layer(name).set_weights(values)
    return model


def weights_of(model):
    return {layer.name: layer.get_weights() for layer in model.layers if layer.trainable_weights}


@pytest.fixture(scope="module")
def by_hand(prepare):
    """First weights, logs and last weights of that network, trained by Keras with the losses' weights."""
    start = weights_of(prepare(with_engine("graph"), (X, Y)).built.model)
    model = plain_model(start)
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9), LOSSES, loss_weights=WEIGHTS, run_eagerly=True
    )  # else the last batch counts like a whole one
    price = (PRICE - PRICE.mean()) / PRICE.std()
    targets = {"price": price, "early": price, "sold": SOLD, "kind": KIND}
    logs = []
    for epoch in range(2):
        order = permutation(5, epoch, 75)
        shuffled = {name: values[order] for name, values in targets.items()}
        history = model.fit(X[order], shuffled, batch_size=16, shuffle=False, verbose=0).history
        logs.append({name: values[0] for name, values in history.items()})
    return start, logs, model


@pytest.mark.parametrize("engine", ["graph", "xla", "fit"])
def test_every_engine_trains_several_heads_like_plain_keras(prepare, run_epochs, by_hand, engine):
    start, expected_logs, model = by_hand
    prepared = prepare(with_engine(engine), (X, Y))
    for name, values in weights_of(prepared.built.model).items():
        for value, expected in zip(values, start[name], strict=True):
            np.testing.assert_array_equal(value, expected)
    logs = run_epochs(prepared, 2)
    for row, expected in zip(logs, expected_logs, strict=True):
        for name in ("loss", "price_loss", "sold_loss", "kind_loss", "early_loss"):
            assert row[name] == pytest.approx(expected[name], rel=1e-5), name
    for name, values in weights_of(prepared.built.model).items():
        for value, expected in zip(values, model.get_layer(name).get_weights(), strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


def test_metrics_of_each_head_are_those_of_its_predictions(prepare, run_epochs):
    prepared = prepare(with_engine("graph"), (X, Y))
    built = prepared.built
    from hornbook.engine.evaluation import Evaluator

    figures = Evaluator(built).of_split(prepared.splits.train)
    outputs = np.asarray(built.model(X))  # price, sold, three classes, early
    order = {"price": outputs[:, 0], "sold": outputs[:, 1], "kind": outputs[:, 2:5], "early": outputs[:, 5]}
    train = prepared.splits.train
    price, sold, kind = (train.of_head(prepared.splits.info.head(name)).y for name in ("price", "sold", "kind"))
    outputs = {name: np.asarray(values) for name, values in order.items()}
    predicted = np.asarray(built.model(train.x))
    assert figures["price_mean_absolute_error"] == pytest.approx(np.abs(predicted[:, 0] - price).mean(), rel=1e-5)
    assert figures["sold_accuracy"] == pytest.approx(((predicted[:, 1] > 0.5) == sold).mean())
    assert figures["kind_accuracy"] == pytest.approx((predicted[:, 2:5].argmax(axis=1) == kind).mean())
    likelihood = np.where(sold == 1, predicted[:, 1], 1 - predicted[:, 1])
    assert figures["sold_loss"] == pytest.approx(-np.log(likelihood).mean(), rel=1e-5)
    squares = ((predicted[:, 5] - price) / PRICE.std()) ** 2
    assert figures["early_loss"] == pytest.approx(squares.mean(), rel=1e-4)


def test_the_loss_is_computed_in_front_of_the_activation_of_each_head(prepare):
    prepared = prepare(with_engine("graph"), (X, Y))
    built = prepared.built
    built.model.get_layer("head_sold").kernel.assign(np.full((4, 1), 300.0))  # a sigmoid of hundreds is 0 or 1 exactly
    y = tf.constant(prepared.splits.train.y)
    scores = built.logits_model(X)
    loss = built.loss(built.in_loss(y), scores)
    assert float(loss) > 0.3 * -np.log(1e-7)  # what a probability that is cut off at 1e-7 could give at most
    metric = next(metric for metric in built.metrics if metric.name == "sold_loss")
    metric.update_state(y, built.activate(scores))
    logits, sold = np.asarray(scores)[:, 1].astype(np.float64), np.asarray(y)[:, 1]
    expected = (np.maximum(logits, 0) - logits * sold + np.log1p(np.exp(-np.abs(logits)))).mean()
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_weights_of_examples_count_in_every_head(prepare):
    weights = RNG.uniform(0.1, 2, 75).astype(np.float32)
    prepared = prepare(with_engine("graph"), {"x": X, "y": Y, "weights": weights})
    from hornbook.engine.evaluation import Evaluator

    train = prepared.splits.train
    figures = Evaluator(prepared.built).of_split(train)
    predicted = np.asarray(prepared.built.model(train.x))
    sold = train.of_head(prepared.splits.info.head("sold")).y
    likelihood = np.where(sold == 1, predicted[:, 1], 1 - predicted[:, 1])
    assert figures["sold_loss"] == pytest.approx((train.weights * -np.log(likelihood)).mean(), rel=1e-5)
    right = ((predicted[:, 1] > 0.5) == sold).astype(float)
    assert figures["sold_accuracy"] == pytest.approx(np.average(right, weights=train.weights), rel=1e-5)
    parts = sum(WEIGHTS[name] * figures[f"{name}_loss"] for name in HEADS)
    assert figures["loss"] == pytest.approx(parts, rel=1e-5)


def test_a_block_of_free_layers_is_found_by_its_name_or_refused(prepare):
    free = {"name": "layers", "layers": [{"name": "dense", "units": 5}, {"name": "dense", "units": 4}]}
    heads = {"price": {}, "early": {"target": "price", "from": "hidden_1"}}
    model = prepare({**RECIPE, "model": free, "heads": heads}, (X, {"price": PRICE})).built.model
    assert model.get_layer("head_early").kernel.shape == (5, 1)
    with pytest.raises(RecipeError, match="heads.early.from: there is no block 'hidden_7' to begin at"):
        prepare(
            {**RECIPE, "model": free, "heads": heads | {"early": {"target": "price", "from": "hidden_7"}}},
            (X, {"price": PRICE}),
        )


def test_an_auxiliary_output_behind_the_deep_path_of_the_textbook_reads_that_path(prepare):
    """Géron, ch. 10: a wide and a deep path, the main output behind both, the auxiliary one behind the deep path."""
    layers = [
        {"name": "dense", "units": 5},
        {"name": "dense", "units": 4, "as": "deep"},
        {"name": "concatenate", "from": ["input", "deep"]},
    ]
    heads = {"price": {"weight": 0.9}, "auxiliary": {"target": "price", "from": "deep", "weight": 0.1}}
    recipe = {**RECIPE, "model": {"name": "layers", "layers": layers}, "heads": heads}
    model = prepare(recipe, (X, {"price": PRICE})).built.model
    assert model.get_layer("head_price").kernel.shape == (6 + 4, 1)
    assert model.get_layer("head_auxiliary").kernel.shape == (4, 1)


def test_an_auxiliary_output_of_pictures_reads_the_mean_of_each_channel(prepare):
    images = RNG.uniform(size=(40, 8, 8, 1)).astype(np.float32)
    data = {"name": "arrays", "split": {"validation": 0, "test": 0}}
    heads = {"kind": {}, "early": {"target": "kind", "from": "hidden_1"}}
    recipe = {"data": data, "model": {"name": "cnn", "filters": [3, 5], "dense": [4]}, "heads": heads}
    built = prepare({**recipe, "training": {"batch_size": 8}}, (images, {"kind": np.arange(40) % 3})).built
    maps = keras.Model(built.model.input, built.model.get_layer("hidden_1_activation").output)(images)
    layer = built.model.get_layer("head_early")
    logits = np.asarray(maps).mean(axis=(1, 2)) @ layer.kernel.numpy() + layer.bias.numpy()
    np.testing.assert_allclose(np.asarray(built.logits_model(images))[:, 3:], logits, atol=1e-5)


def test_a_head_may_learn_logarithms_beside_others_and_predict_within_a_range(prepare):
    cost = np.exp(2 + X[:, 2]).astype(np.float32)
    heads = {"cost": {"target_transform": "log", "clamp": True}, "sold": {}}
    prepared = prepare({**RECIPE, "heads": heads}, (X, {"cost": cost, "sold": SOLD}))
    built, y = prepared.built, prepared.splits.train.y
    learned = np.asarray(built.in_loss(tf.constant(y)))
    log = np.log(y[:, 0])
    np.testing.assert_allclose(learned[:, 0], (log - log.mean()) / log.std(), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(learned[:, 1], y[:, 1])
    scores = np.tile(np.float32([[50.0, 0.0], [-50.0, 0.0]]), (1, 1))
    outputs = np.asarray(built.activate(tf.constant(scores)))
    np.testing.assert_allclose(outputs, [[cost.max(), 0.5], [cost.min(), 0.5]], rtol=1e-5)


def test_what_is_built_returns_outputs_by_name_and_fits_like_the_engine(prepare, run_epochs, tmp_path):
    import hornbook

    tree = with_engine("graph", {**RECIPE, "model": {"name": "mlp", "units": [8, 4]}})
    model = hornbook.build(tree, data=(X, Y))
    order = permutation(5, 0, 75)
    targets = {name: values[order] for name, values in (Y | {"early": PRICE}).items()}
    history = model.fit(X[order], targets, batch_size=16, shuffle=False, verbose=0).history
    assert {*history} == {"loss", *(f"{name}_loss" for name in HEADS), "price_mean_absolute_error", "sold_accuracy",
                          "kind_accuracy", "kind_f1_score"}  # fmt: skip
    prepared = prepare(tree, (X, Y))
    (logs,) = run_epochs(prepared, 1)
    for name in ("sold_accuracy", "kind_accuracy", "kind_f1_score", "price_mean_absolute_error"):
        assert history[name][0] == pytest.approx(logs[name], rel=1e-4), name
    trained = weights_of(prepared.built.model)
    for name, values in weights_of(model).items():
        for value, expected in zip(values, trained[name], strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    outputs = model.predict(X, verbose=0)
    assert {name: array.shape for name, array in outputs.items()} == {
        "price": (75, 1), "sold": (75, 1), "kind": (75, 3), "early": (75, 1),
    }  # fmt: skip
    model.save(tmp_path / "built.keras")
    again = keras.models.load_model(tmp_path / "built.keras").predict(X, verbose=0)
    np.testing.assert_allclose(again["kind"], outputs["kind"], atol=1e-6)


def test_losses_of_what_is_built_are_computed_in_front_of_activations_too(prepare):
    import hornbook

    model = hornbook.build(with_engine("graph"), data=(X, Y))
    model.get_layer("head_sold").kernel.assign(np.full((4, 1), 300.0))
    targets = Y | {"early": PRICE}
    figures = model.evaluate(X, targets, verbose=0, return_dict=True)
    assert figures["sold_loss"] > -np.log(1e-7)  # what a probability that is cut off at 1e-7 could give at most


@pytest.mark.parametrize("engine", ["graph", "xla", "fit"])
def test_classes_of_a_head_count_in_its_loss_while_training_as_sample_weights_do_in_keras(
    prepare, run_epochs, by_hand, engine
):
    heads = {
        **HEADS,
        "sold": HEADS["sold"] | {"class_weights": {1: 3.0}},
        "kind": HEADS["kind"] | {"class_weights": "balanced"},
    }
    prepared = prepare(with_engine(engine, {**RECIPE, "heads": heads}), (X, Y))
    balanced = 75 / (3 * np.bincount(KIND))
    np.testing.assert_allclose(prepared.built.class_weights["kind"], balanced, rtol=1e-6)
    model = plain_model(by_hand[0])
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), LOSSES, loss_weights=WEIGHTS, run_eagerly=True)
    price, order = (PRICE - PRICE.mean()) / PRICE.std(), permutation(5, 0, 75)
    targets = {"price": price, "early": price, "sold": SOLD, "kind": KIND}
    ones = np.ones(75, np.float32)
    counts = {"price": ones, "early": ones, "sold": np.where(SOLD == 1, 3.0, 1.0), "kind": balanced[KIND]}
    shuffled, weights = ({name: values[order] for name, values in each.items()} for each in (targets, counts))
    model.fit(X[order], shuffled, sample_weight=weights, batch_size=16, shuffle=False, verbose=0)
    (logs,) = run_epochs(prepared, 1)
    for name, values in weights_of(prepared.built.model).items():
        for value, expected in zip(values, model.get_layer(name).get_weights(), strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    if engine == "graph":
        from hornbook.engine.evaluation import Evaluator

        figures = Evaluator(prepared.built).of_split(prepared.splits.train)
        parts = sum(WEIGHTS[name] * figures[f"{name}_loss"] for name in HEADS)
        assert figures["loss"] == pytest.approx(parts, rel=1e-5)  # as Keras counts what is validated
        assert logs["loss"] > sum(WEIGHTS[name] * logs[f"{name}_loss"] for name in HEADS)


def test_programs_of_other_class_weights_are_not_shared(prepare):
    trees = [{**RECIPE, "heads": {"kind": {"class_weights": {1: weight}}}} for weight in (2.0, 3.0)]
    assert len({prepare(with_engine("graph", tree), (X, {"kind": KIND})).structure() for tree in trees}) == 2
