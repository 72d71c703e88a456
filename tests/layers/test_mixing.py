"""Mixup, cutmix and cutout, against Keras's own layers, SciPy and NumPy by hand."""

import keras
import numpy as np
import pytest
from scipy import stats

from hornbook.layers.augmentation import Mixing, MixingModel, RandomCutout, beta_quantile, mixing

BATCH, SIZE = 64, 8


def drawn(shape=(SIZE, SIZE, 3), **options):
    """Return a layer that is built, and its mixture of a batch."""
    layer = Mixing(seed=3, **options)
    layer.build((None, *shape))
    return layer, layer.draw(BATCH)


def pictures(count=BATCH, size=SIZE):
    return np.random.default_rng(0).random((count, size, size, 3)).astype(np.float32)


def mixed(layer, mixture, x):
    with mixing(mixture):
        return np.asarray(layer(x))


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 3.0])
def test_shares_are_drawn_from_the_beta_distribution(alpha):
    uniform = np.random.default_rng(1).random(20_000).astype(np.float32)
    shares = np.asarray(beta_quantile(uniform, alpha))
    assert shares.min() >= 0
    assert shares.max() <= 1
    points = np.linspace(0.01, 0.99, 99)  # nearer to 1 float32 knows 1 only
    below = (shares[:, None] <= points).mean(axis=0)
    np.testing.assert_allclose(below, stats.beta(alpha, alpha).cdf(points), atol=0.012)


def test_mixup_is_that_of_keras():
    layer, mixture = drawn(mixup=0.4)
    share, x = np.asarray(mixture.share_B), pictures()
    y = np.arange(BATCH) % 5
    theirs, order = keras.layers.MixUp(0.4), np.roll(np.arange(BATCH), 1)
    transformation = {"mix_weight": share, "permutation_order": order}
    np.testing.assert_allclose(mixed(layer, mixture, x), theirs.transform_images(x, transformation), atol=1e-6)
    soft = np.asarray(theirs.transform_labels(np.eye(5, dtype=np.float32)[y], transformation))
    scores = np.random.default_rng(2).normal(size=(BATCH, 5)).astype(np.float32)
    sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ours = mixture.loss(y, None, lambda targets, weights: sparse(targets, scores, weights))
    one_hot = keras.losses.CategoricalCrossentropy(from_logits=True)(soft, scores)
    np.testing.assert_allclose(ours, one_hot, rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(mixture.targets(y))[share != 0.5], soft.argmax(axis=1)[share != 0.5])
    assert np.std(share) > 0.1  # each example draws for itself


def test_cutmix_puts_boxes_of_the_partner_into_each_picture_and_counts_their_pixels():
    layer, mixture = drawn(cutmix=1.0)
    x = pictures()
    result, partner = mixed(layer, mixture, x), np.roll(x, 1, axis=0)
    is_partner = (result == partner).all(axis=-1)
    assert ((result == x).all(axis=-1) | is_partner).all()
    np.testing.assert_allclose(np.asarray(mixture.share_B), 1 - is_partner.mean(axis=(1, 2)), atol=1e-6)
    for mask in is_partner:
        rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
        if len(rows):  # a whole box, of full rows and columns
            assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
            assert mask.sum() == (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    areas = is_partner.mean(axis=(1, 2))
    assert areas.min() < 0.05
    assert areas.max() > 0.5


def test_of_both_each_example_takes_one_or_the_other():
    _, mixture = drawn(mixup=1.0, cutmix=1.0)
    parts = np.asarray(mixture.map * np.ones((1, SIZE, SIZE, 1)))
    is_mixup = (np.ptp(parts, axis=(1, 2, 3)) == 0) & (parts[:, 0, 0, 0] % 1 > 0)
    assert 0.25 < is_mixup.mean() < 0.75
    assert set(np.unique(parts[~is_mixup])) == {0.0, 1.0}


def test_numbers_are_mixed_as_their_inputs_are_and_weights_with_them():
    layer, mixture = drawn(shape=(4,), mixup=0.4, mixes_targets=True)
    x = np.random.default_rng(0).normal(size=(BATCH, 4)).astype(np.float32)
    share, y = np.asarray(mixture.share_B), x[:, :1] * 3
    by_hand = share[:, None] * y + (1 - share[:, None]) * np.roll(y, 1, axis=0)
    np.testing.assert_allclose(np.asarray(mixture.targets(y)), by_hand, atol=1e-6)
    np.testing.assert_allclose(mixed(layer, mixture, x)[:, :1] * 3, by_hand, atol=1e-6)
    weights = np.linspace(0, 2, BATCH).astype(np.float32)
    loss = mixture.loss(y, weights, lambda targets, own: keras.losses.MeanSquaredError()(targets, y * 0, own))
    own = share * weights + (1 - share) * np.roll(weights, 1)
    np.testing.assert_allclose(loss, np.mean(own * by_hand[:, 0] ** 2), rtol=1e-5)


def test_class_weights_go_with_the_class():
    _, mixture = drawn(mixup=1.0)
    y, weights = np.arange(BATCH) % 2, np.array([1.0, 5.0], np.float32)[np.arange(BATCH) % 2]
    share = np.asarray(mixture.share_B)
    loss = mixture.loss(y, weights, lambda targets, own: np.sum(np.asarray(own) * (np.asarray(targets) == 1)))
    assert loss == pytest.approx(5.0 * (share[1::2].sum() + (1 - share[0::2]).sum()), rel=1e-5)


def test_nothing_is_mixed_unless_a_mixture_is_open():
    layer, mixture = drawn(mixup=1.0)
    x = pictures()
    np.testing.assert_array_equal(layer(x), x)
    assert not np.array_equal(mixed(layer, mixture, x), x)
    np.testing.assert_array_equal(layer(x), x)


def test_fit_trains_on_mixtures_and_counts_penalties_once():
    inputs = keras.Input((SIZE, SIZE, 3))
    flat = keras.layers.Flatten()(Mixing(mixup=0.4, seed=3)(inputs))
    outputs = keras.layers.Dense(5, "softmax", kernel_regularizer=keras.regularizers.L2(0.1))(flat)
    model = MixingModel(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    x, y = pictures(), np.arange(BATCH) % 5
    weights = np.linspace(0, 2, BATCH)
    history = model.fit(x, y, BATCH, sample_weight=weights, epochs=1, shuffle=False, verbose=0).history
    _, mixture = drawn(mixup=0.4)
    share = np.asarray(mixture.share_B)[:, None]
    one_hot = np.eye(5)[y]
    weighted = weights[:, None] * one_hot
    soft = share * weighted + (1 - share) * np.roll(weighted, 1, axis=0)
    x = share[..., None, None] * x + (1 - share[..., None, None]) * np.roll(x, 1, axis=0)
    kernel, bias = model.get_weights()
    scores = x.reshape(BATCH, -1) @ kernel + bias
    log_probabilities = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    penalty = 0.1 * (kernel**2).sum()
    assert history["loss"] == pytest.approx([-(soft * log_probabilities).sum(axis=1).mean() + penalty], rel=1e-5)
    heavier = np.where(share[:, 0] >= 0.5, np.arange(BATCH), np.arange(BATCH) - 1)
    is_right = y[heavier] == scores.argmax(axis=1)
    assert history["accuracy"] == pytest.approx([np.average(is_right, weights=weights[heavier])])
    validated = model.evaluate(pictures(), y, batch_size=BATCH, verbose=0)
    scores = pictures().reshape(BATCH, -1) @ kernel + bias
    log_probabilities = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    assert validated[0] == pytest.approx(-(one_hot * log_probabilities).sum(axis=1).mean() + penalty, rel=1e-5)


def test_cutout_blanks_one_square_of_each_picture_while_training():
    layer, x = RandomCutout(0.5, seed=1), np.ones((400, SIZE, SIZE, 3), np.float32)
    np.testing.assert_array_equal(layer(x, training=False), x)
    blank = np.asarray(layer(x, training=True)) == 0
    assert (blank == blank[..., :1]).all()
    areas = blank[..., 0].sum(axis=(1, 2))
    assert areas.max() == (SIZE // 2) ** 2
    assert 4 <= areas.min() < areas.max()  # a corner of it, where its middle is in a corner of the picture
    shares = blank[..., 0].mean(axis=0)
    assert shares.min() > 0.04  # anywhere
    assert shares[0, 0] < shares[SIZE // 2, SIZE // 2] < 0.4
