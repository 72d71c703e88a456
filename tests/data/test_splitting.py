"""Splits are disjoint, exhaustive, of the size asked for, and a function of the seed."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

from hornbook.data.splitting import Division, divide, sample
from hornbook.errors import DataError
from hornbook.recipes.sources import SplitSpec


def split(num_examples=100, *, labels=None, split_by=None, seed=1, own=frozenset(), **options) -> Division:
    return divide(num_examples, split=SplitSpec(**options), labels=labels, split_by=split_by, seed=seed, own=own)


def sizes(division: Division) -> tuple[int, int, int]:
    return len(division.train), len(division.validation), len(division.test)


def test_default_is_a_fifth_test_and_a_tenth_of_the_rest_validation():
    assert sizes(split(1797)) == (1293, 144, 360)


def test_own_test_set_of_the_source_leaves_all_other_examples_to_training_and_validation():
    assert sizes(split(60_000, own=frozenset({"test"}))) == (54_000, 6_000, 0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"validation": 5, "test": 10}, (85, 5, 10)),  # counts
        ({"validation": 0.25, "test": 0.2}, (60, 20, 20)),  # fractions: of the rest, of all
        ({"validation": 0}, (80, 0, 20)),
        ({"validation": 0, "test": 0}, (100, 0, 0)),
    ],
)
def test_counts_and_fractions_give_the_sizes_asked_for(options, expected):
    assert sizes(split(**options)) == expected


def test_first_holds_out_the_first_examples_in_order():
    division = split(validation=10, test=5, method="first")
    assert division.validation.tolist() == list(range(10))
    assert division.test.tolist() == [10, 11, 12, 13, 14]
    assert division.train.tolist() == list(range(15, 100))


def test_last_tests_on_the_last_examples_and_validates_before_them():
    division = split(validation=10, test=5, method="last")
    assert division.test.tolist() == [95, 96, 97, 98, 99]
    assert division.validation.tolist() == list(range(85, 95))


def test_time_trains_on_the_past_only():
    when = np.random.default_rng(0).permutation(100)
    division = split(split_by=when, method="time")
    assert when[division.train].max() < when[division.validation].min()
    assert when[division.validation].max() < when[division.test].min()


def test_group_keeps_every_group_in_one_split():
    groups = np.repeat([f"patient {number}" for number in range(20)], 5)
    division = split(split_by=groups, method="group")
    owners = [set(groups[part]) for part in (division.train, division.validation, division.test)]
    assert not owners[0] & owners[1]
    assert not owners[0] & owners[2]
    assert not owners[1] & owners[2]
    assert sizes(division) == (70, 10, 20)  # of 80, 8 would be a tenth: two whole groups come nearest


def test_stratified_is_the_default_for_classes_and_keeps_their_mix():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    division = split(labels=labels, validation=20, test=20)
    assert division.method == "stratified"
    assert np.bincount(labels[division.test]).tolist() == [10, 6, 4]
    assert np.bincount(labels[division.validation]).tolist() == [10, 6, 4]
    assert np.bincount(labels[division.train]).tolist() == [30, 18, 12]


def test_stratified_never_takes_the_last_example_of_a_class_from_training():
    labels = np.array([0] * 98 + [1, 2])
    division = split(labels=labels)
    assert set(labels[division.train]) == {0, 1, 2}


def test_random_mixes_examples_that_are_sorted_by_class():
    labels = np.repeat([0, 1], 500)
    division = split(1000, labels=labels, method="random")
    assert 0.4 < labels[division.train[:100]].mean() < 0.6  # what `limit: 100` would train on


def test_nothing_to_cut_leaves_the_examples_in_their_order():
    division = split(4, labels=np.array([0, 1, 1, 0]), validation=0, test=0)
    assert division.train.tolist() == [0, 1, 2, 3]
    assert division.method == "none"


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    first, again, other = split(seed=7), split(seed=7), split(seed=8)
    assert first.test.tolist() == again.test.tolist()
    assert first.test.tolist() != other.test.tolist()


def test_global_random_state_is_neither_read_nor_changed():
    np.random.seed(0)
    before = np.random.get_state()[1].tolist()
    first = split(seed=7).test.tolist()
    assert np.random.get_state()[1].tolist() == before
    np.random.seed(99)
    assert split(seed=7).test.tolist() == first


def test_asking_for_another_validation_size_keeps_the_test_set():
    assert split(validation=5).test.tolist() == split(validation=30).test.tolist()


@settings(max_examples=60, deadline=None)
@given(
    num_examples=st.integers(10, 200),
    num_classes=st.integers(1, 5),
    validation=st.floats(0, 0.4),
    test=st.floats(0, 0.4),
    method=st.sampled_from(["random", "stratified", "first", "last", "time"]),
    seed=st.integers(0, 2**31),
)
def test_every_example_is_in_exactly_one_split(num_examples, num_classes, validation, test, method, seed):
    labels = np.arange(num_examples) % num_classes
    options = {"validation": validation, "test": test, "method": method}
    try:
        division = split(num_examples, labels=labels, split_by=labels, seed=seed, **options)
    except DataError as error:
        assert "leave" in str(error)
        return
    together = np.concatenate([division.train, division.validation, division.test])
    assert sorted(together.tolist()) == list(range(num_examples))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"validation": 90, "test": 10},
            (
                "data.split: 90 validation and 10 test examples leave none of 100 to train on. Ask for fewer; "
                "'split: {validation: 0, test: 0}' cuts none."
            ),
        ),
        (
            {"method": "stratified"},
            "data.split.method: stratified keeps the mix of classes, but the targets are no classes. Use 'random'.",
        ),
        (
            {"method": "time"},
            "data.split.method: 'time' needs values to go by, and the data has none. Add 'column'.",
        ),
    ],
)
def test_impossible_splits_say_what_to_do(options, message):
    with pytest.raises(DataError) as error:
        split(**options)
    assert str(error.value) == message


def test_too_few_groups_are_refused():
    with pytest.raises(DataError, match=r"3 splits need 3 groups at least, found 2\."):
        split(split_by=np.arange(100) % 2, method="group")


def test_a_count_written_as_a_fraction_is_explained():
    with pytest.raises(ValueError, match=r"a fraction is below 1, found 5000\.0; write 5000 for a count"):
        SplitSpec(validation=5000.0)


def test_folds_test_every_example_once_and_keep_the_mix_of_classes():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    parts = [split(labels=labels, folds=5, fold=number) for number in range(5)]
    assert sorted(np.concatenate([part.test for part in parts]).tolist()) == list(range(100))
    assert [np.bincount(labels[part.test]).tolist() for part in parts] == [[10, 6, 4]] * 5
    assert {sizes(part) for part in parts} == {(72, 8, 20)}
    for part in parts:
        assert sorted(np.concatenate([part.train, part.validation, part.test]).tolist()) == list(range(100))


def test_folds_of_numbers_are_random_and_as_equal_as_can_be():
    parts = [split(10, folds=3, fold=number, validation=0) for number in range(3)]
    assert [sizes(part) for part in parts] == [(6, 0, 4), (7, 0, 3), (7, 0, 3)]
    assert parts[0].method == "random"


def test_training_examples_of_a_fold_are_not_sorted_by_class():
    labels = np.repeat([0, 1], 50)
    assert set(labels[split(labels=labels, folds=5, fold=0).train[:20]]) == {0, 1}


def test_more_folds_than_examples_are_refused():
    with pytest.raises(DataError, match="3 examples cannot be cut into 5 folds"):
        split(3, folds=5, fold=0)
    with pytest.raises(DataError, match="5 examples cannot be cut into 5 folds"):
        split(5, folds=5, fold=0, method="time", split_by=np.arange(5))
    with pytest.raises(DataError, match="4 groups cannot be cut into 5 folds"):
        split(20, folds=5, fold=0, method="group", split_by=np.arange(20) % 4)


def test_folds_of_groups_keep_them_whole_and_are_as_large_as_those_of_scikit_learn():
    groups = np.random.default_rng(0).integers(0, 17, 200) ** 2
    parts = [split(200, folds=5, fold=number, method="group", split_by=groups) for number in range(5)]
    assert sorted(np.concatenate([part.test for part in parts]).tolist()) == list(range(200))
    expected = [len(test) for _, test in GroupKFold(5).split(groups, groups=groups)]
    assert sorted(len(part.test) for part in parts) == sorted(expected)
    for part in parts:
        assert part.method == "group"
        assert sorted(np.concatenate([part.train, part.validation, part.test]).tolist()) == list(range(200))
        members = [{*groups[positions]} for positions in (part.train, part.validation, part.test)]
        assert len(set.union(*members)) == sum(map(len, members))
        assert members[1]
    other = split(200, folds=5, fold=0, method="group", split_by=groups, seed=2)
    assert not np.array_equal(other.test, parts[0].test)


@pytest.mark.parametrize(("count", "folds"), [(100, 4), (23, 5), (6, 5)])
def test_folds_by_time_are_those_of_scikit_learn(count, folds):
    times = np.random.default_rng(1).permutation(count)
    order = np.argsort(times)
    expected = TimeSeriesSplit(folds).split(order)
    for fold, (before, test) in enumerate(expected):
        part = split(count, folds=folds, fold=fold, method="time", split_by=times, validation=0)
        np.testing.assert_array_equal(part.train, order[before])
        np.testing.assert_array_equal(part.test, order[test])
    last = split(count, folds=folds, fold=folds - 1, method="time", split_by=times)
    assert (
        times[last.train].max() < times[last.validation].min() <= times[last.validation].max() < times[last.test].min()
    )


@pytest.mark.parametrize("labels", [np.repeat([2, 0, 1], [60, 35, 25]), None], ids=["classes", "no classes"])
def test_a_sample_prefers_no_example_and_no_class(labels):
    """Over seeds each example is drawn as often as chance has it, and each class stays within one of its share."""
    draws = [sample(120, 16, labels=labels, seed=seed) for seed in range(3000)]
    times = np.bincount(np.concatenate(draws), minlength=120)
    variance = 3000 * 16 / 120 * (1 - 16 / 120)
    statistic = ((times - 3000 * 16 / 120) ** 2).sum() / variance
    assert 1e-4 < scipy.stats.chi2.sf(statistic, 119) < 1 - 1e-4
    if labels is not None:
        counts = np.array([np.bincount(labels[draw], minlength=3) for draw in draws])
        shares = 16 * np.bincount(labels) / 120
        assert (abs(counts - shares) < 1.5).all()
        np.testing.assert_allclose(counts.mean(axis=0), shares, atol=0.1)
    else:
        assert len({tuple(draw) for draw in draws}) == 3000


def test_a_sample_prefers_none_of_ten_classes_of_one_size():
    labels = np.arange(1000) % 10
    counts = sum(np.bincount(labels[sample(1000, 14, labels=labels, seed=seed)], minlength=10) for seed in range(3000))
    variance = 3000 * 0.4 * 0.6  # each class has one or two
    assert scipy.stats.chi2.sf(((counts - 3000 * 1.4) ** 2).sum() / variance * 0.9, 9) > 1e-3


def test_a_sample_is_part_of_a_larger_one_in_ascending_order():
    labels = np.arange(200) % 7
    small, large = (sample(200, count, labels=labels, seed=3) for count in (20, 50))
    assert {*small} < {*large}
    assert (np.diff(large) > 0).all()
    assert sample(200, 200, labels=labels, seed=3).tolist() == [*range(200)]
