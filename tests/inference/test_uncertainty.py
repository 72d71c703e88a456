"""Monte Carlo dropout against closed forms: moments, entropies, and that nothing but dropout is on."""

import keras
import numpy as np
import pytest

from hornbook.errors import UsageError
from hornbook.inference import uncertainty
from hornbook.inference.uncertainty import monte_carlo

RNG = np.random.default_rng(4)
ROWS = RNG.normal(size=(60, 4)).astype(np.float32)
IMAGES = RNG.integers(0, 256, (60, 8, 8, 1)).astype(np.uint8)
SEQUENCES = RNG.normal(size=(60, 3, 3)).astype(np.float32)
CLASSES = RNG.integers(0, 3, 60)
WEIGHTS = np.array([[0.5], [-1.0], [2.0], [0.25]], np.float32)


def network(*layers, size=4):
    """A functional model of these layers on rows of a size."""
    inputs = x = keras.Input((size,))
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


def linear(dropout):
    """dropout → x·WEIGHTS."""
    model = network(dropout, keras.layers.Dense(1, use_bias=False, name="sum"))
    model.get_layer("sum").set_weights([WEIGHTS])
    return model


def test_dropout_of_a_linear_models_inputs_has_the_moments_of_the_closed_form():
    found = monte_carlo(linear(keras.layers.Dropout(0.2)), ROWS, samples=4000, seed=1, kind="numbers")
    std = np.sqrt(0.25 * ((ROWS * WEIGHTS[:, 0]) ** 2).sum(axis=1))  # p / (1 - p) = 0.25
    assert (np.abs(found.mean[:, 0] - (ROWS @ WEIGHTS)[:, 0]) < 4.5 * std / np.sqrt(4000)).all()
    np.testing.assert_allclose(found.std[:, 0], std, rtol=0.06)
    assert (found.entropy, found.mutual_information) == (None, None)


def test_alpha_dropout_has_the_moments_of_the_closed_form():
    found = monte_carlo(linear(keras.layers.AlphaDropout(0.2)), ROWS, samples=4000, seed=1, kind="numbers")
    # kept x or -1.758099, then times a = 0.878904 plus b = 0.309040 (Klambauer et al. 2017, section 3)
    mean = 0.878904 * 0.8 * (ROWS @ WEIGHTS)[:, 0]
    std = 0.878904 * 0.4 * np.sqrt((((ROWS + 1.758099) * WEIGHTS[:, 0]) ** 2).sum(axis=1))
    assert (np.abs(found.mean[:, 0] - mean) < 4.5 * std / np.sqrt(4000)).all()
    np.testing.assert_allclose(found.std[:, 0], std, rtol=0.06)


@pytest.mark.parametrize("kind", ["classes", "labels"])
def test_entropy_and_mutual_information_of_two_outcomes_are_those_on_paper(kind):
    units = 2 if kind == "classes" else 1
    head = keras.layers.Dense(
        units, activation="softmax" if kind == "classes" else "sigmoid", use_bias=False, name="head"
    )
    model = network(keras.layers.Dropout(0.5), head, size=1)
    head.set_weights([np.array([[np.log(9) / 2, 0.0][:units]], np.float32)])  # input 1 becomes 0 or 2: 0.5 or 0.9
    found = monte_carlo(model, np.ones((3, 1), np.float32), samples=400, seed=5, kind=kind)
    share = (found.mean[:, 0] - 0.5) / 0.4  # of samples with 0.9
    assert (np.abs(share - 0.5) < 0.125).all()
    assert len(set(share)) > 1  # each example has draws of its own
    mean = 0.5 + 0.4 * share
    entropy = -mean * np.log(mean) - (1 - mean) * np.log(1 - mean)
    expected = 0.693147 * (1 - share) + 0.325083 * share  # H[0.5, 0.5] and H[0.9, 0.1]
    np.testing.assert_allclose(found.entropy.ravel(), entropy, rtol=1e-5)
    np.testing.assert_allclose(found.mutual_information.ravel(), entropy - expected, rtol=1e-4)
    np.testing.assert_allclose(found.std[:, 0], 0.4 * np.sqrt(share * (1 - share)), rtol=1e-5)


def test_certain_outputs_have_no_entropy():
    model = network(keras.layers.Dropout(0.5), keras.layers.Dense(2, activation="softmax", name="head"), size=1)
    model.get_layer("head").set_weights([np.zeros((1, 2)), np.array([2000.0, 0.0])])
    found = monte_carlo(model, np.ones((2, 1), np.float32), samples=5, seed=1, kind="classes")
    assert found.mean.tolist() == [[1, 0], [1, 0]]
    assert (found.entropy.tolist(), found.mutual_information.tolist()) == ([0, 0], [0, 0])


def test_samples_that_do_not_fit_at_once_are_drawn_in_turn(monkeypatch):
    calls = []
    draw = uncertainty._Draw.__call__
    monkeypatch.setattr(uncertainty, "large_batch", lambda model: 300)
    monkeypatch.setattr(
        uncertainty._Draw, "__call__", lambda self, *given: calls.append(given[0].shape[0]) or draw(self, *given)
    )
    found = monte_carlo(linear(keras.layers.Dropout(0.2)), ROWS[:5], samples=1000, seed=1, kind="numbers")
    std = np.sqrt(0.25 * ((ROWS[:5] * WEIGHTS[:, 0]) ** 2).sum(axis=1))
    np.testing.assert_allclose(found.std[:, 0], std, rtol=0.12)
    assert len(calls) == 1  # one program for all chunks, the last one of 100 samples included


def test_equal_examples_in_different_chunks_have_draws_of_their_own(monkeypatch):
    monkeypatch.setattr(uncertainty, "large_batch", lambda model: 10)
    found = monte_carlo(linear(keras.layers.Dropout(0.2)), ROWS[[0, 0, 0, 0]], samples=10, seed=1, kind="numbers")
    assert len(set(found.mean[:, 0])) > 1
    twice = monte_carlo(linear(keras.layers.Dropout(0.2)), ROWS[:5], samples=20, seed=1, kind="numbers")
    once = monte_carlo(linear(keras.layers.Dropout(0.2)), ROWS[:5], samples=10, seed=1, kind="numbers")
    assert not (once.mean == twice.mean).all()


def test_all_samples_of_a_chunk_are_one_call(monkeypatch):
    calls = []
    function = uncertainty.tf.function

    def counted(*given, **options):
        program = function(*given, **options)
        return lambda *arguments: calls.append(int(arguments[1])) or program(*arguments)

    monkeypatch.setattr(uncertainty.tf, "function", counted)
    monte_carlo(linear(keras.layers.Dropout(0.2)), ROWS, samples=100, seed=1, kind="numbers")
    assert calls == [100]


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    model = linear(keras.layers.Dropout(0.5))  # without a seed of its own
    first, again, other = (monte_carlo(model, ROWS, samples=7, seed=seed, kind="numbers") for seed in (1, 1, 2))
    assert (first.mean == again.mean).all()
    assert (first.std == again.std).all()
    assert not (first.mean == other.mean).any()


NETWORKS = {
    "input dropout": ({"regularization": {"input_dropout": 0.3}}, ROWS),
    "gaussian": ({"regularization": {"gaussian_dropout": 0.3}}, ROWS),
    "residual": ({"model": {"name": "residual_cnn", "filters": [3, 4], "blocks": 1}}, IMAGES),
    "augmentation, spatial": (
        {
            "model": {"name": "cnn", "filters": [3], "dense": [5]},
            "regularization": {"spatial_dropout": 0.3},
            "data": {
                "name": "arrays",
                "augmentation": {"flip": "horizontal", "rotate": 90},
                "split": {"validation": 0, "test": 0},
            },
        },
        IMAGES,
    ),
    "recurrent": (
        {"model": {"name": "rnn", "units": [4], "recurrent_dropout": 0.3}, "regularization": {"l2": 0.1}},
        SEQUENCES,
    ),
    "bidirectional": (
        {
            "model": {"name": "rnn", "units": [4], "recurrent_dropout": 0.3, "bidirectional": True},
            "regularization": {"l2": 0.1},
        },
        SEQUENCES,
    ),
}
"""Where dropout may be; that of a dense layer and alpha dropout are with the closed forms."""


def smaller(value, factor):
    """A recipe's tree with its dropout rates multiplied."""
    if isinstance(value, dict):
        return {key: item * factor if key.endswith("dropout") else smaller(item, factor) for key, item in value.items()}
    return value


def moved(prepare, recipe, x, factor=1.0):
    """A model as if it had been trained: no weight and no statistic is where it began."""
    base = {"regularization": {"dropout": 0.3}, "normalization": "batch_normalization", "activation": "elu"}
    model = prepare(smaller({**base, **recipe}, factor), (x, CLASSES)).built.training_model
    generator = np.random.default_rng(6)
    model.set_weights([weight + generator.uniform(-0.1, 0.1, weight.shape) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_samples_vary_around_the_prediction_and_leave_every_variable_alone(prepare, name):
    model = moved(prepare, *NETWORKS[name])
    before = [np.array(variable) for variable in model.variables]
    found = monte_carlo(model, NETWORKS[name][1], samples=50, seed=3, kind="classes")
    assert (found.std.max(axis=1) > 1e-4).all()
    assert (found.mutual_information > 0).all()
    assert (found.mutual_information < found.entropy).all()
    np.testing.assert_allclose(found.mean.sum(axis=1), 1, rtol=1e-6)
    assert all((old == np.array(now)).all() for old, now in zip(before, model.variables, strict=True))


TOGETHER = {
    **{name: NETWORKS[name] for name in ("residual", "augmentation, spatial", "recurrent", "bidirectional")},
    "alpha": ({"regularization": {"alpha_dropout": 0.3}}, ROWS),
    "dense": (
        {
            "activation": "randomized_leaky_relu",
            "regularization": {"dropout": 0.3, "input_dropout": 0.3, "gaussian_dropout": 0.3, "gaussian_noise": 1.0},
        },
        ROWS,
    ),
}
"""What networks have that samples must leave as it is, in as few as possible."""


@pytest.mark.parametrize("name", TOGETHER)
@pytest.mark.whole
def test_where_almost_nothing_is_dropped_every_sample_is_the_plain_prediction(prepare, name):
    """So nothing but dropout is in training mode, whatever the network, and copied layers have their weights."""
    model = moved(prepare, *TOGETHER[name], factor=1e-9)
    x = TOGETHER[name][1]
    found = monte_carlo(model, x, samples=4, seed=3, kind="classes")
    np.testing.assert_allclose(found.mean, model(x.astype(np.float32), training=False), atol=2e-4)
    assert found.std.max() < 2e-4


def test_padding_stays_masked(prepare, generator):
    from hornbook.data import Source

    tokens = generator.integers(1, 9, (60, 6)).astype(np.int32)
    tokens[:, 3:] = 0
    recipe = {"data": {"name": "arrays", "split": {"validation": 0, "test": 0}}, "regularization": {"dropout": 1e-9}}
    recipe["model"] = {"name": "rnn", "units": [3, 3], "embedding": 4}
    model = prepare(recipe, Source(tokens, CLASSES, "tokens", vocabulary_size=9)).built.model
    found = monte_carlo(model, tokens, samples=3, seed=1, kind="classes")
    np.testing.assert_allclose(found.mean, model(tokens, training=False), atol=1e-5)


def test_what_comes_before_the_first_dropout_runs_once(prepare):
    model = moved(prepare, {}, ROWS)
    before, after, copies = uncertainty._sampling_view(model)
    assert "hidden_1" in {layer.name for layer in before.layers}
    assert [layer.name for layer in after.layers][1] == "hidden_1_dropout"
    assert [layer.name for layer in copies] == ["hidden_1_dropout"]


def test_layers_inside_another_model_are_found():
    inner = network(keras.layers.Dense(4), keras.layers.Dropout(0.5), keras.layers.BatchNormalization())
    model = network(inner, keras.layers.Dense(1))
    before = [np.array(variable) for variable in model.variables]
    assert monte_carlo(model, ROWS, samples=9, seed=1, kind="numbers").std.min() > 0
    assert all((old == np.array(now)).all() for old, now in zip(before, model.variables, strict=True))


def test_no_examples_give_no_rows():
    found = monte_carlo(linear(keras.layers.Dropout(0.2)), ROWS[:0], samples=3, seed=1, kind="labels")
    assert (found.mean.shape, found.entropy.shape) == ((0, 1), (0, 1))


def test_a_model_without_dropout_is_refused_with_what_it_has():
    model = network(keras.layers.Dense(3), keras.layers.GaussianNoise(0.1), keras.layers.Dropout(0.0))
    with pytest.raises(UsageError) as caught:
        uncertainty.check_dropout(model, "runs/flowers/latest")
    assert str(caught.value) == (
        "runs/flowers/latest: Monte Carlo samples need dropout, and this model has none. Its layers: Dense, Dropout, "
        "GaussianNoise, InputLayer. Train with regularization.dropout (or alpha_dropout, spatial_dropout, "
        "gaussian_dropout), or leave out --mc-samples."
    )
    with pytest.raises(UsageError, match="at least 2 samples, found 1"):
        monte_carlo(linear(keras.layers.Dropout(0.5)), ROWS, samples=1, seed=1, kind="numbers")
