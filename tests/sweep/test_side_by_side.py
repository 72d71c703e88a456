"""Runs side by side in one process: each ends as it would alone, whatever the others do, and when it is interrupted."""

import json
import os
import signal
import threading
import time

import pytest

from hornbook.engine.turns import Crew, aside, runs_at_once, side_by_side
from hornbook.errors import RunError


def timeless(events):
    """Return what of the events must not depend on the clock."""
    changing = {"seconds", "elapsed", "runs"}
    return [{key: value for key, value in event.items() if key not in changing} for event in events]


def left_by(folder):
    """Return {trial: history without times, weights as bytes}."""
    import keras

    found = {}
    for run in sorted((folder / "trials").glob("trial-*/2*")):
        rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
        rows = [{key: value for key, value in row.items() if not key.endswith("seconds")} for row in rows]
        model = keras.models.load_model(run / "checkpoints" / "last.keras")
        found[run.parent.name] = rows, [weight.tobytes() for weight in model.get_weights()]
    return found


ENGINES = {
    "graph": {},
    "xla": {"training": {"epochs": 2, "batch_size": 32, "engine": "xla"}, "regularization": {"dropout": 0.3}},
}
KEYS = {"max_trials": 4, "keep_best": 4, "confirm": 2}


@pytest.mark.parametrize("engine", ["graph", pytest.param("xla", marks=pytest.mark.whole)])
def test_trials_end_as_they_would_one_after_another(run_sweep, events, engine, tmp_path):
    sections = ENGINES[engine]
    alone = run_sweep(KEYS, sections=sections, parallel=1)
    expected = timeless(events(alone.folder)), left_by(alone.folder), alone.confirmed
    for count in (2, 4) if engine == "xla" else (2,):
        found = run_sweep(KEYS, sections=sections, parallel=count, fresh=True)
        assert found.folder != alone.folder
        ended = [event for event in timeless(events(found.folder)) if event["event"] == "end"]
        assert ended == [event for event in expected[0] if event["event"] == "end"]
        assert (left_by(found.folder), found.confirmed) == expected[1:]


@pytest.mark.whole
def test_trials_on_a_table_that_stays_on_disk_end_as_in_memory(run_sweep, tmp_path, monkeypatch):
    monkeypatch.setenv("HORNBOOK_CACHE", str(tmp_path / "cache"))
    rows = [f"{row % 17},{row % 5 or ''},{'pqr'[row % 3]},{row % 2}" for row in range(400)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c,y", *rows]) + "\n")
    data = {"name": "table", "path": str(tmp_path / "t.csv"), "target": "y"}
    found = []
    for budget in ("1 GB", "0.001 MB"):
        training = {"epochs": 2, "batch_size": 32, "memory_budget": budget}
        result = run_sweep(KEYS, sections={"data": data, "training": training}, fresh=True)
        found.append((left_by(result.folder), result.confirmed))
    assert found[0] == found[1]
    assert (tmp_path / "cache" / "tables").is_dir()


def test_what_a_tuner_that_learns_proposes_follows_from_how_many_run_at_once(run_sweep, events):
    keys = {"tuner": {"name": "bayesian", "num_initial_points": 2}, "max_trials": 4}
    first, second = (timeless(events(run_sweep(keys, parallel=2, fresh=True).folder)) for _ in range(2))
    assert first == second
    assert [event["trial"] for event in first if event["event"] == "end"] == [0, 1, 2, 3]


def test_interrupted_side_by_side_a_sweep_goes_on_and_ends_alike(run_sweep, events):
    from hornbook.sweep.view import View
    from hornbook.trainer.listeners import Listener

    class Pressing(Listener):
        def on_epoch(self, row, *, is_best):
            assert threading.current_thread() is not threading.main_thread()
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)  # the main thread hears of it

    class View(View):
        def listener(self, name):
            return Pressing() if name == "trial-002" else Listener()

    whole = run_sweep(KEYS, parallel=2)
    cut = run_sweep(KEYS, parallel=2, view=View(), fresh=True)
    assert (cut.state, cut.exit_code) == ("interrupted", 130)
    rest = run_sweep(KEYS, parallel=2)
    assert (rest.folder, rest.state) == (cut.folder, "finished")
    assert left_by(rest.folder) == left_by(whole.folder)
    assert (rest.best, rest.confirmed) == (whole.best, whole.confirmed)


def test_what_concerns_the_whole_sweep_ends_it_once_the_others_are_saved(run_sweep, monkeypatch):
    from hornbook.sweep import here

    real = here.run_trial

    def run_trial(task, *given):
        if task.trial == 1:
            raise RunError("the disk is full.")
        return real(task, *given)

    monkeypatch.setattr(here, "run_trial", run_trial)
    with pytest.raises(RunError, match="the disk is full"):
        run_sweep(KEYS, parallel=2)
    monkeypatch.undo()
    assert run_sweep(KEYS, parallel=2).state == "finished"


@pytest.mark.whole
def test_an_ablation_side_by_side_finds_what_one_after_another_finds(tmp_path, recipe_of, tensorflow):
    import hornbook

    plain = {**recipe_of().to_dict(), "sweep": None}
    plain = {key: value for key, value in plain.items() if key in {"name", "data", "model", "optimizer", "training"}}
    found = []
    for count in (1, 3):
        runs = tmp_path / str(count)
        study, _ = hornbook.ablate(
            plain, vary={"activation": ["elu", "tanh"]}, seeds=2, runs=runs, parallel=count, progress=False
        )
        found.append([(row.group.label, row.group.values, row.group.test) for row in study.rows])
    assert found[0] == found[1]


# ---- turns, without TensorFlow


def test_jobs_take_turns_and_are_told_in_their_order():
    inside, most, aside_at_once, seen = [0], [0], [0], []
    gate = threading.Barrier(2, timeout=10)

    def job(number):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        inside[0] -= 1
        with aside():
            if number < 2:
                gate.wait()  # only passes where two are aside at once
                aside_at_once[0] += 1
            time.sleep(0.05 * (3 - number))
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        inside[0] -= 1
        return number

    for result in side_by_side([lambda number=number: job(number) for number in range(3)], 2, goes_on=lambda: True):
        seen.append(result)
    assert seen == [0, 1, 2]
    assert (most, aside_at_once) == ([1], [2])


def test_a_failure_is_raised_in_its_place_after_those_that_run_have_ended():
    ended = []

    def job(number):
        if number == 1:
            raise ValueError("broken")
        with aside():
            time.sleep(0.1)
        ended.append(number)
        return number

    jobs = [lambda number=number: job(number) for number in range(5)]
    results = side_by_side(jobs, 2, goes_on=lambda: True)
    with pytest.raises(ValueError, match="broken"):
        list(results)
    assert ended[0] == 0
    assert len(ended) <= 2


def test_nothing_new_begins_once_it_is_to_end():
    began = []

    def job(number):
        began.append(number)
        return number

    jobs = [lambda number=number: job(number) for number in range(9)]
    done = list(side_by_side(jobs, 2, goes_on=lambda: len(began) < 2))
    assert done == list(range(len(began)))  # whatever has begun is told
    assert 2 <= len(began) <= 4  # two that ran when it was asked last, and two that were seen to have begun


def test_aside_does_nothing_where_no_runs_are_side_by_side():
    with aside():
        pass
    assert Crew(2).has_room


@pytest.mark.parametrize(
    ("sections", "copies", "expected"),
    [
        ({}, 10, 4),
        ({}, 2, 2),
        ({"model": {"name": "cnn", "filters": [2]}}, 10, 1),
        ({"model": {"name": "mlp", "units": [8], "ensemble": 4}}, 10, 1),
        ({"training": {"engine": "fit"}}, 10, 1),
        ({"training": {"strategy": "mirrored"}}, 10, 1),
    ],
)
def test_thin_networks_are_trained_one_for_each_core_and_copy_of_the_data(
    sections, copies, expected, recipe_of, monkeypatch
):
    from hornbook.data import load_data

    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(4))
    recipe = recipe_of(**{"training": {"epochs": 1}, **sections})
    splits = load_data(recipe).splits
    assert runs_at_once(recipe, splits.info, memory_budget=copies * splits.train.x.nbytes) == expected


@pytest.mark.parametrize(("gigabytes", "expected"), [(1024, 64), (40, 20), (1, 1)])
def test_processes_of_their_own_are_one_for_each_core_as_far_as_memory_reaches(
    gigabytes, expected, recipe_of, monkeypatch
):
    from hornbook.data import load_data

    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(64))
    monkeypatch.setattr("hornbook.engine.turns.memory_bytes", lambda: gigabytes * 2**30)
    thin, convolutions = (
        recipe_of(training={"epochs": 1}),
        recipe_of(model={"name": "cnn", "filters": [2]}, training={"epochs": 1}),
    )
    info = load_data(thin).splits.info
    assert runs_at_once(thin, info, memory_budget=10**9, are_processes=True) == expected
    assert runs_at_once(thin, info, memory_budget=10**9) == 8  # whose Python takes turns in one
    assert runs_at_once(convolutions, info, memory_budget=10**9, are_processes=True) == 1
