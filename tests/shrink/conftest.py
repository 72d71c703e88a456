"""Small networks with numbers in all their weights, and a run to make smaller."""

import numpy as np
import pytest

DIGITS = {"name": "digits", "limit": 192, "split": {"validation": 64, "test": 40}}
EARLIER = {
    "name": "earlier",
    "data": DIGITS,
    "model": {"name": "mlp", "units": [24, 12]},
    "normalization": {"name": "batch_normalization", "momentum": 0.9},
    "regularization": {"dropout": 0.1},
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    "training": {"epochs": 6, "engine": "graph"},
}


@pytest.fixture(scope="session", autouse=True)
def short_timing():
    """Two calls of each model in place of some tenths of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hornbook.shrinking.measure.SECONDS", 0.0)
        patch.setattr("hornbook.shrinking.measure.FEWEST_CALLS", 2)
        yield


@pytest.fixture(scope="session")
def earlier(tensorflow, tmp_path_factory):
    """The folder of a finished run with batch normalization and dropout."""
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    return train(load_recipe(EARLIER), runs=tmp_path_factory.mktemp("earlier")).run


@pytest.fixture(scope="session")
def shrink(earlier, tmp_path_factory):
    """A function: what `shrink` says beside `from`, and more of the recipe → the result of the run that shrinks the earlier one."""
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    def run(section=None, /, *, runs=None, **more):
        training = {"engine": "graph"} | more.pop("training", {})
        tree = {"shrink": {"from": str(earlier), "max_loss": 100.0} | (section or {}), "training": training, **more}
        return train(load_recipe(tree), runs=runs or tmp_path_factory.mktemp("shrunk"))

    return run


@pytest.fixture(scope="session")
def numbered(tensorflow):
    """A function that puts random numbers into all weights of a model."""
    return with_numbers


@pytest.fixture(scope="session")
def network(tensorflow):
    """A function: a shape and layers in a row → a functional model whose weights are all random numbers."""
    import keras

    def build(shape, *layers):
        x = inputs = keras.Input(shape, name="input")
        for layer in layers:
            x = layer(x)
        return with_numbers(keras.Model(inputs, x))

    return build


def with_numbers(model, seed=0):
    """Put random numbers into all weights of a model; variances are above 0."""
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        weights = [generator.normal(0.2, 0.5, weight.shape).astype(np.float32) for weight in layer.weights]
        names = [weight.path.rsplit("/", 1)[-1] for weight in layer.weights]
        arrays = [
            abs(array) + 0.5 if name.endswith("variance") else array for name, array in zip(names, weights, strict=True)
        ]
        if not hasattr(layer, "finalize_state"):
            layer.set_weights(arrays)
    return model


@pytest.fixture
def assert_equal(generator):
    """A function that compares the outputs of two models on random rows."""

    def check(first, second, scale=1.0):
        rows = generator.uniform(-scale, scale, (7, *first.inputs[0].shape[1:])).astype(np.float32)
        expected = np.asarray(first(rows, training=False))
        found = np.asarray(second(rows, training=False))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1.0, np.abs(expected).max()))

    return check
