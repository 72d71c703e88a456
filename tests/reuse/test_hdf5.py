"""Earlier models in HDF5: whole ones (`.h5`), and weights for the recipe's own network (`.weights.h5`)."""

import json

import h5py
import numpy as np
import pytest

from hornbook.errors import RecipeError, RunError
from hornbook.recipes import check_recipe
from hornbook.runs.model_file import read_model_file, read_weights_file

EPOCH = {"training": {"epochs": 1}}


@pytest.fixture(scope="module")
def own(tensorflow, tmp_path_factory):
    """A user's network in the older format, and the network."""
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(name="flat"),
            layers.Dense(12, activation="tanh", name="first"),
            layers.BatchNormalization(name="second"),
            layers.Dense(3, activation="softmax", name="chances"),
        ]
    )
    path = tmp_path_factory.mktemp("h5") / "own.h5"
    model.save(path)
    return path, model


def test_a_model_in_the_older_format_is_reused(train_b, own):
    path, model = own
    result = train_b({"from": str(path)}, **EPOCH)
    np.testing.assert_array_equal(result.model.get_layer("first").kernel, model.get_layer("first").kernel)
    record = json.loads((result.run / "reuse.json").read_text())
    assert record["source"] == str(path)
    assert [row["from"] for row in record["layers"]] == ["first", "second", None]


def test_a_check_reads_its_layers(on_a, own):
    stored = read_model_file(own[0])
    assert stored.names()[-4:] == ["flat", "first", "second", "chances"]
    (problem,) = check_recipe(on_a({"from": str(own[0]), "layers": "frist"})).errors
    assert "there is no layer 'frist'. Did you mean 'first'?" in problem.sentence()


def as_keras_2_wrote_it(path, model):
    """Write a model's config and weights the way that Keras 2 did."""
    dense = {"trainable": True, "dtype": "float32", "use_bias": True, "activation": "linear"}
    layers = [
        {
            "class_name": "InputLayer",
            "config": {"batch_input_shape": [None, 8, 8, 1], "dtype": "float32", "name": "in"},
        },
        {"class_name": "Flatten", "config": {"name": "flat", "data_format": "channels_last"}},
        {"class_name": "Dense", "config": {**dense, "name": "first", "units": 12}},
        {"class_name": "Dense", "config": {**dense, "name": "chances", "units": 3}},
    ]
    for layer, before in zip(layers, [None, *layers], strict=False):
        layer["name"] = layer["config"]["name"]
        layer["inbound_nodes"] = [[[before["name"], 0, 0, {}]]] if before else []
    config = {"name": "old", "layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [["chances", 0, 0]]}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [layer["name"] for layer in layers]
        for layer in layers:
            own = group.create_group(layer["name"])
            names = (
                [f"{layer['name']}/{part}:0" for part in ("kernel", "bias")] if layer["class_name"] == "Dense" else []
            )
            own.attrs["weight_names"] = names
            for name, values in zip(names, model.get(layer["name"], ()), strict=False):
                own[name] = values


def test_a_file_of_keras_2_is_reused(prepare, on_a, tmp_path, generator):
    kernel = generator.normal(size=(64, 12)).astype(np.float32)
    weights = {"first": [kernel, np.zeros(12, np.float32)], "chances": [np.zeros((12, 3)), np.zeros(3)]}
    as_keras_2_wrote_it(tmp_path / "old.h5", weights)
    stored = read_model_file(tmp_path / "old.h5")
    assert [layer.parents for layer in stored.layers] == [(), ("in",), ("flat",), ("first",)]
    model = prepare(on_a({"from": str(tmp_path / "old.h5")})).built.model
    np.testing.assert_array_equal(model.get_layer("first").kernel, kernel)


@pytest.fixture
def with_code(tensorflow, tmp_path):
    """A file in the older format whose layer would leave a trace if its code ran."""
    import keras

    trace = tmp_path / "ran"
    source = f"lambda x: [x, open({str(trace)!r}, 'w').close()][0]"
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Lambda(eval(source), output_shape=(8, 8, 1), name="code")(inputs)  # the file is what is on trial
    outputs = keras.layers.Dense(3, name="scores")(keras.layers.Dense(4, name="first")(keras.layers.Flatten()(x)))
    keras.Model(inputs, outputs).save(tmp_path / "code.h5")
    trace.unlink(missing_ok=True)
    return tmp_path / "code.h5", trace


def test_code_in_it_runs_only_where_it_is_trusted(on_a, train_b, with_code):
    path, trace = with_code
    (problem,) = check_recipe(on_a({"from": str(path)})).errors
    assert "holds code or layers of another package: Lambda" in problem.sentence()
    with pytest.raises(RecipeError, match="holds code"):
        train_b({"from": str(path)}, **EPOCH)
    assert not trace.exists()
    train_b({"from": str(path), "trust": True}, **EPOCH)
    assert trace.exists()


def linked(file, folder):
    file["elsewhere"] = h5py.ExternalLink(str(folder / "other.h5"), "/x")


def soft(file, folder):
    file["round"] = h5py.SoftLink("/")


def circle(file, folder):
    file["round"] = file["/"]


def external(file, folder):
    (folder / "secret").write_bytes(bytes(40))
    file.create_dataset("x", (10,), "float32", external=[(str(folder / "secret"), 0, 40)])


def bomb(file, folder):
    file.create_dataset("x", (2**28,), "float32", chunks=(2**20,), compression="gzip")


def no_model(file, folder):
    file.attrs["layer_names"] = ["dense"]


def no_config(file, folder):
    file.attrs["model_config"] = "{}"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (linked, "elsewhere in it is a link"),
        (soft, "round in it is a link"),
        (circle, "nested too deeply"),
        (external, "the values of x are in other files"),
        (bomb, r"x in it unpacks from 0 to 1,073,741,824 bytes"),
        (no_model, "holds no model, only weights or other data. Keras 2 wrote it"),
        (no_config, "this is not a model saved by Keras as .h5"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_model_or_not_safe_is_not_read(tmp_path, write, message):
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        write(file, tmp_path)
    with pytest.raises(RunError, match=message):
        read_model_file(tmp_path / "odd.h5")


def test_no_file_and_no_hdf5_are_named(on_a, tmp_path):
    (tmp_path / "text.h5").write_text("no model")
    for name, message in (("text.h5", "is damaged, or no HDF5 file"), ("none.h5", "there is no such file")):
        (problem,) = check_recipe(on_a({"from": str(tmp_path / name)})).errors
        assert f"{name}: {message}" in problem.sentence()


NETWORK = {"model": {"name": "mlp", "units": [24, 16]}, "normalization": "batch_normalization"}


@pytest.fixture(scope="module")
def saved(prepare, on_model, tmp_path_factory):
    """Weights of a network of two hidden layers, and the network."""
    folder = tmp_path_factory.mktemp("weights")
    recipe = {key: value for key, value in on_model("", **NETWORK, **EPOCH).items() if key != "reuse"}
    model = prepare(recipe | {"seed": 7}).built.model
    generator = np.random.default_rng(7)
    model.set_weights([weight + generator.uniform(0.1, 1, weight.shape) for weight in model.get_weights()])
    model.save_weights(folder / "own.weights.h5")
    return folder / "own.weights.h5", model


def test_weights_fill_the_recipes_own_network(train_b, saved):
    path, earlier = saved
    result = train_b({"from": str(path)}, **NETWORK, **EPOCH)
    for name in ("hidden_1", "hidden_2"):
        np.testing.assert_array_equal(result.model.get_layer(name).kernel, earlier.get_layer(name).kernel)
    assert not np.array_equal(result.model.get_layer("head").kernel, earlier.get_layer("head").kernel)
    record = json.loads((result.run / "reuse.json").read_text())
    rows = {row["layer"]: (row["from"], row["learns"]) for row in record["layers"]}
    assert rows["hidden_1_normalization"] == ("hidden_1_normalization", "never")
    assert rows["head"] == (None, "always")


def test_other_layers_than_the_chosen_ones_may_differ_in_shape(train_b, prepare, on_a, saved):
    path, earlier = saved
    data = {**on_a()["data"], "classes": [0, 1, 2]}
    kept = prepare(on_a({"from": str(path), "layers": "hidden_1"}, **NETWORK, data=data)).built.model
    whole = prepare(on_a({"from": str(path), "layers": "all", "freeze": "hidden_1"}, **NETWORK)).built.model
    for model, name in ((kept, "hidden_1"), (whole, "hidden_1"), (whole, "head")):
        np.testing.assert_array_equal(model.get_layer(name).kernel, earlier.get_layer(name).kernel)
    with pytest.raises(
        RecipeError, match=r"'head' \(\(16, 3\), \(3,\)\) cannot take the weights of 'head' \(\(16, 10\)"
    ):
        train_b({"from": str(path), "layers": "all", "freeze": False}, **NETWORK, **EPOCH, data=data)


@pytest.mark.parametrize(
    ("units", "sentence"),
    [
        ([24, 12], r"'hidden_2' \(\(24, 12\)\) cannot take the weights of 'hidden_2' \(\(24, 16\)\)"),
        ([24, 16, 8], r"it has nothing for 'hidden_3_normalization' .*it has nothing for 'head'"),
        ([24], r"the recipe's network has no layer for 'hidden_2_normalization' .*'head'"),
    ],
    ids=["narrower", "deeper", "shallower"],
)
def test_weights_of_another_network_are_refused_with_the_layers_names(train_b, saved, units, sentence):
    with pytest.raises(RecipeError, match=sentence):
        train_b({"from": str(saved[0])}, **{**NETWORK, "model": {"name": "mlp", "units": units}}, **EPOCH)


def test_files_of_the_wrong_kind_say_what_they_are(on_a, own, saved, tmp_path):
    (problem,) = check_recipe(on_a({"from": str(saved[0]), "copy": {"hidden_1": "hidden_1"}})).errors
    assert "choose some by 'layers'" in problem.sentence()
    (tmp_path / "whole.weights.h5").write_bytes(own[0].read_bytes())
    with pytest.raises(RunError, match=r"It is a whole model: name it \.h5"):
        read_weights_file(tmp_path / "whole.weights.h5")
    (tmp_path / "weights.h5").write_bytes(saved[0].read_bytes())
    with pytest.raises(RunError, match=r"Name it \.weights\.h5"):
        read_model_file(tmp_path / "weights.h5")
