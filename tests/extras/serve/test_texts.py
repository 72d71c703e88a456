"""`hornbook serve` for tables with texts beside their other columns."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

import hornbook
from hornbook.inference.predict import predict_file

WORDS = ("fine", "dull", "odd, but moving", 'a "classic"', "")


@pytest.fixture(scope="module")
def films(folder):
    rows = [[f"a {WORDS[place % 5]} film", place % 4, ("Bern", "Uri")[place % 3 % 2], place % 2] for place in range(80)]
    text = io.StringIO()
    csv.writer(text).writerows([["review", "stars", "city", "liked"], *rows])
    (folder / "films.csv").write_text(text.getvalue())
    tree = {
        "name": "films",
        "data": {"name": "table", "path": str(folder / "films.csv"), "target": "liked", "types": {"review": "text"}},
        "model": {"name": "mlp", "units": [6], "encoders": {"review": {"name": "mean_embedding", "dense": [4]}}},
        "training": {"epochs": 2, "engine": "graph"},
    }
    hornbook.train(tree, runs=str(folder / "runs"), progress=False)
    return folder


@pytest.fixture(scope="module")
def service(films, serve):
    started = serve(films, "films")
    yield started
    started.process.kill()
    started.process.wait()


def test_rows_with_a_text_are_answered_as_predict_answers_a_file(films, service, tmp_path):
    predict_file(films / "runs" / "films", films / "films.csv", output=tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        expected = [float(row["probability_1"]) for row in csv.DictReader(file)]
    with (films / "films.csv").open() as file:
        read = list(csv.DictReader(file))
    rows = [{"review": row["review"], "stars": int(row["stars"]), "city": row["city"]} for row in read]
    status, found = service.ask("POST", "/predict/films", {"rows": rows})
    assert status == 200
    np.testing.assert_allclose([one["probabilities"]["1"] for one in found["predictions"]], expected, atol=1e-5)
    columns = {"review": "BYTES", "stars": "FP32", "city": "BYTES"}
    tensors = [
        {"name": name, "datatype": datatype, "shape": [80], "data": [row[name] for row in rows]}
        for name, datatype in columns.items()
    ]
    status, infer = service.ask("POST", "/v2/models/films/infer", {"inputs": tensors})
    assert status == 200
    np.testing.assert_allclose(infer["outputs"][0]["data"], expected, atol=1e-5)
    described = service.ask("GET", "/v2/models/films")[1]
    assert {one["name"]: one["datatype"] for one in described["inputs"]} == columns
    assert (
        "review"
        in service.ask("GET", "/openapi.json")[1]["paths"]["/predict/films"]["post"]["requestBody"]["content"][
            "application/json"
        ]["schema"]["properties"]["rows"]["items"]["properties"]
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"rows": [{"stars": 1, "city": "Bern"}]}, "no column 'review', which the model reads."),
        ({"inputs": [[1.0] * 12]}, "inputs: the model reads texts beside numbers. Send rows"),
        (
            {"rows": [{"stars": 1, "city": "Bern", "review": ["a"]}]},
            "column 'review' holds a list or mapping in row 1.",
        ),
    ],
)
def test_what_lacks_the_text_is_refused(service, body, message):
    status, found = service.ask("POST", "/predict/films", body)
    assert status == 400
    assert message in found["error"]


def test_a_package_of_texts_beside_columns_answers_as_predict_does(films, tmp_path):
    from hornbook.exports.export import export_run

    for package in ("tf2onnx", "onnxruntime"):
        pytest.importorskip(package, reason="not installed: hornbook[onnx]")
    (exported,) = export_run(films / "runs" / "films", "package", output=tmp_path / "package")
    assert exported.reason == ""
    predict_file(films / "runs" / "films", films / "films.csv", output=tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        expected = [float(row["probability_1"]) for row in csv.DictReader(file)]
    with (films / "films.csv").open() as file:
        rows = [{"review": row["review"], "stars": row["stars"], "city": row["city"]} for row in csv.DictReader(file)]
    code = "import json, sys, service; print(json.dumps(service.predict(service.Body(**json.load(sys.stdin)))))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=exported.path, input=json.dumps({"rows": rows}), env={},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [one["probabilities"]["1"] for one in json.loads(done.stdout)["predictions"]]
    np.testing.assert_allclose(found, expected, atol=1e-5)
