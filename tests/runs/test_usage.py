"""`hornbook runs list` and `prune`: what is shown, and what is deleted."""

import json

import pytest
from typer.testing import CliRunner

from hornbook.cli import app


@pytest.fixture
def make_run(tmp_path):
    """A function: a folder below runs, and its result → a run with a model of 3000 bytes and a state of 5000."""

    def make(name, result):
        run = tmp_path / "runs" / name
        (run / "checkpoints" / "state").mkdir(parents=True)
        (run / "checkpoints" / "last.keras").write_bytes(b"m" * 3000)
        (run / "checkpoints" / "state" / "state-00000001.bin").write_bytes(b"s" * 5000)
        (run / "recipe.yaml").write_text("data: digits\n")
        (run / "result.json").write_text(json.dumps(result))
        return run

    return make


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A function: `hornbook runs …` → its output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HORNBOOK_CACHE", str(tmp_path / "cache"))

    def run(line, *, code=0):
        done = CliRunner().invoke(app, ["runs", *line.split()])
        assert done.exit_code == code, done.output
        return done.output

    return run


@pytest.fixture
def sweep(make_run, tmp_path):
    """A finished sweep of two trials."""
    runs = [make_run(f"few/sweep-1/trials/trial-00{n}/a", {"state": "finished", "epochs": 3}) for n in (1, 2)]
    folder = tmp_path / "runs" / "few" / "sweep-1"
    ranking = [{"trial": n, "score": n, "runs": [f"trials/trial-00{n}/a"]} for n in (2, 1)]
    (folder / "result.json").write_text(json.dumps({"state": "finished", "ranking": ranking}))
    return runs


def test_a_run_is_listed_with_state_epochs_size_and_score(make_run, command):
    make_run("few/a", {"state": "finished", "epochs": 3, "test": {"loss": 0.5, "accuracy": 0.91}})
    name, facts, total = command("list").splitlines()
    assert name == "few/a"
    assert facts.split()[:5] == ["finished", "3", "ep.", "8.1", "kB"]
    assert facts.endswith("accuracy 0.91")
    assert total == "1 runs, 8.1 kB. 'hornbook runs prune' shows what could be freed."


def test_a_sweep_is_one_line_unless_its_trials_are_asked_for(sweep, command):
    assert "2 runs, --trials lists them" in command("list")
    assert "few/sweep-1/trials/trial-001/a" in command("list --trials")


def test_pruning_deletes_nothing_until_it_is_told_to(make_run, command):
    run = make_run("few/a", {"state": "finished", "epochs": 3})
    assert command("prune").splitlines()[-1] == "5.0 kB in 1 run can be freed with --yes."
    assert (run / "checkpoints" / "state").exists()


def test_pruning_frees_states_of_finished_runs_only(make_run, command):
    done, open_ = make_run("few/a", {"state": "finished"}), make_run("few/b", {"state": "interrupted"})
    assert command("prune --yes").splitlines()[-1] == "5.0 kB in 1 run freed."
    assert not (done / "checkpoints" / "state").exists()
    assert (done / "checkpoints" / "last.keras").exists()
    assert (open_ / "checkpoints" / "state").exists()


def test_keep_best_leaves_the_models_of_the_best_trials(sweep, command):
    command("prune --keep-best 1 --yes")
    worse, best = sweep
    assert not (worse / "checkpoints").exists()
    assert (worse / "recipe.yaml").exists()
    assert (best / "checkpoints" / "last.keras").exists()


def test_a_folder_that_is_not_there_is_a_mistake(command, tmp_path):
    from hornbook.errors import UsageError

    done = CliRunner().invoke(app, ["runs", "list", "nowhere"])
    assert isinstance(done.exception, UsageError)
    assert "there is no such folder" in str(done.exception)


def test_an_empty_list_says_why(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    assert command("list").startswith("No runs in runs: nothing was trained into it.")
    assert command("list --json") == "[]\n"
    assert command("prune") == "No runs in runs, so there is nothing to free.\n"
