"""What a saved model shows: the names that users give to columns, inputs and heads, whatever its layers are called."""

import keras
import numpy as np
import pytest

import hornbook.layers  # noqa: F401  layers that are saved
from hornbook.builder.outside import unwrap, wrap
from hornbook.errors import DataError

RNG = np.random.default_rng(7)
ALL = {"validation": 0, "test": 0, "method": "first"}
TRAINING = {"training": {"epochs": 1, "batch_size": 8, "engine": "graph"}}


def saved(model, path):
    model.save(path)
    return keras.models.load_model(path)


@pytest.mark.parametrize("names", [("network", "row"), ("a", "a_tokens"), ("a_numbers", "a")])
def test_columns_of_texts_may_be_called_like_layers(prepare, tmp_path, names):
    texts = [[f"good film {row % 3}", f"{'xyz'[row % 3]} and more"] for row in range(16)]
    lines = [f"{first},{second},{row % 5},{row % 2}" for row, (first, second) in enumerate(texts)]
    (tmp_path / "t.csv").write_text("\n".join([f"{names[0]},{names[1]},count,label", *lines]))
    data = {"name": "table", "path": str(tmp_path / "t.csv"), "target": "label", "split": ALL}
    encoder = {"name": "bag_of_words", "dense": [3]}
    tree = {
        "data": data | {"types": dict.fromkeys(names, "text")},
        "model": {"name": "mlp", "units": [4], "encoders": dict.fromkeys(names, encoder)},
    }
    prepared = prepare(tree | TRAINING)
    model = saved(wrap(prepared.built.model, prepared.splits.info), tmp_path / "m.keras")
    inputs = {"columns": keras.ops.convert_to_tensor(np.arange(16.0, dtype=np.float32)[:, None] % 5)}
    own = {"network": "network_2"}  # what saved models call the network
    inputs |= {
        own.get(name, name): keras.ops.convert_to_tensor([row[place] for row in texts])
        for place, name in enumerate(names)
    }
    expected = prepared.built.model(np.asarray(prepared.splits.train.x))
    np.testing.assert_allclose(model(inputs), expected, rtol=1e-5)
    assert unwrap(model).get_layer("head") is not None


def test_a_single_column_of_texts_may_be_called_network(prepare, tmp_path):
    rows = [f"{('good', 'bad')[row % 2]} film {row},{row % 2}" for row in range(16)]
    (tmp_path / "t.csv").write_text("\n".join(["network,label", *rows]))
    data = {"name": "table", "path": str(tmp_path / "t.csv"), "target": "label", "types": {"network": "text"}}
    prepared = prepare({"data": data | {"split": ALL}, "model": "bag_of_words"} | TRAINING)
    model = saved(wrap(prepared.built.model, prepared.splits.info), tmp_path / "m.keras")
    texts = keras.ops.convert_to_tensor([row.partition(",")[0] for row in rows])
    np.testing.assert_allclose(model(texts), prepared.built.model(prepared.splits.train.x), rtol=1e-5)


def test_arrays_may_be_called_like_layers(prepare, tmp_path):
    x = {
        "columns": RNG.normal(size=(16, 3)).astype(np.float32),
        "row": RNG.integers(0, 256, (16, 4, 4, 1), np.uint8),
        "row_row": RNG.integers(0, 256, (16, 4, 4, 1), np.uint8),
    }
    tree = {"data": {"name": "arrays", "split": ALL}, "task": "regression", "model": {"name": "mlp", "units": [4]}}
    prepared = prepare(tree | TRAINING, (x, RNG.normal(size=16)))
    model = saved(wrap(prepared.built.model, prepared.splits.info), tmp_path / "m.keras")
    inputs = {name: values.astype(np.float32) for name, values in x.items()}
    expected = prepared.built.model(np.asarray(prepared.splits.train.x))
    np.testing.assert_allclose(model(inputs), expected, rtol=1e-5)


def test_heads_may_be_called_like_layers(prepare, tmp_path):
    y = {name: np.arange(16) % 2 for name in ("input", "a", "a_columns")}
    tree = {
        "data": {"name": "arrays", "split": ALL},
        "model": {"name": "mlp", "units": [4]},
        "heads": {n: {} for n in y},
    }
    x = RNG.normal(size=(16, 3)).astype(np.float32)
    prepared = prepare(tree | TRAINING, (x, y))
    model = saved(wrap(prepared.built.model, prepared.splits.info), tmp_path / "m.keras")
    outputs = model(x)
    assert list(outputs) == [*y]
    np.testing.assert_allclose(keras.ops.concatenate([*outputs.values()], axis=1), prepared.built.model(x), rtol=1e-5)


@pytest.mark.parametrize(
    ("x", "heads", "message"),
    [
        (
            {"network": np.ones((16, 2)), "a/b": np.ones((16, 2))},
            {},
            r"'network' is no name for an input .*\n.*'a/b' is no",
        ),
        ({"a": np.ones((16, 2))}, {"heads": {"a": {}, "b": {}}}, "heads.a: an input is called 'a' too"),
    ],
)
def test_names_that_a_model_cannot_have_are_refused_before_training(prepare, x, heads, message):
    y = {name: np.arange(16) % 2 for name in "ab"} if heads else np.arange(16) % 2
    with pytest.raises(DataError, match=message):
        prepare({"data": {"name": "arrays", "split": ALL}, **heads}, (x, y))
