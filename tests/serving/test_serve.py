"""What is wrong with a service is said in one line, before anything is loaded; and what it loads predicts as the run does."""

import shutil
import socket

import numpy as np
import pytest

import hornbook
from hornbook.errors import UsageError
from hornbook.serving import serve

RECIPE = "data: {name: digits, classes: [0, 1, 2]}\nmodel: {name: mlp, units: [4]}\nactivation: relu\ntraining: {epochs: 1, engine: graph}\n"


@pytest.fixture(scope="module")
def folder(tensorflow, tmp_path_factory):
    """A folder with a run of `three` below `runs`."""
    folder = tmp_path_factory.mktemp("serve")
    (folder / "three.yaml").write_text(RECIPE)
    hornbook.train(folder / "three.yaml", runs=str(folder / "runs"), progress=False)
    return folder


@pytest.fixture
def said(folder, hornbook_command, monkeypatch):
    """A function: arguments of `hornbook serve` → what it says on stderr, and its code."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("HORNBOOK_TOKEN", raising=False)

    def run(line):
        done = hornbook_command(f"hornbook serve {line}")
        assert done.out == ""
        return done.code, done.err

    return run


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nobody", "nobody: there is no run here. Runs of these recipes are in runs: three."),
        ("three runs/three/latest", "runs/three/latest: there is a run of 'three' already"),
        ("three --host 0.0.0.0", "--host 0.0.0.0: others reach this address, so requests need a token. Make one (python"),
        ("three --host 0.0.0.0 --token secret", "the token has to be 16 or more letters, digits and signs without spaces."),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_said_in_one_line(said, line, message):
    code, err = said(line)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(message)


def test_a_run_without_a_model_is_refused(said, folder):
    shutil.copytree((folder / "runs/three/latest").resolve(), folder / "runs/empty/20260101-000000-0000")
    shutil.rmtree(folder / "runs/empty/20260101-000000-0000/checkpoints")
    code, err = said("runs/empty/20260101-000000-0000")
    assert code == 1
    assert err.endswith("missing. The run ended before a model was saved.\n")


def test_a_missing_extra_names_its_install_line(monkeypatch):
    monkeypatch.setattr(serve, "PACKAGES", ("fastapi_of_nowhere",))
    with pytest.raises(UsageError, match=r"needs fastapi_of_nowhere. Install it: pip install 'hornbook\[serve\]'"):
        serve.check_extra()


def test_addresses_that_cannot_be_bound_are_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port}: in use. Choose another one"):
            serve.bind("127.0.0.1", port)
    with pytest.raises(UsageError, match="--host 203.0.113.7: cannot listen there"):
        serve.bind("203.0.113.7", 0)
    with pytest.raises(UsageError, match="--host no.such.host.invalid: there is no such address"):
        serve.bind("no.such.host.invalid", 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_addresses_of_this_machine_need_no_token(host):
    serve.check_token(host, None)


def test_a_run_in_tensorflow_predicts_as_its_model_for_any_number_of_rows(folder, monkeypatch):
    from hornbook.inference.trained import load_run
    from hornbook.serving import models

    monkeypatch.setattr(models, "has_onnx", lambda: False)
    model = models.load_model(folder / "runs/three/latest")
    rows = np.random.default_rng(0).integers(0, 17, (9, 8, 8, 1)).astype(np.uint8)
    expected = np.asarray(load_run(folder / "runs/three/latest").model(rows.astype(np.float32)))
    for count in (1, 9):
        np.testing.assert_allclose(model.run(rows[:count]), expected[:count], atol=1e-6)
    facts = model.facts
    assert (facts.name, facts.dtype, facts.units, facts.scale, facts.runtime) == (
        "three",
        "uint8",
        3,
        16.0,
        "TensorFlow",
    )


def test_a_newer_finished_run_is_found_and_an_unfinished_one_is_not(folder, tmp_path):
    from hornbook.runs.directory import find_run
    from hornbook.runs.writing import RunDirectory
    from hornbook.serving.models import newer_run

    runs = tmp_path / "runs" / "three"
    first = find_run(folder / "runs" / "three").path
    shutil.copytree(first, runs / first.name)
    assert newer_run(str(runs / first.name), first.name) is None
    shutil.copytree(first, runs / "20990101-000000-0000")
    (runs / "latest").symlink_to("20990101-000000-0000")
    assert newer_run(str(runs), first.name) == (runs / "20990101-000000-0000").resolve()
    RunDirectory(runs / "20990101-000000-0000").write_result({"state": "running"})
    assert newer_run(str(runs), first.name) is None
    assert newer_run(str(tmp_path / "gone"), first.name) is None
