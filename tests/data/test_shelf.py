"""Data that runs of one process share."""

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.data import Shelf, load, shelf


@pytest.fixture
def loads(monkeypatch):
    """How often data was really loaded."""
    done = []
    monkeypatch.setattr(shelf, "load", lambda spec, **options: (done.append(spec), load(spec, **options))[1])
    return done


def spec_of(**keys):
    return load_recipe({"data": {"name": "digits", **keys}, "model": {"name": "mlp", "units": [4]}}).data


def test_the_second_run_gets_the_same_splits_without_loading_them(loads):
    own, alone = Shelf(), load(spec_of(), seed=1)
    first, second = (own.load(spec_of(), seed=1) for _ in range(2))
    assert second is first
    assert len(loads) == 1
    assert first.info == alone.info
    np.testing.assert_array_equal(first.train.x, alone.train.x)


@pytest.mark.parametrize(
    ("keys", "options"), [({"limit": 50}, {"seed": 1}), ({}, {"seed": 2}), ({}, {"seed": 1, "memory_budget": 10**9})]
)
def test_another_section_seed_or_budget_is_loaded(keys, options, loads):
    own = Shelf()
    own.load(spec_of(), seed=1)
    own.load(spec_of(**keys), **options)
    assert len(loads) == 2


def test_nobody_can_change_what_the_next_run_gets():
    found = Shelf().load(spec_of(), seed=1)
    with pytest.raises(ValueError, match="read-only"):
        found.train.x[0] = 0


def test_what_was_used_longest_ago_makes_room(loads):
    one = load(spec_of(), seed=1)
    size = sum(part.x.nbytes + part.y.nbytes for part in (one.train, one.validation, one.test))
    own = Shelf(room=2 * size + 100)
    for seed in (1, 2, 1, 3, 1, 2):  # 3 takes the place of 2
        own.load(spec_of(), seed=seed)
    assert len(loads) == 4


def test_inputs_that_stay_on_disk_are_not_kept(tmp_path, loads):
    np.savez(tmp_path / "big.npz", x=np.ones((400, 50), np.float32), y=np.arange(400) % 2)
    data = {"name": "npz", "path": str(tmp_path / "big.npz")}
    spec = load_recipe({"data": data, "model": {"name": "mlp", "units": [4]}}).data
    own = Shelf()
    for _ in range(2):
        own.load(spec, seed=1, memory_budget=10_000)
    assert len(loads) == 2
