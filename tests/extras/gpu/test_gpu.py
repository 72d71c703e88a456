"""A GPU against the CPU of the same machine, and against itself: `make gpu` runs these and the engine's own tests there."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import hornbook

RNG = np.random.default_rng(11)
Y = RNG.integers(0, 3, 500)
TABLE = (RNG.normal(size=(500, 12)) + 0.5 * Y[:, None]).astype(np.float32)
PICTURES = np.clip(RNG.normal(90 + 40 * Y[:, None, None], 30, (500, 12, 12)), 0, 255).astype(np.uint8)
COMMON = {
    "seed": 4,
    "data": {"name": "arrays", "split": {"validation": 50, "test": 50}},
    "optimizer": {"name": "adam", "learning_rate": 0.002},
    "training": {"epochs": 4, "batch_size": 32},  # 400 examples: 12 batches and one of 16
}
KINDS = {
    "mlp": {
        "model": {"name": "mlp", "units": [16, 8]},
        "normalization": "batch_normalization",
        "regularization": {"dropout": 0.2},
    },
    "cnn": {"normalization": "batch_normalization", "model": {"name": "cnn", "filters": [8, 16], "dense": [16]}},
    "rnn": {"model": {"name": "rnn", "units": [8]}, "activation": "tanh"},
}
ENGINES = [("mlp", "xla"), ("mlp", "graph"), ("cnn", "fused_graph"), ("cnn", "graph"), ("rnn", "xla"), ("mlp", "fit")]
ON_CPU = """
import json, sys
sys.path.insert(0, {folder!r})
import test_gpu
print(json.dumps(test_gpu.losses(test_gpu.trained(*{kind!r}, {runs!r}))))
"""


def trained(kind, engine, runs, **training):
    """Return a training of one kind of network by one engine."""
    tree = COMMON | KINDS[kind]
    recipe = hornbook.load_recipe({**tree, "training": {**COMMON["training"], "engine": engine, **training}})
    return hornbook.train(recipe, data=(TABLE if kind == "mlp" else PICTURES, Y), runs=runs, progress=False)


def losses(result):
    """Return the losses of training and validation, epoch by epoch."""
    return [[row["loss"], row["val_loss"]] for row in result.history]


@pytest.fixture(scope="module", autouse=True)
def gpu():
    """The GPU's name; without one there is nothing to test."""
    from hornbook.startup import import_tensorflow

    import_tensorflow()
    from hornbook.engine.device import describe_device, has_gpu

    if not has_gpu():
        pytest.skip("no GPU here")
    return describe_device()


def test_a_run_says_what_it_ran_on(gpu, tmp_path):
    run = trained("mlp", "graph", tmp_path).run
    assert json.loads((run / "environment.json").read_text())["device"] == gpu


@pytest.mark.parametrize("kind", ENGINES, ids=" ".join)
def test_a_gpu_trains_as_the_cpu_does(kind, tmp_path):
    code = ON_CPU.format(folder=os.path.dirname(__file__), kind=kind, runs=str(tmp_path / "cpu"))
    alone = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    found = subprocess.run([sys.executable, "-c", code], env=alone, capture_output=True, text=True, check=True)
    expected = json.loads(found.stdout.splitlines()[-1])
    np.testing.assert_allclose(losses(trained(*kind, tmp_path / "gpu")), expected, rtol=0.02)


@pytest.mark.parametrize("kind", ENGINES, ids=" ".join)
def test_the_same_seed_gives_the_same_bytes(kind, tmp_path):
    first, second = (trained(*kind, tmp_path / name).model.get_weights() for name in ("first", "second"))
    for one, other in zip(first, second, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("kind", ENGINES[:-1], ids=" ".join)
def test_a_run_that_goes_on_ends_as_one_that_was_never_stopped(kind, tmp_path):
    from hornbook.trainer.resume import resume

    whole = trained(*kind, tmp_path / "whole")
    part = trained(*kind, tmp_path / "part", epochs=2)
    resumed = resume(part.run, ["training.epochs=4"], data=(_inputs(kind), Y))
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", [("mlp", "graph"), ("cnn", "graph")], ids=" ".join)
def test_half_precision_learns_as_single_precision_does(kind, precision, tmp_path):
    half = trained(*kind, tmp_path / "half", precision=precision)
    single = trained(*kind, tmp_path / "single")
    assert {str(weight.dtype) for weight in half.model.get_weights()} == {"float32"}
    np.testing.assert_allclose(losses(half)[-1], losses(single)[-1], rtol=0.1)


def _inputs(kind):
    return TABLE if kind[0] == "mlp" else PICTURES
