"""one_cycle moves the momentum that the update uses; schedules count updates; EMA and accumulation, against NumPy."""

import numpy as np
import pytest

from hornbook.builder.randomness import permutation
from hornbook.engine.loops import make_loop
from hornbook.trainer.weights import averaged

RNG = np.random.default_rng(3)
X = RNG.normal(size=(12, 3)).astype(np.float32)
Y = (X @ [1.0, -2.0, 0.5] + 3).astype(np.float32)
EPOCHS, BATCH = 3, 4
STEPS = EPOCHS * 3


def recipe(optimizer, engine="graph", **more):
    training = {"epochs": EPOCHS, "batch_size": BATCH, "engine": engine} | more.pop("training", {})
    linear = {"task": "regression", "model": {"name": "mlp"}, "initializer": "zeros", "seed": 4}
    linear["head"] = {"standardize_targets": False}
    return {**linear, "optimizer": optimizer, **more, "training": training}


def gradients(batch=BATCH):
    """Yield, for each step, a function of (w, b) → their gradients on that step's batch."""
    for epoch in range(EPOCHS):
        order = permutation(4, epoch, 12)
        for start in range(0, 12, batch):
            x, y = X[order[start : start + batch]].astype(float), Y[order[start : start + batch]].astype(float)

            def gradient(theta, x=x, y=y):
                error = x @ theta[:3] + theta[3] - y
                return 2 * np.append(x.T @ error, error.sum()) / len(y)

            yield gradient


def one_cycle(step):
    """Return the position in the cycle (1 at the peak) and the factor of the rate, for 9 steps: up, down, anneal."""
    rise = 0.45 * STEPS
    if step <= 2 * rise:
        up = step / rise if step <= rise else 2 - step / rise
        return up, 0.1 + 0.9 * up
    return 0.0, 0.1 + (0.001 - 0.1) * (step - 2 * rise) / (STEPS - 2 * rise)


def sgd(moves):
    theta, m = np.zeros(4), np.zeros(4)
    for step, gradient in enumerate(gradients()):
        up, factor = one_cycle(step)
        beta = 0.95 - 0.1 * up if moves else 0.95
        m = beta * m - 0.05 * factor * gradient(theta)
        theta = theta + m
    return theta


def adam(moves):
    theta, m, v = np.zeros(4), np.zeros(4), np.zeros(4)
    for step, gradient in enumerate(gradients()):
        up, factor = one_cycle(step)
        beta, t, g = (0.9 - 0.4 * up if moves else 0.9), step + 1, gradient(theta)
        m, v = beta * m + (1 - beta) * g, 0.99 * v + 0.01 * g * g
        theta = theta - 0.3 * factor * np.sqrt(1 - 0.99**t) / (1 - beta**t) * m / (np.sqrt(v) + 1e-7)
    return theta


CASES = {
    "sgd": ({"name": "sgd", "learning_rate": 0.05, "momentum": 0.95}, {"name": "one_cycle"}, sgd, "momentum"),
    "adam": (
        {"name": "adam", "learning_rate": 0.3, "beta_2": 0.99},
        {"name": "one_cycle", "max_momentum": 0.9, "min_momentum": 0.5},
        adam,
        "beta_1",
    ),
}


@pytest.mark.parametrize("engine", ["graph", "xla"])
@pytest.mark.parametrize("case", CASES)
def test_the_momentum_of_each_update_moves_with_one_cycle(prepare, run_epochs, case, engine):
    optimizer, schedule, rule, attribute = CASES[case]
    prepared = prepare(recipe(optimizer, engine, schedule=schedule), (X, Y))
    run_epochs(prepared, EPOCHS, chunk=2)
    theta = np.concatenate([weight.ravel() for weight in prepared.built.model.get_weights()])
    np.testing.assert_allclose(theta, rule(moves=True), rtol=1e-4)
    assert np.abs(theta - rule(moves=False)).max() > 0.01  # a constant momentum would end elsewhere
    built = prepared.built.optimizer
    assert getattr(built, attribute) == optimizer.get(attribute, 0.9)
    assert type(getattr(built, attribute)) is float
    assert type(built).from_config(built.get_config()).get_config()[attribute] == optimizer.get(attribute, 0.9)


@pytest.mark.parametrize("engine", ["graph", "xla", "fit"])
def test_four_batches_of_three_gathered_are_one_batch_of_twelve(prepare, run_epochs, engine):
    optimizer = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9} | ({} if engine == "fit" else {"ema": 0.5})
    schedule = {"name": "polynomial", "power": 1.0}  # falls with each update, not with each batch
    gathered = recipe({**optimizer, "accumulation": 4}, engine, schedule=schedule, training={"batch_size": 3})
    whole = recipe(optimizer, engine, schedule=schedule, training={"batch_size": 12})
    results, averages = [], []
    for tree in (gathered, whole):
        prepared = prepare(tree, (X, Y))
        run_epochs(prepared, EPOCHS)
        results.append(np.concatenate([weight.ravel() for weight in prepared.built.model.get_weights()]))
        assert int(prepared.built.optimizer.iterations) == EPOCHS
        if engine != "fit":  # averages count updates, too
            with averaged(prepared.built.optimizer):
                averages.append(np.concatenate([weight.ravel() for weight in prepared.built.model.get_weights()]))
            assert prepared.built.optimizer.ema_momentum == 0.5
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)
    if averages:
        np.testing.assert_allclose(*averages, atol=1e-6)
        assert np.abs(averages[1] - results[1]).max() > 0.01
    theta, m = np.zeros(4), np.zeros(4)
    for step, gradient in enumerate(gradients(12)):
        m = 0.9 * m - 0.05 * (1 - step / EPOCHS) * gradient(theta)
        theta = theta + m
    np.testing.assert_allclose(results[1], theta, rtol=1e-4)


def test_averaged_weights_follow_the_recursion_and_training_goes_on_from_the_raw_ones(prepare, run_epochs):
    prepared = prepare(recipe({"name": "sgd", "learning_rate": 0.05, "ema": 0.8}), (X, Y))
    model, optimizer = prepared.built.model, prepared.built.optimizer
    loop, theta, average = make_loop(prepared.setup()), np.zeros(4), None
    steps = gradients()
    for epoch in range(EPOCHS):
        run_epochs(prepared, first=epoch, loop=loop)
        for _ in range(3):
            theta = theta - 0.05 * next(steps)(theta)
            average = theta if average is None else 0.8 * average + 0.2 * theta
        raw = np.concatenate([weight.ravel() for weight in model.get_weights()])
        np.testing.assert_allclose(raw, theta, rtol=1e-4)
        with averaged(optimizer):
            inside = np.concatenate([weight.ravel() for weight in model.get_weights()])
        np.testing.assert_allclose(inside, average, rtol=1e-4)
        assert (np.concatenate([weight.ravel() for weight in model.get_weights()]) == raw).all()


def test_validation_best_last_and_test_use_the_averaged_weights(tmp_path):
    import keras

    import hornbook

    raw = []
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: raw.append(spy.model.get_weights()))
    tree = recipe({"name": "sgd", "learning_rate": 0.05, "ema": 0.9}, training={"early_stopping": {"patience": 9}})
    tree["data"] = {"name": "arrays", "standardize": False}
    pairs = ((X, Y), (X[:5], Y[:5]), (X[5:], Y[5:]))
    result = hornbook.train(hornbook.load_recipe(tree), data=pairs, runs=str(tmp_path), callbacks=[spy], progress=False)
    theta, average = np.zeros(4), None
    for step, gradient in enumerate(gradients()):
        theta = theta - 0.05 * gradient(theta)
        average = theta if average is None else 0.9 * average + 0.1 * theta
        if step % 3 == 2:
            error = X[:5] @ average[:3] + average[3] - Y[:5]
            assert result.history[step // 3]["val_loss"] == pytest.approx(np.mean(error**2), rel=1e-3)
    np.testing.assert_allclose(np.concatenate([w.ravel() for w in raw[-1]]), theta, rtol=1e-4)
    for name in ("best", "last"):
        saved = keras.models.load_model(result.run / "checkpoints" / f"{name}.keras").get_weights()
        np.testing.assert_allclose(np.concatenate([w.ravel() for w in saved]), average, rtol=1e-4)
    error = X[5:] @ average[:3] + average[3] - Y[5:]
    assert result.test["loss"] == pytest.approx(np.mean(error**2), rel=1e-3)
