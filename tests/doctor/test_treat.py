"""Trying changes: what a signal, an odd name or nothing to try leaves."""

import json
import os
import signal
from pathlib import Path

import pytest

import hornbook
from hornbook.commands.doctor import doctor
from hornbook.doctor import treat
from hornbook.doctor.finding import Finding
from hornbook.trainer.signals import Interrupted

RECIPE = {
    "name": "stuck",
    "data": {"name": "moons", "examples": 160, "split": {"validation": 0.25, "test": 32}},
    "model": {"name": "mlp", "units": [2]},
    "optimizer": {"name": "sgd", "learning_rate": 1e-6},
    "training": {"epochs": 2, "batch_size": 32, "engine": "graph"},
}


@pytest.fixture(scope="module")
def stuck(health, tmp_path_factory):
    return hornbook.train(RECIPE, runs=tmp_path_factory.mktemp("runs"), progress=False).run


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_trying_and_leaves_nothing(stuck, tmp_path, monkeypatch, number, exit_code):
    folders = []

    def trained(recipe, *, runs, **others):
        folders.append(Path(runs).parent)
        os.kill(os.getpid(), number)
        raise hornbook.errors.RunError("cut short")

    monkeypatch.setattr(treat, "train", trained)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Interrupted, match="nothing was written. The same command begins anew") as stopped:
        doctor(str(stuck), try_changes=True, seeds=2)
    assert stopped.value.exit_code == exit_code
    assert len(folders) == 1
    assert not folders[0].exists()
    assert list(tmp_path.iterdir()) == []


def test_names_that_a_terminal_would_read_as_markup_are_printed(stuck, monkeypatch, capsys):
    from hornbook.doctor import diagnose

    odd = Finding("label_leak", "issue", 0.9, "column '[red]a[/b]' <b>", ("data.drop=['[red]a[/b]']",))
    monkeypatch.setattr(diagnose, "findings_of", lambda case: [odd])
    doctor(str(stuck))
    printed = capsys.readouterr().out
    assert "column '[red]a[/b]' <b>" in printed
    assert """try 'data.drop=['"'"'[red]a[/b]'"'"']'""" in printed  # as a shell reads it


def test_json_is_json_also_where_there_is_nothing_to_try(stuck, monkeypatch, capsys):
    from hornbook.doctor import diagnose

    monkeypatch.setattr(diagnose, "findings_of", lambda case: [])
    doctor(str(stuck), try_changes=True, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"findings": [], "trials": [], "overrides": [], "recipe": None}


def test_another_task_is_not_compared(stuck, tmp_path, monkeypatch):
    from hornbook.doctor import diagnose

    classes = Finding("wrong_loss", "issue", 0.9, "two classes", ("task=binary",))
    monkeypatch.setattr(diagnose, "findings_of", lambda case: [classes])
    cure = treat.treat(stuck, seeds=2)
    assert [(trial.helps, trial.reason.split(",")[0]) for trial in cure.trials] == [
        (False, "another task has other metrics")
    ]
    assert cure.recipe is None
