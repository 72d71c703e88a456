"""What repeated runs can tell: the paired t test, Holm's correction, and the smallest difference that would be found."""

import numpy as np
import pytest
from scipy import stats

from hornbook.study.significance import Repeats, compare_pairs, detectable, holm, paired_p, power_of

OURS = [0.912, 0.934, 0.921, 0.905, 0.931]
THEIRS = [0.901, 0.929, 0.918, 0.907, 0.915]


def test_the_paired_test_is_scipys():
    assert paired_p(OURS, THEIRS) == pytest.approx(stats.ttest_rel(OURS, THEIRS).pvalue, rel=1e-10)


def test_holm_multiplies_by_what_is_left_and_never_goes_down():
    """0.005·4, 0.01·3, 0.03·2, and 0.04 takes the 0.06 of the one before it."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_ends_at_one_and_leaves_a_single_p_alone():
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@pytest.mark.parametrize(("count", "power"), [(33, 0.79537), (34, 0.80778)])
def test_power_is_that_of_the_published_tables(count, power):
    """Half a standard deviation, two-sided 5 %: 34 pairs for a power of 0.8 (Cohen 1988; G*Power prints 0.8077775)."""
    assert power_of(0.5, 1.0, count) == pytest.approx(power, abs=1e-5)


def test_without_a_difference_the_power_is_the_level():
    assert power_of(0.0, 1.0, 5) == pytest.approx(0.05)


@pytest.mark.parametrize(("count", "level"), [(2, 0.05), (5, 0.05), (5, 0.05 / 7)])
def test_the_detectable_difference_is_found_in_four_of_five_simulated_studies(count, level):
    size = detectable(2.0, count, level=level)
    samples = np.random.default_rng(1).normal(size, 2.0, (40_000, count))
    found = (stats.ttest_1samp(samples, 0, axis=1).pvalue < level).mean()
    assert found == pytest.approx(0.8, abs=0.008)


def test_the_detectable_difference_grows_with_the_spread_and_shrinks_with_seeds():
    assert detectable(2.0, 5) == pytest.approx(2 * detectable(1.0, 5))
    assert detectable(1.0, 10) == pytest.approx(0.9960, abs=1e-4)
    assert detectable(1.0, 5) == pytest.approx(1.6820, abs=1e-4)


def test_differences_that_do_not_vary_prove_nothing():
    """Two seeds that both gain one image of 144 would otherwise be infinitely significant."""
    assert paired_p([0.91, 0.92], [0.90, 0.91]) is None
    assert paired_p([0.9], [0.8]) is None
    (found,) = compare_pairs([([0.91, 0.92], [0.90, 0.91])])
    assert (found.adjusted_p, found.detectable, found.is_identical) == (None, None, False)


def test_comparisons_are_corrected_together():
    flat = [0.902, 0.928, 0.919, 0.906, 0.916]
    better, none = compare_pairs([(OURS, THEIRS), (flat, THEIRS)])
    assert better.adjusted_p == pytest.approx(2 * better.p)
    assert none.adjusted_p == pytest.approx(max(2 * better.p, none.p))
    assert better.comparisons == 2


def test_the_correction_counts_only_what_is_tested():
    tested, identical = compare_pairs([(OURS, THEIRS), (THEIRS, THEIRS)])
    assert tested.adjusted_p == tested.p
    assert identical.is_identical


@pytest.mark.parametrize(("deviation", "count"), [(0.0, 5), (1.0, 1)])
def test_without_spread_or_pairs_nothing_can_be_said(deviation, count):
    with pytest.raises(ValueError, match="two pairs"):
        detectable(deviation, count)


def test_folds_share_training_examples_so_their_mean_varies_more():
    """Five folds: 1/5 + 1/4 in place of 1/5 makes standard errors 1.5 times as large (Nadeau and Bengio 2003)."""
    assert Repeats.folds(5).inflation == pytest.approx(1.5)
    (seeds,), (folds,) = (compare_pairs([(OURS, THEIRS)], repeats) for repeats in (Repeats(), Repeats.folds(5)))
    assert folds.interval.half == pytest.approx(1.5 * seeds.interval.half)
    assert folds.detectable == pytest.approx(1.5 * seeds.detectable)
    t = stats.ttest_rel(OURS, THEIRS).statistic / 1.5
    assert folds.p == pytest.approx(2 * stats.t.sf(t, 4))
