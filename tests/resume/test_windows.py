"""A forecast that is stopped within an epoch and resumed ends bit for bit as one left alone, in memory and from disk."""

import pytest

DATA = {"name": "seasons", "steps": 200, "window": 12, "horizon": 3}
KINDS = {
    "one scale for all": {"data": DATA, "model": {"name": "mlp", "units": [4]}},
    "a scale for each series, under XLA": {
        "data": DATA | {"count": 3, "stride": 2, "scaling": "series", "calendar": ["hour"]},
        "model": {"name": "rnn", "units": [4]},
        "training": {"engine": "xla"},
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_stopped_within_an_epoch_ends_as_one_left_alone(interrupted, resume, alone, assert_same, kind):
    tree = KINDS[kind] | {"training": {"epochs": 3, "batch_size": 32, **KINDS[kind].get("training", {})}}
    stopped = interrupted(tree, at=(1, 2))
    but = ("best", "last") if kind != "one scale for all" else ()  # which number their operations
    assert_same(resume(stopped.run), alone(tree), but=but)


def test_windows_that_stay_on_disk_train_the_same(interrupted, resume, alone, assert_same, monkeypatch):
    monkeypatch.setattr("hornbook.engine.feed.BLOCK_BYTES", 3 * 32 * 12 * 4)
    tree = KINDS["one scale for all"] | {"training": {"epochs": 3, "batch_size": 32}}
    stopped = interrupted(tree, "training.memory_budget=0.001 MB", at=(1, 2))
    assert "data streams from disk" in (stopped.run / "log.txt").read_text()
    assert_same(resume(stopped.run), alone(tree), but=("recipe",))
