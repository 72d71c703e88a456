"""Early stopping, performance scheduling and the best epoch, on hand-made logs and beside Keras's own callbacks."""

import json
import math
import types

import keras
import numpy as np
import pytest

from hornbook.callbacks.watchers import BestKeeper, EarlyStopper, PlateauReducer

CURVES = {
    "falling": [5, 4, 3, 2, 1, 0.5, 0.4, 0.3, 0.2, 0.1],
    "rising": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    "flat": [1.0] * 10,
    "bumpy": [3, 2, 2.5, 2.4, 1.9, 2.2, 2.1, 1.95, 1.89, 3],
    "tiny steps": [1, 0.99995, 0.9999, 0.99985, 0.99, 0.98999, 0.98998, 0.9, 0.9, 0.9],
    "random": np.random.default_rng(0).normal(size=10).tolist(),
}


def keras_stops_after(curve, mode, **options):
    """Return the epoch after which Keras's EarlyStopping stops, or None."""
    callback = keras.callbacks.EarlyStopping("val_loss", mode=mode, **options)
    model = types.SimpleNamespace(stop_training=False, get_weights=list)
    callback._model = model
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            return epoch + 1
    return None


def stops_after(curve, mode, **options):
    stopper = EarlyStopper("val_loss", mode, **options)
    for epoch, value in enumerate(curve, 1):
        if stopper.should_stop(epoch, {"val_loss": value}):
            return epoch
    return None


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(
    "options",
    [
        {"patience": p, "min_delta": d, "start_from_epoch": s, "baseline": b}
        for p in (0, 1, 3)
        for d in (0, 0.001)
        for s in (0, 4)
        for b in (None, 0.3, 2.0)
    ],
)
def test_early_stopping_stops_where_keras_would(curve, mode, options):
    assert stops_after(CURVES[curve], mode, **options) == keras_stops_after(CURVES[curve], mode, **options)


def keras_rates(curve, mode, **options):
    """Return the rate, as a multiple of the first, after each epoch under Keras's ReduceLROnPlateau."""
    callback = keras.callbacks.ReduceLROnPlateau("val_loss", mode=mode, **options)
    optimizer = keras.optimizers.SGD(1.0)
    callback._model = types.SimpleNamespace(optimizer=optimizer)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {"val_loss": value})
        rates.append(float(optimizer.learning_rate))
    return rates


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(
    "options",
    [(0.1, 1, 0, 0.0), (0.5, 2, 0, 0.0), (0.5, 1, 2, 0.0), (0.5, 1, 0, 0.3), (0.1, 3, 1, 0.0), (0.5, 1, 1, 2.0)],
)
def test_performance_scheduling_lowers_the_rate_where_keras_would(curve, mode, options):
    reduction, patience, cooldown, floor = options
    reducer = PlateauReducer(
        "val_loss", mode, reduction=reduction, patience=patience, cooldown=cooldown, min_factor=floor, min_delta=1e-3
    )
    ours = [reducer.update({"val_loss": value}) for value in CURVES[curve]]
    theirs = keras_rates(
        CURVES[curve], mode, factor=reduction, patience=patience, cooldown=cooldown, min_lr=floor, min_delta=1e-3
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_a_floor_above_the_rate_never_raises_it():
    reducer = PlateauReducer("loss", "min", reduction=0.5, patience=1, min_factor=3.0)
    assert [reducer.update({"loss": 1.0}) for _ in range(4)] == [1.0] * 4


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_finite_number_is_never_the_best(bad):
    keeper = BestKeeper("loss", "min")
    assert not keeper.is_best(1, {"loss": bad})
    assert keeper.is_best(2, {"loss": 5.0})
    assert keeper.best_epoch == 2
    stopper = EarlyStopper("loss", "min", patience=3)
    curve = [bad, 3.0, 2.0, bad, 1.0]
    assert not any(stopper.should_stop(epoch, {"loss": value}) for epoch, value in enumerate(curve, 1))
    assert stopper.best == 1.0


def test_the_best_epoch_is_the_first_of_equals_and_the_direction_counts():
    lowest, highest = BestKeeper("x", "min"), BestKeeper("x", "max")
    for epoch, value in enumerate([2, 1, 3, 1, 3], 1):
        lowest.is_best(epoch, {"x": value})
        highest.is_best(epoch, {"x": value})
    assert (lowest.best_epoch, lowest.best) == (2, 1)
    assert (highest.best_epoch, highest.best) == (3, 3)


def test_epochs_before_the_start_are_not_watched():
    keeper = BestKeeper("x", "min", start_from_epoch=2)
    assert [keeper.is_best(epoch, {"x": value}) for epoch, value in enumerate([1, 1, 5, 4], 1)] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: EarlyStopper("x", "min", patience=3),
        lambda: BestKeeper("x", "min"),
        lambda: PlateauReducer("x", "min", reduction=0.5, patience=2, cooldown=1),
    ],
)
@pytest.mark.parametrize("cut", range(1, 10))
def test_a_watcher_goes_on_from_its_saved_state_as_if_never_stopped(make, cut):
    def step(watcher, epoch, value):
        logs = {"x": value}
        if isinstance(watcher, PlateauReducer):
            return watcher.update(logs)
        return watcher.is_best(epoch, logs) if isinstance(watcher, BestKeeper) else watcher.should_stop(epoch, logs)

    curve = list(enumerate(CURVES["bumpy"], 1))
    whole, first, second = make(), make(), make()
    expected = [step(whole, *item) for item in curve]
    found = [step(first, *item) for item in curve[:cut]]
    second.set_state(json.loads(json.dumps(first.get_state())))
    assert found + [step(second, *item) for item in curve[cut:]] == expected


@pytest.mark.parametrize(("ties", "best"), [("first", 2), ("last", 4)])
def test_of_equal_epochs_the_first_or_the_last_is_the_best(ties, best):
    keeper = BestKeeper("x", "max", ties=ties)
    for epoch, value in enumerate([0.5, 0.9, math.nan, 0.9, 0.8], 1):
        keeper.is_best(epoch, {"x": value})
    assert keeper.best_epoch == best
