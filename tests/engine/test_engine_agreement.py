"""The fused engine against plain Keras and NumPy: same order of examples, same losses, same weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from sklearn import metrics as sk

from hornbook.builder.randomness import derive_seed, permutation
from hornbook.engine.choice import choose_engine
from hornbook.engine.loops import make_loop

RNG = np.random.default_rng(7)
X = RNG.normal(size=(75, 6)).astype(np.float32)  # 75 = 4 batches of 16 and one of 11
CLASSES = RNG.integers(0, 3, 75)
RECIPE = {
    "seed": 5,
    "model": {"name": "mlp", "units": [8]},
    "activation": "elu",
    "normalization": "batch_normalization",
    "regularization": {"l2": 0.01},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
    "training": {"epochs": 2, "batch_size": 16},
}
MIXED = {
    "name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}, "augmentation": {"mixup": 0.4},
}  # fmt: skip


def with_engine(engine, recipe=RECIPE, **training):
    return {**recipe, "training": {**recipe["training"], "engine": engine, **training}}


@pytest.fixture(scope="module")
def by_hand(prepare):
    """First weights, losses, accuracies and last weights of the same network written in plain Keras, trained by `fit`."""
    layers = keras.layers
    penalty = keras.regularizers.L2(0.01)
    hidden = layers.Dense(8, use_bias=False, kernel_regularizer=penalty)
    head = layers.Dense(3, kernel_regularizer=penalty, activation="softmax")
    stack = [keras.Input((6,)), hidden, layers.BatchNormalization(), layers.Activation("elu"), head]
    model = keras.Sequential(stack)
    start = prepare(with_engine("graph"), (X, CLASSES)).built.model.get_weights()
    model.set_weights(start)
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    logs = []
    for epoch in range(2):
        order = permutation(5, epoch, 75)
        history = model.fit(X[order], CLASSES[order], batch_size=16, shuffle=False, verbose=0).history
        logs.append({name: values[0] for name, values in history.items()})
    return start, logs, model.get_weights()


@pytest.mark.parametrize("engine", ["graph", "xla", "fit"])
def test_every_engine_trains_like_a_model_written_in_plain_keras(prepare, run_epochs, by_hand, engine):
    start, expected_logs, expected_weights = by_hand
    prepared = prepare(with_engine(engine), (X, CLASSES))
    for value, expected in zip(prepared.built.model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(value, expected)
    logs = run_epochs(prepared, 2)
    for row, expected in zip(logs, expected_logs, strict=True):
        assert row["loss"] == pytest.approx(expected["loss"], rel=1e-5)
        assert row["accuracy"] == pytest.approx(expected["accuracy"], abs=1e-6)
    for value, expected in zip(prepared.built.model.get_weights(), expected_weights, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("engine", ["graph", "fit"])
def test_a_remainder_that_is_dropped_is_one_of_other_examples_each_time(prepare, run_epochs, engine):
    recipe = with_engine(engine, RECIPE | {"normalization": "none", "regularization": {}}, drop_remainder=True)
    prepared = prepare(recipe, (X, CLASSES))
    layers = keras.layers
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "elu"), layers.Dense(3, "softmax")])
    model.set_weights(prepared.built.model.get_weights())
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), "sparse_categorical_crossentropy")
    for epoch in range(2):
        order = permutation(5, epoch, 75)[:64]  # four batches of 16; 11 examples are left over
        model.fit(X[order], CLASSES[order], batch_size=16, shuffle=False, verbose=0)
    run_epochs(prepared, 2)
    assert prepared.table.batches == 4
    for value, expected in zip(prepared.built.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


def test_mixup_trains_like_plain_keras_on_soft_targets_mixed_by_hand(prepare, run_epochs):
    recipe = RECIPE | {"data": MIXED, "normalization": "none"}
    prepared = prepare(with_engine("graph", recipe), (X[:64], CLASSES[:64]))
    penalty = keras.regularizers.L2(0.01)
    hidden = keras.layers.Dense(8, activation="elu", kernel_regularizer=penalty)
    model = keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(3, "softmax", kernel_regularizer=penalty)])
    model.set_weights([weight for weight in prepared.built.model.get_weights() if weight.size in (48, 8, 24, 3)])
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), "categorical_crossentropy", run_eagerly=True)
    x, one_hot = X[:64], np.eye(3)[CLASSES[:64]]
    expected = []
    for step in range(8):
        rows = permutation(5, step // 4, 64)[step % 4 * 16 :][:16]
        state = [derive_seed(5, "augmentation_mixing/0"), step * 1024]
        shares = stats.beta(0.4, 0.4).ppf(tf.random.stateless_uniform((16, 4), state)[:, 0])[:, None]
        mixed = [shares * part[rows] + (1 - shares) * np.roll(part[rows], 1, axis=0) for part in (x, one_hot)]
        model.reset_metrics()  # Keras 3.14 goes on counting
        expected.append(model.train_on_batch(*mixed, return_dict=True)["loss"])
    logs = run_epochs(prepared, 2)
    assert [row["loss"] for row in logs] == pytest.approx(np.reshape(expected, (2, 4)).mean(axis=1), rel=1e-4)
    for value, wanted in zip(prepared.built.model.trainable_weights, model.trainable_weights, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("engine", ["graph", pytest.param("xla", marks=pytest.mark.whole)])
def test_cutting_an_epoch_into_chunks_changes_no_bit(prepare, run_epochs, engine):
    recipe = with_engine(engine, RECIPE | {"activation": "randomized_leaky_relu"})
    recipe["data"] = MIXED
    recipe["regularization"] = {"dropout": 0.3, "gaussian_noise": 0.1, "input_dropout": 0.1, "l2": 0.01}
    recipe["optimizer"] = {"name": "nadam", "ema": 0.9, "accumulation": 2}
    examples = 75 if engine == "xla" else 64  # a smaller last batch takes a program of its own
    prepared = prepare(recipe, (X[:examples], CLASSES[:examples]))
    loop, results = make_loop(prepared.setup()), []  # one engine: compiling three would take most of the time
    variables = [*prepared.built.model.weights, *prepared.built.optimizer.variables]
    start = [variable.numpy().copy() for variable in variables]
    for chunk in (1, 3, 1000):
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        logs = run_epochs(prepared, 2, chunk=chunk, loop=loop)
        results.append((logs, [variable.numpy().copy() for variable in variables]))
    for logs, values in results[1:]:
        assert logs == results[0][0]
        assert all(np.array_equal(a, b) for a, b in zip(values, results[0][1], strict=True))


def test_the_smaller_last_batch_counts_by_its_examples(prepare, run_epochs, generator):
    recipe = {"model": {"name": "mlp"}, "initializer": {"name": "constant", "value": 0.5}, "task": "regression"}
    recipe["head"] = {"standardize_targets": False}
    recipe |= {"optimizer": {"name": "sgd", "learning_rate": 1e-30}, "training": {"batch_size": 16, "engine": "graph"}}
    y = (10 * generator.normal(size=75)).astype(np.float32)
    (logs,) = run_epochs(prepare(recipe, (X, y)))
    assert logs["loss"] == pytest.approx(np.mean((X.sum(axis=1) * 0.5 - y) ** 2), rel=1e-5)


def test_the_last_batch_trains_too(prepare, run_epochs):
    recipe = {"model": {"name": "mlp"}, "initializer": "zeros", "task": "regression"}
    recipe["head"] = {"standardize_targets": False}
    recipe |= {"optimizer": {"name": "sgd", "learning_rate": 0.1}, "training": {"batch_size": 2, "engine": "graph"}}
    x, y = np.eye(3, dtype=np.float32), np.ones(3, np.float32)  # each example moves one weight of its own
    prepared = prepare(recipe, (x, y))
    run_epochs(prepared)
    assert (prepared.built.model.get_weights()[0] > 0).all()


def test_each_epoch_has_an_order_of_its_own_and_always_the_same():
    first, again, second, other = (permutation(*key, 100) for key in ((1, 0), (1, 0), (1, 1), (2, 0)))
    assert (first == again).all()
    assert (first != second).any()
    assert (first != other).any()
    assert sorted(first) == sorted(second) == list(range(100))


def test_balanced_weights_make_every_class_count_the_same(prepare):
    weights = prepare(with_engine("graph", class_weights="balanced"), (X, CLASSES)).setup().weights_K
    np.testing.assert_allclose(weights, 75 / (3 * np.bincount(CLASSES)), rtol=1e-6)


def test_class_weights_are_sample_weights(prepare, run_epochs):
    values = np.array([1.0, 5.0, 0.5])
    x, y = X[:64], CLASSES[:64]  # 4 whole batches
    prepared = prepare(with_engine("graph", class_weights={0: 1.0, 1: 5.0, 2: 0.5}), (x, y))
    model = keras.models.clone_model(prepared.built.model)
    model.set_weights(prepared.built.model.get_weights())
    stock = keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    model.compile(stock, "sparse_categorical_crossentropy", run_eagerly=True)
    order = permutation(5, 0, 64)
    sample_weight = values[y[order]].astype(np.float32)
    history = model.fit(x[order], y[order], 16, shuffle=False, verbose=0, sample_weight=sample_weight)
    (logs,) = run_epochs(prepared)
    assert logs["loss"] == pytest.approx(history.history["loss"][0], rel=1e-5)
    np.testing.assert_allclose(prepared.built.model.get_weights()[0], model.get_weights()[0], rtol=1e-4, atol=1e-6)


def test_images_of_bytes_train_like_the_same_images_as_fractions(prepare, run_epochs, generator):
    images = generator.integers(0, 256, (40, 4, 4, 1)).astype(np.uint8)
    recipe = {"training": {"batch_size": 8, "engine": "graph"}}
    results = []
    for x in (images, images.astype(np.float32) / 255):
        prepared = prepare(recipe, (x, CLASSES[:40]))
        results.append((run_epochs(prepared)[0]["loss"], prepared.built.model.get_weights()[0]))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-4, atol=1e-6)


def frozen(prepare, run_epochs, task, names, y):
    """Return the metrics of an epoch with a rate of practically 0, and the model's predictions."""
    recipe = {"task": task, "optimizer": {"name": "sgd", "learning_rate": 1e-30}}
    prepared = prepare({**recipe, "training": {"metrics": names, "engine": "graph", "batch_size": 25}}, (X, y))
    return run_epochs(prepared)[0], prepared.built.model(X).numpy()


def test_binary_metrics_equal_scikit_learn(prepare, run_epochs, generator):
    y = generator.integers(0, 2, 75)
    names = ["accuracy", {"name": "auc", "num_thresholds": 5000}, "precision", "recall", "f1_score"]
    logs, scores = frozen(prepare, run_epochs, "binary", [*names, "mean_squared_error"], y)
    p = scores[:, 0]
    label = (p > 0.5).astype(int)
    assert logs["accuracy"] == pytest.approx(sk.accuracy_score(y, label))
    assert logs["auc"] == pytest.approx(sk.roc_auc_score(y, p), abs=0.002)
    assert logs["precision"] == pytest.approx(sk.precision_score(y, label))
    assert logs["recall"] == pytest.approx(sk.recall_score(y, label))
    assert logs["f1_score"] == pytest.approx(sk.f1_score(y, label))
    assert logs["mean_squared_error"] == pytest.approx(sk.brier_score_loss(y, p), rel=1e-5)
    assert logs["loss"] == pytest.approx(sk.log_loss(y, p), rel=1e-4)


def test_multiclass_and_multilabel_metrics_equal_scikit_learn(prepare, run_epochs, generator):
    names = ["accuracy", {"name": "top_k_accuracy", "k": 2}]
    logs, p = frozen(prepare, run_epochs, "multiclass", names, CLASSES)
    assert logs["accuracy"] == pytest.approx(sk.accuracy_score(CLASSES, p.argmax(axis=1)))
    assert logs["top_k_accuracy"] == pytest.approx(sk.top_k_accuracy_score(CLASSES, p, k=2))
    assert logs["loss"] == pytest.approx(sk.log_loss(CLASSES, p / p.sum(axis=1, keepdims=True)), rel=1e-4)
    y = generator.integers(0, 2, (75, 4))
    logs, p = frozen(prepare, run_epochs, "multilabel", ["accuracy", "auc", "f1_score", "precision"], y)
    assert logs["accuracy"] == pytest.approx(np.mean((p > 0.5) == y))
    assert logs["auc"] == pytest.approx(sk.roc_auc_score(y, p, average="macro"), abs=0.02)
    assert logs["f1_score"] == pytest.approx(sk.f1_score(y, p > 0.5, average="macro"), abs=1e-5)
    assert logs["precision"] == pytest.approx(sk.precision_score(y, p > 0.5, average="micro"))


def test_regression_metrics_equal_scikit_learn(prepare, run_epochs, generator):
    y = generator.normal(5, 2, (75, 2)).astype(np.float32)
    names = ["mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "r2_score"]
    logs, p = frozen(prepare, run_epochs, "regression", [*names, "mean_absolute_percentage_error"], y)
    assert logs["mean_absolute_error"] == pytest.approx(sk.mean_absolute_error(y, p), rel=1e-5)
    assert logs["mean_squared_error"] == pytest.approx(sk.mean_squared_error(y, p), rel=1e-5)
    deviations = y.std(axis=0)  # the loss is that of standardized targets, the metrics are in the targets' own unit
    assert logs["loss"] == pytest.approx(sk.mean_squared_error(y / deviations, p / deviations), rel=1e-4)
    assert logs["root_mean_squared_error"] == pytest.approx(sk.mean_squared_error(y, p) ** 0.5, rel=1e-5)
    assert logs["r2_score"] == pytest.approx(sk.r2_score(y, p), rel=1e-4)
    percentage = 100 * sk.mean_absolute_percentage_error(y, p)
    assert logs["mean_absolute_percentage_error"] == pytest.approx(percentage, rel=1e-4)


def test_hinge_counts_scores_above_zero_as_the_second_class(prepare, run_epochs, generator):
    y = generator.integers(0, 2, 75)
    recipe = {"head": {"loss": "hinge"}, "activation": "tanh", "optimizer": {"name": "sgd", "learning_rate": 1e-30}}
    prepared = prepare({**recipe, "training": {"engine": "graph", "batch_size": 25}}, (X, y))
    (logs,) = run_epochs(prepared)
    z = prepared.built.model(X).numpy()[:, 0]
    assert logs["accuracy"] == pytest.approx(sk.accuracy_score(y, z > 0))
    assert logs["loss"] == pytest.approx(sk.hinge_loss(2 * y - 1, z), rel=1e-5)


def test_an_epoch_can_be_stopped_after_any_chunk(prepare):
    from hornbook.engine.engine import EpochPlan

    prepared = prepare(with_engine("graph"), (X, CLASSES))
    loop = make_loop(prepared.setup())
    rates, momenta = prepared.table.epoch(0)
    plan = EpochPlan(permutation(5, 0, 75), rates, momenta, 0)
    seen = []
    was_cut = loop.train_epoch(plan, iter([2, 2, 2]), lambda done: seen.append(done) or len(seen) == 2)
    assert was_cut
    assert seen == [2, 4]
    assert int(prepared.built.optimizer.iterations) == 4


IMAGES = np.linspace(0, 1, 512).reshape(32, 4, 4, 1), np.arange(32) % 3
CNN = RECIPE | {"model": {"name": "cnn", "filters": [2], "dense": []}}


def test_several_devices_normalize_the_images_of_all(prepare):
    built = prepare(with_engine("graph", CNN), IMAGES).built
    assert choose_engine("auto", built, is_on_one_device=False) == "graph"


@pytest.fixture(scope="module")
def by_normalization(prepare, run_epochs):
    """{engine: (what a CNN's run logged, its weights)}: of the same images, with normalization of images and of rows."""
    images = RNG.integers(0, 256, (32, 6, 6, 2), np.uint8)
    recipe = RECIPE | {"model": {"name": "cnn", "filters": [5], "dense": [4]}}
    runs = {}
    for engine in ("graph", "fused_graph"):
        prepared = prepare(with_engine(engine, recipe), (images, np.arange(32) % 3))
        logs = run_epochs(prepared, 2)
        layers = prepared.built.model.layers
        runs[engine] = logs, {weight.path: weight.numpy() for layer in layers for weight in layer.weights}
    return runs


def test_normalization_of_images_in_one_operation_trains_alike_with_other_last_bits(by_normalization):
    (plain_logs, plain), (logs, fused) = by_normalization.values()
    assert logs[-1]["loss"] == pytest.approx(plain_logs[-1]["loss"], rel=1e-4)
    assert sorted(fused) == sorted(plain)
    for path, values in fused.items():
        np.testing.assert_allclose(values, plain[path], rtol=1e-3, atol=1e-4, err_msg=path)
    assert any((values != plain[path]).any() for path, values in fused.items())  # the programs were not shared


def test_the_variance_that_is_kept_is_the_one_that_keras_keeps(by_normalization):
    """Of 32 examples of 36 places each: that of a sample is 1/575 larger in a batch of 16."""
    (_, plain), (_, fused) = by_normalization.values()
    np.testing.assert_allclose(
        fused["hidden_1_normalization/moving_variance"], plain["hidden_1_normalization/moving_variance"], rtol=2e-5
    )
