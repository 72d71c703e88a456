"""Texts become the token numbers that the saved model's `TextVectorization` gives them, whatever is in them."""

import itertools
import sys

import numpy as np
import pytest

from hornbook.data.text.encoder import TextEncoder
from hornbook.data.text.splits import encode_splits
from hornbook.data.text.tokens import Tokenizer
from hornbook.data.text.vocabulary import LONGEST_TOKEN
from hornbook.recipes.sources.texts import TextSettings

PLAIN = ["The cat sat on the mat.", "the dog, the cat!", "A dog sat", "cat"]
ODD = [
    "", " ", "\0", "a\0b cat\0", "cat\0 cat", "[UNK] cat", "ΣΊΣΥΦΟΣ Straße İstanbul ÉCOLE école", "שלום עולם! مرحبا بالعالم؟",
    "👩‍👩‍👧‍👦 🎉🎉 cat🎉", "e\u0301cole A\u030A", "a\u00a0b\u2003c\u3000d\u2028e\x85f", "tab\tnew\nline\r\nfeed\x0c\x0bcat",
    "\x1c\x1d\x1e\x1fcat\x7f", "\ufeffcat \ufffe\uffff", "don't!!! --- ... (cat) <b>cat</b>", "x" * 300 + " cat", "ABC" * 40,
    "\U0010ffff\U00010400 Cat", "the cat " * 50, "_cat_ ~cat^ `cat|cat}",
]  # fmt: skip


WAYS = (
    ("words", "characters", "subwords"),
    ("lower_and_strip_punctuation", "lower", "strip_punctuation", "none"),
    (1, 3),
)
SOME = [
    ("words", WAYS[1][0], 1),
    ("words", "none", 3),
    ("characters", "lower", 1),
    ("subwords", "strip_punctuation", 1),
]


def every_character():
    """All code points, 400 to a text, and single ones between words."""
    points = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    return ["".join(points[start : start + 400]) for start in range(0, len(points), 400)]


def encoded(texts, **settings):
    return encode_splits({"train": np.array(texts, object)}, TextSettings(**settings), "text")


@pytest.mark.parametrize(("tokens", "standardize", "ngrams"), [
    *SOME, *(pytest.param(*ways, marks=pytest.mark.whole) for ways in itertools.product(*WAYS) if ways not in SOME),
])  # fmt: skip
def test_texts_of_any_kind_get_the_numbers_of_the_saved_models_layer(tensorflow, tokens, standardize, ngrams):
    from hornbook.builder.features.tokens import text_front

    texts = [*PLAIN, *ODD]
    found = encoded(texts, tokens=tokens, standardize=standardize, ngrams=ngrams, length=40)
    import keras

    layer = keras.Model(*text_front("review", found.facts, "review"))
    more = [*texts, *every_character()[::50]]
    expected = np.asarray(layer(tensorflow.constant(more)))
    rows, _ = found.encoder.encode(more)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(found.rows["train"], expected[: len(texts)])
    assert (rows > 1).sum() > 50


@pytest.mark.whole
def test_every_character_there_is_gets_the_number_of_the_layer(tensorflow):
    import keras

    from hornbook.builder.features.tokens import text_front

    texts = every_character()
    found = encoded([*texts, "a b"], tokens="characters", length=400, vocabulary=3000)
    rows, _ = found.encoder.encode(texts)
    expected = np.asarray(keras.Model(*text_front("x", found.facts, "x"))(tensorflow.constant(texts)))
    np.testing.assert_array_equal(rows, expected)
    words = [" ".join(f"a{character}b" for character in text[::7]) for text in texts[::20]]
    found = encoded(words, length=60, vocabulary=5000)
    expected = np.asarray(keras.Model(*text_front("x", found.facts, "x"))(tensorflow.constant(words)))
    np.testing.assert_array_equal(found.rows["train"], expected)


@pytest.mark.parametrize("tokens", ["words", "characters"])
def test_vocabulary_and_idf_are_those_that_keras_adapts(tensorflow, tokens):
    import keras

    texts = [*PLAIN, "zebra apple", "apple Zebra mat"]
    found = encoded(texts, tokens=tokens, vocabulary=10, length=1.0)
    split = {"words": "whitespace", "characters": "character"}[tokens]
    layer = keras.layers.TextVectorization(max_tokens=10, split=split)
    layer.adapt(texts)
    assert list(found.encoder.vocabulary) == layer.get_vocabulary()[2:]
    layer = keras.layers.TextVectorization(max_tokens=9, split=split, output_mode="tf_idf")  # it has no padding
    layer.adapt(texts)
    once = ["".join(layer.get_vocabulary()[1:])] if tokens == "characters" else [" ".join(layer.get_vocabulary()[1:])]
    np.testing.assert_allclose(np.asarray(layer(once))[0, 1:], found.tables.idf[2:], rtol=1e-5)


def test_tokens_that_a_list_of_texts_cannot_hold_are_unknown():
    texts = ["cat\0 cat", "[UNK] cat", "y" * (LONGEST_TOKEN + 1) + " cat", "z" * LONGEST_TOKEN]
    found = encoded(texts, standardize="none", length=1.0)
    assert found.encoder.vocabulary == ("cat", "z" * LONGEST_TOKEN)
    np.testing.assert_array_equal(found.rows["train"], [[1, 2], [1, 2], [1, 2], [3, 0]])


def test_pairs_of_tokens_stand_behind_the_single_ones():
    assert Tokenizer(ngrams=2).split("The cat sat.") == [b"the", b"cat", b"sat", b"the cat", b"cat sat"]


def test_an_encoder_comes_back_from_its_facts():
    found = encoded(PLAIN, ngrams=2)
    assert TextEncoder.of_facts(found.facts) == found.encoder
    assert found.encoder.text_of(found.rows["train"][2]) == "a dog sat a dog dog sat"
