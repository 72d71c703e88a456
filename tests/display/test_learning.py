"""A run's history as pictures: which figures, which epochs, and what is cut off."""

import math

from hornbook.display.learning import learning_curves


def history_of(losses, **more):
    return [
        {"epoch": place + 1, "phase": "training", "loss": loss, "val_loss": loss + 0.1, "seconds": 1.0, **more}
        for place, loss in enumerate(losses)
    ]


def test_training_stands_beside_validation_and_the_rate_is_a_picture_of_its_own(read):
    curves = learning_curves(history_of([0.9, 0.5, 0.3], learning_rate=0.1), best_epoch=2)
    assert [curve.title for curve in curves] == ["loss", "learning rate"]
    loss = read(curves[0].picture)
    assert {"training", "validation", "epoch"} <= {*loss.texts}
    assert loss.root.get("aria-label") == (
        "loss by epoch: training from 0.9 to 0.3; validation from 1 to 0.4; best epoch 2"
    )


def test_a_run_without_validation_has_one_line(read):
    (curve,) = learning_curves([{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}])
    assert "validation" not in read(curve.picture).texts


def test_an_explosion_does_not_hide_what_was_before(read):
    (curve,) = learning_curves([{"epoch": 1 + n, "loss": loss} for n, loss in enumerate([1.0, 0.8, 0.7, 1e30])])
    assert "cut off" in curve.note
    assert any(text.startswith("0.") for text in read(curve.picture).texts)


def test_numbers_that_are_not_finite_leave_a_gap():
    (curve,) = learning_curves([{"epoch": 1, "loss": math.nan}, {"epoch": 2, "loss": None}, {"epoch": 3, "loss": 0.5}])
    assert "not finite" in curve.note


def test_no_history_has_no_pictures():
    assert learning_curves([]) == []


def test_a_long_run_stays_small():
    (curve,) = learning_curves([{"epoch": 1 + n, "loss": 1 / (1 + n)} for n in range(20_000)])
    assert len(curve.picture) < 20_000
    assert "to 5e-05" in curve.picture


def test_a_single_epoch_is_a_dot_above_its_number(read):
    (curve,) = learning_curves([{"epoch": 1, "loss": 50.0}])
    texts = read(curve.picture).texts
    assert "1" in texts
    assert not [text for text in texts if text in {"0.6", "0.8", "1.2"}]
