"""Pretraining: the objectives against NumPy and scikit-learn, what training starts from, and which labels are seen."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.decomposition import PCA

from hornbook import load_recipe
from hornbook.errors import RecipeError, UsageError
from hornbook.inference.evaluate import evaluate_run
from hornbook.recipes.control import control_of
from hornbook.trainer.prepare import prepare
from hornbook.trainer.pretraining.autoencoder import Autoencoder
from hornbook.trainer.pretraining.auxiliary import Corruption, Rotation
from hornbook.trainer.pretraining.boltzmann import BoltzmannMachine, free_energy
from hornbook.trainer.pretraining.state import Pretraining
from hornbook.trainer.train import train

pytestmark = pytest.mark.usefixtures("tensorflow")
RNG = np.random.default_rng(0)
DIGITS = {"name": "digits", "limit": 1600, "split": {"validation": 40, "test": 100}}  # 50 batches of 32


def recipe_of(pretraining, **more):
    training = {"epochs": 1, "batch_size": 32, "engine": "graph"} | more.pop("training", {})
    tree = {"name": "few", "data": DIGITS, "model": {"name": "mlp", "units": [16, 8]}, **more}
    return load_recipe({**tree, "pretraining": pretraining, "training": training})


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def dense(kernel, bias):
    layer = keras.layers.Dense(kernel.shape[1], activation=None)
    layer.build((None, kernel.shape[0]))
    layer.set_weights([kernel, bias])
    return layer


def constants():
    """Return a kernel (5, 3), hidden and visible biases, and 4 binary rows: a tiny Boltzmann machine."""
    generator = np.random.default_rng(1)
    kernel, hidden, visible = generator.normal(size=(5, 3)), generator.normal(size=3), generator.normal(size=5)
    v = (generator.random((4, 5)) < 0.5).astype(float)
    return tuple(array.astype(np.float32) for array in (kernel, hidden, visible, v))


def test_free_energy_is_minus_the_log_of_the_sum_over_all_hidden_states():
    kernel, hidden, visible, v = constants()
    states = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], np.float32)
    energies = -(v @ visible)[:, None] - states @ hidden - (v @ kernel) @ states.T
    expected = -np.log(np.exp(-energies).sum(axis=1))
    np.testing.assert_allclose(free_energy(v, kernel, hidden, visible), expected, rtol=1e-5)


def test_the_gradient_is_that_of_contrastive_divergence(generator):
    kernel, hidden, visible, v = constants()
    sample = (generator.random((4, 5)) < 0.5).astype(np.float32)
    variables = [tf.Variable(value) for value in (kernel, hidden, visible)]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(free_energy(v, *variables) - free_energy(sample, *variables))
    on, on_k = sigmoid(v @ kernel + hidden), sigmoid(sample @ kernel + hidden)
    by_hand = [-(v.T @ on - sample.T @ on_k) / 4, -(on - on_k).mean(axis=0), -(v - sample).mean(axis=0)]
    for gradient, expected in zip(tape.gradient(loss, variables), by_hand, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)


def test_no_gradient_flows_through_the_samples():
    kernel, hidden, _, v = constants()
    machine = BoltzmannMachine(block=[dense(kernel, hidden)], clean=None, width=5, seed=1, steps=2)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(machine(v)[:, 0])
    found = tape.gradient(loss, machine.dense.kernel.value)
    on = sigmoid(v @ kernel + hidden)
    rest = found * 4 + v.T @ on  # what is left is Σ s σ(sW + b) of binary rows s
    assert np.all(rest > -1e-4)
    assert np.all(rest < 4 + 1e-4)


def test_gibbs_samples_have_the_model_s_probabilities():
    kernel, hidden, visible, v = constants()
    machine = BoltzmannMachine(block=[dense(kernel, hidden)], clean=None, width=5, seed=1)
    machine.build((None, 5))
    machine.bias.assign(visible)
    many = np.repeat(v[:1], 100_000, axis=0)
    sample, _ = machine._round(many, kernel, hidden, visible)
    states = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], np.float32)
    on = sigmoid(v[0] @ kernel + hidden)
    weights = np.prod(np.where(states == 1, on, 1 - on), axis=1)
    np.testing.assert_allclose(np.mean(sample, axis=0), weights @ sigmoid(states @ kernel.T + visible), atol=0.01)


def test_a_tied_autoencoder_decodes_with_its_own_weights_transposed():
    kernel, hidden, _, v = constants()
    layer = Autoencoder(block=[dense(kernel, hidden)], clean=None, width=5, seed=1, decoder="tied", sparsity=0.1)
    codings = v @ kernel + hidden
    error = np.mean((v - codings @ kernel.T) ** 2, axis=1)
    np.testing.assert_allclose(layer(v)[:, 1], error, rtol=1e-4)
    np.testing.assert_allclose(layer(v)[:, 0], error + 0.1 * np.abs(codings).sum(axis=1), rtol=1e-4)


def test_masking_and_noise_are_for_training_alone_and_as_strong_as_they_say():
    options = {"block": [dense(*constants()[:2])], "clean": None, "width": 5, "seed": 1}
    x = np.ones((20_000, 5), np.float32)
    masked = np.asarray(Autoencoder(**options, masking=0.3)._corrupted(x))
    assert set(np.unique(masked)) == {0.0, 1.0}
    assert np.mean(masked == 0) == pytest.approx(0.3, abs=0.01)
    assert np.std(Autoencoder(**options, noise=0.2)._corrupted(x)) == pytest.approx(0.2, rel=0.02)
    quiet, noisy = Autoencoder(**options), Autoencoder(**options, noise=0.2)
    np.testing.assert_array_equal(quiet(x[:3])[:, 1], noisy(x[:3])[:, 1])
    assert np.any(np.asarray(quiet(x[:3], training=True)) != np.asarray(noisy(x[:3], training=True)))


@pytest.mark.parametrize("decoder", ["tied", pytest.param("free", marks=pytest.mark.whole)])
def test_a_linear_autoencoder_comes_as_close_as_principal_components(decoder, tmp_path, generator):
    x = generator.normal(size=(400, 4)) @ generator.normal(size=(4, 12)) + 0.1 * generator.normal(size=(400, 12))
    x = (x / x.std()).astype(np.float32)
    pca = PCA(3).fit(x)
    bound = float(np.mean((x - pca.inverse_transform(pca.transform(x))) ** 2))
    recipe = load_recipe(
        {
            "data": {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}},
            "model": {"name": "mlp", "units": [3]},
            "activation": "linear",
            "training": {"epochs": 1, "batch_size": 40, "engine": "graph"},
            "pretraining": {
                "name": "autoencoder",
                "decoder": decoder,
                "epochs": 120,
                "optimizer": {"name": "adam", "learning_rate": 0.02},
            },
        }
    )
    result = train(recipe, data=(x, np.arange(400) % 2), runs=tmp_path)
    reached = result.history[-2]["reconstruction_error"]
    assert bound * 0.999 < reached < bound * 1.03


def test_a_rotated_image_is_numpy_s_and_the_label_counts_quarter_turns(generator):
    body = keras.Sequential([keras.Input((3, 3, 1)), keras.layers.Flatten()])
    images = generator.random((200, 3, 3, 1)).astype(np.float32)
    turned, labels = Rotation(body=body, seed=1).change(tf.constant(images))
    assert set(np.asarray(labels)) == {0, 1, 2, 3}
    for image, one, label in zip(images, np.asarray(turned), np.asarray(labels), strict=True):
        np.testing.assert_array_equal(one, np.rot90(image, label))


def test_corrupted_values_come_from_another_example_in_the_same_place():
    body = keras.Sequential([keras.Input((50,)), keras.layers.Dense(2)])
    x = np.arange(100)[:, None] + 1000 * np.arange(50)[None, :]
    changed, labels = (
        np.asarray(a) for a in Corruption(body=body, seed=1, rate=0.3).change(tf.constant(x, tf.float32))
    )
    is_changed = changed != x
    assert not is_changed[labels == 0].any()
    assert is_changed[labels == 1].mean() == pytest.approx(0.3, abs=0.05)
    assert (changed // 1000 == np.arange(50)).all()
    for row, corrupted in zip(changed % 1000, labels, strict=True):
        assert len(np.unique(row)) <= 1 + corrupted
    assert labels.mean() == pytest.approx(0.5, abs=0.15)


def losses_of_phases(prepared):
    """Train all phases of a prepared run and return the loss of each epoch."""
    structure, losses = prepared.structure(with_statistics=True), []
    state = Pretraining(prepared.recipe, prepared.built, prepared.unlabeled, structure=structure)
    while not state.is_over:
        state.loop.train_epoch(state.plan(), iter(lambda: 1000, None), lambda done: False)
        losses.append(state.loop.logs()["loss"])
        state.close({})
    return losses


def pretrained(prepared):
    """Train all phases of a prepared run and return the main model's weights by path."""
    losses_of_phases(prepared)
    return {variable.path: variable.numpy() for variable in prepared.built.model.weights}


@pytest.mark.parametrize(
    "pretraining",
    [
        {"name": "autoencoder", "masking": 0.2},
        pytest.param({"name": "corruption"}, marks=pytest.mark.whole),
        {"name": "rotation"},
    ],
)
def test_training_starts_from_the_pretrained_weights(pretraining, tmp_path):
    frozen = {"optimizer": {"name": "sgd", "learning_rate": 1e-30}}
    recipe = recipe_of({**pretraining, "epochs": 2, "labeled": 96}, **frozen)
    before = {v.path: v.numpy() for v in prepare(recipe).built.model.weights}
    expected = pretrained(prepare(recipe))
    result = train(recipe, runs=tmp_path)
    after = {variable.path: variable.numpy() for variable in result.model.weights}
    for path, value in after.items():
        np.testing.assert_allclose(value, expected[path], rtol=0, atol=1e-20)
        is_hidden_kernel = path.startswith("hidden") and path.endswith("kernel")
        assert np.allclose(value, before[path], rtol=0, atol=1e-20) != is_hidden_kernel or path.endswith("bias")


def test_only_one_layer_learns_at_a_time():
    recipe = recipe_of({"name": "autoencoder", "epochs": 1})
    prepared = prepare(recipe)
    structure, model = prepared.structure(with_statistics=True), prepared.built.model
    state = Pretraining(prepared.recipe, prepared.built, prepared.unlabeled, structure=structure)

    def changed(name):
        start = {layer.name: layer.get_weights() for layer in model.layers}
        state.loop.train_epoch(state.plan(), iter(lambda: 1000, None), lambda done: False)
        state.close({})
        return [
            layer.name
            for layer in model.layers
            if any((old != new).any() for old, new in zip(start[layer.name], layer.get_weights(), strict=True))
        ]

    assert [changed(name) for name in state.names] == [["hidden_1"], ["hidden_2"]]


def test_masked_labels_are_not_used(tmp_path, generator):
    x = generator.normal(size=(292, 6)).astype(np.float32)
    y = np.arange(292) % 3
    others = y.copy()
    others[64:192] = (y[64:192] + 1) % 3  # of the training split, after the first 64
    recipe = load_recipe(
        {
            "data": {"name": "arrays", "split": {"validation": 50, "test": 50, "method": "last"}, "sample": "first"},
            "model": {"name": "mlp", "units": [8]},
            "training": {"epochs": 3, "engine": "graph", "class_weights": "balanced"},
            "pretraining": {"name": "corruption", "epochs": 2, "labeled": 64},
        }
    )
    first, second = (train(recipe, data=(x, labels), runs=tmp_path) for labels in (y, others))
    for one, other in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert first.test == second.test


def test_facts_count_the_labeled_examples_and_the_heading_says_how_many_inputs_there_are(tmp_path):
    result = train(recipe_of({"name": "autoencoder", "epochs": 1, "labeled": 96}), runs=tmp_path)
    facts = json.loads((result.run / "data.json").read_text())
    assert facts["counts"] == {"train": 96, "validation": 40, "test": 100}
    assert sum(facts["class_counts"]) == 96
    assert facts["extra"]["unlabeled"] == 1600
    log = (result.run / "log.txt").read_text()
    assert "(96 train, 40 validation, 100 test)" in log
    assert "1,600 inputs for pretraining" in log
    assert "note    pretraining hidden_1: 1 epoch on 1,600 inputs without labels" in log
    assert "note    training: on 96 labeled examples" in log
    assert evaluate_run(str(result.run), split="train").count == 96


@pytest.mark.whole
def test_the_control_trains_on_the_same_labels_and_equals_a_run_of_those_examples_alone(tmp_path):
    whole = {key: value for key, value in DIGITS.items() if key != "limit"}
    recipe = recipe_of({"name": "autoencoder", "epochs": 2, "labeled": 96}, data=whole, training={"epochs": 2})
    control = train(control_of(recipe), runs=tmp_path)
    assert [row["phase"] for row in control.history] == ["training", "training"]
    plain = load_recipe(
        {**{k: v for k, v in recipe.to_dict().items() if k != "pretraining"}, "data": {**whole, "limit": 96}}
    )
    alone = train(plain, runs=tmp_path)
    for one, other in zip(control.model.get_weights(), alone.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    again = train(load_recipe(control.run / "recipe.yaml"), runs=tmp_path)
    assert again.test == control.test
    assert again.recipe.pretraining.control


def test_a_recipe_that_learned_nothing_before_has_no_control():
    with pytest.raises(UsageError, match="--control: the recipe has neither 'pretraining' nor 'reuse'"):
        control_of(load_recipe({"data": "digits", "model": {"name": "mlp", "units": [3]}}))


@pytest.mark.whole
def test_pretraining_leaves_the_draws_and_order_of_training_alone(tmp_path):
    noise = {"regularization": {"dropout": 0.3}}
    tiny = {"name": "sgd", "learning_rate": 1e-42}  # times a gradient no number that can be told from 0
    recipe = recipe_of({"name": "corruption", "epochs": 1, "optimizer": tiny}, training={"epochs": 2}, **noise)
    with_it, without = train(recipe, runs=tmp_path), train(control_of(recipe), runs=tmp_path)
    for one, other in zip(with_it.model.get_weights(), without.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_engines_agree():
    recipes = [
        recipe_of(
            {"name": "autoencoder", "decoder": "free", "epochs": 2, "labeled": 32},
            data=DIGITS | {"limit": 192},
            model={"name": "mlp", "units": [8]},
            training={"engine": engine},
        )
        for engine in ("graph", "xla", "fit")
    ]
    graph, xla, fit = (losses_of_phases(prepare(recipe)) for recipe in recipes)
    assert len(graph) == 2
    assert graph == pytest.approx(xla, rel=1e-4)
    assert graph == fit


@pytest.mark.whole
def test_inputs_on_disk_are_pretrained_on_like_those_in_memory(tmp_path, generator):
    x = generator.random((168, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.arange(168) % 2)
    split = {"validation": 20, "test": 20}  # 128 are left, 4 batches of 32
    tree = {
        "data": {"name": "npy", "inputs": str(tmp_path / "x.npy"), "targets": str(tmp_path / "y.npy"), "split": split},
        "model": {"name": "mlp", "units": [6]},
        "pretraining": {"name": "autoencoder", "epochs": 2, "labeled": 64},
    }
    results = [
        train(load_recipe({**tree, "training": {"epochs": 1, "engine": "graph", **more}}), runs=tmp_path / "runs")
        for more in ({}, {"memory_budget": "0.001 MB"})
    ]
    assert "data streams from disk" in (results[1].run / "log.txt").read_text()
    for one, other in zip(results[0].history, results[1].history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)


@pytest.mark.parametrize("source", ["data", "inputs"])
@pytest.mark.whole
def test_inputs_may_come_from_elsewhere(source, tmp_path, generator):
    x = generator.integers(0, 256, (64, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "other.npz", x=x, **({"y": np.arange(64) % 2} if source == "data" else {}))
    path = str(tmp_path / "other.npz")
    given = {"name": "npz", "path": path, "split": {"validation": 0, "test": 0}} if source == "data" else path
    arrays = {"name": "arrays", "split": {"validation": 0, "test": 50}}
    recipe = recipe_of({"name": "rotation", "epochs": 1, source: given}, data=arrays)
    images = generator.integers(0, 256, (178, 8, 8)).astype(np.uint8)
    given = images, np.arange(178) % 3
    assert len(prepare(recipe, given).unlabeled) == 64
    if source == "data":  # both are what pretraining sees from here on
        result = train(recipe, data=given, runs=tmp_path / "runs")
        assert json.loads((result.run / "data.json").read_text())["extra"]["unlabeled"] == 64


def test_a_relative_file_of_inputs_is_absolute_in_the_run(tmp_path, monkeypatch, generator):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", generator.normal(size=(30, 4)).astype(np.float32))
    recipe = recipe_of(
        {"name": "corruption", "inputs": "x.npy"}, data={"name": "iris"}, model={"name": "mlp", "units": [3]}
    )
    assert prepare(recipe).recipe.pretraining.inputs == str(tmp_path / "x.npy")


def refused(recipe, data=None):
    with pytest.raises(RecipeError) as caught:
        prepare(recipe, data)
    (problem,) = caught.value.problems
    return problem.sentence()


def test_inputs_of_another_shape_are_refused_before_training(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((5, 7, 7), np.uint8))
    arrays = {"name": "arrays"}
    data = (np.zeros((60, 8, 8), np.uint8), np.arange(60) % 2)
    path = str(tmp_path / "x.npy")
    assert refused(recipe_of({"name": "rotation", "inputs": path}, data=arrays), data) == (
        f"pretraining.inputs: {path}: found shape (5, 7, 7), the model expects (examples, 8, 8, 1)."
        " The inputs need the shape and type of the recipe's own data."
    )
    assert refused(recipe_of({"name": "corruption", "data": "diabetes"}, data={"name": "iris"})) == (
        "pretraining.data: diabetes: found shape (317, 10), the model expects (examples, 4)."
        " The inputs need the shape and type of the recipe's own data."
    )


def test_other_inputs_that_do_not_fit_are_refused_before_training():
    arrays = {"name": "arrays", "standardize": False}
    wide = (np.zeros((60, 6, 8), np.uint8), np.arange(60) % 2)
    assert refused(recipe_of({"name": "rotation"}, data={"name": "arrays"}), wide) == (
        "pretraining: only square images can be rotated, these are 6×8×1. Use 'corruption'."
    )
    numbers = (np.linspace(-2, 3, 240, dtype=np.float32).reshape(60, 4), np.arange(60) % 2)
    sentence = refused(recipe_of({"name": "rbm"}, data=arrays, activation="sigmoid"), numbers)
    assert sentence.startswith("pretraining: a Boltzmann machine reads numbers between 0 and 1, and the inputs lie")
    assert refused(recipe_of({"name": "autoencoder", "labeled": 5000})) == (
        "pretraining.labeled: the training split has 1,600 examples, and 5,000 shall keep their labels. Use at most 1600."
    )
