"""Two devices of one machine give the losses, metrics and predictions of one."""

import numpy as np
import pytest

INTERRUPTED = "batch normalization over unequal parts, clipping by value, moving momentum, a metric built late"
CONVOLUTIONS = (
    "convolutions, weights of classes and examples, penalties, adam, decay, max-norm, clipping by global norm"
)
NAMES = [CONVOLUTIONS, pytest.param(INTERRUPTED, marks=pytest.mark.whole)]


@pytest.mark.parametrize("name", NAMES)
def test_two_devices_train_like_one(found, name):
    """The last of six batches holds one example, so one of the two devices has none."""
    one, two = found[name]["runs"]
    assert len(one["history"]) == len(two["history"]) == 3
    assert one["final"] == two["final"]
    for first, second in zip(one["history"], two["history"], strict=True):
        assert second == pytest.approx(first, rel=1e-5, abs=1e-6)
    assert two["test"] == pytest.approx(one["test"], rel=1e-5, abs=1e-6)
    np.testing.assert_allclose(two["predictions"], one["predictions"], rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_training_has_changed_the_weights(found, name):
    losses = [row["loss"] for row in found[name]["runs"][1]["history"]]
    assert len(set(losses)) == 3


@pytest.mark.parametrize("name", NAMES)
def test_the_saved_model_is_the_trained_one_in_plain_keras(found, name):
    _, two = found[name]["runs"]
    np.testing.assert_allclose(two["saved"], two["predictions"], rtol=1e-6, atol=1e-7)


def test_a_model_of_two_devices_predicts_on_both(found):
    _, two = found[CONVOLUTIONS]["runs"]
    np.testing.assert_allclose(two["predicted"], two["predictions"], rtol=1e-5, atol=2e-6)


@pytest.mark.whole
def test_an_interrupted_run_goes_back_to_its_last_whole_epoch_and_ends_alike(found):
    assert found[INTERRUPTED]["interrupted"] == {
        "state": "interrupted",
        "epochs": [1, 3],
        "same losses": True,
        "same weights": True,
    }
