"""What is exported is compared in its own runtime; what differs is deleted; nothing is overwritten or half-written."""

import json
import logging
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from sklearn.datasets import load_digits

import hornbook
from hornbook.errors import DataError, RunError, UsageError
from hornbook.runs.directory import find_run

OUTSIDE = """
import sys, json
sys.path[:] = [path for path in sys.path if path]
sys.modules["hornbook"] = None  # importing it fails
import numpy as np
rows = np.load(sys.argv[3])
import keras
scores = [keras.models.load_model(sys.argv[1])(rows.astype("float32"))]
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[2])
scores += [loaded.signatures["serving_default"](input=tf.constant(rows))["probabilities"]]
np.save(sys.argv[4], np.asarray(scores))
"""


@pytest.fixture
def export(run, tensorflow):
    """A function that exports the run."""
    from hornbook.exports.export import export_run

    def export(*arguments, **options):
        return export_run(run, *arguments, **options)

    yield export
    shutil.rmtree(run / "exports", ignore_errors=True)


@pytest.fixture(scope="module")
def rows():
    """Raw pictures, as the run's data has them."""
    digits = load_digits()
    return digits.images[digits.target < 3].astype(np.uint8)[:40, :, :, None]


@pytest.mark.whole
def test_files_predict_the_same_where_hornbook_is_not(export, run, rows, tmp_path):
    from hornbook.inference.trained import load_run

    files = [str(each.path) for each in export(["keras", "saved_model"])]
    np.save(tmp_path / "rows.npy", rows)
    arguments = [*files, str(tmp_path / "rows.npy"), str(tmp_path / "scores.npy")]
    done = subprocess.run([sys.executable, "-c", OUTSIDE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = np.asarray(load_run(run).model(rows.astype(np.float32)))
    for scores in np.load(tmp_path / "scores.npy"):
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)


def test_a_file_knows_its_recipe_classes_and_figures(export, run):
    with zipfile.ZipFile(export("keras")[0].path) as archive:
        facts = json.loads(archive.read("hornbook.json"))
    assert facts["recipe"] == find_run(run).recipe_text
    assert json.loads(facts["classes"]) == ["0", "1", "2"]
    assert (facts["task"], facts["fingerprint"]) == ("multiclass", find_run(run).data["fingerprint"])
    assert json.loads(facts["metrics"])["test"] == find_run(run).result["test"]


def test_the_run_and_its_card_know_what_was_exported(export, run):
    from hornbook.inference.report.card import card_of
    from hornbook.inference.report.page import page_of

    export("keras")
    export("saved_model")
    assert [(each["format"], each["path"]) for each in find_run(run).exports] == [
        ("keras", "three.keras"), ("saved_model", "three.saved_model"),
    ]  # fmt: skip
    assert 'keras.models.load_model("three.keras")' in card_of(find_run(run))
    assert "<td>three.saved_model</td><td>saved_model</td><td>float32</td>" in page_of(find_run(run))


@pytest.mark.parametrize(("spoil", "reason"), [
    (lambda scores: scores + 1e-3, "outputs differ by 1.0e-03, at most 1e-05 is allowed for float32"),
    (lambda scores: scores * np.nan, "outputs are not numbers where the run's are"),
    (lambda scores: scores[:, :2], "outputs have shape (43, 2), not (43, 3)"),
    (lambda scores: scores + np.random.default_rng().normal(scale=1e-5, size=scores.shape), None),
])  # fmt: skip
def test_a_file_that_predicts_otherwise_is_deleted(spoil, reason, export, run, monkeypatch):
    from hornbook.exports import saved_model

    honest = saved_model.run
    monkeypatch.setattr(saved_model, "run", lambda path, inputs: spoil(honest(path, inputs)))
    refused = export("saved_model")[0]
    assert refused.path is None
    assert refused.reason == reason if reason else "differ" in refused.reason or "second time" in refused.reason
    assert list((run / "exports").iterdir()) == []


def test_what_is_there_is_overwritten_only_when_asked(export, run):
    first = export("keras")[0].path
    content = first.read_bytes()
    with pytest.raises(RunError, match="three.keras: there already. Overwrite with --force"):
        export("all")
    assert first.read_bytes() == content
    assert export("keras", force=True)[0].path == first


def test_a_failing_converter_leaves_nothing(export, run, monkeypatch):
    from hornbook.exports import saved_model

    def fail(exportable, path, precision):
        path.mkdir()
        (path / "half").write_text("written")
        raise ValueError("no such operation")

    monkeypatch.setattr(saved_model, "write", fail)
    refused = export("saved_model")[0]
    assert refused.reason == "TensorFlow refuses it: no such operation"
    assert list((run / "exports").iterdir()) == []


def test_what_a_converter_logs_later_goes_where_it_should(export, monkeypatch, capsys):
    from hornbook.exports import saved_model

    logger = logging.getLogger("a converter")
    logger.propagate = False

    def fail(exportable, path, precision):
        print("chatter")
        logger.addHandler(logging.StreamHandler())
        logger.error("held back")
        raise ValueError("no such operation")

    monkeypatch.setattr(saved_model, "write", fail)
    export("saved_model")
    logger.error("said later")
    logger.handlers.clear()
    assert capsys.readouterr() == ("", "said later\n")


def test_a_full_disk_is_one_sentence_and_leaves_nothing(export, run, monkeypatch):
    from hornbook.exports import keras_file

    def fail(exportable, path, precision):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras_file, "write", fail)
    with pytest.raises(RunError, match=r"three.keras: cannot be written \(No space left on device\)"):
        export("keras")
    assert list((run / "exports").iterdir()) == []


def test_what_is_not_installed_names_its_install_line(export, monkeypatch):
    from hornbook.exports.formats import Format

    monkeypatch.setattr(Format, "missing", lambda self: [*self.packages])
    with pytest.raises(UsageError, match=r"--to onnx: needs tf2onnx, onnx, onnxruntime. Install .* 'hornbook\[onnx\]'"):
        export("onnx")
    outcomes = {each.format: each.reason for each in export("all")}
    assert outcomes["litert"] == "not installed: pip install 'hornbook[litert]'"
    assert (outcomes["keras"], outcomes["saved_model"]) == ("", "")


@pytest.mark.parametrize(("arguments", "options", "message"), [
    (["onxn"], {}, "--to onxn: there is no such format. Did you mean 'onnx'?"),
    (["keras"], {"precision": "float8"}, "--precision float8: there is none of that name"),
    (["keras"], {"output": "model.h5"}, "--output model.h5: a file of this format ends in .keras"),
])  # fmt: skip
def test_what_cannot_be_meant_is_said(arguments, options, message, export):
    with pytest.raises(UsageError, match=message):
        export(*arguments, **options)


def test_a_precision_that_a_format_lacks_is_refused_with_its_reason(export):
    outcome = export("keras", precision="int8")[0]
    assert outcome.reason == "no int8: Keras computes in what the weights are stored in"


def test_nothing_is_exported_without_the_rows_to_compare(run, tensorflow, tmp_path):
    from hornbook.exports.export import export_run

    copy = shutil.copytree(run, tmp_path / "run")
    text = (copy / "recipe.yaml").read_text()
    (copy / "recipe.yaml").write_text(text.replace("name: digits", "name: npz\n  path: /nowhere.npz"))
    with pytest.raises(DataError, match="nowhere.npz"):
        export_run(copy, "keras")
    assert not (copy / "exports").exists()


def test_the_command_prints_what_was_compared_and_fails_where_nothing_came_of_it(run, hornbook_command):
    done = hornbook_command(f"hornbook export {run} --to keras")
    assert done.out.startswith("keras        exact on 43 rows, ")
    assert done.out.splitlines()[1].strip().endswith("exports/three.keras")
    refused = hornbook_command(f"hornbook export {run} --to keras --precision float16")
    assert (refused.code, refused.out.split(":")[0]) == (3, "keras        refused")
    shutil.rmtree(run / "exports")


def test_layers_that_keras_alone_cannot_load_are_refused(tensorflow, tmp_path):
    import keras

    from hornbook.exports import keras_file
    from hornbook.exports.formats import Exportable, RefusedError

    class Doubled(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2.0

    inputs = keras.Input((3,))
    model = keras.Model(inputs, Doubled()(inputs))
    with pytest.raises(RefusedError, match="Keras alone cannot load Doubled"):
        keras_file.write(
            Exportable(model, "float32", "values", np.zeros((1, 3)), {}, trained=None), tmp_path / "m.keras", "float32"
        )


def test_python_gets_what_the_command_prints(run):
    written = hornbook.export(run, "keras", output=run / "own.keras")
    assert [(each.format, each.path, each.proof.difference) for each in written] == [("keras", run / "own.keras", 0)]
    assert find_run(run).exports == []  # those are in the run's own folder
