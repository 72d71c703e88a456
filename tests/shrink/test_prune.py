"""Which weights become zero, and when."""

import numpy as np
import pytest
from keras import layers

from hornbook.errors import RecipeError
from hornbook.recipes.language.durations import Length
from hornbook.recipes.sections.shrink import Prune
from hornbook.shrinking.prune import Masks, progress

TEN = Length(10, 5, 50)


def masks(network, section, length=TEN):
    model = network((4,), layers.Dense(5, name="small"), layers.Dense(4, name="large"))
    model.get_layer("small").kernel.assign(np.arange(1, 21).reshape(4, 5) / 100)
    model.get_layer("large").kernel.assign(-np.arange(1, 21).reshape(5, 4) / 10)
    return model, Masks(model, Prune.model_validate(section), length)


def alive(model):
    return [int((model.get_layer(name).kernel.numpy() != 0).sum()) for name in ("small", "large")]


@pytest.mark.parametrize(("section", "left"), [
    ({"share": 0.5, "scope": "global"}, [1, 19]),
    ({"share": 0.5}, [10, 10]),
    ({"threshold": 0.105, "scope": "global"}, [10, 19]),
    ({"threshold": 1.0}, [15, 15]),  # in deviations, 0.0577 and 0.577
])  # fmt: skip
def test_the_smallest_weights_become_zero(section, left, network):
    model, chosen = masks(network, section)
    chosen.complete()
    assert alive(model) == left
    assert chosen.zeros() == pytest.approx(1 - sum(left) / 40)
    assert np.all(model.get_layer("small").bias.numpy() != 0)


def test_a_cubic_schedule_is_that_of_zhu_and_gupta():
    assert [progress(epoch, 4) for epoch in range(5)] == [0.578125, 0.875, 0.984375, 1.0, 1.0]


@pytest.mark.parametrize(("section", "length", "epochs"), [
    ({}, TEN, 5), ({"until": 3}, TEN, 3), ({"until": "20%"}, TEN, 2), ({"schedule": "once"}, TEN, 1),
    ({}, Length(0, 5, 0), 1), ({}, Length(1, 5, 5), 1),
])  # fmt: skip
def test_all_zeros_are_in_place_after_so_many_epochs(section, length, epochs, network):
    _, chosen = masks(network, {"share": 0.5, **section}, length)
    assert chosen.pruning_epochs == epochs
    assert chosen.last_start == epochs - 1
    assert chosen.shares()[chosen.last_start] == 1.0


def test_zeros_of_an_earlier_epoch_stay_zero(network):
    model, chosen = masks(network, {"share": 0.5})
    chosen.enter(0)
    first = model.get_layer("large").kernel.numpy() == 0
    model.get_layer("large").kernel.assign(np.full((5, 4), 9.0))  # what averaging may do
    chosen.hold()
    chosen.enter(1)
    assert np.all(model.get_layer("large").kernel.numpy()[first] == 0)


def test_a_layer_that_would_lose_all_its_weights_is_refused(network):
    with pytest.raises(RecipeError, match=r"0\.6 would set all weights of 'small' to zero"):
        masks(network, {"share": 0.6, "scope": "global"})
