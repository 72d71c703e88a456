"""Which key mattered: nothing below eight trials, the association of ranks below thirty, a forest from there on."""

import pytest
from scipy import stats

from hornbook.runs.sweeps import Outcome, Proposal, TrialRow
from hornbook.sweep.report.importance import importance

RATES = [0.1, 0.01, 0.3, 0.03, 0.2, 0.02, 0.5, 0.05, 0.4]
SCORES = [0.90, 0.71, 0.93, 0.80, 0.92, 0.75, 0.70, 0.85, 0.91]


def rows_of(values, scores):
    return [
        TrialRow(Proposal(number, dict(one), None, None), {}, Outcome("finished", score, (score,)))
        for number, (one, score) in enumerate(zip(values, scores, strict=True))
    ]


def test_numbers_have_spearman_s_rho():
    found = importance(rows_of([{"rate": rate} for rate in RATES], SCORES), ["rate"], 0)
    assert found.shares["rate"] == pytest.approx(abs(stats.spearmanr(RATES, SCORES).statistic), abs=1e-12)
    assert "Spearman" in found.method


def test_equal_values_share_a_rank():
    scores = [0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4]
    found = importance(rows_of([{"units": units} for units in [1, 1, 2, 2, 3, 3, 4, 4]], scores), ["units"], 0)
    assert found.shares["units"] == pytest.approx(1.0)


def test_choices_have_the_correlation_ratio_of_the_ranks():
    """Ranks 1, 2, 3, 4 and 5, 6, 7, 8: between the groups 8 · 2² of 42 in all."""
    values = [{"activation": "relu"}] * 4 + [{"activation": "elu"}] * 4
    found = importance(rows_of(values, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]), ["activation"], 0)
    assert found.shares["activation"] == pytest.approx((32 / 42) ** 0.5)


def test_a_key_that_some_trials_do_not_have_counts_as_its_middle():
    """Of seven steps a missing value is half way up, wherever the four that there are stand."""
    values = [{"momentum": 0.1}, {"momentum": 0.2}, {}, {}, {}, {}, {"momentum": 0.3}, {"momentum": 0.4}]
    found = importance(rows_of(values, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]), ["momentum"], 0)
    x, y = [0, 1, 3.5, 3.5, 3.5, 3.5, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7]
    assert found.shares["momentum"] == pytest.approx(abs(stats.pearsonr(x, y).statistic))


def test_too_few_trials_say_nothing_about_keys():
    found = importance(rows_of([{"rate": rate} for rate in RATES[:7]], SCORES[:7]), ["rate"], 0)
    assert found.shares == {}
    assert found.method == "7 trials are too few to tell which key mattered; 8 would be a beginning."
