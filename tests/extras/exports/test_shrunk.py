"""Rounded weights are written as they are: an exported file in half precision or whole numbers has the same ones."""

import importlib.util

import numpy as np
import pytest

import hornbook

RECIPE = """data: digits
model: {name: mlp, units: [32, 16]}
activation: elu
normalization: batch_normalization
training: {epochs: 3, engine: graph}
"""
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxruntime", "tf2onnx")),
    reason="needs onnx, onnxruntime and tf2onnx",
)


@pytest.fixture(scope="module")
def earlier(tensorflow, tmp_path_factory):
    """A run with batch normalization."""
    folder = tmp_path_factory.mktemp("earlier")
    (folder / "small.yaml").write_text(RECIPE)
    return hornbook.train(folder / "small.yaml", runs=str(folder), progress=False).run


@pytest.fixture
def exported(earlier, tmp_path):
    """A function: a precision → (kernels of the shrunk run, arrays of its exported file with their scales, size)."""
    import onnx

    from hornbook.exports.export import export_run
    from hornbook.inference.trained import load_run

    def get(precision):
        run = hornbook.shrink(earlier, precision=precision, max_loss=5.0, runs=tmp_path, progress=False).run
        written = export_run(run, "onnx", precision=precision)[0]
        assert written.reason == ""
        graph = onnx.load(written.path).graph
        arrays = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
        kernels = [weight.numpy() for weight in load_run(run).model.weights if weight.path.endswith("kernel")]
        return kernels, arrays, written.bytes

    return get


def test_half_precision_is_exact(exported):
    kernels, arrays, _ = exported("float16")
    halves = [array for array in arrays.values() if array.dtype == np.float16 and array.ndim == 2]
    assert len(kernels) == len(halves) == 3
    for kernel in kernels:
        assert any(half.shape == kernel.shape and np.array_equal(half.astype(np.float32), kernel) for half in halves)


def test_whole_numbers_have_the_levels_of_the_run(exported):
    kernels, arrays, size = exported("int8")
    whole = {name: array for name, array in arrays.items() if array.dtype == np.int8 and array.ndim == 2}
    assert len(whole) == len(kernels)
    for kernel in kernels:
        name = next(name for name, array in whole.items() if array.shape == kernel.shape)
        scale = arrays[name.replace("_quantized", "_scale")]
        np.testing.assert_allclose(whole[name] * scale, kernel, rtol=0, atol=1e-6 * np.abs(kernel).max())
    assert size < 20_000


def test_a_folded_file_has_fewer_operations(earlier, tmp_path):
    import onnx

    from hornbook.exports.export import export_run

    run = hornbook.shrink(earlier, runs=tmp_path, progress=False).run
    counts = [
        len(onnx.load(export_run(each, "onnx", output=tmp_path / f"{place}.onnx")[0].path).graph.node)
        for place, each in enumerate((earlier, run))
    ]
    assert counts[1] <= counts[0] - 3
