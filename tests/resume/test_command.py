"""hornbook resume, train --resume and reproduce: what they say and how they exit."""

import json
import os
import signal
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("tensorflow")

RECIPE = """\
data: {name: moons, examples: 200}
model: {name: mlp, units: [4]}
regularization: {dropout: 0.2}
training: {epochs: 4, engine: graph}
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("few.yaml").write_text(RECIPE, encoding="utf-8")


@pytest.fixture
def stopped(hornbook_command, monkeypatch):
    """The folder of a run of few.yaml that Ctrl-C ended after epoch 2."""
    from hornbook.trainer.progress import RunLog

    def stop(self, row, *, is_best):
        if row["epoch"] == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(RunLog, "on_epoch", stop)
        code, out, err = hornbook_command("hornbook train -c few.yaml -q")
    assert (code, err) == (130, "interrupted: stopped by Ctrl-C in epoch 3\n"), (out, err)
    return Path("runs/few/latest").resolve()


def epochs_of(run):
    return [json.loads(line)["epoch"] for line in Path(run, "history.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", ["runs/few/latest", "few"])
def test_resume_goes_on_and_says_where(hornbook_command, stopped, name):
    code, out, err = hornbook_command(f"hornbook resume {name}")
    assert code == 0
    assert "note    resumed in epoch 3 after 0 of 5 batches" in err.splitlines()
    assert [line.split()[0] for line in err.splitlines() if line.strip()[:1].isdecimal()][-2:] == ["3", "4"]
    assert "all 4 epochs done" in out
    assert epochs_of(stopped) == [1, 2, 3, 4]


def test_resuming_a_finished_run_says_so_and_exits_with_0(hornbook_command):
    assert hornbook_command("hornbook train -c few.yaml -q")[0] == 0
    code, out, err = hornbook_command("hornbook resume few")
    assert (code, err) == (0, "")
    assert out == (
        "few: this run is finished (all 4 epochs done), there is nothing left to do.\n"
        "To train it longer: hornbook resume few training.epochs=NUMBER\n"
    )


def test_a_run_out_of_time_is_told_how_to_get_more(hornbook_command):
    assert hornbook_command("hornbook train -c few.yaml -q training.max_time=0.001")[0] == 0
    code, out, _ = hornbook_command("hornbook resume few")
    assert code == 0
    assert out.splitlines() == [
        "few: this run is finished (max_time of 0.001 reached in epoch 1), there is nothing left to do.",
        "To train it longer: hornbook resume few training.max_time=TIME",
    ]
    assert hornbook_command("hornbook resume few '~training.max_time' -q")[0] == 0
    assert epochs_of("runs/few/latest") == [1, 2, 3, 4]


def test_more_epochs_may_be_given(hornbook_command, stopped):
    assert hornbook_command("hornbook resume few training.epochs=6 --json")[0] == 0
    assert epochs_of(stopped) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hornbook resume nowhere", "nowhere: there is no run here. Runs of these recipes are in runs: few.\n"),
        ("hornbook resume few seed=3", "seed: a run that has begun keeps its recipe; "),
        ("hornbook resume few training.epochs=0", "recipe.yaml: 1 problem\n  command line: training.epochs: "),
    ],
)
def test_mistakes_exit_with_2_and_leave_the_run_alone(hornbook_command, stopped, line, message):
    before = {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()}
    code, out, err = hornbook_command(line)
    assert (code, out) == (2, "")
    assert message in err
    assert {path: path.read_bytes() for path in stopped.rglob("*") if path.is_file()} == before


def test_train_resume_continues_an_unfinished_run_of_the_same_recipe(hornbook_command, stopped):
    code, _, err = hornbook_command("hornbook train -c few.yaml --resume")
    assert code == 0
    assert "note    resumed in epoch 3" in err
    assert Path("runs/few/latest").resolve() == stopped
    assert epochs_of(stopped) == [1, 2, 3, 4]


@pytest.mark.parametrize("arguments", ["seed=3", "training.epochs=2"])
def test_train_resume_with_another_recipe_starts_a_new_run(hornbook_command, stopped, arguments):
    assert hornbook_command(f"hornbook train -c few.yaml --resume -q {arguments}")[0] == 0
    assert Path("runs/few/latest").resolve() != stopped
    assert epochs_of(stopped) == [1, 2]


def test_train_resume_after_a_finished_run_and_without_any_starts_a_new_one(hornbook_command):
    for _ in range(2):
        assert hornbook_command("hornbook train -c few.yaml --resume -q training.epochs=1")[0] == 0
    assert len([path for path in Path("runs/few").iterdir() if not path.is_symlink()]) == 2


@pytest.mark.whole
def test_reproduce_exits_with_0_where_all_is_equal_and_with_3_where_not(hornbook_command):
    assert hornbook_command("hornbook train -c few.yaml -q")[0] == 0
    run = Path("runs/few/latest").resolve()
    code, out, _ = hornbook_command(f"hornbook reproduce {run}")
    assert code == 0
    assert out.splitlines()[-4:-1] == [
        f"reproduced {run}: same to the last bit",
        "  history: 4 epochs equal",
        "  weights: all 4 arrays equal",
    ]
    path = run / "history.jsonl"
    path.write_text(path.read_text().replace('"loss": ', '"loss": 1', 1))
    code, out, _ = hornbook_command(f"hornbook reproduce {run}")
    assert code == 3
    assert f"reproduced {run}: not the same\n  history: first difference in epoch 1, loss 1" in out
