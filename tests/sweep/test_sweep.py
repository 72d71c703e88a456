"""Whole sweeps: interrupted and gone on with, with failing trials, with workers, and what they leave."""

import csv
import json
import os
import signal

import pytest

from hornbook.errors import RunError

TUNERS = {
    "random": {"tuner": "random", "max_trials": 4},
    "grid": {"tuner": "grid", "max_trials": 4},
    "hyperband": {"tuner": {"name": "hyperband", "max_epochs": 2, "factor": 2}, "max_trials": None},
    "bayesian": {"tuner": {"name": "bayesian", "num_initial_points": 2}, "max_trials": 3},
}


def timeless(events):
    """Return what of the events must not depend on interruptions."""
    changing = {"seconds", "elapsed", "runs"}
    return [{key: value for key, value in event.items() if key not in changing} for event in events]


def view_that(when, act):
    """Return a view that acts once, at the start of the epoch that follows so many."""
    from hornbook.sweep.view import View
    from hornbook.trainer.listeners import Listener

    left = [when]

    class Counting(Listener):
        def on_epoch(self, row, *, is_best):
            left[0] -= 1
            if left[0] == 0:
                act()

    class Acting(View):
        def listener(self, name):
            return Counting()

    return Acting()


def ctrl_c(after):
    return view_that(after, lambda: os.kill(os.getpid(), signal.SIGINT))


@pytest.mark.parametrize(
    "tuner", [pytest.param(name, marks=() if name == "hyperband" else pytest.mark.whole) for name in sorted(TUNERS)]
)
def test_an_interrupted_sweep_goes_on_and_ends_like_one_left_alone(tuner, run_sweep, events, tmp_path):
    whole = run_sweep(TUNERS[tuner])
    cut = run_sweep(TUNERS[tuner], view=ctrl_c(after=3), fresh=True)
    assert (cut.state, cut.exit_code) == ("interrupted", 130)
    assert len(events(cut.folder)) < len(events(whole.folder))
    rest = run_sweep(TUNERS[tuner])
    assert (rest.folder, rest.state) == (cut.folder, "finished")
    assert timeless(events(rest.folder)) == timeless(events(whole.folder))
    assert (rest.best, rest.score) == (whole.best, whole.score)


def test_a_finished_sweep_a_changed_one_and_fresh_ones_begin_anew(run_sweep):
    def cut():
        return run_sweep({"max_trials": 2}, view=ctrl_c(after=3), fresh=True)

    first = cut()
    assert run_sweep({"max_trials": 2}, fresh=True).folder != first.folder  # now the newest, and finished
    assert run_sweep({"max_trials": 2}).folder != first.folder
    second = cut()
    assert run_sweep({"max_trials": 1}).folder != second.folder
    assert run_sweep({"max_trials": 2}).folder == second.folder


def test_an_unfinished_sweep_does_not_go_on_with_other_data(run_sweep, tmp_path):
    path = tmp_path / "d.csv"
    rows = [f"{number / 7:.3f},{number % 5},{number % 2}\n" for number in range(60)]
    path.write_text("a,b,y\n" + "".join(rows))
    sections = {"data": {"name": "table", "path": str(path), "target": "y"}}
    keys = {"max_trials": 2}
    cut = run_sweep(keys, sections=sections, view=ctrl_c(after=3))
    path.write_text("a,b,y\n" + "".join(reversed(rows)))
    with pytest.raises(RunError, match=r"the data has changed since this unfinished sweep began .*--fresh"):
        run_sweep(keys, sections=sections)
    path.write_text("a,b,y\n" + "".join(rows))
    rest = run_sweep(keys, sections=sections)
    assert (rest.folder, rest.state) == (cut.folder, "finished")


def test_a_record_that_a_kill_cut_off_is_read_up_to_its_last_whole_line(run_sweep, events):
    keys = {"max_trials": 3}
    cut = run_sweep(keys, view=ctrl_c(after=5))
    with (cut.folder / "trials.jsonl").open("a") as file:
        file.write('{"event": "end", "tri')
    rest = run_sweep(keys)
    assert rest.state == "finished"
    assert [event["event"] for event in events(rest.folder)] == ["start", "end"] * 3


def test_a_second_process_keeps_away_from_a_sweep(run_sweep, monkeypatch):
    from hornbook.errors import RunError
    from hornbook.runs.sweeps import SweepFolder

    monkeypatch.setattr("hornbook.runs.sweeps.LOCK_WAIT_S", 0.0)
    cut = run_sweep({"max_trials": 2}, view=ctrl_c(after=1))
    other = SweepFolder(cut.folder)
    other.lock()
    with pytest.raises(RunError, match="another process works on this sweep"):
        run_sweep({"max_trials": 2})
    other.close()


def test_trials_that_diverge_or_fail_are_rows_with_their_reasons(run_sweep):
    with pytest.MonkeyPatch.context() as patch:
        from hornbook.sweep import trial

        real = trial.train

        def train(recipe, **options):
            if recipe.optimizer.learning_rate == 0.1 and recipe.training.batch_size == 60:
                raise MemoryError("out of memory")
            return real(recipe, **options)

        patch.setattr(trial, "train", train)
        space = {"optimizer.learning_rate": [1e30, 0.1], "training.batch_size": [32, 60]}
        result = run_sweep({"tuner": "grid", "max_trials": None, "space": space})
    rows = list(csv.DictReader((result.folder / "trials.csv").read_text().splitlines()))
    assert [row["state"] for row in rows] == ["diverged", "diverged", "finished", "failed"]
    assert rows[0]["reason"].startswith("training diverged in epoch 1")
    assert rows[3]["reason"] == "MemoryError: out of memory"
    assert result.best == {"optimizer.learning_rate": 0.1, "training.batch_size": 32}
    assert "MemoryError: out of memory" in (result.folder / "report.html").read_text()


def test_rejected_combinations_are_rows_with_their_reasons_also_after_a_stop(run_sweep):
    keys = {"tuner": "grid", "max_trials": None, "confirm": 0}
    keys["space"] = {"optimizer": ["sgd", {"name": "sgd", "momentum": 0.9}], "optimizer.nesterov": [True]}
    cut = run_sweep(keys, view=ctrl_c(after=1))
    result = run_sweep(keys)
    assert result.folder == cut.folder
    rows = list(csv.DictReader((result.folder / "trials.csv").read_text().splitlines()))
    assert [row["state"] for row in rows] == ["finished", "rejected"]
    assert rows[1]["optimizer"] == "sgd"
    assert rows[1]["reason"].startswith("optimizer.nesterov: ")
    assert json.loads((result.folder / "result.json").read_text())["rejected"] == 1


def test_a_sweep_whose_first_trials_all_fail_ends_with_the_reason(run_sweep, monkeypatch):
    from hornbook.errors import HornbookError
    from hornbook.sweep import trial

    def train(recipe, **options):
        raise OSError("no space left")

    monkeypatch.setattr(trial, "train", train)
    with pytest.raises(HornbookError, match="the first 5 trials have all failed.*no space left"):
        run_sweep({"max_trials": 20})


def test_the_winner_is_trained_with_fresh_seeds_on_the_same_division_and_only_then_tested(run_sweep):
    from hornbook import load_recipe

    result = run_sweep({"max_trials": 2, "confirm": 2})
    confirmed = [load_recipe(path) for path in sorted(result.folder.glob("confirm/*/latest/recipe.yaml"))]
    assert [(one.seed, one.data.split.seed) for one in confirmed] == [(1042, 42), (1043, 42)]
    results = [json.loads(path.read_text()) for path in result.folder.glob("trials/*/latest/result.json")]
    assert [one["test"] for one in results] == [{}, {}]
    tested = [json.loads(path.read_text())["test"] for path in result.folder.glob("confirm/*/latest/result.json")]
    mean = sum(one["accuracy"] for one in tested) / 2
    assert result.confirmed["test_accuracy"].mean == pytest.approx(mean)


def test_best_yaml_is_an_ordinary_recipe_with_the_winner_s_values(run_sweep):
    from hornbook import check_recipe

    result = run_sweep({"max_trials": 3})
    checked = check_recipe(result.folder / "best.yaml")
    assert checked.problems == ()
    assert checked.recipe.sweep is None
    assert checked.recipe.optimizer.learning_rate == result.best["optimizer.learning_rate"]
    assert checked.recipe.training.batch_size == result.best["training.batch_size"]


@pytest.mark.parametrize("tuner", [pytest.param("grid", marks=pytest.mark.whole), "bayesian"])
def test_trials_may_differ_in_depth_and_share_a_width(tuner, run_sweep):
    from hornbook import load_recipe

    space = {"model.depth": {"min": 1, "max": 2}, "model.units": {"min": 4, "max": 12, "step": 8}}
    result = run_sweep({**TUNERS[tuner], "space": space})
    trained = [
        load_recipe(path).model.hidden_units() for path in sorted(result.folder.glob("trials/*/latest/recipe.yaml"))
    ]
    assert set(trained) <= {(4,), (12,), (4, 4), (12, 12)}
    assert len(set(trained)) == 4 if tuner == "grid" else len(trained) == result.trials
    best = load_recipe(result.folder / "best.yaml").model
    assert (best.depth, best.units) == (result.best["model.depth"], result.best["model.units"])
    assert {type(value) for value in result.best.values()} == {int}


def test_only_the_best_trials_keep_models_and_none_keeps_states(run_sweep):
    result = run_sweep({"max_trials": 3, "keep_best": 1})
    models = sorted(path.parents[2].name for path in result.folder.glob("trials/*/latest/checkpoints/last.keras"))
    ranking = json.loads((result.folder / "result.json").read_text())["ranking"]
    assert models == [ranking[0]["runs"][0].split("/")[1]]
    assert list(result.folder.glob("trials/*/*/checkpoints/state")) == []


def test_several_executions_share_the_division_and_their_mean_is_the_score(run_sweep, events):
    from hornbook import load_recipe

    result = run_sweep({"max_trials": 1, "executions": 2})
    recipes = [load_recipe(path) for path in sorted(result.folder.glob("trials/*/latest/recipe.yaml"))]
    assert [one.seed for one in recipes] == [42, 43]
    assert recipes[1].data.split.seed == 42
    end = events(result.folder)[-1]
    assert end["score"] == pytest.approx(sum(end["scores"]) / 2)


def test_a_budget_of_epochs_ends_the_search(run_sweep):
    result = run_sweep({"max_trials": None, "total_epochs": 4})
    assert (result.trials, result.stop_reason) == (2, "total_epochs of 4 reached")


def test_trials_of_so_many_steps_count_their_epochs(run_sweep):
    training = {"epochs": "6 steps", "batch_size": 32, "engine": "graph"}  # 4 batches an epoch
    result = run_sweep(
        {"max_trials": None, "total_epochs": 4, "space": {"optimizer.learning_rate": [0.1, 0.2, 0.3]}},
        sections={"training": training},
    )
    assert (result.trials, result.stop_reason) == (2, "total_epochs of 4 reached")


def test_a_budget_of_time_ends_the_search(run_sweep):
    from hornbook.errors import HornbookError

    with pytest.raises(HornbookError, match="no trial ended with a score"):
        run_sweep({"max_trials": None, "max_time": 0.000001})


def test_a_recipe_with_a_sweep_is_not_trained_as_if_it_had_none(recipe_of, tensorflow, tmp_path):
    from hornbook.errors import UsageError
    from hornbook.trainer.train import train

    with pytest.raises(UsageError, match="describes a sweep of many trainings: hornbook sweep"):
        train(recipe_of(), runs=tmp_path)


def test_tensorboard_finds_every_trial_with_its_values_curves_and_score(run_sweep):
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    space = {"optimizer.learning_rate": [1e30, 0.1], "optimizer": ["sgd", {"name": "sgd", "momentum": 0.9}]}
    result = run_sweep({"tuner": "grid", "max_trials": None, "space": space})
    ranking = json.loads((result.folder / "result.json").read_text())["ranking"]
    found = {}
    for path in sorted(result.folder.glob("tensorboard/trial-*")):
        events = EventAccumulator(str(path)).Reload()
        messages = [
            plugin_data_pb2.HParamsPluginData.FromString(events.SummaryMetadata(tag).plugin_data.content)
            for tag in events.PluginTagToContent("hparams")
        ]
        start = next(one.session_start_info for one in messages if one.HasField("session_start_info"))
        end = next(one.session_end_info for one in messages if one.HasField("session_end_info"))
        values = {key: value.string_value or value.number_value for key, value in start.hparams.items()}
        curves = {
            tag: [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
            for tag in events.Tags()["tensors"]
            if "/" not in tag
        }
        found[path.name] = (values, end.status, curves)
    assert list(found) == [f"trial-{number:03d}" for number in range(1, 5)]
    assert {values["optimizer"] for values, _, _ in found.values()} == {"sgd", "sgd (momentum 0.9)"}
    assert sorted(status for _, status, _ in found.values()) == [1, 1, 2, 2]  # success, failure: two diverge
    best = found[f"trial-{ranking[0]['trial']:03d}"]
    assert best[0]["optimizer.learning_rate"] == pytest.approx(0.1)
    assert best[2]["score"] == pytest.approx([ranking[0]["score"]])
    assert len(best[2]["val_accuracy"]) == 2  # epochs
