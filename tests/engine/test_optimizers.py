"""Each optimizer against its published equations, two steps by hand; settings that Keras differs in are named."""

import keras
import numpy as np
import pytest

from hornbook.engine.loops import make_loop

X, Y = 2.0, 1.0  # one example: the gradient of (w·x - y)² is 2(wx - y)x
START = 3.0


def gradient(w):
    return 2 * (w * X - Y) * X


@pytest.fixture
def two_steps(prepare, run_epochs):
    """A function: an optimizer and more of the recipe → the weight after each of two steps, from w = 3."""

    def run(optimizer, **more):
        training = {"epochs": 2, "batch_size": 1, "engine": "graph"}
        recipe = {
            "task": "regression",
            "model": {"name": "mlp"},
            "initializer": {"name": "constant", "value": START},
            "head": {"standardize_targets": False},
            "optimizer": optimizer,
            **more,
            "training": training | more.get("training", {}),
        }
        data = (np.array([[X]], np.float32), np.array([Y], np.float32))
        prepared = prepare(recipe, data)
        kernel, bias = prepared.built.model.trainable_variables
        weights = []
        loop = make_loop(prepared.setup())
        for epoch in range(2):
            run_epochs(prepared, 1, first=epoch, loop=loop)
            weights.append(float(kernel.numpy()[0, 0]))
        assert (bias.numpy() == 0).all()
        return weights

    return run


@pytest.fixture
def without_bias(monkeypatch):
    """A head whose bias stays 0, so that the model is w·x and nothing else."""

    class Zero(keras.constraints.Constraint):
        def __call__(self, w):
            return w * 0

    class Biasless(keras.layers.Dense):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **{**kwargs, "use_bias": True, "bias_constraint": Zero()})

    monkeypatch.setattr(keras.layers, "Dense", Biasless)


def by_hand(step, **start):
    """Run two steps of a rule: (w, gradient, state, t) → w."""
    w, state, weights = START, dict(start), []
    for t in (1, 2):
        w = step(w, gradient(w), state, t)
        weights.append(w)
    return weights


def sgd(w, g, s, t):
    return w - 0.01 * g


def momentum(w, g, s, t):  # m ← βm - ηg; θ ← θ + m
    s["m"] = 0.9 * s["m"] - 0.01 * g
    return w + s["m"]


def nesterov(w, g, s, t):  # the shifted variable: m ← βm - ηg; θ ← θ + βm - ηg
    s["m"] = 0.9 * s["m"] - 0.01 * g
    return w + 0.9 * s["m"] - 0.01 * g


def adagrad(w, g, s, t):  # the accumulator starts at 0.1
    s["a"] += g * g
    return w - 0.1 * g / np.sqrt(s["a"] + 1e-7)


def rmsprop(w, g, s, t):  # epsilon inside the root
    s["v"] = 0.9 * s["v"] + 0.1 * g * g
    return w - 0.1 * g / np.sqrt(s["v"] + 0.5)


def adam(w, g, s, t):  # "epsilon hat": η·√(1-β₂ᵗ)/(1-β₁ᵗ) · m/(√v + ε)
    s["m"] = 0.9 * s["m"] + 0.1 * g
    s["v"] = 0.99 * s["v"] + 0.01 * g * g
    return w - 0.1 * np.sqrt(1 - 0.99**t) / (1 - 0.9**t) * s["m"] / (np.sqrt(s["v"]) + 0.5)


def adamw(w, g, s, t):  # decay first: w ← w(1 - ηλ)
    return adam(w * (1 - 0.1 * 0.04), g, s, t)


def adamax(w, g, s, t):
    s["m"] = 0.9 * s["m"] + 0.1 * g
    s["u"] = max(0.99 * s["u"], abs(g))
    return w - 0.1 / (1 - 0.9**t) * s["m"] / (s["u"] + 1e-7)


def nadam(w, g, s, t):  # Keras warms the momentum up by 0.96^t, Dozat by 0.96^(t/250)
    u_t, u_next = (0.9 * (1 - 0.5 * 0.96**k) for k in (t, t + 1))
    s["product"] *= u_t
    s["m"] = 0.9 * s["m"] + 0.1 * g
    s["v"] = 0.99 * s["v"] + 0.01 * g * g
    m_hat = u_next * s["m"] / (1 - s["product"] * u_next) + (1 - u_t) * g / (1 - s["product"])
    return w - 0.1 * m_hat / (np.sqrt(s["v"] / (1 - 0.99**t)) + 1e-7)


def lion(w, g, s, t):
    new = w - 0.1 * np.sign(0.9 * s["m"] + 0.1 * g)
    s["m"] = 0.95 * s["m"] + 0.05 * g
    return new


def adadelta(w, g, s, t):
    s["a"] = 0.9 * s["a"] + 0.1 * g * g
    delta = -np.sqrt(s["d"] + 1e-3) / np.sqrt(s["a"] + 1e-3) * g
    s["d"] = 0.9 * s["d"] + 0.1 * delta * delta
    return w + 1.0 * delta


def amsgrad(w, g, s, t):
    s["m"] = 0.9 * s["m"] + 0.1 * g
    s["v"] = 0.5 * s["v"] + 0.5 * g * g
    s["top"] = max(s["top"], s["v"])
    return w - 1.0 * np.sqrt(1 - 0.5**t) / (1 - 0.9**t) * s["m"] / (np.sqrt(s["top"]) + 1e-7)


def rmsprop_centered(w, g, s, t):
    s["v"] = 0.9 * s["v"] + 0.1 * g * g
    s["g"] = 0.9 * s["g"] + 0.1 * g
    s["m"] = 0.8 * s["m"] + 0.1 * g / np.sqrt(s["v"] - s["g"] ** 2 + 1e-7)
    return w - s["m"]


RULES = [
    ({"name": "sgd", "learning_rate": 0.01}, sgd, {}),
    ({"name": "sgd", "learning_rate": 0.01, "momentum": 0.9}, momentum, {"m": 0}),
    ({"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": True}, nesterov, {"m": 0}),
    ({"name": "adagrad", "learning_rate": 0.1}, adagrad, {"a": 0.1}),
    ({"name": "rmsprop", "learning_rate": 0.1, "epsilon": 0.5}, rmsprop, {"v": 0}),
    (
        {"name": "rmsprop", "learning_rate": 0.1, "centered": True, "momentum": 0.8},
        rmsprop_centered,
        {"v": 0, "g": 0, "m": 0},
    ),
    ({"name": "adam", "learning_rate": 0.1, "beta_2": 0.99, "epsilon": 0.5}, adam, {"m": 0, "v": 0}),
    ({"name": "adam", "learning_rate": 1.0, "beta_2": 0.5, "amsgrad": True}, amsgrad, {"m": 0, "v": 0, "top": 0}),
    (
        {"name": "adamw", "learning_rate": 0.1, "beta_2": 0.99, "epsilon": 0.5, "weight_decay": 0.04},
        adamw,
        {"m": 0, "v": 0},
    ),
    ({"name": "adamax", "learning_rate": 0.1, "beta_2": 0.99}, adamax, {"m": 0, "u": 0}),
    ({"name": "nadam", "learning_rate": 0.1, "beta_2": 0.99}, nadam, {"m": 0, "v": 0, "product": 1}),
    ({"name": "lion", "learning_rate": 0.1, "beta_2": 0.95}, lion, {"m": 0}),
    ({"name": "adadelta", "learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-3}, adadelta, {"a": 0, "d": 0}),
]


@pytest.mark.parametrize(("optimizer", "rule", "start"), RULES, ids=[rule[1].__name__ for rule in RULES])
def test_two_steps_of_each_optimizer_follow_its_published_equations(without_bias, two_steps, optimizer, rule, start):
    np.testing.assert_allclose(two_steps(optimizer), by_hand(rule, **start), rtol=2e-5)


@pytest.mark.parametrize(
    ("by", "threshold", "limited"), [("value", 5.0, 5.0), ("norm", 4.0, 4.0), ("global_norm", 2.0, 2.0)]
)
def test_clipping_limits_the_first_gradient(without_bias, two_steps, by, threshold, limited):
    clipping = {"gradient_clipping": {"by": by, "threshold": threshold}}
    # The gradient of the weight is 20 and that of the bias, which is held at 0, is 10.
    expected = START - 0.01 * (limited * 20 / np.hypot(20, 10) if by == "global_norm" else limited)
    assert two_steps({"name": "sgd", "learning_rate": 0.01}, training=clipping)[0] == pytest.approx(expected, rel=1e-6)
