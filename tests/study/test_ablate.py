"""`hornbook ablate`: ordinary runs, each trained once; failures are rows; everything is refused before training."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from hornbook.errors import RecipeError, UsageError
from hornbook.recipes.load import load_recipe


def folders():
    return sorted(path.parent for path in Path("runs/small").glob("2*/recipe.yaml"))


def weights(run):
    import keras

    return keras.models.load_model(Path(run) / "checkpoints" / "last.keras", compile=False).get_weights()


def rows_of(run):
    clock = {"seconds", "train_seconds"}
    lines = (Path(run) / "history.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key not in clock} for line in lines]


def test_every_run_is_bit_for_bit_its_own_train(finished, tmp_path):
    """Runs that share a program with others are those that a command of their own would leave."""
    from hornbook.trainer.train import train

    place, (study, _, _) = finished
    for row in study.rows:
        for run in row.group.runs:
            overrides = [*row.group.overrides, f"seed={run['seed']}"]
            alone = train(load_recipe("small.yaml", overrides), runs=tmp_path / "alone").run
            assert rows_of(place / run["run"]) == rows_of(alone)
            for one, other in zip(weights(place / run["run"]), weights(alone), strict=True):
                assert np.array_equal(one, other)
    assert [len(row.group.runs) for row in study.rows] == [2, 2]


def test_the_newest_run_stays_the_one_that_was_asked_for(ablation):
    from hornbook.runs import find_run
    from hornbook.trainer.train import train

    own = train(load_recipe("small.yaml", ["optimizer.learning_rate=0.03"])).run
    ablation(["activation=tanh"])
    assert find_run("small").path == Path(own).resolve()


def test_cells_share_split_and_order(finished):
    place, (study, _, _) = finished
    prints = [
        [json.loads((place / run["run"] / "data.json").read_text())["fingerprint"] for run in row.group.runs]
        for row in study.rows
    ]
    assert prints[0] == prints[1]
    assert prints[0][0] != prints[0][1]


def test_runs_that_are_there_are_found_and_not_trained_again(ablation, finished):
    place, (first, _, _) = finished
    shutil.copytree(place / "runs", "runs", symlinks=True)
    before = folders()
    again, _, lines = ablation(["activation=tanh", "optimizer.learning_rate=0.05"])
    assert all("was there" in line for line in lines[:4])
    assert "was there" not in lines[4] + lines[5]
    assert len(folders()) == len(before) + 2
    assert again.rows[1].group.values == first.rows[1].group.values


def test_a_run_of_other_data_is_not_taken_for_the_same(tensorflow):
    from hornbook.study.cells import CellRunner

    def trained(seed):
        rng = np.random.default_rng(seed)
        np.savez("a.npz", x=rng.normal(size=(60, 3)).astype("float32"), y=np.arange(60) % 2)
        overrides = ["data={name: npz, path: a.npz, split: {validation: 14, test: 14}}"]
        return CellRunner(Path("runs")).run(load_recipe("small.yaml", overrides), ("", ()))

    assert [trained(1).was_there, trained(1).was_there, trained(2).was_there] == [False, True, False]


def test_a_run_whose_engine_followed_from_its_layers_is_found_again(tensorflow):
    from hornbook.study.cells import CellRunner

    network = ["model={name: cnn, filters: [2], dense: []}", "normalization=batch_normalization"]
    recipe = load_recipe("small.yaml", [*network, "training.engine=auto", "training.epochs=1"])
    assert [CellRunner(Path("runs")).run(recipe, ("", ())).was_there for _ in range(2)] == [False, True]


def test_a_cell_that_is_the_recipe_once_defaults_are_filled_in_is_the_baseline(ablation):
    """Omitted, the activation is ReLU and its kernels start from He's initialization."""
    study, _, _ = ablation(["activation=relu,tanh", "initializer=he_normal"])
    assert [row.group.label for row in study.rows] == [
        "baseline (activation=relu, initializer=he_normal)",
        "activation=tanh",
    ]
    with pytest.raises(RecipeError, match="nothing is left to compare"):
        ablation(["activation=relu"])


@pytest.mark.whole
def test_an_interrupted_run_goes_on_and_the_rest_follows(ablation, finished, monkeypatch):
    """The signal arrives in the second run; the same command ends with what an undisturbed one finds."""
    import signal

    from hornbook.study import cells as training
    from hornbook.trainer.signals import Interrupted

    _, (whole, _, _) = finished

    class Killer(training._FolderOf):
        def on_epoch(self, row, *, is_best):
            if len(list(Path("runs/small").glob("2*"))) == 2 and row["epoch"] == 1:
                os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(training, "_FolderOf", Killer)
        with pytest.raises(Interrupted, match="1 of 4 runs are done. The same command goes on from there") as stopped:
            ablation(["activation=tanh"])
    assert stopped.value.exit_code == 143
    study, _, lines = ablation(["activation=tanh"])
    assert "was there" in lines[0]
    assert len(folders()) == 4
    assert [row.group.values for row in study.rows] == [row.group.values for row in whole.rows]


def test_a_cell_that_diverges_is_a_row_with_its_reason(ablation):
    study, folder, lines = ablation(["optimizer.learning_rate=1e30", "activation=tanh"])
    assert study.rows[1].verdict.startswith("2 of 2 runs did not finish: training diverged in epoch 1")
    assert study.rows[2].difference is not None
    record = json.loads((folder / "result.json").read_text())
    assert [run["state"] for run in record["cells"][1]["runs"]] == ["diverged", "diverged"]
    assert "diverged: training diverged" in lines[2]
    _, _, again = ablation(["optimizer.learning_rate=1e30", "activation=tanh"])
    assert len(folders()) == 6
    assert "diverged" in again[2]


def test_any_other_failure_of_a_run_is_a_row_too(ablation, monkeypatch):
    from hornbook.study import cells as training

    own = training.train

    def train(recipe, **options):
        if recipe.activation is not None and recipe.activation.name == "tanh":
            raise MemoryError("no room")
        return own(recipe, **options)

    monkeypatch.setattr(training, "train", train)
    study, _, _ = ablation(["activation=tanh"])
    assert study.rows[1].verdict == "2 of 2 runs did not finish: MemoryError: no room"


def test_tuning_gives_every_cell_its_own_best_rate_and_fresh_seeds(ablation):
    study, folder, _ = ablation(["activation=tanh"], tune="optimizer.learning_rate", overrides=["training.epochs=1"])
    for row in study.rows:
        tried = {item["override"]: item["value"] for item in row.group.tuned["tried"]}
        assert len(tried) == 5
        assert tried[row.group.tuned["chosen"]] == max(tried.values())
        assert row.group.overrides[-1] == row.group.tuned["chosen"]
    assert study.seeds == (43, 44)
    assert "seed 42, which is not among the seeds compared" in " ".join(study.notes)
    assert json.loads((folder / "result.json").read_text())["cells"][0]["tuned"]["chosen"]


def test_without_tuning_it_says_that_the_rate_was_fixed(finished):
    _, (study, _, _) = finished
    assert "The learning rate was not tuned" in " ".join(study.notes)


def test_the_folder_holds_table_result_and_page(finished):
    place, (_, folder, _) = finished
    assert folder.parent == Path("runs/small_ablation")
    assert sorted(path.name for path in (place / folder).iterdir()) == ["report.html", "result.json", "table.csv"]
    assert (place / folder / "report.html").read_text().count("<title>tanh</title>") == 2  # the line and its label


@pytest.mark.whole
def test_folds_test_every_example_once(ablation):
    study, _, lines = ablation(
        ["optimizer.learning_rate=0.05"], folds=3, overrides=["data={name: iris}", "training.batch_size=30"]
    )
    sizes = [
        json.loads((Path(run["run"]) / "data.json").read_text())["counts"]["test"] for run in study.rows[0].group.runs
    ]
    assert sizes == [50, 50, 50]
    assert study.measure.name == "test_accuracy"
    assert "baseline, fold 0: test_accuracy" in lines[0]
    assert "widened (Nadeau and Bengio 2003)" in study.notes[0]


def test_cells_that_do_not_fit_the_data_are_refused_before_any_training(ablation):
    np.savez("a.npz", x=np.zeros((60, 3), "float32"), y=np.tile([0, 1, 2], 20))
    losses = "head.loss=binary_crossentropy,mean_squared_error"
    with pytest.raises(RecipeError) as found:
        ablation([losses], overrides=["data={name: npz, path: a.npz}"])
    assert str(found.value).count("--vary head.loss=") == 2
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "val_auc"}, "--metric val_auc: not every cell records it"),
        ({"target": "val_auc>=0.9"}, "--target: 'val_auc' is not recorded in every epoch"),
        (
            {"tune": "optimizer.learning_rate", "overrides": ["data.split.validation=0"], "metric": "test_accuracy"},
            "--tune: it goes by the validation split, and there is none",
        ),
    ],
)
def test_a_metric_that_nobody_records_is_refused_before_any_training(options, message, ablation):
    with pytest.raises(UsageError, match=message):
        ablation(["activation=tanh"], **options)
    assert not Path("runs").exists()


def test_the_command_prints_tables_of_80_columns_and_json(hornbook_command, tensorflow):
    line = "hornbook ablate -c small.yaml --vary activation=relu,tanh --seeds 2"
    code, out, err = hornbook_command(line)
    assert code == 0
    assert [text for text in out.splitlines()[:-1] if len(text) > 80] == []
    assert "baseline" in out
    assert "[  4/4] activation=tanh, seed 43: val_accuracy" in err
    code, out, _ = hornbook_command(f"{line} --json")
    assert json.loads(out)["seeds"] == [42, 43]


def test_a_usage_error_ends_with_code_2_and_trains_nothing(hornbook_command):
    code, _, err = hornbook_command("hornbook ablate -c small.yaml --vary activation=tanh --seeds 1")
    assert (code, err) == (
        2, "--seeds 1: too few seeds for an interval. Use 2 at least, better 5.\n"
    )  # fmt: skip
    assert not Path("runs").exists()
