"""Reuse of networks with branches: cut where one layer's output is all that goes on."""

import keras
import numpy as np
import pytest

from hornbook.recipes import check_recipe

DENSE = {"name": "dense", "units": 6}
NETWORK = [
    "flatten",
    {**DENSE, "as": "stem"},
    DENSE,
    {**DENSE, "as": "change"},
    {"name": "add", "from": ["stem", "change"]},
    {"name": "activation", "activation": "elu"},
]


@pytest.fixture(scope="module")
def branched(train_recipe, tmp_path_factory):
    """A finished run of a network with a skip connection."""
    data = {"name": "digits", "limit": 64, "split": {"validation": 20, "test": 20}}
    recipe = {"name": "branched", "data": data, "model": {"name": "layers", "layers": NETWORK}, "activation": "relu"}
    recipe["training"] = {"epochs": 1, "engine": "graph"}
    return train_recipe(recipe, tmp_path_factory.mktemp("branched")).run


def test_a_cut_behind_the_join_computes_what_the_earlier_network_did(branched, on_model, prepare):
    more = [{**DENSE, "as": "a"}, {**DENSE, "as": "b"}, {"name": "add", "from": ["a", "b"]}]
    recipe = on_model(branched, model={"name": "layers", "layers": more}, activation="relu")
    model = prepare(recipe).built.model
    earlier = keras.models.load_model(branched / "checkpoints" / "last.keras", compile=False)
    x = np.random.default_rng(0).random((8, 8, 8, 1)) * 16
    kept, whole = (keras.Model(net.input, net.get_layer("activation_1_activation").output) for net in (model, earlier))
    np.testing.assert_allclose(kept.predict(x, verbose=0), whole.predict(x, verbose=0), rtol=1e-5, atol=1e-5)
    assert {"add_1", "add_2", "hidden_4", "hidden_5"} <= {layer.name for layer in model.layers}


@pytest.mark.parametrize("layers", ["hidden_1-hidden_2", ["flatten_1", "hidden_1", "hidden_2", "hidden_3"]])
def test_a_cut_that_a_branch_passes_by_is_refused_with_the_nearest_others(branched, on_model, layers):
    (problem,) = check_recipe(on_model(branched, {"layers": layers})).errors
    last = "hidden_2_activation" if "hidden_3" not in layers else "hidden_3_activation"
    assert problem.sentence() == (
        f"reuse.layers: 'add_1' reads 'hidden_1_activation' past '{last}', so a branch crosses the cut. Cut where branches have"
        " met: at 'hidden_1_activation' or 'add_1'."
    )


def test_the_stem_of_a_branch_is_a_cut_like_any_other(branched, on_model):
    assert check_recipe(on_model(branched, {"layers": ["flatten_1", "hidden_1"]})).errors == []
