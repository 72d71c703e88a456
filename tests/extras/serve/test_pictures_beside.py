"""`hornbook serve` for tables with pictures beside their other columns."""

import base64
import csv

import numpy as np
import pytest
from pictures import digit, encoded

import hornbook
from hornbook.errors import UsageError
from hornbook.inference.predict import predict_file
from hornbook.serving.serve import names_of


@pytest.fixture(scope="module")
def houses(folder):
    (folder / "photos").mkdir()
    lines = ["photo,rooms,city,price"]
    for place in range(60):
        (folder / f"photos/{place}.png").write_bytes(encoded(digit(place, (12, 12))))
        lines.append(f"photos/{place}.png,{place % 4},{('Bern', 'Uri')[place % 2]},{place % 5 + place % 2}")
    (folder / "houses.csv").write_text("\n".join(lines) + "\n")
    data = {"name": "table", "path": str(folder / "houses.csv"), "target": "price", "types": {"photo": "picture"}}
    tree = {
        "name": "houses", "task": "regression", "data": data | {"pictures": {"size": 8, "channels": 1}},
        "model": {"name": "mlp", "units": [6], "encoders": {"photo": {"name": "cnn", "filters": [3]}}},
        "activation": "elu", "training": {"epochs": 2, "batch_size": 16, "engine": "graph"},
    }  # fmt: skip
    hornbook.train(tree, runs=str(folder / "runs"), progress=False)
    return folder


@pytest.fixture(scope="module")
def service(houses, serve):
    started = serve(houses, "houses")
    yield started
    started.process.kill()
    started.process.wait()


def test_rows_with_a_picture_are_answered_as_predict_answers_a_table(houses, service, tmp_path):
    predict_file(houses / "runs" / "houses", houses / "houses.csv", output=tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        expected = [float(row["prediction"]) for row in csv.DictReader(file)]
    with (houses / "houses.csv").open() as file:
        read = list(csv.DictReader(file))
    rows = [
        {
            "photo": base64.b64encode((houses / row["photo"]).read_bytes()).decode(),
            "rooms": int(row["rooms"]),
            "city": row["city"],
        }
        for row in read
    ]
    status, found = service.ask("POST", "/predict/houses", {"rows": rows})
    assert status == 200, found
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose([one["values"]["price"] for one in found["predictions"]], expected, atol=1e-5)


def test_pictures_that_python_gave_as_arrays_are_not_served(houses, tmp_path):
    generator = np.random.default_rng(0)
    x = {"photo": generator.integers(0, 256, (40, 6, 6), np.uint8), "facts": generator.normal(size=(40, 2))}
    tree = {"name": "arrays", "data": "arrays", "model": {"name": "mlp", "units": [2]}, "task": "regression"}
    tree["training"] = {"epochs": 1, "batch_size": 8}
    result = hornbook.train(tree, data=(x, np.arange(40.0)), runs=str(tmp_path), progress=False)
    with pytest.raises(UsageError, match="this run reads 'photo', arrays from Python. Use 'hornbook predict'"):
        names_of([str(result.run)])
