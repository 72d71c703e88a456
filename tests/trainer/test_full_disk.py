"""What a run leaves where its files cannot be written, or were cut off before there was a run."""

import errno
import json
import os
import tempfile
import time
from pathlib import Path

import pytest

from hornbook.errors import RunError
from hornbook.runs.directory import find_run, newest_run
from hornbook.runs.writing import RunDirectory

RECIPE = {
    "name": "small",
    "data": {"name": "moons", "examples": 40},
    "model": {"name": "mlp", "units": [4]},
    "training": {"epochs": 2, "batch_size": 9, "engine": "graph", "early_stopping": {"patience": 5}},
}


@pytest.fixture
def train_small(tensorflow, tmp_path):
    """A function: train the recipe below tmp_path / "runs"."""
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    return lambda: train(load_recipe(RECIPE), runs=tmp_path / "runs")


@pytest.fixture
def fill_disk(monkeypatch):
    """A function: whether a file still fits → from now on others find the disk full."""

    def fill(fits=lambda path: False):
        make = tempfile.mkstemp

        def refuse(*, dir, **names):
            if fits(Path(dir)):
                return make(dir=dir, **names)
            raise OSError(errno.ENOSPC, "No space left on device", str(dir))

        monkeypatch.setattr("hornbook.atomic.tempfile.mkstemp", refuse)

    return fill


def result_of(tmp_path):
    (run,) = (tmp_path / "runs" / "small").glob("2*")
    return json.loads((run / "result.json").read_text())


@pytest.mark.parametrize("small_files_fit", [True, False])
def test_a_full_disk_is_the_reason_that_the_run_keeps(train_small, fill_disk, tmp_path, monkeypatch, small_files_fit):
    from hornbook.trainer.epochs import train_epochs

    def full_then(*arguments):
        fill_disk(lambda folder: small_files_fit and "checkpoints" not in folder.parts)
        return train_epochs(*arguments)

    monkeypatch.setattr("hornbook.trainer.train.train_epochs", full_then)
    with pytest.raises(RunError, match="No space left on device"):
        train_small()
    result = result_of(tmp_path)
    assert result["state"] == "failed"
    assert "No space left on device" in result["stop_reason"]


def test_a_log_that_cannot_be_written_is_the_reason_too(train_small, tmp_path, monkeypatch):
    def refuse(self, line):
        raise RunError("log.txt: cannot be written (No space left on device).")

    monkeypatch.setattr(RunDirectory, "append_log", refuse)
    with pytest.raises(RunError):
        train_small()
    assert result_of(tmp_path)["state"] == "failed"


def test_a_run_that_cannot_begin_leaves_no_folder(train_small, fill_disk, tmp_path):
    fill_disk()
    with pytest.raises(RunError, match=r"environment\.json: cannot be written"):
        train_small()
    assert [path for path in (tmp_path / "runs" / "small").iterdir() if not path.is_symlink()] == []


@pytest.fixture
def killed_before_it_was_a_run(tmp_path, monkeypatch):
    """A run of yesterday, and the folder of one that was killed while data.json was written."""
    monkeypatch.chdir(tmp_path)
    whole = RunDirectory.create(Path("runs"), "small")
    whole.write_result({"state": "finished", "epochs": 1})
    whole.write_recipe("data: digits\n")
    broken = RunDirectory.create(Path("runs"), "small")
    broken.write_environment({})
    (broken.path / "log.txt").touch()
    (broken.path / ".data-abc.json").write_text("{")
    return whole.path, broken.path


def test_the_newest_run_is_found_behind_one_that_never_began(killed_before_it_was_a_run):
    whole, broken = killed_before_it_was_a_run
    assert os.readlink("runs/small/latest") == broken.name
    for name in ("small", "runs/small", "runs/small/latest"):
        assert find_run(name).path == whole.resolve()


def test_pruning_removes_what_never_began(killed_before_it_was_a_run, hornbook_command):
    whole, broken = killed_before_it_was_a_run
    assert f"would remove  small/{broken.name}, a run that was killed" in hornbook_command("hornbook runs prune").out
    assert broken.exists()
    hornbook_command("hornbook runs prune --yes")
    assert (broken.exists(), whole.exists()) == (False, True)


def test_pruning_leaves_a_run_that_begins_alone(killed_before_it_was_a_run, hornbook_command):
    _, broken = killed_before_it_was_a_run
    with RunDirectory(broken).locked():
        assert "would remove" not in hornbook_command("hornbook runs prune").out
    (broken / "log.txt").unlink()  # it has made its folder, and no lock yet
    assert "would remove" not in hornbook_command("hornbook runs prune").out
    os.utime(broken, (0, time.time() - 3600))
    assert "would remove" in hornbook_command("hornbook runs prune").out


def test_pruning_says_what_it_cannot_delete(tmp_path, hornbook_command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = RunDirectory.create(Path("runs"), "small")
    run.write_result({"state": "finished"})
    run.write_recipe("data: digits\n")
    run.states.mkdir()
    (run.states / "state-00000001.bin").write_bytes(b"x")

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("hornbook.runs.usage.shutil.rmtree", refuse)
    outcome = hornbook_command("hornbook runs prune --yes")
    assert (outcome.code, "cannot be deleted (Permission denied)" in outcome.err) == (1, True)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_text("mine")], ids=["folder", "file"])
def test_something_else_called_latest_is_named_before_any_work(train_small, tmp_path, make):
    (tmp_path / "runs" / "small").mkdir(parents=True)
    make(tmp_path / "runs" / "small" / "latest")
    with pytest.raises(RunError, match=r"small/latest: here Hornbook keeps a link to the newest run"):
        train_small()
    assert [path.name for path in (tmp_path / "runs" / "small").iterdir()] == ["latest"]


def test_a_copy_without_links_still_has_its_newest_run(tmp_path):
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "recipe.yaml").write_text("data: digits\n")
    assert newest_run(tmp_path) == tmp_path / "latest"


def test_a_run_that_may_not_be_written_is_named(tmp_path, monkeypatch):
    run = RunDirectory.create(tmp_path, "small")
    (run.path / "log.txt").mkdir()
    with pytest.raises(RunError, match="cannot be written"), run.locked():
        pass
