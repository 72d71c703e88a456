"""From a recipe's data section to splits, facts and fingerprint."""

from typing import Literal

import numpy as np
import pytest

from hornbook.data import Source, from_arrays, load, prepare
from hornbook.errors import DataError, RecipeError
from hornbook.recipes import load_recipe
from hornbook.recipes.resolve import resolve
from hornbook.recipes.sources import Arrays, Augmentation, DataSpec, Diabetes, Digits, Regression, SplitSpec


def test_digits_are_described_in_one_line():
    info = load(Digits(), seed=42).info
    assert info.describe() == "1,797 images 8×8×1, 10 classes (1,293 train, 144 validation, 360 test)"
    assert (info.input_shape, info.input_dtype, info.task) == ((8, 8, 1), "uint8", "multiclass")
    assert sum(info.class_counts) == 1293


def test_the_fingerprint_follows_seed_and_data():
    first, again = load(Digits(), seed=42).info.fingerprint, load(Digits(), seed=42).info.fingerprint
    assert first == again
    assert len(first) == 16
    assert load(Digits(), seed=43).info.fingerprint != first


def test_limit_shortens_the_training_split_only():
    full, short = load(Digits(), seed=42), load(Digits(limit=200), seed=42)
    assert short.info.counts == {"train": 200, "validation": 144, "test": 360}
    rows = {row.tobytes() for row in full.train.x}
    assert all(row.tobytes() in rows for row in short.train.x)
    assert max(abs(np.bincount(short.train.y) - 200 * np.bincount(full.train.y) / 1293)) <= 1
    assert (short.test.x == full.test.x).all()


def test_a_run_of_before_keeps_the_first_examples():
    tree = {"data": {"name": "digits", "limit": 200}, "model": "mlp"}
    of_run = load_recipe(tree, of_run=True)
    full, short = load(Digits(), seed=42), load(of_run.data, seed=42)
    assert (short.train.x == full.train.x[:200]).all()
    new = load(load_recipe(tree).data, seed=42)
    assert resolve(load_recipe(tree), new.info)[0].data.sample == "stratified"
    assert resolve(of_run, short.info)[0].data.sample == "first"
    assert resolve(load_recipe({"data": "digits", "model": "mlp"}), new.info)[0].data.sample is None


def test_a_limit_beyond_the_data_is_a_warning():
    assert load(Digits(limit=5000), seed=42).info.warnings == (
        "limit is 5,000, but there are only 1,293 training examples.",
    )


def test_a_limit_that_loses_a_class_is_a_warning():
    warnings = load(Digits(limit=2), seed=42).info.warnings
    assert len(warnings) == 1
    assert warnings[0].startswith("limit leaves no training example of class ")


@pytest.mark.parametrize(
    ("shape", "is_first"), [((3, 8, 8), True), ((1, 8, 6), True), ((8, 8, 3), False), ((3, 8, 3), False)]
)
def test_channels_first_images_are_named(shape, is_first):
    x = np.zeros((12, *shape), np.uint8)
    x[:, 0, 0, 0] = np.arange(12)
    warnings = from_arrays((x, np.arange(12) % 2), spec=Arrays(split=SplitSpec(validation=0, test=2))).info.warnings
    said = [text for text in warnings if "channels first" in text]
    assert len(said) == is_first
    if is_first:
        assert said[0].startswith(
            f"images of shape {'×'.join(map(str, shape))} are read as {shape[0]} rows with {shape[2]} "
        )


def test_no_validation_and_no_test_are_none():
    splits = load(Digits(split=SplitSpec(validation=0, test=0)), seed=42)
    assert splits.validation is None
    assert splits.test is None
    assert splits.info.counts == {"train": 1797, "validation": 0, "test": 0}


def test_the_task_of_the_recipe_overrides_the_source():
    splits = load(Digits(), seed=42, task="regression")
    assert splits.info.task == "regression"
    assert splits.train.y.dtype == np.float32
    assert splits.info.class_counts == ()


def test_own_test_set_stays_unused_when_the_recipe_cuts_one():
    x = np.arange(20, dtype=np.float32).reshape(10, 2)
    y = np.arange(10) % 2
    source = Source(x, y, "table", x_test=x[:4], y_test=y[:4])
    splits = prepare(source, Arrays(split=SplitSpec(validation=0, test=2)), seed=1)
    assert splits.info.counts == {"train": 8, "validation": 0, "test": 2}
    assert splits.info.warnings == ("split.test takes 2 training examples; the source's own 4 stay unused.",)


def test_own_test_set_can_be_left_out():
    x, y = np.random.default_rng(0).random((10, 2)), np.arange(10) % 2
    splits = prepare(Source(x, y, "table", x_test=x, y_test=y), Arrays(split=SplitSpec(test=0)), seed=1)
    assert splits.test is None


def test_every_contradiction_in_the_section_is_reported_at_once():
    spec = Diabetes(scale=True, augmentation=Augmentation(shift=0.1), classes=("a", "b"))
    with pytest.raises(RecipeError) as error:
        load(spec, seed=42)
    assert [problem.sentence() for problem in error.value.problems] == [
        "data.augmentation: 'shift' changes images, but 'diabetes' is a table. Remove it.",
        "data.scale: only images are scaled, but 'diabetes' is a table. Tables are standardized: 'standardize: true'.",
        (
            "data.classes: the task is regression, which has no classes to choose from. "
            "Remove 'classes', or set 'task: multiclass'."
        ),
    ]


def test_keys_that_only_the_data_can_refute_are_refused_too():
    source = Source(np.zeros((10, 2)), np.arange(10) % 2, "table")
    with pytest.raises(
        DataError, match=r"data\.augmentation: 'flip' changes images, but the inputs are a table\. Remove it\."
    ):
        prepare(source, Arrays(augmentation=Augmentation(flip="horizontal")), seed=1)


FLOATS = np.linspace(-2, 2, 10 * 3 * 3 * 3).reshape(10, 3, 3, 3)
IMAGES = [
    (FLOATS, "brightness", r"brightness: black has to be 0 and white 1, or 255 of bytes, .* from -2 to 2\."),
    (FLOATS * 100 + 200, "contrast", r"these images reach from 0 to 400"),
    (FLOATS[..., :1], "hue", r"'hue' changes red, green and blue, but the inputs are images that are grey\. Remove it"),
    (FLOATS[..., [0, 1, 2, 2]], "saturation", r"the inputs are images that are of 4 channels\."),
]


@pytest.mark.parametrize(("x", "key", "message"), IMAGES, ids=[key for _, key, _ in IMAGES])
def test_colours_are_changed_only_where_they_are_known(x, key, message):
    with pytest.raises(DataError, match=message):
        prepare(Source(x, np.arange(10) % 2, "image"), Arrays(augmentation=Augmentation(**{key: 0.2})), seed=1)


def test_colours_of_bytes_and_of_numbers_from_0_to_1_are_known():
    for x in (np.full((10, 3, 3, 3), 200, np.uint8), np.full((10, 3, 3, 3), 0.7)):
        spec = Arrays(augmentation=Augmentation(hue=0.1, brightness=0.2))
        assert len(prepare(Source(x, np.arange(10) % 2, "image"), spec, seed=1).train) > 0


def test_mixup_alone_is_for_tables_and_not_for_tokens():
    spec, y = Arrays(augmentation=Augmentation(mixup=0.2)), np.arange(10) % 2
    assert len(prepare(Source(np.random.default_rng(0).random((10, 2)), y, "table"), spec, seed=1).train) > 0
    with pytest.raises(DataError, match=r"'mixup' mixes numbers, but the inputs are tokens, and between two tokens"):
        prepare(Source(np.ones((10, 4), np.int32), y, "tokens", vocabulary_size=3), spec, seed=1)


def test_a_source_of_your_own_may_define_load_source():
    class Ramp(DataSpec):
        """Numbers that rise."""

        name: Literal["ramp"] = "ramp"

        def load_source(self, *, seed):
            return Source(np.arange(20.0).reshape(20, 1), np.arange(20) + 0.5, "table")

    splits = load(Ramp(), seed=1)
    assert splits.info.task == "regression"
    assert splits.info.counts == {"train": 14, "validation": 2, "test": 4}


def test_a_source_that_returns_something_else_is_named():
    class Wrong(DataSpec):
        """Returns arrays."""

        name: Literal["wrong"] = "wrong"

        def load_source(self, *, seed):
            return np.zeros(3)

    with pytest.raises(DataError, match=r"data source 'wrong' returned ndarray, expected a hornbook\.data\.Source"):
        load(Wrong(), seed=1)


def test_generated_examples_and_their_split_follow_the_recipes_seed():
    first, other = load(Regression(), seed=1), load(Regression(), seed=2)
    assert not np.array_equal(first.train.x, other.train.x)
    assert np.array_equal(first.train.x, load(Regression(), seed=1).train.x)


def test_a_source_with_its_own_seed_keeps_its_examples():
    first, other = load(Regression(seed=5), seed=1), load(Regression(seed=5), seed=2)
    pool = [np.sort(np.concatenate([s.train.y, s.validation.y, s.test.y])) for s in (first, other)]
    assert np.array_equal(*pool)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"split": {"method": "last", "validation": 0.2}},
        {"split": {"folds": 4, "fold": 1}},
        {"classes": [2, 0], "limit": 20},
        {"limit": 15, "sample": "first", "relabel": {0: 0, 1: 1, 2: 1}},
    ],
    ids=str,
)
def test_names_stay_with_their_examples(keys):
    rows = np.arange(90)
    own = {"x_validation": rows[:9].reshape(-1, 1, 1, 1).astype(np.uint8) + 100, "y_validation": rows[:9] % 3}
    names = {
        "train": np.array([f"{row}.png" for row in rows]),
        "validation": np.array([f"{row + 100}.png" for row in range(9)]),
    }
    source = Source(rows.astype(np.uint8).reshape(-1, 1, 1, 1), rows % 3, "image", names=names, **own)
    splits = prepare(source, Arrays(**keys), seed=3)
    for part in (splits.train, splits.validation, splits.test):
        assert [f"{pixel:.0f}.png" for pixel in np.ravel(part.x)] == part.names.tolist()
