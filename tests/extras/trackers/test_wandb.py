"""Runs in Weights & Biases, offline: read back from the file that its client writes."""

import gc
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from hornbook.runs.directory import Run
from hornbook.runs.writing import RunDirectory

pytest.importorskip("wandb")
pytestmark = pytest.mark.filterwarnings("ignore")  # of the client's own


@pytest.fixture(scope="module", autouse=True)
def ended():
    """End the client's process with the tests."""
    import wandb

    yield
    wandb.teardown()
    for process in [thing for thing in gc.get_objects() if isinstance(thing, subprocess.Popen)]:
        process.poll()  # one was killed, and nobody has asked how it ended


def records_of(path):
    from hornbook.trainer.tracking.wandb_file import records_of

    return list(records_of(path))


def files_of(run):
    return sorted(RunDirectory(run).wandb.glob("offline-run-*/run-*.wandb"))


def history_of(records):
    return [
        {
            item.nested_key[0] if item.nested_key else item.key: json.loads(item.value_json)
            for item in record.history.item
        }
        for record in records
        if record.WhichOneof("record_type") == "history"
    ]


@pytest.fixture(scope="module")
def records(tracked):
    [path] = files_of(tracked[0].run)
    return records_of(path)


def test_figures_have_epochs_as_steps(tracked, records):
    rows = history_of(records)
    assert [row["_step"] for row in rows] == [row["epoch"] for row in rows] == [1, 2, 3]
    for name in ("loss", "val_loss", "accuracy", "learning_rate"):
        assert [row[name] for row in rows] == [row[name] for row in tracked[0].history]


def test_the_resolved_recipe_is_the_config(records):
    config = {}
    for record in records:
        config |= {item.key: json.loads(item.value_json) for item in record.config.update}
    assert config["optimizer.learning_rate"] == 0.001
    assert config["model.units"] == [4]
    assert not any(key.startswith("tracking") for key in config)


def test_the_run_is_called_like_ours(tracked, records):
    [run] = [record.run for record in records if record.WhichOneof("record_type") == "run"]
    folder = tracked[0].run.name
    assert (run.project, run.display_name, run.notes) == ("moons", f"tracked/{folder}", "a note")
    assert sorted(run.tags) == sorted(["tracked", folder, "small"])


def test_final_figures_are_in_the_summary(tracked, records):
    summary = {}
    for record in records:
        summary |= {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.summary.update}
    assert summary["test_loss"] == tracked[0].test["loss"]
    assert summary["state"] == "finished"
    [code] = [record.exit.exit_code for record in records if record.WhichOneof("record_type") == "exit"]
    assert code == 0


def test_model_recipe_and_page_are_one_artifact(tracked, records):
    [artifact] = [record.artifact for record in records if record.WhichOneof("record_type") == "artifact"]
    assert artifact.type == "model"
    stored = {entry.path: entry for entry in artifact.manifest.contents}
    assert set(stored) == {"last.keras", "recipe.yaml", "report.html"}
    model = Run(tracked[0].run).model_path()
    assert stored["last.keras"].size == model.stat().st_size
    copy = Path(stored["last.keras"].local_path)
    assert copy.read_bytes() == model.read_bytes()
    assert copy.is_relative_to(tracked[0].run), "copies wait in the run's folder"


def test_nothing_is_collected_besides(tracked, records):
    kinds = {record.WhichOneof("record_type") for record in records}
    assert kinds <= {
        "header",
        "run",
        "telemetry",
        "config",
        "metric",
        "history",
        "summary",
        "artifact",
        "exit",
        "footer",
    }
    assert not (files_of(tracked[0].run)[0].parent / "files" / "wandb-metadata.json").exists()


def test_the_user_reads_how_to_upload(tracked):
    assert f"wandb: wandb sync runs/tracked/{tracked[0].run.name}/wandb/offline-run-*" in tracked[1]


def test_a_run_goes_on_as_the_same_with_each_epoch_once(train, folder, fails_in_third_epoch):
    from hornbook.trainer.resume import resume

    with pytest.raises(RuntimeError):
        train([{"name": "wandb", "files": []}], listeners=[fails_in_third_epoch])
    run = (folder / "runs" / "tracked" / "latest").resolve()
    resume(run)
    parts = [records_of(path) for path in files_of(run)]
    ids = {record.run.run_id for part in parts for record in part if record.WhichOneof("record_type") == "run"}
    assert len(ids) == 1
    assert [[row["epoch"] for row in history_of(part)] for part in parts] == [[1, 2], [3]]
    ends = [record.exit.exit_code for part in parts for record in part if record.WhichOneof("record_type") == "exit"]
    assert ends == [1, 0]


def test_epochs_that_a_kill_has_kept_from_the_file_are_told_again(train, folder, fails_in_third_epoch):
    """The client writes late; here its file is cut off in the middle of the second epoch."""
    from hornbook.trainer.resume import resume

    with pytest.raises(RuntimeError):
        train([{"name": "wandb", "files": []}], listeners=[fails_in_third_epoch])
    run = (folder / "runs" / "tracked" / "latest").resolve()
    [path] = files_of(run)
    second = path.read_bytes().rindex(b"_step")
    path.write_bytes(path.read_bytes()[:second])
    assert [row["epoch"] for row in history_of(records_of(path))] == [1]
    resume(run)
    assert [[row["epoch"] for row in history_of(records_of(path))] for path in files_of(run)] == [[1], [2, 3]]


def test_a_client_whose_process_dies_costs_one_warning_and_no_bit(train, tracked, hear):
    def own_services():
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:  # has ended meanwhile
                continue
            if b"wandb-core" in words[0] and str(os.getpid()).encode() in words:
                yield int(entry.parent.name)

    class Kills(hear):
        def on_epoch(self, row, *, is_best):
            if row["epoch"] == 2:
                for process in own_services():
                    os.kill(process, signal.SIGKILL)

    heard = Kills()
    result = train([{"name": "wandb"}], listeners=[heard])
    [warning] = [note for note in heard.notes if note.startswith("warning")]
    assert warning.startswith("warning: tracking with wandb failed: ")
    assert "The run goes on; " in warning
    assert [row["loss"] for row in result.history] == [row["loss"] for row in tracked[0].history]
    after = hear()
    train([{"name": "wandb", "files": []}], "training.epochs=1", listeners=[after])
    assert [note for note in after.notes if note.startswith("warning")] == [], "the next run has a process of its own"


def test_online_without_a_key_nobody_is_asked_for_one(train, hear, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    heard = hear()
    train([{"name": "wandb", "mode": "online"}], "training.epochs=1", listeners=[heard])
    assert heard.notes == [
        "warning: tracking with wandb failed: there is no key: 'wandb login', or 'mode: offline'. The run goes on; nothing "
        "of this run is shown there."
    ]
