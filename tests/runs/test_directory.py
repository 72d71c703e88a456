"""The run directory: made fresh, written whole, read back."""

import json
import os
import threading

import numpy as np
import pytest

from hornbook.errors import RunError, UsageError
from hornbook.runs.directory import Run, find_run
from hornbook.runs.writing import RunDirectory, check_writable


def test_a_fresh_folder_each_time_and_latest_points_to_the_newest(tmp_path):
    made = [RunDirectory.create(tmp_path / "runs", "moons").path for _ in range(3)]
    assert len(set(made)) == 3
    for path in made:
        assert len(path.name) == len("20261120-214455-3fa2")
    latest = tmp_path / "runs" / "moons" / "latest"
    assert os.readlink(latest) == made[-1].name  # relative: the folder can be moved
    assert sorted(path.name for path in latest.parent.iterdir()) == sorted([*(path.name for path in made), "latest"])


def test_many_runs_may_start_at_once(tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(RunDirectory.create(tmp_path, "x").path)) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 20
    assert (tmp_path / "x" / "latest").resolve() in found


def test_history_is_one_json_line_per_epoch_without_numpy_or_nan(tmp_path):
    run = RunDirectory.create(tmp_path, "x")
    run.append_history({"epoch": 1, "loss": np.float32(0.5), "auc": float("nan")})
    run.append_history({"epoch": np.int64(2), "loss": 0.25})
    lines = (run.path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"epoch": 1, "loss": 0.5, "auc": None}, {"epoch": 2, "loss": 0.25}]


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path):
    run = RunDirectory.create(tmp_path, "x")
    run.append_history({"epoch": 1})
    with (run.path / "history.jsonl").open("a") as file:
        file.write('{"epoch": 2, "lo')
    assert Run(run.path).history == [{"epoch": 1}]
    assert Run(RunDirectory.create(tmp_path, "y").path).history == []


def test_the_source_keeps_the_text_and_names_the_overrides(tmp_path):
    run = RunDirectory.create(tmp_path, "x")
    run.write_source("data: digits  # mine\n", ("activation=elu",))
    assert (run.path / "source.yaml").read_text() == "# override: activation=elu\ndata: digits  # mine\n"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    run = RunDirectory.create(tmp_path, "x")
    run.write_result({"state": "running"})
    with pytest.raises(TypeError):
        run.write_result({"state": object()})
    assert json.loads((run.path / "result.json").read_text()) == {"state": "running"}
    assert sorted(path.name for path in run.path.iterdir()) == ["checkpoints", "result.json"]


def test_files_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        run = RunDirectory.create(tmp_path, "x")
        run.write_result({})
    finally:
        os.umask(old)
    assert (run.path / "result.json").stat().st_mode & 0o777 == 0o640


def test_runs_are_found_by_folder_by_latest_and_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        run = RunDirectory.create(tmp_path / "runs", "moons")
        run.write_recipe("data: moons\n")
    for name in (run.path, "runs/moons/latest", "runs/moons", "moons", "moons/latest"):
        assert find_run(name).path == run.path
    with pytest.raises(UsageError, match=r"nope: there is no run here\. Runs of these recipes are in runs: moons\."):
        find_run("nope")
    with pytest.raises(UsageError, match="There is no run below elsewhere yet"):
        find_run("nope", root=tmp_path.relative_to(tmp_path) / "elsewhere")


def test_missing_and_damaged_files_are_errors_that_name_them(tmp_path):
    run = RunDirectory.create(tmp_path, "x")
    with pytest.raises(RunError, match=r"result\.json: missing"):
        _ = Run(run.path).result
    (run.path / "result.json").write_text("{")
    with pytest.raises(RunError, match=r"result\.json: damaged \(no JSON: "):
        _ = Run(run.path).result
    (run.path / "result.json").write_text('{"state": "finished", "final": "best"}')
    with pytest.raises(RunError, match=r"best\.keras: missing"):
        Run(run.path).model_path()


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(RunError, match="is a file"):
            check_writable(root)
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        RunDirectory.create(tmp_path, "taken")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="read-only"):
        check_writable(tmp_path / "runs")
