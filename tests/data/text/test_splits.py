"""Vocabulary and lengths come from the training split; what was cut, is empty or unknown is said."""

import numpy as np
import pytest

from hornbook.data import load
from hornbook.data.text.splits import encode_splits
from hornbook.errors import DataError
from hornbook.recipes.sources import Sentences
from hornbook.recipes.sources.texts import TextSettings

TRAIN = np.array(["a a a b", "a b", "c", "a b c d e f g h i j"], object)
OTHER = np.array(["z z a", ""], object)


def encoded(train=TRAIN, **settings):
    return encode_splits({"train": train, "test": OTHER}, TextSettings(**settings), "review")


def test_the_vocabulary_is_of_the_training_split_alone():
    found = encoded(vocabulary=4)
    assert found.encoder.vocabulary == ("a", "b")
    np.testing.assert_array_equal(found.rows["test"][:, :3], [[1, 1, 2], [0, 0, 0]])
    assert found.facts["unknown"] == {"train": pytest.approx(9 / 17), "test": pytest.approx(2 / 3)}
    assert found.facts["distinct"] == 10


@pytest.mark.parametrize(("length", "expected"), [(3, 3), (1.0, 10), (0.75, 4), (0.5, 2), (0.25, 1)])
def test_a_length_is_a_number_of_tokens_or_a_share_of_whole_texts(length, expected):
    found = encoded(length=length)
    assert found.rows["train"].shape == (4, expected)
    assert found.facts["cut"]["train"] == int((np.array([4, 2, 1, 10]) > expected).sum())


def test_rare_tokens_are_left_out():
    assert encoded(min_count=2).encoder.vocabulary == ("a", "b", "c")
    with pytest.raises(DataError, match=r"column 'review': none of 4 training texts has a token that occurs 9 times"):
        encoded(min_count=9)


def test_texts_without_tokens_are_counted():
    found = encoded(np.array(["", "...", "a"], object))
    assert found.facts["empty"] == {"train": 2, "test": 1}
    assert found.warnings[0].startswith("column 'review': 2 of 3 training texts have no token")
    with pytest.raises(DataError, match="none of 2 training texts has a token"):
        encoded(np.array(["", "?!"], object))


def test_capitals_that_stay_are_said():
    found = encoded(np.array(["Привет мир", "привет Мир"], object))
    assert "50.0% of the tokens have capital letters other than A to Z" in found.warnings[-1]
    assert found.encoder.vocabulary == ("привет", "мир", "Привет", "Мир")


def test_more_tokens_than_memory_may_take_are_refused_with_a_way_out():
    with pytest.raises(DataError, match=r"10 tokens of 6 texts take 0 MB.*Keep fewer: 'data.text.length=200'"):
        encode_splits({"train": TRAIN, "test": OTHER}, TextSettings(length=1.0), "review", memory_budget=100)


def test_ten_megabytes_in_a_cell_are_cut_like_any_long_text():
    found = encoded(np.array(["word " * 2_000_000, *["a b c"] * 30], object))
    assert found.rows["train"].shape == (31, 3)
    assert (found.facts["longest"], found.facts["cut"]["train"]) == (2_000_000, 1)


def test_sentences_are_the_same_for_a_seed_and_words_alone_do_not_tell_them_apart():
    first, again, other = (load(Sentences(seed=seed), seed=1) for seed in (3, 3, 4))
    assert first.info.fingerprint == again.info.fingerprint != other.info.fingerprint
    assert (first.info.kind, first.info.class_names) == ("tokens", ("blame", "praise"))
    rows = [tuple(sorted(row)) for row in first.train.x.tolist()]
    labels = {}
    for row, label in zip(rows, first.train.y.tolist(), strict=True):
        labels.setdefault(row, set()).add(label)
    assert any(len(both) == 2 for both in labels.values())
    ordered = dict(zip(map(tuple, first.train.x.tolist()), first.train.y.tolist(), strict=True))
    assert all(ordered[tuple(row)] == label for row, label in zip(first.train.x.tolist(), first.train.y, strict=True))
    line = first.info.describe_texts()[0]
    assert line.startswith("text 'text': ")
    assert "unknown: none" in line
