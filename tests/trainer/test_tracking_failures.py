"""Trackers that fail or hang, told of a run that is played to them: each costs one warning and nothing else."""

import threading
from types import SimpleNamespace

import pytest

from hornbook import load_recipe
from hornbook.runs.directory import Run
from hornbook.runs.writing import RunDirectory

ROWS = [{"epoch": n, "phase": "training", "loss": 1 / n, "learning_rate": 0.1, "seconds": 1.0} for n in (1, 2, 3, 4)]
FILES = ("model", "recipe", "page")


class Fake:
    """Takes what it is told; fails or hangs where a test wants it.

    Args:
        at: What fails: ``begin``, an epoch's number, ``end``.
        hangs: Whether it hangs there instead.
    """

    files = ()
    sees_layers = False

    def __init__(self, at=None, *, hangs=False, places=0):
        self.at, self.hangs, self.places = at, hangs, places
        self.told, self.endings, self.records = [], [], []

    def begin(self, run, record):
        from hornbook.trainer.tracking.tracker import Begun

        self._maybe("begin")
        self.run = run
        self.records.append(record)
        return Begun({"run": "abc"}, self.places, "here")

    def log(self, figures, layers):
        for one in figures:
            self._maybe(one.epoch)
            self.told.append(one.place)

    def end(self, ending):
        self._maybe("end")
        self.endings.append(ending)

    def abandon(self):
        raise RuntimeError("nobody hears this")

    def _maybe(self, at):
        if at == self.at and self.hangs:
            threading.Event().wait(60)
        if at == self.at:
            try:
                raise ConnectionRefusedError(111, "Connection refused")
            except OSError as error:
                raise RuntimeError("500 words of a client") from error


@pytest.fixture
def play(tensorflow, tmp_path, monkeypatch):
    """A function: trackers by name, rows, those of an earlier process → the sentences that the user reads."""
    from hornbook.trainer.listeners import Start
    from hornbook.trainer.tracking import listener

    for limit in ("BEGIN_S", "LOG_S", "END_S"):
        monkeypatch.setattr(listener, limit, 0.2)
    recipe = load_recipe({"name": "played", "data": "digits", "model": "mlp", "optimizer": "adam"})
    clock = []

    def play(trackers, rows, history=(), *, state="finished", folder=tmp_path):
        import numpy as np

        monkeypatch.setattr(listener, "trackers_of", lambda recipe: dict(trackers))
        table = SimpleNamespace(batches=10, epoch=lambda epoch: (None, np.zeros(10)))
        session = SimpleNamespace(
            prepared=SimpleNamespace(recipe=recipe, table=table),
            elapsed_s=0.0,
            leave_out=clock.append,
            candidate=None,
            epoch=2,
        )
        said = []
        tracking = listener.Tracking(RunDirectory(folder), session, said.append)
        tracking.on_start(Start(session.prepared, folder, history=history))
        for row in rows:
            tracking.on_epoch(row, is_best=False)
        if state == "failed":
            tracking.close("failed")
        else:
            tracking.on_end(SimpleNamespace(state="interrupted", epochs=len(rows), test={}, validation={"loss": 0.5}))
        return said

    play.clock = clock
    return play


@pytest.mark.parametrize(
    ("at", "lost"),
    [
        ("begin", "nothing of this run is shown there"),
        (2, "epochs from 2 on are not shown there"),
        ("end", "the end of this run and its files may not be there"),
    ],
)
@pytest.mark.parametrize("hangs", [False, True])
def test_one_warning_says_what_is_lost_and_other_trackers_go_on(play, at, lost, hangs):
    bad, good = Fake(at, hangs=hangs), Fake()
    said = play({"bad": bad, "good": good}, ROWS)
    reason = "no answer within 0.2 s" if hangs else "[Errno 111] Connection refused"
    warnings = [text for text in said if text.startswith("warning")]
    assert warnings == [f"warning: tracking with bad failed: {reason}. The run goes on; {lost}."]
    assert good.told == [1, 2, 3, 4]
    assert [ending.state for ending in good.endings] == ["interrupted"]
    assert good.endings[0].figures == {"final_val_loss": 0.5}
    assert bad.told == {"begin": [], 2: [1], "end": [1, 2, 3, 4]}[at]


def test_time_that_trackers_take_is_not_the_runs(play):
    play({"slow": Fake("begin", hangs=True)}, [])
    assert sum(play.clock) >= 0.2


def test_each_epoch_is_told_once_over_several_processes(play):
    """The second process goes on from a state that knows two epochs, and its tracker has three."""
    first, second = Fake(), Fake(places=3)
    play({"fake": first}, ROWS[:3])
    play({"fake": second}, ROWS[2:], history=ROWS[:2])
    assert (first.told, second.told) == ([1, 2, 3], [4])
    assert (first.records, second.records) == ([None], [{"run": "abc"}])


def test_epochs_that_a_tracker_lacks_are_told_when_it_goes_on(play):
    fake = Fake(places=1)
    play({"fake": fake}, ROWS[2:], history=ROWS[:2])
    assert fake.told == [2, 3, 4]


def test_what_is_kept_of_a_tracker_that_is_left_out_stays(play, tmp_path):
    play({"old": Fake()}, ROWS[:2])
    play({}, ROWS[2:3], history=ROWS[:2])
    assert Run(tmp_path).tracking == {"old": {"run": "abc"}}


def test_a_failed_run_is_closed_as_failed(play):
    fake = Fake()
    play({"fake": fake}, ROWS[:2], state="failed")
    assert [(ending.state, ending.epochs) for ending in fake.endings] == [("failed", 2)]


def test_a_damaged_record_costs_a_warning(play, tmp_path):
    (tmp_path / "tracking.json").write_text("{", encoding="utf-8")
    fake = Fake()
    said = play({"fake": fake}, ROWS[:1])
    assert "tracking.json: damaged" in said[0]
    assert said[0].endswith("All trackers begin anew.")
    assert fake.told == [1]


def test_pretraining_has_curves_of_its_own(play):
    rows = [{"epoch": 1, "phase": "pretraining hidden_1", "reconstruction_error": 2.0, "seconds": 1.0}, ROWS[0]]
    fake = Fake()
    seen = []
    fake.log = lambda figures, layers: seen.extend(figures)
    play({"fake": fake}, rows)
    assert [(one.place, one.epoch) for one in seen] == [(1, 1), (2, 1)]
    assert set(seen[0].values) == {"pretraining hidden_1/reconstruction_error", "pretraining hidden_1/seconds"}
    assert set(seen[1].values) == {"loss", "learning_rate", "seconds"}


def test_a_trial_belongs_to_its_sweep(tensorflow, tmp_path):
    from hornbook.trainer.tracking.listener import tracked_run

    recipe = load_recipe({"name": "trial-001", "data": "digits", "model": "mlp"})
    trial = tracked_run(recipe, tmp_path / "digits" / "sweep-2" / "trials" / "trial-001" / "20260101-000000-abcd")
    alone = tracked_run(recipe, tmp_path / "trial-001" / "20260101-000000-abcd")
    assert (trial.group, alone.group) == ("digits", "trial-001")
    assert trial.id == "20260101-000000-abcd"
    assert trial.parameters["model.name"] == "mlp"


def test_no_client_is_imported_before_a_run_begins(tensorflow):
    import sys

    from hornbook.recipes import Recipe
    from hornbook.trainer.tracking.listener import trackers_of

    before = {"mlflow", "wandb"} & {*sys.modules}
    tree = {
        "data": "digits",
        "model": "mlp",
        "tracking": ["tensorboard", "mlflow", {"name": "wandb", "project": "digits"}],
    }
    trackers = trackers_of(Recipe.model_validate(tree))
    assert list(trackers) == ["tensorboard", "mlflow", "wandb"]
    assert trackers["wandb"].project == "digits"
    assert {"mlflow", "wandb"} & {*sys.modules} == before


def test_only_the_first_of_several_workers_has_trackers(tensorflow, tmp_path, monkeypatch):
    from hornbook.trainer import train

    recipe = load_recipe({"data": "digits", "model": "mlp", "tracking": ["tensorboard"]})
    session = SimpleNamespace(prepared=SimpleNamespace(recipe=recipe, strategy="several"))
    monkeypatch.setattr(train, "is_chief", lambda strategy: strategy != "several")
    assert train.tracking_of(RunDirectory(tmp_path), session, print) == []
    session.prepared.strategy = None
    assert len(train.tracking_of(RunDirectory(tmp_path), session, print)) == 1
