"""What Python passes: weights, validation data, and sources of batches read in one pass; what is wrong with them."""

import numpy as np
import pytest

from hornbook.data import from_arrays
from hornbook.data.sources.given import given, read_once
from hornbook.errors import DataError, RecipeError, UsageError
from hornbook.recipes.load import load_recipe

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 3
W = np.linspace(0.5, 2, 40)


def batches(*, size=16, count=3, weights=False):
    """A function that returns a generator of batches: 16, 16 and 8 examples."""

    def make():
        for place in range(count):
            rows = slice(place * size, (place + 1) * size)
            yield (X[rows], Y[rows], W[rows]) if weights else (X[rows], Y[rows])

    return make


def section(**keys):
    return load_recipe({"data": {"name": "arrays", **keys}, "model": "mlp"}).data


WHOLE = section(split={"validation": 0, "test": 0})


def test_weights_are_the_third_of_three(generator):
    splits = from_arrays((X, Y, W), spec=WHOLE)
    np.testing.assert_allclose(splits.train.weights, W, rtol=1e-6)
    assert from_arrays((X, Y, None), spec=WHOLE).train.weights is None


def test_validation_data_is_what_is_validated_on_and_nothing_is_cut_for_it():
    data = given((X[:30], Y[:30], W[:30]), (X[30:], Y[30:], W[30:]))
    splits = from_arrays(data, spec=section(split={"test": 0}))
    np.testing.assert_array_equal(splits.train.x, X[:30])
    np.testing.assert_array_equal(splits.validation.x, X[30:])
    np.testing.assert_allclose(splits.validation.weights, W[30:], rtol=1e-6)
    pairs = from_arrays(given(((X[:20], Y[:20]), (X[20:30], Y[20:30])), (X[30:], Y[30:])))
    assert [len(part) for part in (pairs.train, pairs.validation, pairs.test)] == [20, 10, 10]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, (X, Y)), "validation_data: goes with 'data', which is missing"),
        ((None, None, 3), "steps_per_epoch: goes with 'data', which is missing"),
        (((X, Y), None, 3), "steps_per_epoch: an epoch of arrays is all of them."),
        (
            ((X, Y), X),
            "validation_data: found ndarray, expected (x, y) or (x, y, sample_weight) or a source of batches.",
        ),
        (
            ({"x": X, "y": Y, "x_val": X, "y_val": Y}, (X, Y)),
            "validation_data: 'data' holds validation examples already.",
        ),
        ((((X, Y), (X, Y), (X, Y)), (X, Y)), "validation_data: 'data' holds validation examples already."),
        ((batches()(),), "data: a generator can be gone through once, and each epoch needs another."),
        ((batches(), None, 0), "steps_per_epoch: expected a whole number above 0, found 0."),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, message):
    with pytest.raises(UsageError) as caught:
        given(*arguments)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("weights", [False, True])
def test_one_pass_over_a_source_becomes_arrays(weights):
    found = read_once(batches(weights=weights))
    for array, expected in zip(found, (X, Y, W), strict=False):
        np.testing.assert_array_equal(array, expected)
    assert len(found) == 2 + weights


def test_a_source_is_the_training_split_with_the_statistics_of_one_pass():
    splits = from_arrays(given(batches(), (X[:8], Y[:8])), spec=section(standardize=True))
    np.testing.assert_allclose(splits.preprocessing.mean, X.mean(axis=0), rtol=1e-5)
    assert splits.info.counts == {"train": 40, "validation": 8, "test": 0}
    assert splits.info.class_counts == (14, 13, 13)
    assert (splits.stream.batches, splits.stream.batch_size) == (3, 16)
    for _ in range(2):
        x, y = (np.concatenate(parts) for parts in list(zip(*splits.stream.epoch(), strict=True))[:2])
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(y, Y)


def test_targets_of_later_batches_are_numbered_as_those_of_the_first_pass():
    names = np.array(["a", "b", "c"])[Y]
    stream = from_arrays(lambda: iter([(X, names)])).stream
    ((_, y, _),) = stream.epoch()
    np.testing.assert_array_equal(y, Y)


def test_with_steps_an_epoch_goes_on_where_the_last_one_ended_and_begins_anew_at_the_end():
    stream = from_arrays(given(batches(), None, 2)).stream
    rows = [[int(np.flatnonzero((x[0] == X).all(axis=1))[0]) for x, _, _ in stream.epoch()] for _ in range(3)]
    assert rows == [[32, 0], [16, 32], [0, 16]]  # the pass in front of training has read the first two


WRONG = [
    (lambda: iter([]), "data: the generator gave no batch at all."),
    (
        lambda: iter([(X, Y[:-1])]),
        "data: batch 1 of the generator has inputs of shape (40, 3) and targets of shape (39,)",
    ),
    (
        lambda: iter([(X[:4, 0], Y[:4])]),
        "data: batch 1 of the generator has inputs of shape (4,) and targets of shape (4,)",
    ),
    (
        lambda: iter([(X, Y), (X[:, :2], Y)]),
        "data: batch 2 of the generator: one of the inputs has shape (2,), in the first",
    ),
    (lambda: iter([(X, Y), (X, Y, W)]), "data: batch 2 of the generator has weights, and the first batch has none."),
    (lambda: iter([(X, Y, W[:3])]), "data: batch 1 of the generator has weights of shape (3,) for 40 examples."),
    (
        lambda: iter([X]),
        "data: batch 1 of the generator is one value (ndarray), expected (inputs, targets) or (inputs,",
    ),
    (
        lambda: iter([{"x": X, "y": Y}]),
        "data: batch 1 of the generator is a mapping of x, y, expected (inputs, targets)",
    ),
    (lambda: iter([({}, Y)]), "data: batch 1 of the generator has no inputs, expected (inputs, targets)"),
    (lambda: iter([({3: X}, Y)]), "data: batch 1 of the generator: a name of inputs is text, found 3."),
    (
        lambda: iter([({"a": X, "b": X[:9]}, Y)]),
        "data: batch 1 of the generator has inputs of shape (40, 3) of 'a', (9, 3) of 'b' and targets of shape (40,)",
    ),
    (
        lambda: iter([({"a": X, "b": X}, Y), ({"a": X, "c": X}, Y)]),
        "data: batch 2 of the generator has the inputs 'a', 'c', and the first batch 'a', 'b'.",
    ),
    (
        lambda: iter([({"a": X, "b": X}, Y), ({"a": X, "b": X[:, :1]}, Y)]),
        "data: batch 2 of the generator: one of 'b' has shape (1,), in the first batch (3,).",
    ),
    (
        lambda: iter([({"a": X, "b": X * np.inf}, Y)]),
        "data: batch 1 of the generator: 'b' has inputs that are not finite numbers.",
    ),
    (
        lambda: iter([({"a": X, "review": [["fine", "dull"]] * 40}, Y)]),
        "data: batch 1 of the generator: 'review' has inputs that are neither numbers nor texts, one for each example.",
    ),
    (
        lambda: iter([({"a": X, "review": ["fine", None] * 20}, Y)]),
        "data: batch 1 of the generator: 'review': text 2 is None, which is no text. Write '' for an empty one.",
    ),
    (
        lambda: iter([({"a": X, "b": Y}, Y), ({"a": X, "b": ["fine"] * 40}, Y)]),
        "data: batch 2 of the generator: 'b' has inputs of type text, and in the first batch they were numbers.",
    ),
    (
        lambda: iter([({"a": X, "b": ["fine"] * 40}, Y), ({"a": X, "b": Y}, Y)]),
        "data: batch 2 of the generator: 'b' has inputs of type int64, and in the first batch they were texts.",
    ),
    (
        lambda: iter([(np.array([b"fine", b"\xff"] * 20), Y)]),
        "data: batch 1 of the generator: text 2 is no UTF-8.",
    ),
    (
        lambda: iter([(np.array([{}, []] * 20, object), Y)]),
        "data: batch 1 of the generator has inputs that are neither numbers nor texts, one for each example.",
    ),
    (
        lambda: iter([(X, {"price": Y, "sold": Y})]),
        "the targets have names (price, sold), and the recipe has one head. Name heads for them in 'heads'.",
    ),
    (lambda: iter([((X, X), Y)]), "data: batch 1 of the generator holds several arrays of inputs. Give them names:"),
    (lambda: iter([(X * np.nan, Y)]), "data: batch 1 of the generator has inputs that are not finite numbers."),
    (
        lambda: iter([(X, Y, W, W)]),
        "data: batch 1 of the generator is 4 values, expected (inputs, targets) or (inputs,",
    ),
]


@pytest.mark.parametrize(("source", "message"), WRONG)
def test_what_is_no_batch_is_named(source, message):
    with pytest.raises(DataError) as caught:
        from_arrays(source)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (lambda rows: iter([]), "data: '<lambda>' is called without arguments for each epoch: "),
        (lambda: 3, "data: the function returned int, expected a generator of (inputs, targets)"),
    ],
)
def test_what_is_no_function_that_makes_a_generator_is_refused(source, message):
    with pytest.raises(UsageError) as caught:
        from_arrays(source)
    assert str(caught.value).startswith(message)


def changing(*epochs):
    """A function whose generators yield other batches each time; the last ones again and again."""
    left = list(epochs)
    return lambda: iter(left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize(
    ("later", "message"),
    [
        ([(X, Y)], "data: the generator ended after 1 of the 2 batches of its first pass. Give 'steps_per_epoch'"),
        ([(X, Y)] * 3, "data: the generator gives more than the 2 batches of its first pass. Give 'steps_per_epoch'"),
        (
            [(X[:, :2], Y)] * 2,
            "data: batch 1 of the generator: one of the inputs has shape (2,), in the first batch (3,).",
        ),
        ([(X, Y + 7)] * 2, "data: batch 1 of the generator: the targets hold classes that the model does not know: "),
        ([(X + np.inf, Y)] * 2, "data: batch 1 of the generator has inputs that are not finite numbers."),
    ],
)
def test_a_later_epoch_that_is_unlike_the_first_pass_is_an_error(later, message):
    stream = from_arrays(changing([(X, Y)] * 2, later)).stream
    with pytest.raises(DataError) as caught:
        list(stream.epoch())
    assert str(caught.value).startswith(message)


def test_pixels_that_fit_no_byte_are_an_error():
    images = np.full((4, 2, 2, 1), 200)
    stream = from_arrays(changing([(images, Y[:4])], [(images * 2, Y[:4])])).stream
    with pytest.raises(DataError, match="has pixels from 400 to 400; those of the first pass were 0 to 255"):
        list(stream.epoch())


def test_a_source_that_does_not_end_within_the_memory_budget_is_an_error():
    def forever():
        while True:
            yield X, Y

    with pytest.raises(
        DataError, match=r"has not ended, and its inputs take more than the 0 MB that they may. Give 'steps_per_epoch'"
    ):
        from_arrays(forever, memory_budget=10_000)
    assert from_arrays(given(forever, None, 5), memory_budget=10_000).stream.batches == 5
    with pytest.raises(DataError, match="ends after 3 batches, before the 5 of 'steps_per_epoch'"):
        from_arrays(given(changing([(X, Y)] * 3, []), None, 5))


def test_keys_that_choose_examples_are_refused_all_at_once():
    with pytest.raises(RecipeError) as caught:
        from_arrays(batches(), spec=section(limit=10, classes=[0, 1], split={"validation": 0.2, "test": 0}))
    assert [problem.path for problem in caught.value.problems] == [
        ("data", "classes"),
        ("data", "limit"),
        ("data", "split"),
    ]


class PyDataset:
    """What makes Keras's a source of batches: its name, its length, its items."""

    def __len__(self):
        return 5

    def __getitem__(self, place):
        return X[place * 8 : place * 8 + 8], Y[place * 8 : place * 8 + 8]


def test_of_a_source_beyond_the_memory_budget_every_so_manieth_batch_is_kept_and_all_are_counted():
    splits = from_arrays(PyDataset(), spec=section(standardize=True), memory_budget=2 * 8 * 3 * 4)
    kept = np.concatenate([X[:8], X[32:40]])  # the first of each four
    np.testing.assert_array_equal(splits.train.x, kept)
    np.testing.assert_allclose(splits.preprocessing.mean, kept.mean(axis=0), rtol=1e-5)
    assert (splits.stream.batches, splits.stream.every, splits.info.counts["train"]) == (5, 4, 40)
    assert splits.info.class_counts == (14, 13, 13)
    numbers = from_arrays(given(PyDataset()), task="regression", memory_budget=2 * 8 * 3 * 4)
    assert numbers.preprocessing.target_mean == pytest.approx((Y.mean(),))


def test_a_class_that_only_the_rest_has_is_an_error():
    class Rare(PyDataset):
        def __getitem__(self, place):
            return X[:8], np.full(8, 7) if place == 1 else Y[:8]

    with pytest.raises(
        DataError, match="of 40 targets 16 fit: the targets hold classes that the model does not know: 7"
    ):
        from_arrays(Rare(), memory_budget=2 * 8 * 3 * 4)


PHOTO = np.random.default_rng(1).integers(0, 256, (40, 4, 5), np.uint8)


def named(*, size=16):
    """A function that returns a generator of batches whose inputs and targets have names."""

    def make():
        for start in range(0, 40, size):
            rows = slice(start, start + size)
            yield {"photo": PHOTO[rows], "facts": X[rows]}, {"kind": Y[rows], "price": 5.0 * W[rows]}

    return make


HEADS = load_recipe({"data": "arrays", "model": "mlp", "heads": {"kind": {}, "price": {}}}).heads


def test_batches_of_named_inputs_are_rows_as_arrays_by_name_are():
    one_head = [(x, y["kind"]) for x, y in named()()]
    splits = from_arrays(given(lambda: iter(one_head), ({"photo": PHOTO[:9], "facts": X[:9]}, Y[:9])))
    arrays = from_arrays(({"photo": PHOTO, "facts": X}, Y), spec=WHOLE)
    assert splits.info.blocks == arrays.info.blocks
    assert splits.info.extra["groups"] == arrays.info.extra["groups"]
    assert splits.preprocessing == arrays.preprocessing
    expected = np.concatenate([X, PHOTO.reshape(40, -1)], axis=1)
    np.testing.assert_array_equal(splits.validation.x, expected[:9])
    for _ in range(2):
        batches = [*splits.stream.epoch()]
        assert [len(x) for x, _, _ in batches] == [16, 16, 8]
        np.testing.assert_array_equal(np.concatenate([x for x, _, _ in batches]), expected)


def test_targets_by_name_are_those_of_several_heads():
    splits = from_arrays(named(), heads=HEADS)
    y = np.concatenate([y for _, y, _ in splits.stream.epoch()])
    np.testing.assert_allclose(y, np.stack([Y, 5 * W], axis=1), rtol=1e-6)
    assert [head.task for head in splits.info.heads] == ["multiclass", "regression"]
    with pytest.raises(DataError, match="the generator gives rows of targets, and each of several heads has its own"):
        from_arrays(lambda: iter([(X, np.stack([Y, W], axis=1))]), heads=HEADS)


def test_of_several_heads_all_targets_are_counted_where_only_some_inputs_fit():
    class Named(PyDataset):
        def __getitem__(self, place):
            rows = slice(place * 8, place * 8 + 8)
            return X[rows], {"kind": Y[rows], "price": W[rows]}

    splits = from_arrays(Named(), heads=HEADS, memory_budget=2 * 8 * 3 * 4)
    assert splits.stream.every == 4
    assert splits.info.head("kind").class_counts == (14, 13, 13)
    assert splits.preprocessing.target_mean == pytest.approx((Y.mean(), W.mean()))


def test_a_later_batch_whose_pictures_are_of_another_type_is_an_error():
    first, later = ([({"photo": photo, "facts": X}, Y)] for photo in (PHOTO, PHOTO / 255))
    with pytest.raises(DataError, match="'photo' has inputs of type float64, and in the first batch they were bytes"):
        list(from_arrays(changing(first, later)).stream.epoch())


TEXTS = np.array([f"a {('dull', 'fine', 'odd')[kind]} film, number {place % 7}" for place, kind in enumerate(Y)])


@pytest.mark.parametrize("encode", [lambda texts: texts, np.char.encode, lambda texts: texts[:, np.newaxis]])
def test_batches_of_texts_become_token_numbers_by_the_vocabulary_of_the_first_pass(encode):
    spec = section(text={"length": 4})
    source = changing([(encode(TEXTS[:25]), Y[:25]), (encode(TEXTS[25:]), Y[25:])], [(encode(TEXTS[:3]), Y[:3])] * 2)
    splits = from_arrays(source, spec=spec)
    vocabulary = splits.info.extra["texts"]["text"]["vocabulary"]
    assert {"a", "film", "number", "fine"} <= {*vocabulary}
    x, _, _ = next(splits.stream.epoch())
    words = [["a", ("dull", "fine", "odd")[kind], "film", "number"] for kind in Y[:3]]
    np.testing.assert_array_equal(x, [[vocabulary.index(word) + 2 for word in text] for text in words])


def test_tokens_that_only_later_batches_have_are_unknown():
    stream = from_arrays(changing([(TEXTS, Y)], [(["a zebra film"] * 3, Y[:3])])).stream
    ((x, _, _),) = stream.epoch()
    assert x[0, 1] == 1


@pytest.mark.parametrize("encode", [list, np.char.encode])
def test_batches_of_texts_beside_numbers_are_rows_as_arrays_by_name_are(encode):
    def batch(rows):
        return {"review": encode(TEXTS[rows]), "facts": X[rows]}, Y[rows]

    spec = section(text={"length": 4})
    stream = from_arrays(
        changing([batch(slice(25)), batch(slice(25, 40))], [batch(slice(25)), batch(slice(25, 40))]), spec=spec
    )
    arrays = from_arrays(({"review": TEXTS, "facts": X}, Y), spec=WHOLE.model_copy(update={"text": spec.text}))
    assert stream.info.blocks == arrays.info.blocks
    assert stream.info.extra["texts"] == arrays.info.extra["texts"]
    x = np.concatenate([x for x, _, _ in stream.stream.epoch()])
    np.testing.assert_array_equal(x, np.asarray(arrays.train.x))


def test_text_of_numbers_is_refused():
    with pytest.raises(DataError, match="data.text: says how texts are read, and no input is a text"):
        from_arrays(batches(), spec=section(text={"length": 4}))


def endless():
    while True:
        yield X[:8], Y[:8]


def test_a_source_without_an_end_is_refused_with_what_to_write(monkeypatch):
    monkeypatch.setattr("hornbook.data.sources.streams.MOST_BATCHES", 500)
    with pytest.raises(DataError) as caught:
        from_arrays(endless)
    assert str(caught.value) == (
        "data: after 500 batches the generator has not ended. If it never does, give 'steps_per_epoch', the batches of an epoch."
    )
    with pytest.raises(DataError, match=r"validation_data: after 500 batches .* If it never does, let it end\."):
        given((X, Y), endless)
    assert from_arrays(given(endless, (X, Y), 600)).stream.batches == 600


def test_a_source_that_takes_long_is_asked_once_whether_it_ends(monkeypatch):
    monkeypatch.setattr("hornbook.data.sources.streams.PATIENCE_S", 0.0)
    with pytest.warns(UserWarning, match="the generator has given 1 batches and has not ended") as caught:
        assert from_arrays(batches()).stream.batches == 3
    assert len(caught) == 1


def test_a_py_dataset_says_its_length_in_either_way_or_that_it_has_no_end():
    class PyDataset:
        num_batches = 5

        def __getitem__(self, place):
            return X[place * 8 : place * 8 + 8], Y[place * 8 : place * 8 + 8]

    assert from_arrays(PyDataset()).stream.batches == 5
    PyDataset.num_batches = None
    with pytest.raises(UsageError, match=r"has no end \(num_batches is None\)\. Give 'steps_per_epoch'\."):
        given(PyDataset(), None, None)
