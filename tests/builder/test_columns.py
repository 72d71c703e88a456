"""Columns of tables inside the saved model, against NumPy and scikit-learn."""

import keras
import numpy as np
import pytest

from hornbook.errors import DataError

ROWS = 65  # so that quantiles are rows


@pytest.fixture(scope="module")
def rows():
    """Columns: normal, with a heap at 0, whole numbers, with an outlier, constant, with gaps."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, 6)).astype(np.float32)
    x[:, 1] = np.maximum(x[:, 1], 0)
    x[:, 2] = generator.integers(0, 5, ROWS)
    x[3, 3], x[:, 4], x[::7, 5] = 1e6, 2.5, np.nan
    return x


def table(prepare, rows, tmp_path, **data):
    """Return the model of a table with these columns and a category, read back from a file, and its coded rows."""
    lines = ["a,b,c,d,e,f,kind,y"]
    for place, row in enumerate(rows):
        numbers = ",".join("" if np.isnan(value) else repr(float(value)) for value in row)
        lines.append(f"{numbers},{'pqr'[place % 3]},{place % 2}.5")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    data = {"name": "table", "path": str(tmp_path / "t.csv"), "target": "y", **data}
    data["split"] = {"validation": 0, "test": 0, "method": "first"}
    prepared = prepare({"data": data, "task": "regression", "training": {"batch_size": 13}})
    prepared.built.model.save(tmp_path / "model.keras")
    return keras.models.load_model(tmp_path / "model.keras"), prepared.splits.train.x


def seen(model, x):
    """Return what the first hidden layer of a model sees."""
    return np.asarray(keras.Model(model.input, model.get_layer("hidden_1").input)(x))


def test_robust_columns_have_their_median_at_zero_and_end_smoothly_at_three(prepare, rows, tmp_path):
    model, x = table(prepare, rows, tmp_path, standardize="robust")
    low, median, high = np.nanpercentile(rows.astype(np.float64), (25, 50, 75), axis=0)
    spread = high - low
    spread[4] = 1  # constant
    z = (rows - median) / spread
    expected = np.nan_to_num(z / np.sqrt(1 + (z / 3) ** 2))
    inner = seen(model, x)
    np.testing.assert_allclose(inner[:, :6], expected, rtol=1e-4, atol=1e-5)
    assert 2.99 < inner[3, 3] <= 3
    np.testing.assert_array_equal(inner[:, 6:].sum(axis=1), 1)  # the category is not clipped


def test_a_range_of_nothing_between_the_quartiles_is_half_of_the_whole(prepare):
    x = np.zeros((20, 1), np.float32)
    x[:2, 0] = 4.0, -2.0
    data = {"name": "arrays", "standardize": "robust", "split": {"validation": 0, "test": 0}}
    built = prepare({"data": data, "task": "regression", "training": {"batch_size": 5}}, (x, np.arange(20.0))).built
    np.testing.assert_allclose(
        seen(built.model, x)[:3, 0],
        [4 / 3 / np.sqrt(1 + (4 / 9) ** 2), -2 / 3 / np.sqrt(1 + (2 / 9) ** 2), 0],
        rtol=1e-5,
    )


def test_quantiles_are_those_of_scikit_learn_in_a_saved_model(prepare, rows, tmp_path):
    from sklearn.preprocessing import QuantileTransformer

    model, x = table(prepare, rows, tmp_path, standardize="quantile")
    others = np.array([[0.1, 0.0, 3.0, 0.3, 2.5, -0.2], [-9, -1, -1, -9, 2.5, 9], [0.2, 9, 9, 9, 2.5, 0.3]], np.float32)
    every = np.concatenate([rows, others])
    numbers = [0, 1, 2, 3, 5]
    theirs = QuantileTransformer(n_quantiles=ROWS, output_distribution="normal", subsample=None)
    theirs.fit(rows[:, numbers].astype(np.float64))  # of float32 it misses that a number is the highest
    expected = np.nan_to_num(theirs.transform(every[:, numbers].astype(np.float64)))
    coded = np.concatenate([x, np.column_stack([others, np.ones(3)])])
    inner = seen(model, coded)
    np.testing.assert_allclose(inner[:, numbers], expected, atol=1e-4)
    np.testing.assert_array_equal(inner[:, 4], 0)  # a constant says nothing
    np.testing.assert_array_equal(inner[:ROWS, 6:].argmax(axis=1), x[:, 6])
    assert inner[:ROWS, 6:].shape[1] == 4


def test_quantiles_of_more_rows_than_quantiles_are_close_to_scikit_learn(tensorflow):
    from sklearn.preprocessing import QuantileTransformer

    from hornbook.data.ranks import of_ranks
    from hornbook.layers import Quantiles

    x = np.random.default_rng(1).lognormal(size=(4000, 2)).astype(np.float32)
    quantiles = of_ranks(x, None, keeps=True)[2]
    layer = Quantiles([len(column) for column in quantiles])
    layer.build(x.shape)
    layer.learn(quantiles)
    theirs = QuantileTransformer(n_quantiles=1000, output_distribution="normal", subsample=None).fit(x)
    np.testing.assert_allclose(np.asarray(layer(x)), theirs.transform(x), atol=5e-3)
    np.testing.assert_allclose(layer.mean, np.median(x, axis=0), rtol=5e-3)


def test_ranks_are_the_same_where_rows_stay_on_disk(monkeypatch):
    from hornbook.data import ranks
    from hornbook.data.storage.rows import Rows

    x = np.random.default_rng(2).normal(size=(50, 5)).astype(np.float32)
    monkeypatch.setattr(ranks, "MOST_VALUES", 100)  # two columns at once
    streamed, whole = ranks.of_ranks(Rows(x), None, keeps=True), ranks.of_ranks(x, None, keeps=True)
    np.testing.assert_array_equal(streamed[0], whole[0])
    assert streamed[2] == whole[2]


@pytest.mark.parametrize("standardize", ["robust", "quantile"])
def test_only_columns_have_ranks(prepare, standardize):
    data = {"name": "arrays", "standardize": standardize}
    with pytest.raises(DataError, match=f"'{standardize}' is of the number columns of a table, but the inputs are"):
        prepare({"data": data}, (np.zeros((30, 4, 4, 1), np.uint8), np.arange(30) % 3))
