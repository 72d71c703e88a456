"""Every component trains, and what it leaves loads in a process that knows Keras alone."""

import inspect
import json
import subprocess
from itertools import zip_longest

import keras
import numpy as np
import pytest

from hornbook.engine.choice import choose_engine
from hornbook.engine.loops import make_loop
from hornbook.recipes.language.spec import catalog

RNG = np.random.default_rng(11)
ROWS = 32  # two whole batches: a smaller last one would be a second program to trace, and is tested beside the engine
X = RNG.normal(size=(ROWS, 6)).astype(np.float32)
IMAGES = RNG.integers(0, 256, (ROWS, 8, 8, 2)).astype(np.uint8)
SERIES = RNG.normal(size=(ROWS, 7, 3)).astype(np.float32)
CLASSES = RNG.integers(0, 3, ROWS)
TARGETS = {
    "regression": RNG.uniform(0.5, 2, ROWS).astype(np.float32),
    "multiclass": CLASSES,
    "binary": CLASSES % 2,
    "multilabel": RNG.integers(0, 2, (ROWS, 3)),
}
SHARES = RNG.dirichlet((1, 1, 1), ROWS).astype(np.float32)
VECTORS = {"cosine_similarity": SHARES, "kl_divergence": SHARES}
"""Targets of losses that compare several numbers per example."""
OURS = {"step", "randomized_leaky_relu", "parametric_selu", "parametric_mish"}  # Hornbook's own layers
HIDDEN = [name for name, cls in catalog("activation").items() if cls.hidden]
NORMALIZATIONS = [name for name in catalog("normalization") if name != "none"]


def dense(**own):
    return {"name": "dense", "units": 6, **own}


def stack(*layers):
    return {"model": {"name": "layers", "layers": list(layers)}}


NORMALIZED = [
    {"normalization": {"name": name, "position": position} | ({"groups": 2} if name[0] == "g" else {})}
    for name, position in zip(NORMALIZATIONS, ("before_activation", "after_activation") * 2, strict=True)
]
REGULARIZED = [
    {"regularization": {name: 0.1}}
    for name in ("dropout", "alpha_dropout", "gaussian_dropout", "gaussian_noise", "l1", "l2", "max_norm")
]


def every_kind(activations):
    """Return a network with a layer for each activation, normalization and kind of regularization, in as few as it takes."""
    pairs = zip_longest(NORMALIZED + REGULARIZED, activations)
    return stack(
        *(dense(activation=name or "linear", **{"normalization": "none", **(more or {})}) for more, name in pairs)
    )


RECURRENT = {"regularization": {"spatial_dropout": 0.2, "dropout": 0.1}, "normalization": "layer_normalization"}


LINEAR = {"model": {"name": "mlp"}}
"""No hidden layer, where none is needed: each takes time to trace."""


def trained(prepare, run_epochs, recipe, data, engine="graph"):
    training = {"batch_size": 16, "engine": engine} | recipe.get("training", {})
    prepared = prepare({**recipe, "training": training}, data)
    before = [weight.copy() for weight in prepared.built.model.get_weights()]
    (logs,) = run_epochs(prepared)
    assert all(np.isfinite(value) for value in logs.values())
    variables = prepared.built.model.trainable_variables
    names = [v.path for v, old in zip(prepared.built.model.weights, before, strict=True) if (v.numpy() != old).any()]
    assert any(v.path in names for v in variables)
    return prepared, names


def test_every_kind_of_layer_trains(prepare, run_epochs):
    """Compiled by XLA, which takes fewer operations than a graph and draws random numbers in a way of its own."""
    recipe = every_kind(HIDDEN) | {"optimizer": {"name": "lion", "learning_rate": 1e-3}}
    prepared, moved = trained(prepare, run_epochs, recipe, (X, CLASSES), "xla")
    assert choose_engine("auto", prepared.built) == "xla"
    kernels = [v.path for v in prepared.built.model.trainable_variables if v.path.endswith("kernel")]
    assert len(kernels) > len(HIDDEN)
    assert set(kernels) <= set(moved)  # gradients reach every layer


def with_everything(name):
    optimizer = {"name": name, "accumulation": 2, "ema": 0.9, "weight_decay": 0.01}
    return {"optimizer": optimizer, "training": {"gradient_clipping": {"by": "global_norm", "threshold": 1.0}}}


@pytest.mark.parametrize("name", catalog("optimizer"))
def test_every_optimizer_is_built_with_averaging_accumulation_clipping_and_decay(prepare, name):
    recipe = LINEAR | with_everything(name)
    recipe["training"] = {"batch_size": 16, **recipe["training"]}
    built = prepare(recipe, (X, CLASSES)).built.optimizer
    assert type(built).__module__.startswith("keras.")
    assert (built.use_ema, built.ema_momentum, built.gradient_accumulation_steps) == (True, 0.9, 2)
    assert (built.weight_decay, built.global_clipnorm) == (0.01, 1.0)


@pytest.mark.parametrize("name", ["adafactor", "ftrl", "lamb", "muon", "schedule_free_adamw"])
def test_optimizers_train_with_averaging_accumulation_clipping_and_decay(prepare, run_epochs, name):
    """Those whose steps no other test follows with NumPy."""
    trained(prepare, run_epochs, LINEAR | with_everything(name), (X, CLASSES))


@pytest.mark.parametrize(("name", "units"), [("nadam", []), ("muon", [4])])  # Muon leaves the head to Adam
@pytest.mark.whole
def test_unusual_optimizers_give_the_same_weights_under_xla(prepare, run_epochs, name, units):
    weights = []
    for engine in ("graph", "xla"):
        recipe = {"model": {"name": "mlp", "units": units}, "optimizer": {"name": name, "learning_rate": 0.01}}
        prepared, moved = trained(prepare, run_epochs, recipe, (X, CLASSES), engine)
        assert {v.path for v in prepared.built.model.trainable_variables} <= set(moved)
        weights.append(prepared.built.model.get_weights())
    for graph, xla in zip(*weights, strict=True):
        np.testing.assert_allclose(graph, xla, rtol=1e-3, atol=1e-4)


LOSSES = [(name, task) for name, cls in catalog("loss").items() for task in cls.tasks]


@pytest.fixture(scope="module")
def by_loss(prepare, tensorflow):
    """{(loss, task): a run, its loop, its first weights} after a step of the engine, all in one program: tracing takes long."""
    runs = {}
    for name, task in LOSSES:
        head = {"loss": name} | ({"activation": "exponential"} if name == "poisson" else {})
        recipe = LINEAR | {"task": task, "head": head, "optimizer": "sgd", "training": {"batch_size": 16}}
        prepared = prepare(recipe, (X, VECTORS.get(name, TARGETS[task])))
        runs[name, task] = prepared, make_loop(prepared.setup()), prepared.built.model.get_weights()

    def step():
        for prepared, loop, _ in runs.values():
            targets = tensorflow.constant(prepared.setup().targets())
            loop.steps.step(X, targets, np.arange(16), 0.1, 0.0, tensorflow.constant(0, "int64"), jit=False)

    tensorflow.function(step, autograph=False)()
    return runs


@pytest.mark.parametrize(("name", "task"), LOSSES)
def test_every_loss_trains_for_each_of_its_tasks(by_loss, name, task):
    prepared, loop, before = by_loss[name, task]
    assert isinstance(prepared.built.loss, keras.losses.Loss)
    assert all(np.isfinite(value) for value in loop.logs().values())
    head = prepared.built.model.get_layer("head").kernel.numpy()
    assert (head != before[0]).any()
    assert np.isfinite(head).all()


BACKBONES = {
    "cnn": ({"model": {"name": "cnn", "filters": [4], "dense": [5]}, "normalization": "batch_normalization"}, IMAGES),
    "residual_cnn": ({"model": {"name": "residual_cnn", "filters": [3, 4], "blocks": 1}}, IMAGES),
    "separable": (
        {
            "model": {"name": "cnn", "filters": [4, 5], "separable": True, "flatten": "global_average"},
            "normalization": "batch_normalization",
            "regularization": {"l2": 0.001, "max_norm": 1.0},
        },
        IMAGES,
    ),
    "rnn": ({"model": {"name": "rnn", "units": [4, 3], "cell": "gru", "recurrent_dropout": 0.1}, **RECURRENT}, SERIES),
    "bidirectional": ({"model": {"name": "rnn", "units": [4], "bidirectional": True}, **RECURRENT}, SERIES),
    "rows": ({"model": {"name": "rnn", "units": [4], "cell": "simple"}}, IMAGES),
    "augmented": (
        {
            "model": {"name": "cnn", "filters": [4], "pooling": "average", "flatten": "global_max"},
            "regularization": {"spatial_dropout": 0.2},
            "data": {
                "name": "arrays",
                "standardize": True,
                "split": {"validation": 0, "test": 0},
                "augmentation": {"shift": 0.1, "rotate": 10, "zoom": 0.1, "flip": "both", "noise": 0.1},
            },
        },
        IMAGES,
    ),
    "every_kind": (
        every_kind([name for name in HIDDEN if name not in OURS])
        | {"normalization": {"name": "batch_normalization", "input": True}, "regularization": {"input_dropout": 0.1}},
        X,
    ),
    "float16": ({"training": {"precision": "mixed_float16"}, "normalization": "batch_normalization"}, X),
    "bfloat16": ({"training": {"precision": "mixed_bfloat16"}, "normalization": "layer_normalization"}, X),
}


def model_of_ours(prepare, name):
    head = (
        {"head": {"units": 1, "activation": "step", "loss": "perceptron"}} if name == "step" else {"activation": name}
    )
    return prepare({**head, "training": {"batch_size": 16}}, (X, CLASSES % 2)).built.model


def outputs(model, x, *, of_all_layers):
    """Return the model's outputs; in a deep one those of each layer: it ends in constants, whatever came first."""
    layers = model.layers[1:] if of_all_layers else []
    found = keras.Model(model.input, [model.output, *(layer.output for layer in layers)])(x)
    return [keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")) for output in keras.tree.flatten(found)]


PROGRAM = f"""
import sys, json
import numpy as np, keras
ours = [name for name in sys.modules if name.split(".")[0] == "hornbook"]
sys.modules |= dict.fromkeys(ours) | {{"hornbook": None}}  # not there, and nothing of it is registered with Keras
keras.saving.get_custom_objects().clear()
{inspect.getsource(outputs)}
for name in json.loads(sys.argv[2]):
    model = keras.models.load_model(sys.argv[1] + "/" + name + ".keras")
    x, *expected = np.load(sys.argv[1] + "/" + name + ".npz").values()
    for output, value in zip(outputs(model, x, of_all_layers=name == "every_kind"), expected, strict=True):
        np.testing.assert_allclose(output, value, rtol=1e-4, atol=1e-5, err_msg=name)
for name in json.loads(sys.argv[3]):
    try:
        keras.models.load_model(sys.argv[1] + "/" + name + ".keras")
    except TypeError as error:  # what Keras says of a class that it does not know
        assert "hornbook>" in str(error), error
    else:
        raise AssertionError(name)
print("same outputs")
"""


@pytest.fixture(scope="module")
def networks(prepare):
    """{name: a run before its start} of each backbone and kind of layer."""
    return {
        name: prepare({**recipe, "training": {"batch_size": 16} | recipe.get("training", {})}, (x, CLASSES))
        for name, (recipe, x) in BACKBONES.items()
    }


def test_saved_models_load_and_compute_the_same_where_there_is_no_hornbook(
    networks, prepare, warm, tmp_path, generator
):
    """Only models with a layer of ours need it: they are the control of the process that is without."""
    for name, (_, x) in BACKBONES.items():
        model = networks[name].built.model
        for weight in model.weights:  # as after training: nothing is at its start
            weight.assign(np.abs(generator.normal(0.3, 0.1, weight.shape)))
        model.save(tmp_path / f"{name}.keras")
        np.savez(tmp_path / f"{name}.npz", x, *outputs(model, x, of_all_layers=name == "every_kind"))
    for name in OURS:
        model_of_ours(prepare, name).save(tmp_path / f"{name}.keras")
    names = [json.dumps(list(names)) for names in (BACKBONES, OURS)]
    command = [warm.python, "-c", PROGRAM, str(tmp_path), *names]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.strip().endswith("same outputs"), result.stderr[-2000:]


@pytest.mark.parametrize("name", sorted(OURS))
def test_models_with_layers_that_keras_lacks_load_once_hornbook_is_imported(prepare, tmp_path, name):
    model = model_of_ours(prepare, name)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert (again(X).numpy() == model(X).numpy()).all()


def test_which_engine_runs_which_network(networks):
    """Convolutions and augmentation never run under XLA on their own; normalization of images is one operation."""
    engines = {"xla": {"rnn", "rows", "every_kind", "bfloat16"}, "fused_graph": {"cnn", "separable"}}
    for name, prepared in networks.items():
        expected = next((engine for engine, names in engines.items() if name in names), "graph")
        assert prepared.recipe.training.engine == expected, name
