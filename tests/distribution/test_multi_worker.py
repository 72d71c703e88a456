"""Two workers on this machine: the losses of one device, one run folder, and a lost worker that costs no more than an epoch."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.whole

RECIPE = """\
data: {name: npz, path: data.npz, split: {validation: 10, test: 10}}
model: {name: mlp, units: [7]}
normalization: batch_normalization
optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9}
training: {epochs: 8, batch_size: 9, metrics: [accuracy], class_weights: balanced, engine: graph}
health: off
"""
LOST = (
    "a worker was lost, so training cannot go on. The last whole epoch is saved: start all workers again with "
    "'hornbook resume RUN' on the same folder.\n"
)


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(65, 5)).astype(np.float32)  # 45 to train on: 5 batches of 9, so 5 and 4 for each worker
    np.savez("data.npz", x=x, y=np.argmax(x[:, :3] + rng.normal(size=(65, 3)), axis=1))
    Path("few.yaml").write_text(RECIPE)


def rows_of(run):
    path = Path(run) / "history.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def end(processes):
    ended = [(process.communicate(timeout=120), process.returncode) for process in processes]
    return [(code, out, err) for (out, err), code in ended]


def run_folders():
    """Return the runs; a worker that was killed could not remove its temporary folder."""
    return [path for path in Path().glob("*/*/*/recipe.yaml") if not {"latest", "temporary-1"} & set(path.parts)]


def test_two_workers_train_like_one_and_survive_the_loss_of_one(workers, tensorflow):
    import hornbook

    # one worker is killed
    chief, worker = workers("train", "-c", "few.yaml", "training.strategy=multi_worker", "training.epochs=400")
    while len(rows_of("runs/few/latest")) < 3:
        assert chief.poll() is None, chief.communicate()
        time.sleep(0.02)
    worker.kill()
    began = time.monotonic()
    ((code, _, err),) = end([chief])
    assert time.monotonic() - began < 20
    assert code == 1
    assert err.endswith(LOST), err
    assert "Traceback" not in err
    run = Path("runs/few/latest").resolve()
    result = json.loads((run / "result.json").read_text())
    assert (result["state"], result["stop_reason"] + "\n") == ("failed", LOST)
    trained = len(rows_of(run))
    assert 3 <= trained < 8, "the machine is too fast or too slow for this test"

    # both resume: losses of one device, one run folder, nothing left beside it
    left = sorted(Path("temporary-1").iterdir())  # by the worker that was killed
    (code, out, _), (other_code, _, err) = end(workers("resume", str(run), "training.epochs=8"))
    assert (code, other_code) == (0, 0), err
    assert "all 8 epochs done" in out
    assert run_folders() == [Path("runs/few") / run.name / "recipe.yaml"]
    assert sorted(Path("temporary-1").iterdir()) == left
    resumed = rows_of(run)
    assert [row["epoch"] for row in resumed] == list(range(1, 9))
    single = hornbook.train(hornbook.load_recipe("few.yaml"), runs="single", progress=False)
    for row, expected in zip(resumed, single.history, strict=True):
        for key in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
            assert row[key] == pytest.approx(expected[key], rel=1e-5), (row["epoch"], key)
