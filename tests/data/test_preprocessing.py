"""Preprocessing comes from the training split alone and agrees with scikit-learn."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from hornbook.data import Feature, Source, load, prepare
from hornbook.errors import DataError
from hornbook.recipes.sources import Arrays, Digits, Imdb, Regression, SplitSpec, Waves, Wine, Xor
from hornbook.recipes.sources.checks import section_problems

FIRST_THREE = Arrays(split=SplitSpec(validation=0, test=2, method="last"))
NO_CUT = Arrays(split=SplitSpec(validation=0, test=0))


def table(columns, features, y=None):
    x = np.array(columns, dtype=np.float32).T
    y = np.arange(len(x)) % 2 if y is None else y
    return Source(x, np.asarray(y), "table", features=features)


def test_tables_are_standardized_as_by_scikit_learn():
    splits = load(Wine(), seed=42)
    scaler = StandardScaler().fit(splits.train.x.astype(np.float64))
    assert splits.preprocessing.mean == pytest.approx(scaler.mean_)
    assert splits.preprocessing.variance == pytest.approx(scaler.var_)


def test_only_the_training_split_counts():
    source = table([[1, 2, 3, 100, 200]], (Feature("a", "number"),), y=[0, 1, 0, 1, 0])
    splits = prepare(source, FIRST_THREE, seed=1)
    assert splits.preprocessing.mean == (2.0,)
    assert splits.preprocessing.variance == pytest.approx((2 / 3,))


def test_missing_numbers_are_left_out_of_the_statistics():
    source = table([[1, np.nan, 3, 5]], (Feature("a", "number"),))
    splits = prepare(source, NO_CUT, seed=1)
    assert splits.preprocessing.has_missing
    assert splits.preprocessing.mean == (3.0,)
    assert splits.preprocessing.variance == pytest.approx((8 / 3,))


def test_missing_numbers_have_a_mean_to_be_filled_with_even_without_standardization():
    source = table([[1, np.nan, 3, 5]], (Feature("a", "number"),))
    preprocessing = prepare(
        source, Arrays(split=SplitSpec(validation=0, test=0), standardize=False), seed=1
    ).preprocessing
    assert preprocessing.mean == (3.0,)
    assert preprocessing.variance is None


def test_a_constant_column_keeps_variance_one_and_warns():
    source = table([[0.1] * 6, [1, 2, 3, 4, 5, 6]], (Feature("same", "number"), Feature("b", "number")))
    splits = prepare(source, NO_CUT, seed=1)
    assert splits.preprocessing.variance[0] == 1.0
    assert splits.info.warnings == ("column 'same' is constant in the training split and will teach nothing.",)


def test_category_columns_are_not_standardized():
    source = table([[1, 2, 1, 2], [1, 2, 3, 4]], (Feature("c", "category", ("x", "y")), Feature("n", "number")))
    preprocessing = prepare(source, NO_CUT, seed=1).preprocessing
    assert preprocessing.mean == (0.0, 2.5)
    assert preprocessing.variance == (1.0, 1.25)
    assert [feature.name for feature in preprocessing.features] == ["c", "n"]


def test_categories_are_known_from_the_training_split_only():
    source = table([[2, 3, 2, 1, 3]], (Feature("city", "category", ("Bonn", "Kiel", "Ulm")),), y=[0, 1, 0, 1, 0])
    splits = prepare(source, FIRST_THREE, seed=1)
    assert splits.info.features[0].categories == ("Kiel", "Ulm")
    assert splits.train.x.ravel().tolist() == [1, 2, 1]
    assert splits.test.x.ravel().tolist() == [0, 2]  # Bonn is unknown, Ulm is not
    assert splits.info.warnings == (
        "column 'city': category Bonn not in the training split count as unknown.",
        "column 'city': 1 of 2 test rows has no category, or one that training did not have; it adds nothing to the "
        "prediction.",
    )


def test_images_are_divided_by_their_largest_value_and_not_standardized():
    preprocessing = load(Digits(), seed=42).preprocessing
    assert (preprocessing.scale, preprocessing.mean) == (16.0, None)


def test_standardized_images_have_one_mean_per_channel_after_scaling():
    splits = load(Digits(standardize=True), seed=42)
    scaled = splits.train.x / 16
    assert splits.preprocessing.mean == pytest.approx((scaled.mean(),))
    assert splits.preprocessing.variance == pytest.approx((scaled.var(),))


def test_images_standardized_per_feature_have_a_mean_for_each_pixel_of_the_training_split():
    x = np.arange(48, dtype=np.float32).reshape(4, 2, 3, 2) ** 2
    x[3] = 1e6  # the test example
    x[:, 0, 0, 0] = 0.1
    spec = Arrays(split=SplitSpec(validation=0, test=1, method="last"), standardize="per_feature")
    preprocessing = prepare(Source(x, np.arange(4) % 2, "image"), spec, seed=1).preprocessing
    assert preprocessing.per_feature
    assert preprocessing.mean == pytest.approx(x[:3].mean(axis=0).ravel())
    expected = x[:3].var(axis=0, dtype=np.float64).ravel()
    expected[0] = 1.0  # constant: nothing to divide by
    assert preprocessing.variance == pytest.approx(expected)


def test_bytes_standardized_per_feature_are_exact_and_follow_the_scale():
    splits = load(Digits(standardize="per_feature"), seed=42)
    scaler = StandardScaler().fit(splits.train.x.reshape(-1, 64) / 16)
    assert splits.preprocessing.mean == pytest.approx(scaler.mean_)
    assert splits.preprocessing.variance == pytest.approx(scaler.scale_**2)  # 1 where a pixel is constant
    assert 1.0 in splits.preprocessing.variance
    x = np.full((5, 1, 2, 1), 255, np.uint8)
    x[0, 0, 1] = 0
    spec = Arrays(split=SplitSpec(validation=0, test=0), standardize="per_feature", scale=False)
    preprocessing = prepare(Source(x, np.arange(5) % 2, "image"), spec, seed=1).preprocessing
    assert (preprocessing.mean, preprocessing.variance) == ((255.0, 204.0), (1.0, 10404.0))


@pytest.mark.parametrize("spec", [Wine(standardize="per_feature"), Waves(standardize="per_feature")])
def test_only_images_are_standardized_per_feature(spec):
    noun = {"wine": "a table", "waves": "sequences"}[spec.name]
    assert [problem.sentence() for problem in section_problems(spec)] == [
        f"data.standardize: only images have pixels, but '{spec.name}' is {noun}. Use 'standardize: true', which takes each "
        "column by itself."
    ]


def test_arrays_that_are_no_images_are_not_standardized_per_feature():
    spec = Arrays(split=SplitSpec(validation=0, test=0), standardize="per_feature")
    with pytest.raises(DataError, match=r"^data\.standardize: only images have pixels, but the inputs are a table\."):
        prepare(table([[1, 2, 3, 4]], (Feature("a", "number"),)), spec, seed=1)


def test_scale_false_leaves_images_alone():
    assert load(Digits(scale=False), seed=42).preprocessing.scale is None


@pytest.mark.parametrize(
    ("spec", "is_standardized"), [(Xor(), False), (Xor(standardize=True), True), (Regression(), True)]
)
def test_sources_have_their_own_default(spec, is_standardized):
    assert (load(spec, seed=42).preprocessing.mean is not None) == is_standardized


def test_sequences_have_one_mean_per_feature():
    assert len(load(Waves(examples=50), seed=42).preprocessing.mean) == 1


def test_tokens_cannot_be_standardized():
    problems = list(section_problems(Imdb(standardize=True)))
    assert [problem.sentence() for problem in problems] == [
        "data.standardize: token numbers have no mean to subtract, and 'imdb' is tokens. Remove it."
    ]
