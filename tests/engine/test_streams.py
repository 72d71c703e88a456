"""Sources of batches that Python passes: trained on by Keras's `fit` as they are, like a user who calls `fit` alone."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import hornbook
from hornbook.builder.outside import unwrap
from hornbook.data.sources.given import given
from hornbook.errors import DataError, RecipeError, UsageError
from hornbook.trainer.prepare import prepare
from hornbook.trainer.resume import resume

RNG = np.random.default_rng(1)
X = RNG.normal(size=(40, 6)).astype(np.float32)
Y = np.arange(40) % 3
W = np.linspace(0.5, 2, 40).astype(np.float32)
RECIPE = {
    "name": "streamed",
    "seed": 3,
    "data": {"name": "arrays", "standardize": False},
    "model": {"name": "mlp", "units": [8]},
    "activation": "elu",
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    "schedule": "exponential",
    "training": {"epochs": 3},
}


class Sequence(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.ended = 0

    def __len__(self):
        return 3

    def __getitem__(self, place):
        rows = slice(place * 16, place * 16 + 16)
        return X[rows], Y[rows], W[rows]

    def on_epoch_end(self):
        self.ended += 1


def dataset(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays)


def batches():
    for place in range(3):
        rows = slice(place * 16, place * 16 + 16)
        yield X[rows], Y[rows]


NAMED = {"first": X[:, :2], "rest": X[:, 2:]}


def named_batches():
    for place in range(3):
        rows = slice(place * 16, place * 16 + 16)
        yield {name: array[rows] for name, array in NAMED.items()}, Y[rows]


SOURCES = {
    "a batched dataset": lambda: dataset(X, Y).batch(16),
    "a dataset of single examples": lambda: dataset(X, Y),
    "a dataset whose length nobody knows": lambda: dataset(X, Y).filter(lambda x, y: True).batch(16),
    "a dataset with weights": lambda: dataset(X, Y, W).batch(16),
    "a function that returns a generator": lambda: batches,
    "a PyDataset with weights": Sequence,
    "a dataset of named inputs": lambda: dataset(NAMED, Y).batch(16),
    "a dataset of single examples with named inputs": lambda: dataset(NAMED, Y),
    "a function whose batches have named inputs": lambda: named_batches,
}
SLOW = ("single", "length", "whose")
"""Words of the kinds that differ from others by how batches are found alone."""


@pytest.fixture(scope="module")
def train(tensorflow, tmp_path_factory):
    """A function: a source, more of the recipe, more arguments → the result of training on it."""
    runs = tmp_path_factory.mktemp("streams")

    def run(source, changes=None, **arguments):
        return hornbook.train(RECIPE | (changes or {}), data=source, runs=str(runs), progress=False, **arguments)

    return run


@pytest.fixture(scope="module")
def by_keras(prepare):
    """{whether examples are weighted: losses of three epochs of `fit` on the same batches, in plain Keras}."""
    arrays = {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}}

    def losses(weights):
        prepared = prepare(RECIPE | {"data": arrays, "training": {"epochs": 3, "batch_size": 16}}, (X, Y))
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "elu"), keras.layers.Dense(3, "softmax")])
        model.set_weights(prepared.built.model.get_weights())
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
        rates = iter(prepared.table.rates)
        rate = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda batch, logs: model.optimizer.learning_rate.assign(next(rates))
        )
        arguments = {"batch_size": 16, "shuffle": False, "epochs": 3, "verbose": 0, "callbacks": [rate]}
        return model.fit(X, Y, sample_weight=weights, **arguments).history["loss"]

    return {False: losses(None), True: losses(W)}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.whole if any(word in kind for word in SLOW) else ()) for kind in SOURCES],
)
def test_a_source_trains_like_plain_keras_on_the_same_batches(train, by_keras, kind):
    changes = {"training": {"epochs": 3, "batch_size": 16}} if "single" in kind else None
    source = SOURCES[kind]()
    result = train(source, changes)
    losses = [row["loss"] for row in result.history]
    assert losses == pytest.approx(by_keras["weights" in kind], rel=1e-5)
    if isinstance(source, Sequence):
        assert source.ended == 4  # the pass in front of training, and three epochs


@pytest.mark.whole
def test_a_shuffled_source_is_shuffled_anew_in_each_epoch(train):
    seen = []

    def shuffled():
        order = np.random.default_rng(len(seen)).permutation(40)
        seen.append(order)
        yield X[order], Y[order]

    train(shuffled)
    assert len(seen) == 4
    assert not any((seen[0] == other).all() for other in seen[1:])


@pytest.mark.whole
def test_a_dataset_without_end_goes_on_from_epoch_to_epoch(train):
    numbers = tf.data.Dataset.range(10**6).repeat()
    seen = []

    def note(number):
        seen.append(int(number))
        return X[:8], Y[:8]

    source = numbers.map(
        lambda n: tf.ensure_shape(tf.py_function(lambda k: float(note(k)[0][0, 0]), [n], tf.float32), ())
    ).map(lambda first: (tf.constant(X[:8]) + 0 * first, tf.constant(Y[:8])))
    result = train(source, steps_per_epoch=4)
    assert [row["epoch"] for row in result.history] == [1, 2, 3]
    assert seen[:16] == list(range(16))  # four of the first pass, and four of each epoch


def test_validation_data_is_evaluated_each_epoch(train):
    result = train(dataset(X, Y).batch(16), validation_data=(X[:9], Y[:9], W[:9]))
    model = result.model
    model.compile(loss="sparse_categorical_crossentropy")
    expected = model.evaluate(X[:9], Y[:9], sample_weight=W[:9], verbose=0, return_dict=True)["loss"]
    assert result.history[-1]["val_loss"] == pytest.approx(expected, rel=1e-4)
    again = train(dataset(X, Y).batch(16), validation_data=dataset(X[:9], Y[:9], W[:9]))
    assert again.history == [
        {**row, **{key: again.history[place][key] for key in row if "seconds" in key}}
        for place, row in enumerate(result.history)
    ]


def test_inputs_are_standardized_by_the_statistics_of_one_pass(train):
    scaled = train(dataset(5 * X + 100, Y).batch(16), {"data": {"name": "arrays", "standardize": True}})
    (layer,) = [layer for layer in scaled.model.layers if isinstance(layer, keras.layers.Normalization)]
    np.testing.assert_allclose(np.ravel(layer.mean), (5 * X + 100).mean(axis=0), rtol=1e-5)
    facts = json.loads((scaled.run / "data.json").read_text())
    assert facts["extra"]["stream"]["source"] == "tf.data.Dataset"


@pytest.mark.whole
def test_a_resumed_run_ends_like_one_that_was_left_alone_and_keeps_its_statistics(train, tmp_path):
    drifting = iter(range(100))

    def source():
        yield X + next(drifting), Y  # no pass is like the others

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    standardized = {"data": {"name": "arrays", "standardize": True}}
    whole = train(dataset(X, Y).batch(16), standardized)
    with pytest.raises(KeyboardInterrupt):
        train(dataset(X, Y).batch(16), standardized | {"name": "cut"}, callbacks=[Stop()])
    run = whole.run.parents[1] / "cut" / "latest"
    result = resume(run, data=dataset(X, Y).batch(16))
    assert [row["loss"] for row in result.history] == [row["loss"] for row in whole.history]
    for ours, theirs in zip(result.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(KeyboardInterrupt):
        train(source, standardized | {"name": "drifting"}, callbacks=[Stop()])
    resumed = resume(whole.run.parents[1] / "drifting" / "latest", data=source)
    (layer,) = [layer for layer in resumed.model.layers if isinstance(layer, keras.layers.Normalization)]
    np.testing.assert_allclose(np.ravel(layer.mean), X.mean(axis=0), atol=1e-6)  # the first pass of the first process


def test_what_goes_wrong_in_a_later_epoch_is_said_without_tensorflows_wrapping(train):
    left = iter([3, 3, 2])

    def shrinking():
        for place in range(next(left)):
            yield X[place : place + 8], Y[place : place + 8]

    with pytest.raises(DataError, match="ended after 2 of the 3 batches of its first pass"):
        train(shrinking)


def test_an_error_in_the_source_itself_comes_out_as_it_is(train):
    passes = iter(range(9))

    def failing():
        yield X, Y
        if next(passes) > 1:
            raise KeyError("a bug of the user's")

    with pytest.raises(KeyError, match="a bug of the user's"):
        train(failing)


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"training": {"engine": "xla"}}, "training.engine", "'xla' gathers its own batches"),
        ({"training": {"batch_size": 8}}, "training.batch_size", "a tf.data.Dataset gives batches of 16."),
        ({"training": {"drop_remainder": True}}, "training.drop_remainder", "a tf.data.Dataset makes its own batches."),
        (
            {"schedule": "one_cycle"},
            "training.engine",
            "Keras's 'fit' cannot move the momentum, which 'one_cycle' does.",
        ),
        ({"pretraining": "corruption"}, "pretraining", "pretraining needs inputs in an order of its own"),
    ],
)
def test_keys_that_a_source_of_batches_leaves_without_meaning_are_refused(tensorflow, changes, path, message):
    with pytest.raises(RecipeError) as caught:
        prepare(hornbook.load_recipe(RECIPE | changes), dataset(X, Y).batch(16))
    (problem,) = caught.value.problems
    assert problem.sentence().startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            lambda: tf.data.Dataset.from_tensor_slices({"x": X, "y": Y}).batch(16),
            "data: the dataset holds a mapping of x, y",
        ),
        (lambda: dataset((X, X), Y).batch(16), "data: the dataset holds 2 arrays in the place of one. Give them names"),
        (
            lambda: dataset({"a": X[:, 0], "b": X[:, 1]}, Y).batch(8, drop_remainder=True),
            "data: the dataset holds inputs and targets of 8 numbers each: one example, or a batch of 8?",
        ),
        (lambda: dataset(X).batch(16), "data: the dataset holds "),
        (lambda: dataset(X, Y).batch(16).take(0), "data: the tf.data.Dataset gave no batch at all."),
    ],
)
def test_datasets_that_hold_no_examples_are_refused(tensorflow, source, message):
    with pytest.raises(DataError) as caught:
        prepare(hornbook.load_recipe(RECIPE), source())
    assert str(caught.value).startswith(message)


def test_a_dataset_without_end_asks_for_steps(tensorflow):
    with pytest.raises(UsageError, match="this dataset has no end"):
        given(dataset(X, Y).batch(16).repeat())


@pytest.mark.whole
def test_from_dataset_reads_all_of_it_once_into_arrays(train):
    arrays = hornbook.from_dataset(dataset(X, Y, W).shuffle(40, seed=1))
    for found, expected in zip(arrays, (X, Y, W), strict=True):
        assert sorted(np.ravel(found)) == sorted(np.ravel(expected))
    assert train(arrays, {"training": {"epochs": 1, "batch_size": 8}}).state == "finished"


@pytest.mark.whole
def test_a_learning_rate_is_found_on_the_examples_of_the_first_pass(tensorflow):
    found = hornbook.find_learning_rate(RECIPE, data=dataset(X, Y).batch(16), seeds=1)
    assert len(found.curves[0].losses) > 10


TEXTS = np.array([f"a {('dull', 'fine', 'odd')[kind]} film, number {place % 5}" for place, kind in enumerate(Y)])


def test_a_dataset_of_texts_trains_a_network_that_takes_raw_texts(train):
    changes = {
        "data": {"name": "arrays", "text": {"length": 5}},
        "model": {"name": "mean_embedding", "embedding": 4, "dense": [4]},
        "training": {"epochs": 2, "batch_size": 16},
    }
    result = train(dataset(TEXTS, Y), changes, validation_data=dataset(TEXTS[:9], Y[:9]).batch(4))
    vectorize = keras.layers.TextVectorization(output_sequence_length=5)
    vectorize.adapt(TEXTS)
    vocabulary = json.loads((result.run / "data.json").read_text())["extra"]["texts"]["text"]["vocabulary"]
    assert {*vocabulary} == {*vectorize.get_vocabulary()[2:]}
    numbers = {"": 0, "[UNK]": 1, **{word: place for place, word in enumerate(vocabulary, 2)}}
    words = np.array(vectorize.get_vocabulary())[np.asarray(vectorize(TEXTS))]
    tokens = np.vectorize(numbers.get)(words).astype(np.int32)
    saved = keras.models.load_model(result.run / "checkpoints" / "last.keras", compile=False)
    scores = np.asarray(saved(tf.constant(TEXTS)))
    np.testing.assert_allclose(result.model.predict(tf.constant(TEXTS), verbose=0), scores, atol=1e-6)
    model = unwrap(saved)  # the network, which reads token numbers
    np.testing.assert_allclose(scores, model.predict(tokens, verbose=0), atol=1e-6)
    model.compile(loss="sparse_categorical_crossentropy")
    expected = model.evaluate(tokens[:9], Y[:9], verbose=0)
    assert result.history[-1]["val_loss"] == pytest.approx(expected, rel=1e-4)


def test_a_dataset_of_named_targets_trains_several_heads_like_plain_keras(train):
    price = (3 * X[:, 0] + 2).astype(np.float32)
    heads = {"kind": {"weight": 0.3}, "price": {"loss": "mean_squared_error", "standardize_targets": False}}
    result = train(dataset(NAMED, {"price": price, "kind": Y}).batch(16), {"heads": heads, "training": {"epochs": 1}})
    (row,) = result.history
    assert row["loss"] == pytest.approx(0.3 * row["kind_loss"] + row["price_loss"], rel=1e-5)
    outputs = keras.models.load_model(result.run / "checkpoints" / "last.keras", compile=False).predict(
        NAMED, verbose=0
    )
    assert {name: array.shape for name, array in outputs.items()} == {"kind": (40, 3), "price": (40, 1)}


@pytest.mark.whole
def test_a_run_on_named_inputs_goes_on_where_it_was_stopped(train):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    source = {**NAMED, "series": RNG.normal(size=(40, 5, 2)).astype(np.float32)}
    changes = {"data": {"name": "arrays", "standardize": True}}
    whole = train(dataset(source, Y).batch(16), changes)
    with pytest.raises(KeyboardInterrupt):
        train(dataset(source, Y).batch(16), changes | {"name": "named_cut"}, callbacks=[Stop()])
    result = resume(whole.run.parents[1] / "named_cut" / "latest", data=dataset(source, Y).batch(16))
    assert [row["loss"] for row in result.history] == [row["loss"] for row in whole.history]
    for ours, theirs in zip(result.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
