"""A package in a fresh environment: its requirements install, its program and its service answer as the run does."""

import http.client
import json
import socket
import subprocess
import sys
import time
import venv
from contextlib import closing

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="module", autouse=True)
def onnx():
    """Skip where no ONNX can be written."""
    for package in ("tf2onnx", "onnxruntime"):
        pytest.importorskip(package, reason="not installed: hornbook[onnx]")


@pytest.fixture(scope="module")
def packages(folder):
    """A package of each run."""
    from hornbook.exports.export import export_run

    exported = {
        name: export_run(folder / "runs" / name, "package", output=folder / f"{name}-package")[0]
        for name in ("digits", "people")
    }
    assert {name: each.reason for name, each in exported.items()} == {"digits": "", "people": ""}
    return {name: each.path for name, each in exported.items()}


@pytest.fixture(scope="module")
def python(packages, tmp_path_factory):
    """Python in an environment that has what a package's requirements.txt lists."""
    place = tmp_path_factory.mktemp("fresh")
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    requirements = packages["digits"] / "requirements.txt"
    assert requirements.read_text() == (packages["people"] / "requirements.txt").read_text()
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return python


def predicted(python, package, file):
    """Return what predict.py prints in a process that inherits nothing."""
    done = subprocess.run([python, package / "predict.py", file], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_its_program_answers_what_hornbook_predicts(python, packages, folder, tmp_path):
    import polars as pl

    from hornbook.inference.predict import predict_file

    digits = load_digits().images[:20].astype(np.uint8)[..., None]
    np.save(tmp_path / "digits.npy", digits)
    for name, file in (("digits", tmp_path / "digits.npy"), ("people", folder / "people.csv")):
        predict_file(folder / "runs" / name, file, output=tmp_path / "expected.csv")
        expected = pl.read_csv(tmp_path / "expected.csv", infer_schema_length=None)
        found = predicted(python, packages[name], file)
        assert [answer["label"] for answer in found] == [str(label) for label in expected["prediction"]]
        for label, numbers in found[0]["probabilities"].items():
            assert numbers == pytest.approx(expected[f"probability_{label}"][0], abs=1e-5)


def test_the_start_lines_of_its_readme_start_a_service(python, packages):
    package = packages["people"]
    lines = (package / "README.md").read_text().splitlines()
    start = next(line for line in lines if line.startswith("uvicorn"))
    ask = next(line for line in lines if line.startswith("curl"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    body = json.loads(ask.partition("-d '")[2].removesuffix("'"))
    service = subprocess.Popen(
        [python.parent / "uvicorn", *start.replace("8000", port).split()[1:]], cwd=package, env={}
    )
    try:
        status, answer = post(port, body)
        assert (status, answer["predictions"][0]["label"] in {"yes", "no"}) == (200, True)
        for bad in ({}, {"age": "x"}, {"age": None}):
            row = {**body["rows"][0], **bad} if bad else {}
            assert post(port, {"rows": [row]})[0] == 400
    finally:
        service.terminate()
        service.wait(20)


def post(port, tree):
    """Return status and answer of a service, which is waited for."""
    for _ in range(200):
        with closing(http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)) as connection:
            try:
                connection.request("POST", "/predict", json.dumps(tree), {"Content-Type": "application/json"})
            except ConnectionRefusedError:
                time.sleep(0.1)
                continue
            with connection.getresponse() as response:
                return response.status, json.loads(response.read())
    raise AssertionError("the service does not answer")


def test_no_hornbook_is_there(python):
    done = subprocess.run(
        [python, "-c", "import hornbook"], env={}, cwd="/", capture_output=True, text=True, check=False
    )
    assert "No module named 'hornbook'" in done.stderr
    assert sys.executable != str(python)
