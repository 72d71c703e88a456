"""Arrays from Python, from .npz files and from recipes."""

import numpy as np
import polars as pl
import pytest

from hornbook.data import Source, from_arrays, load
from hornbook.errors import DataError, RecipeError, UsageError
from hornbook.recipes.sources import Arrays, Augmentation, Digits, Npz, SplitSpec
from hornbook.recipes.sources.checks import section_problems

X = np.random.default_rng(0).random((40, 3))
Y = np.arange(40) % 2


def test_a_pair_is_split_like_any_source():
    splits = from_arrays((X, Y), seed=1)
    assert splits.info.counts == {"train": 28, "validation": 4, "test": 8}
    assert splits.info.name == "arrays"


@pytest.mark.parametrize(
    "data",
    [
        {"x": X, "y": Y},
        {"x_train": X, "y_train": Y},
        [X, Y],
        (X.tolist(), Y.tolist()),
        Source(X, Y, "table"),
    ],
)
def test_every_form_of_the_same_arrays_gives_the_same_splits(data):
    assert from_arrays(data, seed=1).info.fingerprint == from_arrays((X, Y), seed=1).info.fingerprint


def test_two_pairs_are_training_and_test():
    splits = from_arrays(((X, Y), (X[:6], Y[:6])))
    assert splits.info.counts == {"train": 36, "validation": 4, "test": 6}
    assert (splits.test.x == X[:6].astype(np.float32)).all()


def test_three_pairs_are_training_validation_and_test():
    splits = from_arrays(((X, Y), (X[:5], Y[:5]), (X[:6], Y[:6])))
    assert splits.info.counts == {"train": 40, "validation": 5, "test": 6}


def test_ready_splits_are_returned_as_they_are():
    splits = from_arrays((X, Y))
    assert from_arrays(splits) is splits


def test_shared_keys_of_a_recipe_apply_to_arrays():
    splits = from_arrays((X, Y), spec=Digits(limit=7, split=SplitSpec(validation=0, test=10)))
    assert splits.info.counts == {"train": 7, "validation": 0, "test": 10}


def test_groups_are_given_beside_the_arrays():
    groups = np.arange(40) // 4
    spec = Arrays(split=SplitSpec(method="group", column="patient"))
    splits = from_arrays({"x": groups[:, None] + 0.5, "y": Y, "patient": groups}, spec=spec)
    assert not set(splits.train.x.ravel()) & set(splits.test.x.ravel())


def test_a_data_frame_becomes_a_table_with_categories():
    frame = pl.DataFrame({"city": ["Kiel", "Ulm"] * 20, "rooms": [1.0, None, 3.0, 4.0] * 10})
    splits = from_arrays((frame, Y))
    assert [(feature.name, feature.type) for feature in splits.info.features] == [
        ("city", "category"),
        ("rooms", "number"),
    ]
    assert splits.info.features[0].categories == ("Kiel", "Ulm")
    assert splits.preprocessing.has_missing


@pytest.mark.parametrize("data", [5, (X,), "x", (X, Y, Y, Y)])
def test_what_is_no_data_is_a_usage_error(data):
    with pytest.raises(UsageError, match=r"expected \(x, y\)"):
        from_arrays(data)


def test_an_unknown_key_is_not_ignored():
    with pytest.raises(UsageError, match="unknown keys weight"):
        from_arrays({"x": X, "y": Y, "weight": Y})


def test_keys_that_contradict_each_other_are_refused():
    with pytest.raises(
        RecipeError, match=r"data\.split\.column: a column is read by the methods 'time' and 'group' only"
    ):
        from_arrays((X, Y), spec=Arrays(split=SplitSpec(column="day")))


def test_a_recipe_on_arrays_cannot_be_loaded_without_them():
    with pytest.raises(DataError, match="pass them in Python"):
        load(Arrays(), seed=1)


def save(folder, **arrays):
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return str(path)


def test_npz_reads_x_and_y(tmp_path):
    splits = load(Npz(path=save(tmp_path, x=X, y=Y)), seed=1)
    assert splits.info.fingerprint == from_arrays((X, Y), seed=1).info.fingerprint
    assert splits.info.name == "npz"


def test_npz_reads_keras_names_with_the_test_set(tmp_path):
    path = save(tmp_path, x_train=X, y_train=Y, x_test=X[:5], y_test=Y[:5])
    assert load(Npz(path=path), seed=1).info.counts == {"train": 36, "validation": 4, "test": 5}


def test_npz_arrays_may_have_any_name(tmp_path):
    path = save(tmp_path, measured=X, wanted=Y, patient=Y)
    splits = load(Npz(path=path, inputs="measured", targets="wanted"), seed=1)
    assert splits.info.warnings == ("data.npz: arrays that nothing reads: patient.",)


def test_npz_class_names_stay_with_the_run(tmp_path):
    assert load(Npz(path=save(tmp_path, x=X, y=Y), class_names=("off", "on")), seed=1).info.class_names == ("off", "on")


def test_npz_kind_can_be_overridden(tmp_path):
    path = save(tmp_path, x=np.arange(80).reshape(40, 2), y=Y)
    assert load(Npz(path=path, input_kind="tokens"), seed=1).info.kind == "tokens"


def test_npz_images_take_augmentation_and_tables_do_not(tmp_path):
    shift = Augmentation(shift=0.1)
    images = save(tmp_path, x=np.zeros((40, 6, 6), np.uint8), y=Y)
    assert load(Npz(path=images, augmentation=shift), seed=1).info.kind == "image"
    with pytest.raises(DataError, match="'shift' changes images, but the inputs are a table"):
        load(Npz(path=save(tmp_path, x=X, y=Y), augmentation=shift), seed=1)


def test_npz_with_pickled_objects_is_refused(tmp_path):
    path = save(tmp_path, x=np.array([{}, 1], dtype=object), y=[0, 1])
    with pytest.raises(DataError, match="holds Python objects, which may run code when read"):
        load(Npz(path=path), seed=1)


def test_a_missing_npz_names_the_nearest_file(tmp_path):
    save(tmp_path, x=X, y=Y)
    with pytest.raises(DataError) as error:
        load(Npz(path=str(tmp_path / "dat.npz")), seed=1)
    assert str(error.value) == f"{tmp_path / 'dat.npz'}: no such file. Did you mean '{tmp_path / 'data.npz'}'?"


def test_a_damaged_npz_is_no_traceback(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(DataError, match=r"data\.npz: "):
        load(Npz(path=str(path)), seed=1)


def test_an_array_that_is_not_there_names_the_nearest(tmp_path):
    with pytest.raises(DataError, match=r"no array 'inputs_x'\."):
        load(Npz(path=save(tmp_path, x=X, y=Y), inputs="inputs_x"), seed=1)


def test_half_a_test_set_is_a_problem():
    problems = [problem.sentence() for problem in section_problems(Npz(path="a.npz", test_inputs="x"))]
    assert problems == ["data.test_inputs: 'test_targets' is missing. Name both or neither."]


def test_a_single_array_is_no_archive(tmp_path):
    path = tmp_path / "data.npz"
    with path.open("wb") as stream:
        np.save(stream, X)
    with pytest.raises(DataError, match=r"holds a single array, expected an archive written with numpy\.savez\."):
        load(Npz(path=str(path)), seed=1)
