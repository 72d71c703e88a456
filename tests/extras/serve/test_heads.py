"""`hornbook serve` for runs with several heads: each answers by a name of its own."""

import numpy as np
import pytest

import hornbook
from hornbook.errors import UsageError

TREE = {
    "name": "blooms",
    "data": {"name": "iris", "columns": ["sepal_length", "sepal_width", "petal_length"]},
    "model": {"name": "mlp", "units": [8]},
    "heads": {"species": {}, "petals": {"target": "petal_width", "loss": "huber"}},
    "training": {"epochs": 3, "engine": "graph"},
}
ROWS = [{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4},
        {"sepal_length": 6.3, "sepal_width": 2.9, "petal_length": 5.6}]  # fmt: skip


@pytest.fixture(scope="module")
def run(folder):
    return hornbook.train(TREE, runs=str(folder / "runs"), progress=False).run


@pytest.fixture(scope="module")
def service(run, folder, serve):
    started = serve(folder, "blooms")
    yield started
    started.process.kill()
    started.process.wait()


def test_each_head_answers_what_it_predicts_by_a_name_of_its_own(run, service):
    from hornbook.inference.trained import load_run

    trained, x = load_run(run), np.array([[*row.values()] for row in ROWS], np.float32)
    species, petals = (np.asarray(trained.of_head(name).model(x)) for name in ("species", "petals"))
    status, found = service.ask("POST", "/predict/blooms-species", {"rows": ROWS})
    assert (status, found["model"]) == (200, "blooms-species")
    shown = [[*one["probabilities"].values()] for one in found["predictions"]]
    np.testing.assert_allclose(shown, species, atol=1e-5)
    assert [one["label"] for one in found["predictions"]] == [
        ("setosa", "versicolor", "virginica")[place] for place in species.argmax(axis=1)
    ]
    status, found = service.ask("POST", "/predict/blooms-petals", {"rows": ROWS})
    assert status == 200
    assert [one["values"] for one in found["predictions"]] == [
        {"prediction": pytest.approx(value, abs=1e-4)} for value in petals[:, 0].tolist()
    ]
    status, found = service.ask("POST", "/predict/blooms", {"rows": ROWS})
    assert status == 404
    assert "There are: blooms-species, blooms-petals." in found["error"]


def test_a_run_that_has_other_heads_now_is_no_newer_one(run):
    from hornbook.serving.models import load_model

    with pytest.raises(UsageError, match="this run has the heads species, petals, and a single one is asked for"):
        load_model(run)
    with pytest.raises(UsageError, match="and price is asked for"):
        load_model(run, head="price")
