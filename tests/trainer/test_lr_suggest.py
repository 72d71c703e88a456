"""The rules of the range test on curves whose answers are known."""

import math

import numpy as np
import pytest

from hornbook.trainer.lr_find.report import as_json, lines, note
from hornbook.trainer.lr_find.suggest import (
    ANNEALED,
    HELD,
    Curve,
    average,
    conclude,
    judge,
    smooth,
    steepest,
    stops_here,
    valley,
)

RATES = np.geomspace(1e-7, 10, 300)


def curve_of(losses, seed=42, diverged=True):
    return Curve(seed, RATES[: len(losses)], np.asarray(losses, np.float64), diverged)


def typical(center=-1.5, low=0.3, noise=0.0, seed=0):
    """2.3 at first, down to `low` at 10^`center` as a parabola two decades wide, and up again."""
    log = np.log10(RATES)
    losses = np.minimum(low + 0.5 * (log - center) ** 2, 2.3)
    losses = np.where(log > center + 1, losses * 10 ** (log - center - 1), losses)
    losses = losses + noise * np.random.default_rng(seed).normal(size=len(RATES))
    return losses[: next(i for i in range(len(losses)) if i == len(losses) - 1 or stops_here(losses[: i + 1])) + 1]


def test_the_average_is_corrected_for_its_start():
    assert average(np.array([2.0, 2.0, 2.0])) == pytest.approx([2, 2, 2])
    assert average(np.array([1.0, 3.0]))[1] == pytest.approx((0.9 * 1 + 3) / 1.9)


def test_smoothing_does_not_move_a_minimum():
    losses = np.abs(np.arange(101) - 50.0)
    assert np.argmin(smooth(losses)) == 50


def test_a_last_loss_that_explodes_does_not_hide_the_rest():
    losses = np.concatenate([np.linspace(2, 1, 100), [1e12]])
    assert smooth(losses).max() < 2.1


@pytest.mark.parametrize(
    ("center", "share", "rate"),
    [(-3.0, HELD, 5e-4), (-1.5, HELD, 0.0158), (-0.5, HELD, 0.158), (-3.0, ANNEALED, 1e-3), (-1.5, ANNEALED, 0.0316)],
)
def test_the_suggestion_is_half_the_rate_at_the_minimum_or_that_rate(center, share, rate):
    verdict = judge(curve_of(typical(center)), share)
    assert verdict.reasons == ()
    assert abs(math.log10(verdict.rate / rate)) < 0.2


def test_a_loss_that_spreads_by_as_much_as_it_is_large_falls():
    spread = np.random.default_rng(0).lognormal(sigma=0.9, size=300)  # squared errors of targets with long tails
    log = np.log10(RATES)
    level = np.where(log < -1, np.clip(10 ** -(log + 3.5), 0.1, 1), 10 ** (2 * (log + 1)))
    curve = curve_of(5 * spread * level)
    assert judge(curve).rate is not None
    assert judge(curve_of(5 * spread, diverged=False)).reasons[0].startswith("the loss does not fall: ")


def test_the_steepest_rate_is_where_the_slope_is():
    log = np.log10(RATES)
    assert steepest(RATES, -np.tanh(2 * (log + 3))) == pytest.approx(1e-3, rel=0.1)


def test_the_valley_is_the_longest_run_of_falling_losses():
    rates = np.geomspace(1, 10**6, 7)
    assert valley(rates, np.array([3.0, 2.0, 9.0, 8.0, 7.0, 6.0, 10.0])) == pytest.approx(10**3.5)  # 9 8 7 6


def test_the_valley_leaves_out_what_sticks_out():
    rates = np.geomspace(1, 10**4, 5)
    assert valley(rates, np.array([5.0, 4.0, 6.0, 3.0, 2.0])) == pytest.approx(100)  # 5 4 3 2


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_noise_moves_the_suggestion_little(noise):
    verdict = judge(curve_of(typical(noise=noise)))
    assert abs(math.log10(verdict.rate / (0.5 * 10**-1.5))) < 0.3


def test_a_falling_loss_that_never_diverges_is_inconclusive():
    losses = 2.3 - np.maximum(np.log10(RATES) + 3, 0) * 0.5
    verdict = judge(curve_of(losses, diverged=False))
    assert verdict.rate is None
    assert verdict.reasons[0] == "the loss still is low at 10: there was no divergence to see"


@pytest.mark.parametrize("seed", range(20))
def test_noise_around_a_level_is_inconclusive(seed):
    losses = 2.3 + 0.3 * np.random.default_rng(seed).normal(size=300)
    verdict = judge(curve_of(losses, diverged=False))
    assert verdict.rate is None
    assert verdict.reasons[0].startswith("the loss does not fall: 2.")


def test_divergence_at_once_is_inconclusive():
    assert judge(curve_of([1.0, 2.0])).reasons == ("the loss is not finite after 2 steps, at the lowest rates",)


def test_rules_that_disagree_are_listed():
    log = np.log10(RATES)
    losses = 3 - np.clip(8 * (log + 6), 0, 2) - 0.05 * np.clip(log + 6, 0, 6)  # a cliff at 1e-6, the minimum at 1
    losses = np.where(log > 0, 1 + 10 * log, losses)
    verdict = judge(curve_of(losses))
    assert verdict.rate is None
    assert verdict.reasons[0].startswith("the rules disagree by more than 100 times: steepest ")


@pytest.mark.parametrize(
    ("losses", "stops"),
    [([1.0] * 50, False), ([1.0] * 50 + [math.nan], True), ([1.0] * 50 + [100.0] * 3, True), ([1.0, 9.0], False)],
)
def test_a_range_test_stops_at_divergence(losses, stops):
    assert stops_here(np.asarray(losses)) is stops


def test_the_search_takes_the_median_seed_and_its_band():
    search = conclude([curve_of(typical(center), seed) for seed, center in ((1, -1.7), (2, -1.5), (3, -1.4))])
    rates = [verdict.rate for verdict in search.verdicts]
    assert search.rate == float(f"{rates[1]:.2g}")
    assert search.band == (rates[0], rates[2])


def test_seeds_that_disagree_are_inconclusive():
    search = conclude([curve_of(typical(-3.0), 1), curve_of(typical(-0.8), 2)])
    assert search.rate is None
    assert search.reasons[0].startswith("the seeds disagree by more than 10 times: ")


def test_most_seeds_have_to_suggest_something():
    flat = curve_of([1.0] * 300, 2, diverged=False)
    assert conclude([curve_of(typical(), 1), flat]).reasons == (
        "seed 2: the loss does not fall: 1 at the start, 1 at best",
    )
    assert conclude([curve_of(typical(), 1), flat, curve_of(typical(), 3)]).rate is not None


def test_a_seed_that_suggests_nothing_is_named_with_its_reason():
    flat = curve_of([1.0] * 300, 2, diverged=False)
    search = conclude([flat, curve_of(typical(), 1), curve_of(typical(), 3)])
    assert search.left_out == ("seed 2: the loss does not fall: 1 at the start, 1 at best",)
    shown = lines(search)
    assert any(line.startswith(f"found   {search.rate:g} (▲; 2 of 3 seeds: ") for line in shown)
    assert "without seed 2: the loss does not fall: 1 at the start, 1 at best" in shown
    assert note(search).endswith("; without seed 2: the loss does not fall: 1 at the start, 1 at best)")
    assert as_json(search)["left_out"] == list(search.left_out)
    assert conclude([curve_of(typical(), seed) for seed in (1, 2, 3)]).left_out == ()
