"""Data that runs of one process share."""

import shutil

import numpy as np
import pytest
from pictures import write_digits

from hornbook import load_recipe
from hornbook.data import Shelf, load, shelf
from hornbook.errors import DataError


@pytest.fixture
def done(monkeypatch):
    """What was really done: `read` a source, `prepare` its splits."""
    found = []

    def count(name):
        real = getattr(shelf, name)

        def counted(*given, **options):
            found.append(name)
            return real(*given, **options)

        monkeypatch.setattr(shelf, name, counted)

    count("read")
    count("prepare")
    return found


def spec_of(**keys):
    return load_recipe({"data": {"name": "digits"} | keys, "model": {"name": "mlp", "units": [4]}}).data


def test_the_second_run_gets_the_same_splits_without_loading_them(done):
    own, alone = Shelf(), load(spec_of(), seed=1)
    first, second = (own.load(spec_of(), seed=1) for _ in range(2))
    assert second is first
    assert done == ["read", "prepare"]
    assert first.info == alone.info
    np.testing.assert_array_equal(first.train.x, alone.train.x)


@pytest.mark.parametrize(
    ("keys", "options", "more"),
    [
        ({"limit": 50}, {"seed": 1}, ["read", "prepare"]),
        ({}, {"seed": 2}, ["prepare"]),
        ({}, {"seed": 1, "memory_budget": 10**9}, ["prepare"]),
    ],
)
def test_another_section_is_read_and_another_seed_or_budget_divides_anew(keys, options, more, done):
    own = Shelf()
    own.load(spec_of(), seed=1)
    found = own.load(spec_of(**keys), **options)
    assert done == ["read", "prepare", *more]
    alone = load(spec_of(**keys), **options)
    np.testing.assert_array_equal(found.train.x, alone.train.x)
    assert found.info == alone.info


def test_another_seed_that_divides_nothing_anew_gets_the_same_splits(done):
    own, spec = Shelf(), spec_of(split={"validation": 60, "seed": 5})
    assert own.load(spec, seed=1) is own.load(spec, seed=2)
    assert done == ["read", "prepare"]


def test_a_source_that_draws_its_examples_draws_them_for_each_seed(done):
    own, spec = Shelf(), spec_of(name="moons", split={"validation": 60, "seed": 5})
    first, second = (own.load(spec, seed=seed) for seed in (1, 2))
    assert (first.train.x != second.train.x).any()
    assert own.load(spec, seed=1) is first
    assert done == ["read", "prepare"] * 2


def test_nobody_can_change_what_the_next_run_gets():
    found = Shelf().load(spec_of(), seed=1)
    with pytest.raises(ValueError, match="read-only"):
        found.train.x[0] = 0


def test_what_was_used_longest_ago_makes_room(done):
    spec = spec_of(name="moons")  # drawn anew by each seed, so that no source is kept
    one = load(spec, seed=1)
    size = sum(part.x.nbytes + part.y.nbytes for part in (one.train, one.validation, one.test))
    own = Shelf(room=2 * size + 100)
    for seed in (1, 2, 1, 3, 1, 2):  # 3 takes the place of 2
        own.load(spec, seed=seed)
    assert done.count("prepare") == 4


def test_inputs_that_stay_on_disk_are_not_kept(tmp_path, done):
    np.savez(tmp_path / "big.npz", x=np.ones((400, 50), np.float32), y=np.arange(400) % 2)
    data = {"name": "npz", "path": str(tmp_path / "big.npz")}
    spec = load_recipe({"data": data, "model": {"name": "mlp", "units": [4]}}).data
    own = Shelf()
    for _ in range(2):
        own.load(spec, seed=1, memory_budget=10_000)
    assert done == ["read", "prepare"] * 2


@pytest.fixture
def pictures(tmp_path):
    """A section of pictures in files, which are read in threads."""
    folder = write_digits(tmp_path / "files", per_class=4)
    return load_recipe({"data": {"name": "image_folder", "path": str(folder), "size": 8}, "model": "cnn"}).data


def test_what_was_begun_is_waited_for_and_not_read_again(pictures, done):
    own = Shelf(room=0)
    own.begin(pictures, seed=1)
    found = own.load(pictures, seed=1)
    assert done == ["read", "prepare"]
    assert found.info == load(pictures, seed=1).info
    own.load(pictures, seed=1)  # what was begun is taken once
    assert done == ["read", "prepare"] * 2


def test_what_goes_wrong_in_what_was_begun_goes_wrong_in_loading(pictures):
    shutil.rmtree(pictures.path)
    own = Shelf(room=0)
    own.begin(pictures, seed=1)
    with pytest.raises(DataError, match="files: no such folder"):
        own.load(pictures, seed=1)


def test_only_what_leaves_python_free_is_begun(done):
    own = Shelf(room=0)
    own.begin(spec_of(), seed=1)
    assert done == []
