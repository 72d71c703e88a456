"""Durations as people write them, converted once."""

import pytest
from pydantic import TypeAdapter, ValidationError

from hornbook.recipes.language.durations import Duration, Length, TimeSpan, to_seconds, to_steps

DURATION, TIME_SPAN = TypeAdapter(Duration), TypeAdapter(TimeSpan)


@pytest.mark.parametrize(
    ("duration", "unit", "steps"),
    [
        (20, "steps", 20),
        (20, "epochs", 2000),
        (0, "epochs", 0),
        ("4 epochs", "steps", 400),
        ("1 epoch", "steps", 100),
        ("4epochs", "steps", 400),
        ("2.0 epochs", "steps", 200),
        ("500 steps", "epochs", 500),
        ("1 step", "epochs", 1),
        ("30%", "steps", 300),
        ("12.5 %", "epochs", 125),
        ("0%", "steps", 0),
        ("100%", "steps", 1000),
    ],
)
def test_a_duration_becomes_steps_of_a_run_of_ten_epochs(duration, unit, steps):
    assert DURATION.validate_python(duration) == duration
    assert to_steps(duration, unit=unit, steps_per_epoch=100, total_steps=1000) == steps


@pytest.mark.parametrize(
    "duration",
    [
        -1,
        2.5,
        True,
        None,
        "",
        "4",
        "epochs",
        "2.5 epochs",
        "101%",
        "100.1%",
        "-3 steps",
        "4 weeks",
        "٣ epochs",
        [1],
        "5 %x",
    ],
)
def test_what_is_no_duration_is_refused(duration):
    with pytest.raises(ValidationError, match="expected a duration: a whole number, '4 epochs', '500 steps' or '30%'"):
        DURATION.validate_python(duration)


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        (90, 90.0),
        (0.5, 0.5),
        ("90 seconds", 90.0),
        ("90s", 90.0),
        ("10 minutes", 600.0),
        ("1.5 min", 90.0),
        ("2 h", 7200.0),
    ],
)
def test_a_time_span_becomes_seconds(span, seconds):
    assert TIME_SPAN.validate_python(span) == span
    assert to_seconds(span) == seconds


@pytest.mark.parametrize("span", [0, -1, True, None, "0 s", "ten minutes", "10 days", "10", float("inf"), float("nan")])
def test_what_is_no_time_span_is_refused(span):
    with pytest.raises(ValidationError, match="expected seconds, '90 seconds', '10 minutes' or '2 hours'"):
        TIME_SPAN.validate_python(span)


def test_text_that_was_never_checked_raises():
    with pytest.raises(ValueError, match="not a duration: 'soon'"):
        to_steps("soon", unit="steps", steps_per_epoch=1, total_steps=1)
    with pytest.raises(ValueError, match="not a time span: 'soon'"):
        to_seconds("soon")


@pytest.mark.parametrize(
    ("written", "accumulation", "epochs", "steps", "batches"),
    [(2, 1, 2, 20, [10, 10, 0]), ("25 steps", 1, 3, 25, [10, 10, 5, 0]), ("20 steps", 1, 2, 20, [10, 10, 0]),
     ("7 steps", 3, 3, 7, [10, 10, 1]), (2, 3, 2, 6, [10, 10]), ("1 step", 1, 1, 1, [1, 0])],
)  # fmt: skip
def test_a_run_of_steps_ends_within_an_epoch(written, accumulation, epochs, steps, batches):
    length = Length.of(written, batches=10, accumulation=accumulation)
    assert (length.epochs, length.steps) == (epochs, steps)
    assert [length.batches_of(epoch) for epoch in range(len(batches))] == batches


@pytest.mark.parametrize(
    ("duration", "accumulation", "epochs"),
    [
        (3, 1, 3),
        ("3 epochs", 4, 3),
        ("1 step", 1, 1),
        ("10 steps", 1, 1),
        ("11 steps", 1, 2),
        ("11 steps", 4, 5),
        ("50%", 4, 2),
    ],
)
def test_what_looks_once_an_epoch_waits_for_whole_ones(duration, accumulation, epochs):
    assert Length.of(4, batches=10, accumulation=accumulation).in_epochs(duration) == epochs
