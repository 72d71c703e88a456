"""Range tests side by side: the same losses for any number of them at once, and nothing lost by errors and signals."""

import os
import signal
import threading

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.data import Shelf
from hornbook.trainer.signals import Interrupted

DIGITS = {"name": "digits", "limit": 320, "split": {"validation": 40, "test": 40}}
RECIPE = {
    "name": "few",
    "data": DIGITS,
    "model": {"name": "mlp", "units": [16]},
    "optimizer": {"name": "sgd", "learning_rate": "auto", "momentum": 0.9},
    "training": {"epochs": 3, "batch_size": 32, "engine": "graph"},
}
BY_ENGINE = {
    "graph": {"normalization": "batch_normalization", "regularization": {"dropout": 0.1}},
    "xla": {"training": {"epochs": 3, "batch_size": 32, "engine": "xla"}, "regularization": {"dropout": 0.1}},
    "diverging": {"optimizer": {"name": "sgd", "learning_rate": "auto"}},
}
RANGES = {"diverging": {"lowest": 1.0, "highest": 1e30}}
LOW = {"highest": 1e-3}  # nothing diverges


def variables_of(built):
    return [variable.numpy().tobytes() for variable in [*built.training_model.variables, *built.optimizer.variables]]


def curves_of(search):
    return [(curve.seed, curve.rates.tobytes(), curve.losses.tobytes(), curve.diverged) for curve in search.curves]


@pytest.fixture
def pressed(monkeypatch):
    """A function: a signal and a seed → it comes when that seed's range test begins; returns a list that gets all curves."""
    from hornbook.trainer.lr_find import search

    real, curves = search.range_test, []

    def press(number, *, seed=43):
        def range_test(prepared, rates, **options):
            if prepared.recipe.seed == seed:
                os.kill(os.getpid(), number)
            curves.append(real(prepared, rates, **options))
            return curves[-1]

        monkeypatch.setattr(search, "range_test", range_test)
        return curves

    return press


@pytest.mark.parametrize("kind", ["graph", pytest.param("xla", marks=pytest.mark.whole), "diverging"])
def test_losses_do_not_depend_on_how_many_tests_run_at_once(kind, prepare):
    from hornbook.trainer.lr_find.search import search_rate

    prepared = prepare(RECIPE | BY_ENGINE[kind])
    before = variables_of(prepared.built)
    options = {"seeds": 4, "steps": 40, **RANGES.get(kind, LOW)}
    alone = curves_of(search_rate(prepared, parallel=1, **options))
    assert [seed for seed, *_ in alone] == [42, 43, 44, 45]
    assert [diverged for *_, diverged in alone] == [kind == "diverging"] * 4
    for count in (2, 4):
        assert curves_of(search_rate(prepared, parallel=count, **options)) == alone
        assert variables_of(prepared.built) == before


def test_what_is_said_names_seeds_and_how_many_run_at_once(prepare):
    from hornbook.trainer.lr_find.search import search_rate

    said = []
    search = search_rate(prepare(RECIPE), seeds=3, steps=20, parallel=2, say=said.append, **LOW)
    assert said[0] == "range tests with seeds 42 to 44, 2 at once"
    for place, (line, curve) in enumerate(zip(said[1:], search.curves, strict=True)):
        loss, best = curve.losses[0], curve.losses.min()
        assert line == f"[{place + 1}/3] seed {42 + place}: 20 steps, loss {loss:.3g}, {best:.3g} at best"
    search_rate(prepare(RECIPE), seeds=1, steps=20, parallel=2, say=said.append)
    assert said[4] == "range test with seed 42"


def test_thin_networks_are_tested_one_for_each_core_unless_a_number_is_given(prepare, monkeypatch):
    from hornbook.engine.turns import Crew
    from hornbook.trainer.lr_find import search

    class Asked(Exception):
        pass

    def side_by_side(jobs, team, **rest):
        raise Asked(team)

    monkeypatch.setattr(search, "side_by_side", side_by_side)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(3))
    xla = prepare(RECIPE | BY_ENGINE["xla"])

    def asked(prepared, **options):
        with pytest.raises(Asked) as caught:
            search.search_rate(prepared, **options)
        return caught.value.args[0]

    assert asked(xla, seeds=9) == 3
    assert asked(xla, seeds=2) == 2
    assert asked(xla, seeds=9, parallel=4) == 4
    assert asked(prepare(RECIPE | {"model": {"name": "cnn", "filters": [2]}})) == 1
    with Crew(1) as crew:  # within a trial that is itself one of several
        crew.begin(0, lambda: asked(xla, seeds=9))
        while (ended := crew.wait()) is None:
            pass
    assert ended[1].result() == 1


def test_a_test_that_fails_ends_the_search_once_the_others_have_ended(prepare, monkeypatch):
    from hornbook.trainer.lr_find import search

    prepared, real, made = prepare(RECIPE), search.build_for, []

    def build_for(recipe, splits):
        made.append(recipe.seed)
        if recipe.seed == 43:
            raise MemoryError("no room for the second one")
        return real(recipe, splits)

    monkeypatch.setattr(search, "build_for", build_for)
    before = variables_of(prepared.built)
    with pytest.raises(MemoryError, match="no room for the second one"):
        search.search_rate(prepared, seeds=5, steps=30, parallel=2)
    assert set(made) <= {43, 44}  # at most one more had begun
    assert variables_of(prepared.built) == before
    assert [thread for thread in threading.enumerate() if thread.name.startswith("hornbook ")] == []


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("number", "code", "name"),
    [
        (signal.SIGINT, 130, "Ctrl-C"),
        (signal.SIGTERM, 143, "SIGTERM"),
        (signal.SIGHUP, 129, r"a closed terminal \(SIGHUP\)"),
    ],
)
def test_a_signal_ends_all_tests_at_their_next_step(number, code, name, count, prepare, pressed, hangups):
    from hornbook.trainer.lr_find.search import search_rate

    prepared, curves = prepare(RECIPE), pressed(number)
    before, handlers = variables_of(prepared.built), [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    steps = 60 if count == 1 else 5000  # the first one ends before the second begins, or is cut short by it
    with pytest.raises(Interrupted, match=rf"^stopped by {name}: \d of 3 range tests w\w+ done, and nothing") as caught:
        search_rate(prepared, seeds=3, steps=steps, parallel=count, **LOW)
    assert caught.value.exit_code == code
    assert [len(curve.losses) < steps for curve in curves] == [count == 2, True]
    assert variables_of(prepared.built) == before
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_signal_while_a_trial_looks_for_its_rate_is_no_failed_trial(pressed, tmp_path, tensorflow):
    from hornbook.study.cells import train_cell
    from hornbook.sweep.trial import Task, run_trial
    from hornbook.trainer.listeners import Listener

    recipe = load_recipe(RECIPE)
    pressed(signal.SIGTERM, seed=42)
    outcome = run_trial(Task(0, 0, recipe, ("val_loss",)), tmp_path / "sweep", Listener(), Shelf())
    assert (outcome.state, outcome.exit_code, outcome.runs) == ("interrupted", 143, ())
    with pytest.raises(Interrupted, match="stopped by SIGTERM"):
        train_cell(recipe, ("", ()), None, tmp_path / "runs", Shelf())
    assert list((tmp_path / "runs").glob("*/2*")) == []


def test_a_further_seed_in_a_thread_has_the_losses_of_a_run_of_its_own(prepare):
    """Seed 43, tested beside seed 42, is what plain steps of a run with seed 43 on the same examples give."""
    from hornbook.trainer.lr_find.search import range_test, search_rate

    tree = RECIPE | {"data": DIGITS | {"split": {"validation": 40, "test": 40, "seed": 42}}}
    search = search_rate(prepare(tree), seeds=2, steps=20, parallel=2)
    own = range_test(prepare(tree | {"seed": 43}), np.geomspace(1e-7, 10, 20))
    assert search.curves[1].losses.tobytes() == own.losses.tobytes()
