"""Schedules against their closed forms, with the values written out."""

import pytest

from hornbook.recipes import catalog
from hornbook.recipes.language.spec import component_class


def schedule(name, **options):
    return component_class("schedule", name).model_validate({"name": name, **options})


@pytest.mark.parametrize(("step", "factor"), [(0, 0.1), (45, 1.0), (90, 0.1), (100, 0.001)])  # start, peak, back, end
def test_one_cycle_hits_its_corner_factors(step, factor):
    assert schedule("one_cycle").factor(step, 100) == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "values"),
    [
        ("constant", {}, {0: 1.0, 50: 1.0, 100: 1.0}),
        ("performance", {}, {0: 1.0, 100: 1.0}),
        ("exponential", {"decay_steps": 20}, {0: 1.0, 10: 0.31622776601683794, 20: 0.1, 40: 0.01, 100: 1e-5}),
        (
            "exponential",
            {"decay_steps": 20, "decay_rate": 0.5, "staircase": True},
            {0: 1.0, 19: 1.0, 20: 0.5, 59: 0.25},
        ),
        ("exponential", {}, {0: 1.0, 50: 0.31622776601683794, 100: 0.1}),
        ("power", {"decay_steps": 10}, {0: 1.0, 10: 1 / 2, 20: 1 / 3, 90: 0.1}),
        ("power", {"decay_steps": 10, "power": 2.0}, {0: 1.0, 10: 0.25, 20: 1 / 9}),
        ("power", {}, {20: 0.5, 100: 1 / 6}),  # decay_steps: 20%
        (
            "piecewise_constant",
            {"boundaries": [5, 15], "factors": [1.0, 0.5, 0.1]},
            {0: 1.0, 4: 1.0, 5: 0.5, 14: 0.5, 15: 0.1, 100: 0.1},
        ),
        ("piecewise_constant", {}, {49: 1.0, 50: 0.1, 74: 0.1, 75: 0.01}),
        ("cosine", {}, {0: 1.0, 25: 0.8535533905932737, 50: 0.5, 75: 0.14644660940672627, 100: 0.0}),
        ("cosine", {"end_factor": 0.2}, {0: 1.0, 50: 0.6, 100: 0.2}),
        ("cosine", {"decay_steps": 50}, {25: 0.5, 50: 0.0, 100: 0.0}),
        (
            "cosine_restarts",
            {"first_decay_steps": 10, "t_mul": 2.0, "m_mul": 0.5},
            {0: 1.0, 5: 0.5, 10: 0.5, 20: 0.25, 30: 0.25, 50: 0.125},
        ),
        (
            "cosine_restarts",
            {"first_decay_steps": 10, "t_mul": 1.0, "end_factor": 0.1},
            {0: 1.0, 5: 0.55, 10: 1.0, 15: 0.55},
        ),
        ("polynomial", {}, {0: 1.0, 25: 0.75, 100: 0.0}),
        ("polynomial", {"power": 2.0, "end_factor": 0.5}, {0: 1.0, 50: 0.625, 100: 0.5}),
        ("polynomial", {"decay_steps": 50}, {25: 0.5, 50: 0.0, 100: 0.0}),
        ("inverse_time", {"decay_steps": 10}, {0: 1.0, 10: 0.5, 20: 1 / 3, 90: 0.1}),
        ("inverse_time", {"decay_steps": 10, "decay_rate": 0.5, "staircase": True}, {9: 1.0, 10: 2 / 3, 29: 0.5}),
        ("one_cycle", {"rising": 0.5, "start_factor": 0.5, "end_factor": 0.0}, {0: 0.5, 25: 0.75, 50: 1.0, 100: 0.5}),
    ],
)
def test_factors_meet_their_closed_form(name, options, values):
    spec = schedule(name, **options)
    assert {step: spec.factor(step, 100) for step in values} == pytest.approx(values, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", catalog("schedule"))
@pytest.mark.parametrize("step", [-1, 101])
def test_a_step_outside_the_run_is_an_error(name, step):
    with pytest.raises(ValueError, match=rf"step {step} is outside \[0, 100\]"):
        schedule(name).factor(step, 100)


@pytest.mark.parametrize("name", catalog("schedule"))
def test_factors_are_fractions_of_the_rate_from_start_to_end(name):
    factors = [schedule(name).factor(step, 60) for step in range(61)]
    assert min(factors) >= 0
    assert max(factors) <= 1


@pytest.mark.parametrize("name", catalog("schedule"))
@pytest.mark.parametrize("total_steps", [0, 1])
def test_the_shortest_runs_have_a_rate(name, total_steps):
    assert 0 <= schedule(name).factor(0, total_steps) <= 1


@pytest.mark.parametrize(
    ("name", "step_20"),
    [("constant", 1.0), ("cosine", 1.0), ("exponential", 1.0), ("one_cycle", 0.1), ("polynomial", 1.0), ("power", 1.0)],
)
def test_a_warm_up_rises_evenly_to_where_the_schedule_starts(name, step_20):
    spec = schedule(name, warmup=19).in_steps(steps_per_epoch=10, total_steps=100)
    factors = [spec.warmed_factor(step, 100) for step in range(20)]
    assert factors[0] == pytest.approx(step_20 / 20)
    assert factors[9] == pytest.approx(step_20 / 2)
    assert factors[19] == pytest.approx(step_20)


def test_a_warm_up_starts_where_it_is_told():
    spec = schedule("constant", warmup={"duration": 9, "start_factor": 0.5})
    assert [spec.warmed_factor(step, 100) for step in (0, 4, 9, 100)] == pytest.approx([0.55, 0.75, 1.0, 1.0])


def test_the_schedule_begins_after_its_warm_up():
    warmed, plain = schedule("cosine", warmup=20), schedule("cosine")
    assert warmed.warmed_factor(60, 100) == plain.factor(40, 80) == pytest.approx(0.5)
    assert warmed.warmed_factor(100, 100) == pytest.approx(0.0)


def test_without_a_warm_up_both_are_the_same():
    spec = schedule("cosine")
    assert spec.warmed_factor(30, 100) == spec.factor(30, 100)


def test_durations_become_steps_and_percentages_are_of_what_follows_the_warm_up():
    spec = schedule("exponential", decay_steps="50%", warmup="2 epochs").in_steps(steps_per_epoch=10, total_steps=100)
    assert spec.warmup.duration == 20
    assert spec.decay_steps == 40


def test_boundaries_become_steps():
    spec = schedule("piecewise_constant", boundaries=["1 epoch", "5 steps", "50%"], factors=[1.0, 0.5, 0.2, 0.1])
    assert spec.in_steps(steps_per_epoch=10, total_steps=100).boundaries == (10, 5, 50)


def test_epochs_must_be_converted_first():
    with pytest.raises(ValueError, match="convert durations with in_steps"):
        schedule("exponential", decay_steps="2 epochs").factor(3, 100)
    with pytest.raises(ValueError, match="convert durations with in_steps"):
        schedule("constant", warmup="5%").warmed_factor(3, 100)


@pytest.mark.parametrize(("step", "momentum"), [(0, 0.9), (45, 0.8), (90, 0.9), (95, 0.9), (100, 0.9)])
def test_one_cycle_moves_the_momentum_the_other_way(step, momentum):
    assert schedule("one_cycle").momentum(step, 100, 0.9) == pytest.approx(momentum)


def test_coslog_is_at_its_peaks_and_valleys_where_the_paper_has_them():
    waves = catalog("schedule")["coslog"]()
    for wave in range(4):
        valley, peak = (2**wave - 1) / 15, (2 ** (wave + 0.5) - 1) / 15
        assert waves.factor(round(valley * 30_000), 30_000) == pytest.approx(0, abs=1e-6)
        assert waves.factor(round(peak * 30_000), 30_000) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("step", "factor"), [(0, 1.0), (60, 1.0), (80, 0.5), (70, 0.853553), (100, 0.0)])
def test_flat_cosine_is_flat_and_then_a_cosine(step, factor):
    flat = catalog("schedule")["flat_cosine"](flat="60%")
    assert flat.factor(step, 100) == pytest.approx(factor, abs=1e-6)


def test_one_cycle_takes_its_own_momenta():
    spec = schedule("one_cycle", max_momentum=0.95, min_momentum=0.85)
    assert [spec.momentum(step, 100, 0.5) for step in (0, 45, 90)] == pytest.approx([0.95, 0.85, 0.95])


def test_one_cycle_leaves_an_optimizer_without_momentum_alone():
    assert schedule("one_cycle").momentum(0, 100, 0.0) is None


def test_momentum_waits_for_the_warm_up():
    spec = schedule("one_cycle", warmup=10)
    assert [spec.warmed_momentum(step, 110, 0.9) for step in (0, 10, 55)] == pytest.approx([0.9, 0.9, 0.8])


@pytest.mark.parametrize("name", sorted(set(catalog("schedule")) - {"one_cycle"}))
def test_other_schedules_leave_the_momentum_alone(name):
    assert schedule(name).warmed_momentum(3, 100, 0.9) is None
