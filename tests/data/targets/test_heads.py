"""Targets of several heads: read like those of a recipe that has no other, kept as one matrix."""

import numpy as np
import polars as pl
import pytest

from hornbook.data import from_arrays, from_json, to_json
from hornbook.data.load import load_data
from hornbook.errors import DataError, UsageError
from hornbook.recipes.load import load_recipe

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
PRICE = np.arange(40) * 1.5
SOLD = np.array(["yes", "no"] * 20)
NONE = {"validation": 0, "test": 0}


def heads_of(heads, data=None):
    data = data or {"name": "arrays", "split": {**NONE, "method": "last"}}
    return load_recipe({"data": data, "model": "mlp", "heads": heads})


def splits_of(heads, y, **more):
    return load_data(heads_of(heads), {"x": X, "y": y, **more}).splits


def test_targets_by_name_become_one_matrix_with_the_facts_of_each_head():
    splits = splits_of({"price": {}, "sold": {}, "early": {"target": "price"}}, {"price": PRICE, "sold": SOLD})
    numbers = np.array([1, 0] * 20)  # no, yes
    np.testing.assert_array_equal(splits.train.y, np.stack([PRICE, numbers, PRICE], axis=1).astype(np.float32))
    price, sold, early = splits.info.heads
    assert (price.task, price.columns, price.units) == ("regression", (0, 1), 1)
    assert (sold.task, sold.class_names, sold.class_counts, sold.columns) == ("binary", ("no", "yes"), (20, 20), (1, 2))
    assert (early.task, early.columns, early.target_names) == ("regression", (2, 3), ("price",))
    assert (splits.info.task, splits.info.num_classes, splits.info.target_size) == ("several", 0, 3)


def test_a_head_alone_looks_like_a_recipe_without_others():
    splits = splits_of({"price": {}, "sold": {}}, {"price": PRICE, "sold": SOLD})
    own = splits.of_head("sold")
    other = from_arrays((X, SOLD), spec=heads_of({"sold": {}}).data)
    np.testing.assert_array_equal(own.train.y, other.train.y)
    assert own.train.y.dtype == other.train.y.dtype == np.int32
    for key in ("task", "num_classes", "target_size", "class_names", "class_counts"):
        assert getattr(own.info, key) == getattr(other.info, key)
    price = splits.of_head("price")
    assert price.preprocessing.target_mean == pytest.approx((PRICE.mean(),))
    assert price.train.y.shape == (40,)


def test_columns_of_a_matrix_are_named_by_their_place_or_their_name():
    y = np.stack([PRICE, np.tile([0, 1], 20)], axis=1)
    by_place = splits_of({"price": {"target": 0}, "sold": {"target": 1, "task": "binary"}}, y)
    np.testing.assert_array_equal(by_place.train.y, y.astype(np.float32))
    frame = pl.DataFrame({"price": PRICE, "sold": SOLD})
    by_name = splits_of({"price": {}, "sold": {}}, frame)
    assert [head.task for head in by_name.info.heads] == ["regression", "binary"]


def test_several_targets_of_one_head_are_its_numbers_or_labels():
    y = {"a": PRICE, "b": PRICE * 2, "c": np.tile([0, 1], 20), "d": np.repeat([0, 1], 20)}
    splits = splits_of({"sizes": {"target": ["a", "b"]}, "flags": {"target": ["c", "d"]}}, y)
    sizes, flags = splits.info.heads
    assert (sizes.task, sizes.target_size, sizes.target_names) == ("regression", 2, ("a", "b"))
    assert (flags.task, flags.num_classes, flags.class_names) == ("multilabel", 2, ("c", "d"))
    np.testing.assert_array_equal(splits.of_head("flags").train.y, np.stack([y["c"], y["d"]], axis=1))


def test_the_split_is_stratified_by_the_only_target_that_is_a_class():
    rare = np.array([1] * 8 + [0] * 32)
    data = {"name": "arrays", "split": {"validation": 0.25, "test": 0.25}}
    heads = {"price": {}, "rare": {}, "again": {"target": "rare"}}
    y = {"price": PRICE, "rare": rare}
    splits = load_data(heads_of(heads, data), (X, y)).splits
    assert [int(part.y[:, 1].sum()) for part in (splits.train, splits.validation, splits.test)] == [4, 2, 2]
    assert (splits.info.split_method, splits.info.extra["stratified_by"]) == ("stratified", "rare")
    two = load_data(heads_of({"price": {}, "rare": {}, "sold": {}}, data), (X, {**y, "sold": SOLD})).splits
    assert two.info.split_method == "random"
    assert "stratified_by" not in two.info.extra


def test_facts_with_heads_come_back_from_json():
    info = splits_of({"price": {}, "sold": {}}, {"price": PRICE, "sold": SOLD}).info
    assert from_json(to_json(info)) == info


def table(tmp_path, price="1.5,2.5,4.5,8"):
    rows = [f"{number},{price.split(',')[number % 4]},{'yes' if number % 3 else 'no'}" for number in range(40)]
    path = tmp_path / "houses.csv"
    path.write_text("\n".join(["size,price,sold", *rows]) + "\n")
    return str(path)


@pytest.mark.parametrize("target", [None, ["price", "sold"]])
def test_a_table_gives_each_head_its_column(tmp_path, target):
    data = {"name": "table", "path": table(tmp_path)} | ({"target": target} if target else {})
    splits = load_data(heads_of({"price": {}, "sold": {}}, data)).splits
    assert splits.info.input_shape == (1,)
    assert [(head.name, head.task) for head in splits.info.heads] == [("price", "regression"), ("sold", "binary")]


def test_a_missing_target_of_one_head_is_refused_with_its_row(tmp_path):
    data = {"name": "table", "path": table(tmp_path, price="1.5,,4.5,8")}
    with pytest.raises(DataError, match=r"houses.csv: .*price.*row"):
        load_data(heads_of({"price": {}, "sold": {}}, data))


@pytest.mark.parametrize(
    ("heads", "y", "message"),
    [
        ({"price": {}, "sald": {}}, {"price": PRICE, "sold": SOLD}, r"heads.sald: which target does it predict"),
        (
            {"price": {}, "sold": {}},
            [PRICE, PRICE],
            r"x has 40 examples, but y has 2 targets. .* \{'price': …, 'sold': …\}",
        ),
        ({"price": {}, "sold": {}}, {"price": PRICE}, r"heads.sold: which target does it predict"),
        ({"price": {"target": "prize"}}, {"price": PRICE}, r"heads.price: there is no target 'prize'. Did you mean"),
        ({"price": {}, "sold": {}}, {"price": PRICE, "sold": SOLD[:30]}, r"heads.sold: x has 40 .* y has 30"),
        ({"price": {"task": "binary"}}, {"price": PRICE}, r"heads.price: task: binary needs classes, but .* fractions"),
        ({"price": {}}, {"price": np.where(PRICE > 50, np.nan, PRICE)}, r"heads.price: y"),
        ({"both": {"target": ["price", "sold"]}}, {"price": PRICE, "sold": SOLD}, r"heads.both: .*is text"),
        ({"only": {}}, {"only": np.zeros(40, int)}, r"heads.only: there is only one class"),
    ],
)
def test_targets_that_do_not_fit_are_refused_with_the_head(heads, y, message):
    with pytest.raises(DataError, match=message):
        splits_of(heads, y)


def test_targets_by_name_without_heads_are_refused():
    recipe = load_recipe({"data": "arrays", "model": "mlp"})
    with pytest.raises(DataError, match=r"the targets have names \(price, sold\), and the recipe has one head"):
        load_data(recipe, (X, {"price": PRICE, "sold": SOLD}))


def test_splits_of_other_heads_are_refused():
    splits = splits_of({"price": {}}, {"price": PRICE})
    with pytest.raises(UsageError, match="other heads"):
        load_data(heads_of({"sold": {}}), splits)


def test_bundled_tables_offer_the_columns_that_are_no_features():
    data = {"name": "iris", "columns": ["sepal_length", "sepal_width"], "split": NONE}
    splits = load_data(heads_of({"species": {}, "petal": {"target": "petal_width"}}, data)).splits
    species, petal = splits.info.heads
    assert species.class_names == ("setosa", "versicolor", "virginica")
    assert (petal.task, splits.of_head("petal").train.y.max()) == ("regression", np.float32(2.5))


def test_a_check_names_the_head_whose_column_a_table_lacks(tmp_path):
    from hornbook.data.preview.probe import probe

    recipe = heads_of({"price": {}, "sold": {"target": "slod"}}, {"name": "table", "path": table(tmp_path)})
    (problem,) = probe(recipe).problems
    assert problem.sentence() == "heads.sold.target: no column 'slod'. Did you mean 'sold'?"


def test_inputs_and_targets_are_both_given_by_name():
    x = {"sizes": X, "photo": np.zeros((40, 4, 5), np.uint8)}
    splits = load_data(heads_of({"price": {}, "sold": {}}), (x, {"price": PRICE, "sold": SOLD})).splits
    assert [block.name for block in splits.info.blocks] == ["photo"]
    assert [head.task for head in splits.info.heads] == ["regression", "binary"]
    assert splits.train.y.shape == (40, 2)


@pytest.mark.parametrize("is_stream", [False, True])
def test_targets_that_no_head_predicts_are_refused_by_name(is_stream):
    y = {"price": PRICE, "sold": SOLD, "prise": PRICE}

    def given(**heads):
        data = (lambda: iter([(X, y)])) if is_stream else (X, y)
        return load_data(heads_of(heads), data).splits

    with pytest.raises(DataError) as caught:
        given(price={})
    assert str(caught.value) == (
        "data: no head predicts the targets 'sold', 'prise'; there are heads for: price. Leave them out, or add a head, heads: "
        "{sold: {}}."
    )
    with pytest.raises(
        DataError, match="no head predicts the target 'prise'; there are heads for: price, sold. Leave it out"
    ):
        given(price={}, sold={})
    assert len(given(price={}, sold={}, other={"target": "prise"}).info.heads) == 3
