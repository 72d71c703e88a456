"""Files for other runtimes, run in processes that have no Hornbook, and compared with the run's model."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hornbook
from hornbook.exports.formats import FORMATS

RUNS = {
    "digits": "data: digits\nmodel: {name: mlp, units: [32, 16]}\nactivation: elu\nnormalization: batch_normalization\n",
    "wide": "data: digits\nmodel: {name: mlp, units: [300, 100]}\nactivation: relu\n",
    "pictures": "data: {name: digits, augmentation: {shift: 0.1}}\nmodel: {name: cnn, filters: [4], dense: [8]}\nactivation: gelu\n"
    "normalization: group_normalization\nregularization: {dropout: 0.2}\n".replace(
        "group_normalization", "{name: group_normalization, groups: 2}"
    ),
    "sequences": "data: waves\nmodel: {name: rnn, units: [6], cell: lstm}\nactivation: tanh\n",
    "numbers": "data: diabetes\nmodel: {name: mlp, units: [8]}\nactivation: selu\nhead: {standardize_targets: true}\n",
    "table": "data: {name: table, path: %s, target: kind}\nmodel: {name: mlp, units: [8]}\nactivation: relu\n",
    "columns": "data: {name: table, path: %s, target: kind, standardize: robust}\n"
    "model: {name: mlp, units: [8], numbers: pbld, categories: {embedding: 3, one_hot_up_to: 2}, front_scale: true}\n"
    "initializer: ntk\nactivation: parametric_selu\n",
    "plr": "data: diabetes\nmodel: {name: mlp, units: [8], numbers: plr}\nactivation: parametric_mish\nhead: {clamp: true}\n",
    "bins": "data: diabetes\nmodel: {name: mlp, units: [8], numbers: {name: piecewise_linear, bins: 5}}\n"
    "head: {target_transform: log}\n",
    "quantiles": "data: {name: diabetes, standardize: quantile}\nmodel: {name: mlp, units: [8]}\n"
    "head: {target_transform: quantile}\n",
    "ensemble": "data: {name: table, path: %s, target: kind}\nmodel: {name: mlp, units: [8], ensemble: 4}\n",
    "ordered": "data: {name: wine, classes: [class_1, class_0, class_2]}\nmodel: {name: mlp, units: [8]}\nhead: {ordinal: true}\n",
}
REFUSED = {("quantiles", "litert"), ("ensemble", "litert")}
OUTSIDE = {
    "onnx": """
import onnxruntime
session = onnxruntime.InferenceSession(path)
metadata = session.get_modelmeta().custom_metadata_map
run = lambda rows: session.run(None, {"input": rows})[0]
""",
    "litert": """
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=path)
def run(rows):
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, rows.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, rows)
    interpreter.invoke()
    assert interpreter.get_input_details()[0]["name"] == "input"
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
metadata = {"recipe": "data:" if b"hornbook.recipe" in open(path, "rb").read() else ""}
""",
    "openvino": """
import openvino
model = openvino.Core().compile_model(path + "/model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
metadata = {"recipe": openvino.Core().read_model(path + "/model.xml").get_rt_info(["hornbook", "recipe"]).astype(str)}
run = lambda rows: model({"input": rows})[0]
""",
}  # fmt: skip
PROGRAM = """
import sys
sys.modules["hornbook"] = None
import numpy as np
path = sys.argv[1]
{code}
rows = np.load(sys.argv[2])
together, alone = run(rows), np.concatenate([run(rows[place:place + 1]) for place in range(3)])
np.savez(sys.argv[3], together=together, alone=alone)
assert "data:" in metadata["recipe"], metadata
"""


@pytest.fixture(scope="module", autouse=True)
def runtimes():
    """Skip where the runtimes are not installed."""
    missing = [name for each in FORMATS.values() for name in each.missing()]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="module")
def exported(runtimes, tensorflow, tmp_path_factory):
    """A function: name of a run → (its folder, raw rows, the model's outputs)."""
    from hornbook.inference.evaluate import split_of
    from hornbook.inference.trained import load_run

    folder, made = tmp_path_factory.mktemp("runtimes"), {}

    def get(name):
        if name not in made:
            text = RUNS[name]
            if "%s" in text:
                text %= write_table(folder)
            (folder / f"{name}.yaml").write_text(text + "training: {epochs: 3, engine: graph}\n")
            run = hornbook.train(folder / f"{name}.yaml", runs=str(folder / "runs"), progress=False).run
            rows = np.asarray(split_of(run, "validation").x)[:50]
            model = load_run(run).model
            made[name] = run, rows, np.asarray(model(rows.astype(model.inputs[0].dtype), training=False))
        return made[name]

    return get


def write_table(folder):
    """Write a table with numbers, gaps, categories and booleans; returns its path."""
    generator = np.random.default_rng(3)
    lines = ["size,city,open,kind"]
    for number in range(400):
        size = "" if number % 17 == 0 else f"{generator.normal(2000, 3):.3f}"
        city = generator.choice(["Rome", "Paris", "Oslo"])
        lines.append(f"{size},{city},{bool(number % 3)},{'big' if city == 'Rome' else 'small'}")
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("form", OUTSIDE)
@pytest.mark.parametrize("name", sorted(set(RUNS) - {"wide"}))
def test_a_file_predicts_the_same_where_hornbook_is_not(name, form, exported, tmp_path):
    from hornbook.exports.export import export_run

    run, rows, expected = exported(name)
    written = export_run(run, form, output=tmp_path / f"model{FORMATS[form].suffix}")[0]
    if (name, form) in REFUSED:
        assert written.reason
        assert written.path is None  # and no file is left
        return
    assert written.reason == ""
    np.save(tmp_path / "rows.npy", rows)
    program = PROGRAM.format(code=OUTSIDE[form])
    arguments = [str(written.path), str(tmp_path / "rows.npy"), str(tmp_path / "scores.npz")]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    scores, scale = np.load(tmp_path / "scores.npz"), max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(scores["together"] / scale, expected / scale, rtol=0, atol=1e-5)
    np.testing.assert_allclose(scores["alone"] / scale, expected[:3] / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["float16", "int8"])
@pytest.mark.parametrize("form", OUTSIDE)
def test_smaller_files_say_how_far_they_are_off(form, precision, exported, tmp_path):
    from hornbook.exports.export import export_run

    run, _, _ = exported("wide")
    whole = export_run(run, form, output=tmp_path / f"whole{FORMATS[form].suffix}")[0]
    small = export_run(run, form, precision=precision, output=tmp_path / f"small{FORMATS[form].suffix}")[0]
    assert small.reason == ""
    assert small.bytes < whole.bytes
    assert 0 < small.proof.difference <= small.proof.tolerance


def test_what_a_runtime_computes_wrongly_is_refused(exported, tmp_path, monkeypatch):
    """OpenVINO rounds to bfloat16 by default on CPUs that have it; without its hint nothing would be written."""
    from hornbook.exports import openvino
    from hornbook.exports.export import export_run

    run, _, _ = exported("digits")
    monkeypatch.setattr(openvino, "HINT", {"INFERENCE_PRECISION_HINT": "bf16"})
    outcome = export_run(run, "openvino", output=tmp_path / "model")[0]
    if outcome.path is None:
        assert "outputs differ by" in outcome.reason
    else:
        pytest.xfail("this CPU has no bfloat16")


def test_a_table_is_read_the_same_without_hornbook(exported, tmp_path):
    """The copy of the reader, alone in its process, gives the numbers that the run's own data has."""
    from hornbook.exports import rows as reader
    from hornbook.exports.columns import columns_of
    from hornbook.inference.trained import load_run

    run, _, _ = exported("table")
    table = next(run.parents[2].glob("table.csv"))
    (tmp_path / "rows.py").write_text(Path(reader.__file__).read_text())
    (tmp_path / "columns.json").write_text(json.dumps(columns_of(load_run(run).info)))
    program = "import sys, json, numpy, rows; sys.modules['hornbook'] = None\n"
    program += f"numpy.save('x.npy', rows.read_csv({str(table)!r}, json.load(open('columns.json'))))"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    from hornbook.data import read_inputs

    expected, _ = read_inputs(table, load_run(run).info)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), np.asarray(expected))
