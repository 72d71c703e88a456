"""A run's recipe holds absolute paths, so the run can be used from any folder."""

import numpy as np
import pytest

MODEL = {"model": {"name": "mlp", "units": [4]}, "training": {"epochs": 1, "batch_size": 8, "engine": "graph"}}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with every kind of file that a recipe names, which is the current one; returns another one."""
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    away.mkdir()
    generator = np.random.default_rng(0)
    x = generator.normal(size=(40, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    rows = [f"{a:.3f},{b:.3f},{c:.3f},{'yes' if label else 'no'}" for (a, b, c), label in zip(x, y, strict=True)]
    for name in ("table.csv", "test.csv"):
        (home / name).write_text("\n".join(["a,b,c,bought", *rows]), encoding="utf-8")
    np.savez(home / "arrays.npz", x=x, y=y)
    for name, values in {"x.npy": x, "y.npy": y, "unlabeled.npy": x}.items():
        np.save(home / name, values)
    monkeypatch.chdir(home)
    return away


SPLIT = {"validation": 8, "test": 8}  # of 40, so that 24 are left: 3 batches of 8
SOURCES = {
    "table": {
        "data": {
            "name": "table",
            "path": "table.csv",
            "test_path": "test.csv",
            "target": "bought",
            "split": {"validation": 8},
        }
    },
    "npy, pretraining on a file": {
        "data": {"name": "npy", "inputs": "x.npy", "targets": "y.npy", "split": SPLIT},
        "pretraining": {"name": "autoencoder", "epochs": 1, "inputs": "unlabeled.npy"},
    },
    "npz, pretraining on a source": {
        "data": {"name": "npz", "path": "./arrays.npz", "split": SPLIT},
        "pretraining": {
            "name": "autoencoder",
            "epochs": 1,
            "data": {"name": "npz", "path": "arrays.npz", "split": {"validation": 0, "test": 0}},  # 5 batches of 8
        },
    },
}


NPZ = {"data": {"name": "npz", "path": "arrays.npz", "split": SPLIT}}


def trained(recipe):
    """Return the result of a run of a recipe on these sources, and the run's absolute path."""
    import hornbook

    result = hornbook.train(hornbook.load_recipe({"name": "small", **MODEL, **recipe}), progress=False)
    return result, result.run.absolute()


@pytest.mark.parametrize("recipe", SOURCES.values(), ids=SOURCES)
def test_a_run_is_reproduced_from_another_folder(recipe, files, monkeypatch, tensorflow):
    from hornbook.trainer.reproduce import reproduce

    _, run = trained(recipe)
    monkeypatch.chdir(files)
    assert reproduce(run).is_same


def test_a_run_is_evaluated_and_resumed_from_another_folder(files, monkeypatch, tensorflow):
    from hornbook.inference.evaluate import evaluate_run
    from hornbook.trainer.resume import resume

    result, run = trained(SOURCES["table"])
    monkeypatch.chdir(files)
    assert evaluate_run(str(run)).metrics["loss"] == pytest.approx(result.test["loss"], abs=1e-6)
    assert resume(run, ["training.epochs=2"]).epochs == 2


def test_an_earlier_model_is_found_from_another_folder(files, monkeypatch, tensorflow):
    import hornbook
    from hornbook.trainer.prepare import prepare
    from hornbook.trainer.reproduce import reproduce

    first = hornbook.train(hornbook.load_recipe({"name": "first", **MODEL, **NPZ}), progress=False)
    last = str(first.run / "checkpoints" / "last.keras")
    recipes = [
        hornbook.load_recipe({"name": "second", **MODEL, **NPZ, "reuse": {"from": source}})
        for source in ("runs/first/latest", "first", last)
    ]
    run = hornbook.train(recipes[0], progress=False).run.absolute()
    resolved = [prepare(recipe).recipe.to_dict() for recipe in recipes]
    monkeypatch.chdir(files)
    assert reproduce(run).is_same
    for tree in resolved:
        model = prepare(hornbook.load_recipe(tree)).built.model
        np.testing.assert_array_equal(
            model.get_layer("hidden_1").get_weights()[0], first.model.get_layer("hidden_1").get_weights()[0]
        )
