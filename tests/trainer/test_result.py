"""What a result shows in a notebook; no network is trained here."""

from dataclasses import replace
from pathlib import Path

import pytest

import hornbook

HISTORY = [
    {"epoch": 1, "phase": "pretraining hidden_1", "loss": 9.0},
    {
        "epoch": 1,
        "phase": "training",
        "loss": 1.0,
        "val_loss": 1.5,
        "accuracy": 0.2,
        "learning_rate": 0.1,
        "seconds": 1.0,
    },
    {
        "epoch": 2,
        "phase": "training",
        "loss": 0.5,
        "val_loss": 0.9,
        "accuracy": 0.6,
        "learning_rate": 0.1,
        "seconds": 1.0,
    },
]


@pytest.fixture
def make():
    from hornbook.trainer.result import TrainResult

    def result(history):
        recipe = hornbook.load_recipe({"data": "digits", "model": {"name": "mlp", "units": [4]}})
        return TrainResult(
            model=None, history=history, recipe=recipe, run=Path("runs/x/20261126-120000-0001"), state="finished",
            stop_reason="<all> done", final="best", best_epoch=2,
        )  # fmt: skip

    return result


def test_the_history_is_a_table_with_every_figure(make):
    frame = make(HISTORY).history_frame()
    assert frame["val_loss"].to_list() == [None, 1.5, 0.9]
    assert frame["accuracy"].to_list() == [None, 0.2, 0.6]
    assert make([]).history_frame().is_empty()


def test_plot_returns_axes_with_training_beside_validation(make, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    loss, accuracy = make(HISTORY).plot()
    assert [line.get_label() for line in loss.get_lines()] == ["training", "validation", "best epoch"]
    assert loss.get_lines()[1].get_ydata().tolist() == [1.5, 0.9]
    assert accuracy.get_ylabel() == "accuracy"
    assert len(make([]).plot()) == 1
    pyplot.close("all")


def test_a_notebook_shows_how_it_ended_and_the_curves_escaped(make):
    shown = make(HISTORY)._repr_html_()
    assert "&lt;all&gt; done" in shown
    assert shown.count("<svg") == 3
    assert '<div style="background:#ffffff"><svg' in shown, "dark texts on a dark page"
    assert 'id="curve-20261126-120000-0001-1"' in shown
    assert "<svg" not in make([])._repr_html_()


def test_a_figure_of_few_examples_is_shown_with_how_little_it_says(make):
    from hornbook.trainer.progress import closing

    result = replace(make(HISTORY[1:]), test={"loss": 0.1, "accuracy": 1.0}, examples=3)
    remark = "of 3 examples, which fit any accuracy from 0.44 to 1.00 (95 %)"
    assert repr(result).splitlines()[1:3] == ["  test loss 0.1 accuracy 1", f"  {remark}"]
    assert closing(result, 0.0)[:2] == ["test    loss 0.1000  accuracy 1.0000", f"        {remark}"]
    many = replace(result, examples=300)
    assert "examples" not in repr(many) + "\n".join(closing(many, 0.0))
