"""Inputs by name: how they become rows, and what is refused."""

import numpy as np
import polars as pl
import pytest

from hornbook import load_recipe
from hornbook.data import from_arrays
from hornbook.data.inputs.files import read_examples
from hornbook.data.readings import Reading
from hornbook.errors import DataError
from hornbook.recipes.sources.arrays import Arrays

RNG = np.random.default_rng(0)
WIDE, DEEP = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 3)).astype(np.float32)
PHOTO = RNG.integers(0, 256, (40, 4, 5), np.uint8)
SERIES = RNG.normal(size=(40, 6, 2))
NOTES = ["A fine day", "dull, dull rain", "fine", ""] * 10
Y = np.arange(40.0)


def splits(x, **more):
    return from_arrays({"x": x, "y": Y[: len(next(iter(x.values())))], **more})


def test_columns_come_first_then_blocks_in_the_order_given():
    info = (found := splits({"photo": PHOTO, "wide": WIDE, "series": SERIES, "deep": DEEP})).info
    assert [feature.name for feature in info.features] == ["wide_1", "wide_2", "deep_1", "deep_2", "deep_3"]
    assert info.extra["groups"] == {"wide": ["wide_1", "wide_2"], "deep": ["deep_1", "deep_2", "deep_3"]}
    assert [(block.name, block.kind, block.shape) for block in info.blocks] == [
        ("photo", "picture", (4, 5, 1)), ("series", "sequence", (6, 2)),
    ]  # fmt: skip
    assert info.input_shape == (5 + 20 + 12,)
    rows = {tuple(row) for row in found.train.x}
    expected = np.concatenate([WIDE, DEEP, PHOTO.reshape(40, -1), SERIES.reshape(40, -1)], axis=1).astype(np.float32)
    assert rows <= {tuple(row) for row in expected}


def test_only_columns_are_standardized_and_each_number_of_a_sequence(monkeypatch):
    found = splits({"wide": WIDE * 7 + 3, "photo": PHOTO, "series": SERIES * 5})
    mean = found.preprocessing.mean
    np.testing.assert_allclose(mean, found.train.x[:, :2].mean(axis=0), rtol=1e-5)
    means, variances = found.preprocessing.blocks["series"]
    series = found.train.x[:, 22:].astype(np.float64).reshape(-1, 2)
    np.testing.assert_allclose(means, series.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(variances, series.var(axis=0), rtol=1e-6)
    assert set(found.preprocessing.blocks) == {"series"}


def test_a_data_frame_has_typed_columns():
    frame = pl.DataFrame({"city": ["Oslo", "Rome"] * 20, "age": np.arange(40)})
    info = splits({"table": frame, "photo": PHOTO}).info
    assert [(feature.name, feature.type) for feature in info.features] == [("city", "category"), ("age", "number")]
    assert info.extra["groups"] == {"table": ["city", "age"]}


def test_rows_stay_on_disk_above_the_budget_and_are_the_same():
    x = {"wide": WIDE, "photo": PHOTO}
    whole, streamed = (from_arrays((x, Y), memory_budget=budget) for budget in (None, 1000))
    assert streamed.info.extra["streams"]
    assert streamed.info.fingerprint == whole.info.fingerprint
    np.testing.assert_array_equal(streamed.train.x.load(), whole.train.x)
    assert streamed.preprocessing == whole.preprocessing


def test_a_test_set_of_ones_own():
    x = {"wide": WIDE, "photo": PHOTO}
    found = from_arrays(((x, Y), ({name: value[:7] for name, value in x.items()}, Y[:7])))
    np.testing.assert_array_equal(found.test.x[:, :2], WIDE[:7].astype(np.float32))


def as_tokens(texts, vocabulary, length):
    words = [text.lower().replace(",", "").split() for text in texts]
    numbers = [[vocabulary.index(word) + 2 if word in vocabulary else 1 for word in text] for text in words]
    return np.array([(row + [0] * length)[:length] for row in numbers])


@pytest.mark.parametrize(
    "notes", [NOTES, np.array(NOTES), np.char.encode(NOTES), pl.Series(NOTES), np.array(NOTES, object)[:, None]]
)
def test_the_tokens_of_texts_stand_behind_columns_and_pictures(notes):
    spec = Arrays(text={"length": 2}, split={"test": 0, "validation": 10, "method": "first"})
    found = from_arrays(({"note": notes, "wide": WIDE, "photo": PHOTO}, Y), spec=spec)
    info = found.info
    assert [(block.name, block.kind) for block in info.blocks] == [("photo", "picture"), ("note", "text")]
    assert [feature.name for feature in info.features] == ["wide_1", "wide_2"]
    vocabulary = info.extra["texts"]["note"]["vocabulary"]
    assert {*vocabulary} == {"a", "fine", "day", "dull", "rain"}
    rows = np.concatenate([found.train.x[:, -2:], found.validation.x[:, -2:]])
    texts = np.array(NOTES)[np.concatenate([found.train.y, found.validation.y]).astype(int)]
    np.testing.assert_array_equal(rows, as_tokens(texts, vocabulary, 2))


def test_words_of_other_splits_alone_are_unknown():
    test = {"wide": WIDE[:2], "note": ["fine zebra", "fine"]}
    found = from_arrays((({"wide": WIDE, "note": NOTES}, Y), (test, Y[:2])))
    assert "zebra" not in found.info.extra["texts"]["note"]["vocabulary"]
    assert found.test.x[0, 3] == 1 != found.test.x[0, 2]


def test_texts_need_nothing_beside_them(tmp_path):
    found = from_arrays(({"title": NOTES, "body": NOTES[::-1]}, Y), spec=Arrays(text={"length": 3}))
    assert found.info.width == 0
    assert "40 rows of title 3 and body 3, 1 target" in found.info.describe()
    assert found.train.x.shape[1:] == (6,)
    words = found.info.extra["texts"]["title"]["vocabulary"]
    np.testing.assert_array_equal(found.train.x[:, :3], as_tokens(np.array(NOTES)[found.train.y.astype(int)], words, 3))
    (tmp_path / "new.csv").write_text("body,title\nfine,dull rain\n")
    examples = read_examples(tmp_path / "new.csv", found.info, Reading())
    np.testing.assert_array_equal(examples.x[:, :3], as_tokens(["dull rain"], words, 3))


@pytest.mark.parametrize("x", [{"price": WIDE, "note": NOTES}, {"wide": WIDE, "price": NOTES}])
def test_a_head_is_not_called_like_an_input(x):
    heads = load_recipe({"data": "arrays", "model": "mlp", "heads": {"price": {}, "size": {}}}).heads
    with pytest.raises(DataError, match="heads: 'price' is called like an input. Rename one of the two"):
        from_arrays((x, {"price": Y, "size": Y}), heads=heads)


def test_another_text_is_another_fingerprint():
    changed = [*NOTES[:-1], "dull"]
    first, other = (from_arrays(({"wide": WIDE, "note": notes}, Y)).info.fingerprint for notes in (NOTES, changed))
    assert first != other


@pytest.mark.parametrize("x", [WIDE, {"wide": WIDE}])
def test_the_key_text_is_refused_where_there_is_no_text(x):
    with pytest.raises(DataError, match="data.text: says how texts are read, and no input is a text"):
        from_arrays((x, Y), spec=Arrays(text={"length": 2}))


@pytest.mark.parametrize(
    ("x", "test", "sentences"),
    [
        (
            {"wide": WIDE, "deep": DEEP[:39], "photo": PHOTO[:3]},
            None,
            ["x: the inputs do not fit each other.",
             "inputs have different numbers of examples: 'wide' 40, 'deep' 39, 'photo' 3."],
        ),
        (
            {"wide": WIDE, "deep": DEEP},
            {"wide": WIDE, "depe": DEEP},
            ["inputs by name:", "x_test: no input 'deep', which x has.",
             "x_test: unknown input 'depe'. Did you mean 'deep'?"],
        ),
        (
            {"wide": WIDE, "photo": PHOTO},
            {"wide": WIDE[:, :1], "photo": PHOTO[:, :3]},
            ["x_test: the inputs do not fit each other.", "'wide' has 1 columns, in x 2.",
             "'photo' has examples of shape (3, 5), expected (4, 5, 1)."],
        ),
        ({"wide": WIDE}, WIDE, ["x_test is ndarray, expected inputs by name, as in other roles."]),
        ({}, None, ["x: there are no inputs."]),
        ({"wide": WIDE, 3: DEEP}, None, ["x: a name of an input is text, found 3."]),
        ({"wide": np.zeros(40, complex)}, None,
         ["x['wide']: holds complex128, expected numbers, texts, or a data frame of columns with types."]),
        ({"wide": WIDE, "note": np.array([["a", "b"]] * 40)}, None,
         ["x['note'] has inputs that are neither numbers nor texts, one for each example."]),
        ({"wide": WIDE, "note": ["fine", float("nan")] * 20}, None,
         ["x['note']: text 2 is nan, which is no text. Write '' for an empty one."]),
        ({"wide": WIDE, "note": np.array([b"\xff"] * 40)}, None, ["x['note']: text 1 is no UTF-8."]),
        ({"wide": WIDE, "note": ["fine"] * 39}, None,
         ["x: the inputs do not fit each other.",
          "inputs have different numbers of examples: 'wide' 40, 'note' 39."]),
        ({"wide": WIDE, "note": NOTES}, {"wide": NOTES, "note": Y},
         ["x_test: the inputs do not fit each other.", "'wide' holds texts, unlike in x.",
          "'note' holds no texts, unlike in x."]),
        ({"wide": WIDE, "wide_2": NOTES}, None, ["column 'wide_2' is in 'wide_2' and in 'wide'. Rename one."]),
        ({"wide": WIDE, "a/b": DEEP, "network": DEEP}, None,
         ["inputs by name:", "x: an input cannot be called 'a/b'. Rename it.",
          "x: an input cannot be called 'network'. Rename it."]),
        ({"wide": 3.0}, None, ["x['wide']: is a single value. Expected one per example."]),
        ({"cube": np.zeros((40, 2, 2, 2, 2))}, None,
         ["x['cube']: has 5 axes (40, 2, 2, 2, 2). Expected columns, a sequence or pictures."]),
        ({"wide": np.where(WIDE > 2, np.nan, WIDE)}, None,
         ["x['wide']: 1 of 80 values is NaN or infinite, the first (nan) at [39, 1]. Repair or remove these examples."]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_all_that_is_wrong(x, test, sentences):
    data = {"x": x, "y": Y} | ({"x_test": test, "y_test": Y} if test is not None else {})
    with pytest.raises(DataError) as error:
        from_arrays(data)
    assert [line.strip() for line in str(error.value).splitlines()] == sentences


def test_a_file_of_arrays_has_the_same_names(tmp_path):
    info = splits({"wide": WIDE, "photo": PHOTO}).info
    np.savez(tmp_path / "new.npz", photo=PHOTO[:3], wide=WIDE[:3], other=Y)
    examples = read_examples(tmp_path / "new.npz", info, Reading())
    np.testing.assert_array_equal(examples.x, np.concatenate([WIDE[:3], PHOTO[:3].reshape(3, -1)], axis=1).astype("f4"))
    assert examples.notes == ("new.npz: not read: other.",)
    np.savez(tmp_path / "bad.npz", photo=PHOTO[:3, :2], wdie=WIDE[:3])
    with pytest.raises(DataError) as error:
        read_examples(tmp_path / "bad.npz", info, Reading())
    assert [line.strip() for line in str(error.value).splitlines()] == [
        f"{tmp_path / 'bad.npz'}: the inputs do not fit the model.",
        "no input 'wide'. Did you mean 'wdie'?",
        "'photo' has shape (3, 2, 5), expected (examples, 4, 5, 1).",
    ]


def test_a_file_of_arrays_holds_texts_as_they_are(tmp_path):
    info = splits({"wide": WIDE, "note": NOTES}).info
    np.savez(tmp_path / "new.npz", wide=WIDE[:3], note=["rain day", "a zebra", "zebra"])
    examples = read_examples(tmp_path / "new.npz", info, Reading())
    facts = info.extra["texts"]["note"]
    expected = as_tokens(["rain day", "a zebra", "zebra"], facts["vocabulary"], facts["length"])
    np.testing.assert_array_equal(examples.x[:, 2:], expected)
    assert examples.notes == ("new.npz: 'note': 1 of 3 texts has no token that training knew.",)
    np.savez(tmp_path / "bad.npz", wide=NOTES[:3], note=Y[:3])
    with pytest.raises(DataError) as error:
        read_examples(tmp_path / "bad.npz", info, Reading())
    assert [line.strip() for line in str(error.value).splitlines()][1:] == [
        "'wide' holds texts, expected numbers.",
        "'note' holds numbers, expected texts.",
    ]
