"""Random layers: what they draw is a function of (seed, step, layer), in every process and after every other model."""

import hashlib
import json
import subprocess

import numpy as np
import pytest

UNITS = 400
X = np.ones((2, 5), np.float32)
Y = np.array([5.0, 5.0], np.float32)
RECIPE = {
    "task": "regression",
    "model": {"name": "mlp", "units": [UNITS, UNITS]},
    "activation": "linear",
    "regularization": {"dropout": 0.3},
    "optimizer": {"name": "sgd", "learning_rate": 1e-4},
    "training": {"epochs": 2, "batch_size": 1},
}


@pytest.fixture(scope="module")
def masks(prepare, run_epochs):
    """A function: engine and seed → which units each step kept, (steps, layers, units); a dropped unit's bias stays."""

    def run(engine, seed=1):
        prepared = prepare({**RECIPE, "seed": seed, "training": RECIPE["training"] | {"engine": engine}}, (X, Y))
        biases = [prepared.built.model.get_layer(name).bias for name in ("hidden_1", "hidden_2")]
        seen = [[bias.numpy().copy() for bias in biases]]
        run_epochs(prepared, 2, chunk=1, on_chunk=lambda done: seen.append([bias.numpy().copy() for bias in biases]))
        return np.diff(np.array(seen), axis=0) != 0

    return run


@pytest.mark.parametrize("engine", ["graph", "xla"])
def test_dropout_draws_anew_for_each_step_epoch_and_layer(masks, engine):
    kept = masks(engine)
    flat = kept.reshape(-1, UNITS)  # two epochs of two steps, two layers
    assert flat.shape[0] == 8
    for first in range(8):
        assert 0.6 < flat[first].mean() < 0.8  # 70 % are kept, give or take four standard deviations
        for second in range(first):
            equal = (flat[first] == flat[second]).mean()
            assert 0.45 < equal < 0.71, (first, second)  # independent masks agree on 0.7² + 0.3² = 58 %


@pytest.mark.parametrize("engine", ["graph", "xla"])
def test_the_same_seed_draws_the_same_masks_after_other_models_and_another_seed_others(masks, engine):
    assert (masks(engine) == masks(engine)).all()
    assert (masks(engine) == masks(engine, seed=2)).mean() < 0.8


PROGRAM = """
import hashlib, json, sys
import hornbook
recipe = json.loads(sys.argv[1])
model = hornbook.train(hornbook.load_recipe(recipe), runs=sys.argv[2], progress=False).model
print(hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest())
"""


def test_a_run_gives_the_same_bits_in_another_process(tmp_path, warm):
    """One that did not come from this one: it has another hash seed, and trained nothing before."""
    import hornbook

    recipe = {
        "data": {"name": "moons", "examples": 64, "split": {"validation": 0, "test": 0}},
        "model": {"name": "mlp", "units": [9]},
        "activation": "randomized_leaky_relu",
        "normalization": "batch_normalization",
        "regularization": {"dropout": 0.3, "gaussian_noise": 0.1, "input_dropout": 0.1},
        "training": {"epochs": 2, "batch_size": 32, "engine": "xla"},
    }
    result = hornbook.train(hornbook.load_recipe(recipe), runs=str(tmp_path), progress=False)
    own = hashlib.sha256(b"".join(weight.tobytes() for weight in result.model.get_weights())).hexdigest()
    command = [warm.python, "-c", PROGRAM, json.dumps(recipe), str(tmp_path)]
    other = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]
    assert own == other


def test_a_layer_more_changes_no_draw_of_the_others(prepare):
    from hornbook.builder.randomness import derive_seed
    from hornbook.upstream import seed_states

    names = []
    for layers in (["hidden_1", "hidden_2"], ["hidden_1", "hidden_2", "hidden_3"]):
        recipe = {**RECIPE, "model": {"name": "mlp", "units": [4] * len(layers)}}
        names.append(list(seed_states(prepare(recipe, (X, Y)).built.model)))
    assert names[1][:2] == names[0] == ["hidden_1_dropout/0", "hidden_2_dropout/0"]
    assert len({derive_seed(1, name) for name in names[1]}) == 3


def test_kernels_start_from_their_layers_name_alone(prepare):
    short = prepare({**RECIPE, "model": {"name": "mlp", "units": [6, 6]}}, (X, Y)).built.model
    long = prepare({**RECIPE, "model": {"name": "mlp", "units": [6, 6, 6]}}, (X, Y)).built.model
    other = prepare({**RECIPE, "seed": 8, "model": {"name": "mlp", "units": [6, 6]}}, (X, Y)).built.model
    for name in ("hidden_1", "hidden_2"):
        kernel = short.get_layer(name).kernel.numpy()
        assert (kernel == long.get_layer(name).kernel.numpy()).all()
        assert (kernel != other.get_layer(name).kernel.numpy()).any()
    assert (short.get_layer("hidden_2").kernel.numpy() != long.get_layer("hidden_3").kernel.numpy()).any()
