"""Runs in MLflow: in a local database, read back with MLflow's own client."""

import shutil
import socket
from pathlib import Path

import pytest

from hornbook.runs.directory import Run

pytest.importorskip("mlflow")
pytestmark = pytest.mark.filterwarnings("ignore")  # of the client's own


def client(folder):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{folder}/mlflow.db")


def runs_of(folder, experiment):
    store = client(folder)
    return store.search_runs([store.get_experiment_by_name(experiment).experiment_id])


def test_parameters_are_the_resolved_recipe(tracked, folder):
    result, _ = tracked
    [run] = runs_of(folder, "moons")
    assert run.data.params["optimizer.learning_rate"] == "0.001"
    assert run.data.params["model.units"] == "[4]"
    assert run.data.params["head.loss.name"] == "binary_crossentropy", "what follows from the data, too"
    assert not any(key.startswith("tracking") for key in run.data.params)
    assert run.info.run_name == f"tracked/{result.run.name}"


def test_figures_have_epochs_as_steps(tracked, folder):
    result, _ = tracked
    [run] = runs_of(folder, "moons")
    for name in ("loss", "val_loss", "accuracy", "learning_rate"):
        points = client(folder).get_metric_history(run.info.run_id, name)
        assert [(point.step, point.value) for point in points] == [(row["epoch"], row[name]) for row in result.history]
    assert run.data.metrics["test_loss"] == result.test["loss"]
    assert run.data.metrics["final_val_accuracy"] == result.validation["accuracy"]


def test_tags_say_which_run_it_is_and_how_it_ended(tracked, folder):
    result, _ = tracked
    [run] = runs_of(folder, "moons")
    tags = run.data.tags
    assert (tags["hornbook.name"], tags["hornbook.run"], tags["hornbook.tags"]) == ("tracked", result.run.name, "small")
    assert (tags["mlflow.note.content"], tags["hornbook.state"], run.info.status) == ("a note", "finished", "FINISHED")


def test_model_recipe_and_page_are_artifacts(tracked, folder, tmp_path):
    result, _ = tracked
    [run] = runs_of(folder, "moons")
    names = {item.path for item in client(folder).list_artifacts(run.info.run_id)}
    assert names == {"last.keras", "recipe.yaml", "report.html"}
    for name, path in (("last.keras", Run(result.run).model_path()), ("recipe.yaml", Run(result.run).recipe_path)):
        copy = client(folder).download_artifacts(run.info.run_id, name, str(tmp_path))
        assert Path(copy).read_bytes() == path.read_bytes()
    page = client(folder).download_artifacts(run.info.run_id, "report.html", str(tmp_path))
    assert "<svg" in Path(page).read_text(encoding="utf-8")


def test_the_user_reads_where_to_look(tracked):
    assert "mlflow: mlflow ui --backend-store-uri sqlite:///mlflow.db" in tracked[1]


def test_a_run_goes_on_as_the_same_with_each_epoch_once(train, folder, fails_in_third_epoch):
    from hornbook.trainer.resume import resume

    tracking = [{"name": "mlflow", "uri": "sqlite:///mlflow.db", "experiment": "again", "files": []}]
    with pytest.raises(RuntimeError):
        train(tracking, listeners=[fails_in_third_epoch])
    [failed] = runs_of(folder, "again")
    assert failed.info.status == "FAILED"
    assert client(folder).get_metric_history(failed.info.run_id, "loss")[-1].step == 2
    resume((folder / "runs" / "tracked" / "latest").resolve(), ["training.epochs=4"])  # from another folder, too
    [run] = runs_of(folder, "again")
    assert (run.info.run_id, run.info.status) == (failed.info.run_id, "FINISHED")
    assert [point.step for point in client(folder).get_metric_history(run.info.run_id, "loss")] == [1, 2, 3, 4]
    assert (run.data.params["training.epochs"], run.data.tags["now.training.epochs"]) == ("3", "4")
    assert client(folder).list_artifacts(run.info.run_id) == []


def test_a_store_that_breaks_in_the_middle_costs_one_warning_and_no_bit(train, tracked, folder, hear):
    class Breaks(hear):
        def on_epoch(self, row, *, is_best):
            if row["epoch"] == 2:
                (folder / "broken.db").write_bytes(b"no database" * 1000)

    if (folder / "mlflow.db").exists():  # making one takes seconds
        shutil.copyfile(folder / "mlflow.db", folder / "broken.db")
    heard = Breaks()
    result = train([{"name": "mlflow", "uri": "sqlite:///broken.db"}], listeners=[heard])
    [warning] = [note for note in heard.notes if note.startswith("warning")]
    assert warning.startswith("warning: tracking with mlflow failed: ")
    assert warning.endswith("The run goes on; epochs from 2 on are not shown there.")
    assert [row["loss"] for row in result.history] == [row["loss"] for row in tracked[0].history]
    assert result.test == tracked[0].test


@pytest.mark.parametrize("answers", [False, None])
def test_a_server_that_is_gone_or_silent_costs_one_warning(train, hear, monkeypatch, answers):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answers is False:  # nobody listens there any more
            server.close()
        heard = hear()
        result = train([{"name": "mlflow", "uri": f"http://127.0.0.1:{port}"}], listeners=[heard])
    assert result.state == "finished"
    [warning] = heard.notes
    reason = "[Errno 111] Connection refused" if answers is False else "timed out"
    expected = f"warning: tracking with mlflow failed: {reason}. The run goes on; nothing of this run is shown there."
    assert warning == expected


def test_a_place_where_no_database_can_be_is_said_at_once(train, hear, tmp_path):
    (tmp_path / "file").write_text("no folder")
    heard = hear()
    train([{"name": "mlflow", "uri": f"sqlite:///{tmp_path}/file/x.db"}], "training.epochs=1", listeners=[heard])
    assert heard.notes == [
        f"warning: tracking with mlflow failed: {tmp_path}/file/x.db: unable to open database file. The run goes on; "
        "nothing of this run is shown there."
    ]


def test_trials_of_a_sweep_are_runs_of_its_experiment_without_files(tensorflow, folder, monkeypatch):
    from hornbook import load_recipe, run_sweep

    monkeypatch.chdir(folder)
    tree = {
        "name": "searched",
        "data": {"name": "moons", "examples": 128, "split": {"validation": 32, "test": 32}},
        "model": {"name": "mlp", "units": [4]},
        "training": {"epochs": 1, "batch_size": 16, "engine": "graph"},
        "tracking": [{"name": "mlflow", "uri": "sqlite:///mlflow.db"}],
        "sweep": {"tuner": "grid", "space": {"optimizer.learning_rate": [0.01, 0.1]}, "confirm": 0},
    }
    run_sweep(load_recipe(tree), runs=folder / "runs")
    runs = runs_of(folder, "searched")
    assert {run.data.params["optimizer.learning_rate"] for run in runs} == {"0.01", "0.1"}
    assert {run.data.tags["hornbook.name"] for run in runs} == {"trial-001", "trial-002"}
    assert all(client(folder).list_artifacts(run.info.run_id) == [] for run in runs)
