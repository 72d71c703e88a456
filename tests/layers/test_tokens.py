"""Layers that read tokens, against NumPy and Keras."""

import keras
import numpy as np
import pytest

from hornbook.layers.tokens import MaskedPooling, PooledMask, Positions, PrependToken, SelfAttention, TokenCounts

RNG = np.random.default_rng(5)
TOKENS = np.array([[3, 1, 3, 0, 0], [2, 2, 2, 4, 1], [0, 0, 0, 0, 0]], np.int32)
MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], np.float32)
STEPS = RNG.normal(size=(3, 5, 2)).astype(np.float32)


def test_tokens_are_counted_without_padding():
    np.testing.assert_array_equal(TokenCounts(5)(TOKENS), [[0, 1, 0, 2, 0], [0, 1, 3, 0, 1], [0] * 5])
    np.testing.assert_array_equal(TokenCounts(5, "binary")(TOKENS)[1], [0, 1, 1, 0, 1])
    layer = TokenCounts(5, "tf_idf")
    layer.build((None, 5))
    layer.idf.assign([9.0, 1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(layer(TOKENS), [[0, 1, 0, 6, 0], [0, 1, 6, 0, 4], [0] * 5])


def test_steps_are_pooled_without_padding():
    mean, highest = MaskedPooling()([STEPS, MASK]), MaskedPooling(mode="max")([STEPS, MASK])
    np.testing.assert_allclose(mean, [STEPS[0, :3].mean(0), STEPS[1].mean(0), [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(highest, [STEPS[0, :3].max(0), STEPS[1].max(0), [0, 0]], rtol=1e-6)
    pooled = MaskedPooling(2, "max")([STEPS, MASK])
    np.testing.assert_allclose(pooled[0], [STEPS[0, :2].max(0), STEPS[0, 2], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(pooled[1, 2], STEPS[1, 4], rtol=1e-6)
    np.testing.assert_array_equal(PooledMask(2)(MASK), [[1, 1, 0], [1, 1, 1], [0, 0, 0]])


def test_a_token_is_put_in_front():
    np.testing.assert_array_equal(PrependToken(9)(TOKENS)[:, :2], [[9, 3], [9, 2], [9, 0]])


def test_attention_is_that_of_keras():
    width, heads = 6, 3
    x = RNG.normal(size=(3, 5, width)).astype(np.float32)
    plain = keras.layers.MultiHeadAttention(heads, width // heads, use_bias=False)
    expected = plain(x, x, attention_mask=MASK[:, None, :].astype(bool))
    kernels = [np.asarray(weight) for weight in plain.weights]  # query, key, value (W, H, D), output (H, D, W)
    parts = [x @ kernel.reshape(width, width) for kernel in kernels[:3]]
    found = np.asarray(SelfAttention(heads)([*parts, MASK])) @ kernels[3].reshape(width, width)
    np.testing.assert_allclose(found[:2], np.asarray(expected)[:2], rtol=1e-4, atol=1e-5)
    assert np.isfinite(found).all()


def test_waves_of_positions_are_those_of_the_paper():
    added = np.asarray(Positions("sine")(np.zeros((1, 50, 6), np.float32)))[0]
    assert added[7, 2] == pytest.approx(np.sin(7 / 10000 ** (2 / 6)), rel=1e-5)
    assert added[7, 3] == pytest.approx(np.cos(7 / 10000 ** (2 / 6)), rel=1e-5)
