"""Ill recipes, each beside its healthy twin, and what may be said of them.

A twin is a whole recipe that learns what there is to learn. A case changes a few of its keys, as somebody might by mistake,
and names the faults that are a right diagnosis. Half of the cases, by a hash of their names, are set aside: no threshold is
chosen on them.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["CASES", "TWINS", "Case", "write_tables"]

ADAM = {"name": "adam", "learning_rate": 0.002}
TWINS: dict[str, dict[str, Any]] = {
    "digits_mlp": {
        "data": "digits",
        "model": {"name": "mlp", "units": [64, 32]},
        "optimizer": ADAM,
        "training": {"epochs": 15, "batch_size": 32},
    },
    "digits_deep": {
        "data": {"name": "digits", "standardize": True},
        "model": {"name": "mlp", "units": 40, "depth": 8},
        "activation": "elu",
        "normalization": "batch_normalization",
        "optimizer": {"name": "nadam", "learning_rate": 0.002},
        "training": {"epochs": 15, "batch_size": 32},
    },
    "digits_sgd": {
        "data": "digits",
        "model": {"name": "mlp", "units": [100, 50]},
        "activation": "tanh",
        "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
        "training": {"epochs": 15, "batch_size": 32},
    },
    "digits_cnn": {
        "data": "digits",
        "model": {"name": "cnn", "filters": [16, 32], "dense": [32]},
        "optimizer": ADAM,
        "training": {"epochs": 8, "batch_size": 32},
    },
    "digits_rows": {
        "data": "digits",
        "model": {"name": "rnn", "cell": "gru", "units": [32]},
        "optimizer": {"name": "adam", "learning_rate": 0.005},
        "training": {"epochs": 10, "batch_size": 32},
    },
    "breast_cancer": {
        "data": {"name": "breast_cancer", "standardize": True},
        "model": {"name": "mlp", "units": [16]},
        "optimizer": ADAM,
        "training": {"epochs": 25, "batch_size": 16},
    },
    "wine": {
        "data": {"name": "wine", "standardize": True},
        "model": {"name": "mlp", "units": [16, 16]},
        "optimizer": {"name": "adam", "learning_rate": 0.005},
        "training": {"epochs": 25, "batch_size": 16},
    },
    "blobs": {
        "data": {"name": "blobs", "examples": 800, "centers": 5, "features": 8, "deviation": 2.0, "standardize": True},
        "model": {"name": "mlp", "units": [24]},
        "optimizer": ADAM,
        "training": {"epochs": 20, "batch_size": 16},
    },
    "spirals": {
        "data": {"name": "spirals", "examples": 1200},
        "model": {"name": "mlp", "units": [48, 48]},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {"epochs": 40, "batch_size": 32},
    },
    "moons": {
        "data": {"name": "moons", "examples": 800},
        "model": {"name": "mlp", "units": [24, 24]},
        "activation": "tanh",
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {"epochs": 30, "batch_size": 32},
    },
    "diabetes": {
        "data": {"name": "diabetes", "standardize": True},
        "model": {"name": "mlp", "units": [16]},
        "regularization": {"l2": 0.01},
        "optimizer": {"name": "adam", "learning_rate": 0.005},
        "training": {"epochs": 25, "batch_size": 16},
    },
    "sine": {
        "data": {"name": "regression", "function": "sine", "examples": 1000, "noise": 0.1, "standardize": True},
        "model": {"name": "mlp", "units": [32, 32]},
        "activation": "elu",
        "optimizer": {"name": "adam", "learning_rate": 0.005},
        "training": {"epochs": 30, "batch_size": 32},
    },
    "cubic": {
        "data": {
            "name": "regression", "function": "cubic", "features": 4, "examples": 1200, "noise": 1.0, "standardize": True,
        },
        "model": {"name": "mlp", "units": [48, 24]},
        "optimizer": {"name": "adam", "learning_rate": 0.005},
        "training": {"epochs": 30, "batch_size": 32},
    },
    "waves": {
        "data": {"name": "waves", "examples": 1200, "steps": 30},
        "model": {"name": "rnn", "cell": "lstm", "units": [20]},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {"epochs": 10, "batch_size": 32},
    },
    "customers": {
        "data": {"name": "table", "path": "customers.csv", "target": "stays", "standardize": True},
        "model": {"name": "mlp", "units": [24, 12]},
        "optimizer": {"name": "adam", "learning_rate": 0.005},
        "training": {"epochs": 25, "batch_size": 32, "class_weights": "balanced", "metrics": ["accuracy", "auc"]},
    },
    "houses": {
        "data": {"name": "table", "path": "houses.csv", "target": "price", "standardize": True},
        "model": {"name": "mlp", "units": [32, 16]},
        "activation": "elu",
        "optimizer": {"name": "adam", "learning_rate": 0.005},
        "training": {"epochs": 25, "batch_size": 32},
    },
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """An ill recipe.

    Attributes:
        fault: What was done.
        twin: The healthy recipe.
        changes: {key with dots: value} that make it ill; None removes a key.
        accepted: Faults that are a right first finding, the one that was done among them.
    """

    fault: str
    twin: str
    changes: dict[str, Any]
    accepted: frozenset[str] = field(default_factory=frozenset)
    number: int = 0

    @property
    def name(self) -> str:
        """The case's name: fault, twin, and a number where a twin has several of a fault."""
        return f"{self.fault}/{self.twin}" + (f"/{self.number}" if self.number else "")

    @property
    def is_set_aside(self) -> bool:
        """Whether no threshold may be chosen on this case."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1

    def recipe(self, folder: Path, *, healthy: bool = False) -> dict[str, Any]:
        """Return the recipe as a mapping; tables are read from `folder`."""
        recipe = twin_recipe(self.twin, folder)
        return recipe if healthy else changed(recipe, self.changes, folder)


def twin_recipe(name: str, folder: Path) -> dict[str, Any]:
    """Return a healthy recipe as a mapping."""
    return changed({"name": name, **TWINS[name]}, {}, folder)


def changed(recipe: dict[str, Any], changes: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a recipe with other values."""
    import copy

    tree = copy.deepcopy(recipe)
    if isinstance(tree["data"], str):
        tree["data"] = {"name": tree["data"]}
    for key, value in changes.items():
        place, *names = key.split(".")
        node, last = tree, place
        for name in names:
            node, last = node.setdefault(last, {}), name
        if value is None:
            node.pop(last, None)
        else:
            node[last] = copy.deepcopy(value)
    if "path" in tree["data"]:
        tree["data"]["path"] = str(folder / tree["data"]["path"])
    return tree


def _cases() -> list[Case]:
    cases: list[Case] = []

    def add(fault: str, twins: str, changes: dict[str, Any], *also: str) -> None:
        for twin in twins.split():
            number = sum(case.fault == fault and case.twin == twin for case in cases)
            cases.append(Case(fault, twin, changes, frozenset({fault, *also}), number))

    rate = "optimizer.learning_rate"
    # A rate that is too high may kill the units, saturate them or end in infinity: consequences, but true ones.
    hot = ("diverged", "exploding_gradient", "dying_relu", "saturated")
    add("lr_too_high", "digits_mlp wine blobs spirals digits_cnn customers", {rate: 1.0}, *hot)
    add("lr_too_high", "digits_sgd", {rate: 8.0}, *hot)
    add("lr_too_high", "diabetes cubic houses waves digits_rows", {rate: 0.6}, *hot)
    add("lr_too_high", "digits_deep sine", {rate: 0.3}, *hot)
    add("lr_too_low", "digits_mlp digits_deep wine spirals houses sine", {rate: 3e-6})
    add("lr_too_low", "digits_sgd", {rate: 3e-5})
    add("lr_too_low", "blobs digits_cnn cubic waves customers", {rate: 1e-5})
    add(
        "wrong_activation_hidden",
        "digits_mlp spirals moons sine cubic",
        {"activation": "linear"},
        "underfitting_capacity",
    )
    add("wrong_activation_hidden", "digits_cnn", {"activation": "exponential"}, "exploding_gradient", "diverged")
    add("wrong_activation_hidden", "wine blobs digits_mlp", {"activation": "softmax"}, "vanishing_gradient")
    head = ("target_scale",)
    add(
        "wrong_head_activation",
        "sine cubic waves",
        {"head": {"activation": "relu", "standardize_targets": False}},
        *head,
    )
    add(
        "wrong_head_activation",
        "diabetes houses",
        {"head": {"activation": "sigmoid", "standardize_targets": False}},
        *head,
    )
    add("wrong_head_activation", "sine", {"head": {"activation": "tanh", "standardize_targets": False}}, *head)
    add("wrong_loss", "houses diabetes", {"head": {"loss": "cosine_similarity", "standardize_targets": False}})
    add("wrong_loss", "sine waves", {"head": {"loss": "poisson", "activation": "softplus", "standardize_targets": False}},
        "wrong_head_activation")  # fmt: skip
    zero = ("vanishing_gradient", "dying_relu")
    add("bad_initializer", "digits_mlp wine spirals houses", {"initializer": "zeros"}, *zero)
    add("bad_initializer", "digits_sgd blobs sine", {"initializer": {"name": "constant", "value": 0.1}}, "saturated")
    add("bad_initializer", "digits_mlp cubic customers",
        {"initializer": {"name": "random_normal", "stddev": 3.0}}, "exploding_gradient", "saturated")  # fmt: skip
    add("bad_initializer", "digits_sgd moons",
        {"initializer": {"name": "random_normal", "stddev": 5.0}}, "saturated", "exploding_gradient")  # fmt: skip
    deep = {"model.depth": 10, "model.units": 30, "activation": "sigmoid", "normalization": None}
    sigmoid = ("wrong_activation_hidden", "saturated")
    add("vanishing_gradient", "digits_mlp digits_sgd digits_deep wine moons sine houses", deep, *sigmoid)
    tiny = {"initializer": {"name": "random_normal", "stddev": 0.001}, "model.depth": 8, "model.units": 32}
    add("vanishing_gradient", "digits_mlp blobs customers", tiny, "bad_initializer")
    wide = {"initializer": {"name": "random_normal", "stddev": 1.0}, "model.depth": 6, "model.units": 48}
    add("exploding_gradient", "digits_mlp spirals cubic", wide, "bad_initializer", "diverged")
    bias = {"initializer": {"name": "he_normal", "bias": {"name": "constant", "value": -20.0}}}
    add("dying_relu", "digits_mlp wine spirals cubic customers", bias, "bad_initializer", "vanishing_gradient")
    raw = {"data.standardize": False}
    add("not_normalized_inputs", "wine breast_cancer houses customers", raw, "dying_relu", "saturated", "exploding_gradient",
        "target_scale")  # fmt: skip
    add("not_normalized_inputs", "breast_cancer wine", {**raw, "activation": "tanh"}, "saturated")
    add("saturated", "wine breast_cancer", {**raw, "activation": "sigmoid"}, "not_normalized_inputs",
        "wrong_activation_hidden", "vanishing_gradient")  # fmt: skip
    add("target_scale", "diabetes houses", {"head": {"standardize_targets": False}}, "lr_too_low", "too_few_epochs")
    few = {"training.epochs": 1}
    add("too_few_epochs", "digits_mlp digits_sgd wine spirals moons sine cubic houses customers", few, "lr_too_low")
    add("too_few_epochs", "digits_cnn digits_rows", {"training.epochs": 1}, "lr_too_low")
    add("batch_size", "digits_mlp digits_sgd spirals sine houses cubic", {"training.batch_size": 2000}, "too_few_epochs",
        "lr_too_low")  # fmt: skip
    add("batch_size", "digits_deep", {"training.batch_size": 2}, "batch_norm_mismatch", "lr_too_high")
    weak = ("lr_too_low",)
    add(
        "wrong_optimizer",
        "digits_mlp spirals houses",
        {"optimizer": {"name": "adadelta", "learning_rate": 0.001}},
        *weak,
    )
    add("wrong_optimizer", "digits_deep wine cubic", {"optimizer": {"name": "adagrad", "learning_rate": 0.001}}, *weak)
    add("wrong_optimizer", "moons sine", {"optimizer": {"name": "ftrl", "learning_rate": 0.001}}, *weak)
    fall = {"schedule": {"name": "exponential", "decay_steps": 10}}
    add("schedule", "digits_mlp digits_sgd spirals cubic waves", fall, "lr_too_low", "too_few_epochs")
    cut = {"training.gradient_clipping": {"by": "global_norm", "threshold": 1e-4}}
    add("clipping", "digits_sgd", cut, "lr_too_low")
    plain = {"optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9}}
    add("clipping", "digits_mlp houses cubic", {**cut, **plain}, "lr_too_low")
    over = {"training.epochs": 60, "model.units": [256, 256], "data.limit": 150}
    unlimited = ("missing_regularization",)
    add("overfitting", "diabetes cubic", {**over, "regularization": None}, *unlimited)
    add("overfitting", "blobs", {**over, "data.deviation": 6.0}, *unlimited, "wrong_labels")
    noisy = {"data.noise": 0.45, "model.units": [256, 256], "training.epochs": 150, "data.examples": 200}
    add("missing_regularization", "moons", noisy, "overfitting", "wrong_labels")
    add("missing_regularization", "customers", {"data.limit": 120, "model.units": [256, 256], "training.epochs": 120},
        "overfitting")  # fmt: skip
    thin = ("wrong_activation_hidden",)
    add("underfitting_capacity", "digits_mlp digits_sgd spirals cubic sine", {"model.units": [1]}, *thin)
    add("underfitting_capacity", "digits_cnn", {"model.filters": [1], "model.dense": [2]}, *thin)
    add("too_much_dropout", "digits_mlp digits_cnn spirals wine cubic houses", {"regularization": {"dropout": 0.92}})
    heavy = ("underfitting_capacity",)
    add("too_much_regularization", "digits_mlp wine blobs spirals sine houses", {"regularization": {"l2": 1.0}}, *heavy)
    add("too_much_regularization", "digits_sgd digits_cnn", {"regularization": {"l1": 0.3}}, *heavy)
    add(
        "too_much_regularization",
        "digits_mlp spirals",
        {"regularization": {"max_norm": 0.01}},
        *heavy,
        "vanishing_gradient",
    )
    rare = {"training.class_weights": None, "training.metrics": ["accuracy"], "data.path": "rare.csv"}
    add("class_imbalance", "customers", rare, "wrong_metric")
    add("class_imbalance", "customers", {**rare, "model.units": [8], "data.path": "rarer.csv"}, "wrong_metric")
    add("wrong_metric", "customers", {"training.metrics": ["accuracy"], "data.path": "rare.csv"}, "class_imbalance")
    add("label_leak", "customers", {"data.path": "leak.csv"})
    add("label_leak", "houses", {"data.path": "houses_leak.csv"})
    add("duplicates_between_splits", "customers", {"data.path": "twice.csv"})
    add("duplicates_between_splits", "houses", {"data.path": "houses_twice.csv"})
    add("wrong_labels", "customers", {"data.path": "shuffled.csv"}, "overfitting")
    add("wrong_labels", "customers", {"data.path": "contradicting.csv"})
    add("wrong_labels", "houses", {"data.path": "houses_shuffled.csv"}, "overfitting")
    still = [{"name": "dense", "units": 40, "trainable": False}, {"name": "dense", "units": 20, "trainable": False}]
    layers = {"model": {"name": "layers", "layers": ["flatten", *still]}}
    add("frozen_too_much", "digits_mlp digits_sgd", layers, "underfitting_capacity")
    rigid = {"model": {"name": "layers", "layers": [{**layer, "units": 4} for layer in still]}}
    add("frozen_too_much", "spirals cubic wine", rigid, "underfitting_capacity")
    slow = {"normalization": {"name": "batch_normalization", "momentum": 0.9999}}
    add("batch_norm_mismatch", "digits_deep digits_mlp digits_cnn spirals wine", slow)
    return cases


def write_tables(folder: Path) -> None:
    """Write the tables that some recipes read, always the same ones."""
    random = np.random.default_rng(2024)
    _write_customers(folder, random)
    _write_houses(folder, random)


def _write_customers(folder: Path, random: np.random.Generator) -> None:
    count = 900
    age, visits, spent = random.uniform(18, 80, count), random.poisson(6, count), random.lognormal(4, 0.8, count)
    score = 0.06 * (age - 45) + 0.5 * (visits - 6) + 1.2 * (np.log(spent) - 4) - 0.02 * (age - 45) * (visits - 6)
    stays = score + random.normal(0, 0.7, count) > np.quantile(score, 0.35)
    columns: dict[str, Any] = {"age": age.round(1), "visits": visits, "spent": spent.round(2)}
    _table(folder / "customers.csv", {**columns, "stays": stays.astype(int)})
    for name, kept in (("rare", 0.06), ("rarer", 0.03)):
        wanted = score + random.normal(0, 1.2, count) > np.quantile(score, 1 - kept)
        _table(folder / f"{name}.csv", {**columns, "stays": wanted.astype(int)})
    hint = stays * 3.0 + random.normal(0, 0.2, count)
    _table(folder / "leak.csv", {**columns, "closed_account": hint.round(3), "stays": stays.astype(int)})
    twice = np.concatenate([np.arange(300), np.arange(300), np.arange(300)])
    _table(
        folder / "twice.csv", {name: values[twice] for name, values in {**columns, "stays": stays.astype(int)}.items()}
    )
    _table(folder / "shuffled.csv", {**columns, "stays": random.permutation(stays).astype(int)})
    rows = np.repeat(np.arange(150), 6)
    mixed = {name: values[rows] for name, values in columns.items()}
    _table(folder / "contradicting.csv", {**mixed, "stays": random.integers(0, 2, len(rows))})


def _write_houses(folder: Path, random: np.random.Generator) -> None:
    count = 900
    area, rooms, year = random.uniform(30, 220, count), random.integers(1, 8, count), random.integers(1900, 2024, count)
    price = 2500 * area + 12_000 * rooms + 700 * (year - 1950) + 8 * (area - 120) ** 2 + random.normal(0, 25_000, count)
    columns: dict[str, Any] = {"area": area.round(1), "rooms": rooms, "year": year}
    _table(folder / "houses.csv", {**columns, "price": price.round(0)})
    tax = price * 0.011 + random.normal(0, 40, count)
    _table(folder / "houses_leak.csv", {**columns, "tax": tax.round(1), "price": price.round(0)})
    twice = np.tile(np.arange(300), 3)
    repeated = {name: values[twice] for name, values in {**columns, "price": price.round(0)}.items()}
    _table(folder / "houses_twice.csv", repeated)
    _table(folder / "houses_shuffled.csv", {**columns, "price": random.permutation(price).round(0)})


def _table(path: Path, columns: dict[str, Any]) -> None:
    rows = zip(*(np.asarray(values).tolist() for values in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


CASES: list[Case] = _cases()
Write = Callable[[Path], None]
