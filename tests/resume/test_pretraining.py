"""A run that is stopped while it pretrains, and resumed, ends bit for bit where the uninterrupted run ends."""

import json
import os
import signal

import pytest

from hornbook.errors import DivergedError
from hornbook.runs.directory import Run
from hornbook.runs.states import load_state
from hornbook.trainer.listeners import Listener

DIGITS = {"name": "digits", "limit": 224, "split": {"validation": 40, "test": 40}}
KINDS = {
    "a free decoder under XLA": {
        "model": {"name": "mlp", "units": [8]},
        "pretraining": {"name": "autoencoder", "decoder": "free", "sparsity": 0.001, "epochs": 3, "labeled": 96},
        "training": {"engine": "xla"},
    },
    "corruption, accumulation, averaged weights, a smaller last batch": {
        "data": DIGITS | {"limit": 200},  # 6 batches of 32 and one of 8
        "optimizer": {"name": "adamw", "learning_rate": 0.01, "ema": 0.9},
        "pretraining": {
            "name": "corruption",
            "epochs": 3,
            "labeled": 96,
            "optimizer": {"name": "adam", "accumulation": 2},
        },
    },
    "fit": {
        "model": {"name": "mlp", "units": [8]},
        "pretraining": {"name": "autoencoder", "epochs": 3, "labeled": 96},
        "training": {"engine": "fit"},
    },
    "rbm": {
        "model": {"name": "mlp", "units": [16, 8]},
        "activation": "sigmoid",
        "pretraining": {
            "name": "rbm",
            "epochs": 2,
            "labeled": 96,
            "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.5, "ema": 0.9},
        },
    },
    "rotation": {
        "model": {"name": "cnn", "filters": [4], "dense": [8]},
        "data": DIGITS | {"augmentation": {"shift": 0.1}},
        "pretraining": {"name": "rotation", "epochs": 3, "labeled": 96},
    },
    "autoencoder": {
        "data": DIGITS | {"limit": 192},  # 6 batches of 32
        "model": {"name": "mlp", "units": [16, 8]},
        "normalization": "batch_normalization",
        "regularization": {"dropout": 0.2},
        "pretraining": {"name": "autoencoder", "masking": 0.2, "noise": 0.1, "epochs": 2, "labeled": 96},
    },
}
"""The last ones are needed again below, and a process does not keep the programs of all."""


class Stopper(Listener):
    """A listener that sends Ctrl-C when so many chunks have been trained in all, and no more often than that."""

    def __init__(self, *places):
        self.places, self.seen = list(places), 0

    def on_chunk(self, place):
        self.seen += 1
        if self.places and self.seen >= self.places[0]:
            self.places.pop(0)
            os.kill(os.getpid(), signal.SIGINT)


def stopped_everywhere(train, resume, more, runs, places):
    stopper, ends = Stopper(*places), []
    result = train(more, runs=runs, listeners=[stopper])
    while result.state == "interrupted":
        ends.append(result.stop_reason)
        result = resume(result.run, listeners=[stopper])
    assert len(ends) == len(places)
    return result, ends


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=() if kind in {"rotation", "autoencoder"} else pytest.mark.whole) for kind in KINDS],
)
def test_a_run_stopped_while_it_pretrains_ends_like_one_that_was_left_alone(
    kind, train, alone, resume, assert_same, tmp_path
):
    places = (11,) if kind == "fit" else (6, 11)  # `fit` is traced anew each time
    resumed, ends = stopped_everywhere(train, resume, KINDS[kind], tmp_path / "stopped", places)
    assert_same(resumed, alone(KINDS[kind]))
    assert all("pretraining" in end for end in ends)


def test_history_holds_the_phases_in_order_and_training_counts_from_one(alone):
    result = alone(KINDS["autoencoder"])
    rows = [(row["phase"], row["epoch"]) for row in result.history]
    layers = [(f"pretraining hidden_{layer}", epoch) for layer in (1, 2) for epoch in (1, 2)]
    assert rows == layers + [("training", epoch) for epoch in (1, 2, 3, 4)]
    assert [json.loads(line)["phase"] for line in (result.run / "history.jsonl").read_text().splitlines()] == [
        phase for phase, _ in rows
    ]
    assert Run(result.run).result["epochs"] == result.epochs == 4
    assert 1 <= result.best_epoch <= 4


def test_an_interrupted_pretraining_says_where_it_stands(train, resume):
    stopper = Stopper(4)
    result = train(KINDS["autoencoder"], listeners=[stopper])
    assert (result.state, result.exit_code) == ("interrupted", 130)
    assert result.stop_reason == "stopped by Ctrl-C in epoch 2 of pretraining hidden_1"
    state, _ = load_state(result.run / "checkpoints" / "state")
    assert {key: state.facts["pretraining"][key] for key in ("index", "epoch", "batch")} == {
        "index": 0, "epoch": 1, "batch": 2,
    }  # fmt: skip
    resume(result.run)
    log = (result.run / "log.txt").read_text()
    assert "note    resumed in epoch 2 of pretraining hidden_1 after 2 batches" in log


def test_max_time_ends_pretraining_in_good_order_and_more_time_goes_on(train, alone, resume, assert_same, tmp_path):
    more = KINDS["rbm"]
    result = train(more, "training.max_time=0.000001", runs=tmp_path / "short")
    assert result.state == "finished"
    assert result.stop_reason == "max_time of 1e-06 reached in epoch 1 of pretraining hidden_1"
    again = resume(result.run, ["training.max_time=3600"])
    assert_same(again, alone(more), but=("recipe",))


def test_longer_training_of_a_pretrained_run_equals_a_long_run(train, alone, resume, assert_same):
    more = KINDS["autoencoder"] | {"training": {"early_stopping": {"patience": 9}}}
    short = train(more)
    assert_same(resume(short.run, ["training.epochs=6"]), alone(more, "training.epochs=6"))


def test_a_pretrained_run_is_reproduced(alone, tmp_path):
    from hornbook.trainer.reproduce import reproduce

    result = alone(KINDS["rotation"])
    comparison = reproduce(result.run, runs=tmp_path / "again")
    assert comparison.is_same, comparison.text()


def test_divergence_names_the_phase(train):
    wild = {"name": "sgd", "learning_rate": 1e30}
    more = {"pretraining": {"name": "autoencoder", "decoder": "free", "optimizer": wild}}
    with pytest.raises(
        DivergedError, match=r"epoch \d of pretraining hidden_1 diverged: .* Lower pretraining.optimizer"
    ):
        train(more)


class CrashError(Exception):
    """Ends a process in the middle of a run, as far as a test can tell."""


def test_a_run_that_crashes_while_it_pretrains_goes_on_from_its_newest_state(
    train, alone, resume, assert_same, tmp_path
):
    more = KINDS["autoencoder"] | {"training": {"checkpoint": {"every": 0.0001}}}
    for chunk in (7, 13):  # in the second phase, and in training
        crasher, left = Stopper(), iter(range(chunk))

        def crash(place, left=left):
            if next(left, None) is None:
                raise CrashError

        crasher.on_chunk = crash
        runs = tmp_path / f"crashed in chunk {chunk}"
        with pytest.raises(CrashError):
            train(more, runs=runs, listeners=[crasher])
        resumed = resume((runs / "few" / "latest").resolve())
        assert_same(resumed, alone(KINDS["autoencoder"]), but=("recipe",))
