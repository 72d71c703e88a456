"""Cases that were written blind: by somebody who had not read the doctor's rules nor the benchmark's other cases.

`ILL` are faults as people make them, each an ill variant of a healthy base in `BASES` (its twin) and the faults that
were accepted for it before it was ever run. `HEALTHY` are sound runs of other kinds than the shipped recipes. The data
is written by `write_data`; MNIST, Fashion-MNIST and the tables are those of HORNBOOK_DATA.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Recipe = dict[str, Any]

TABLES = Path(os.environ.get("HORNBOOK_DATA", ".")) / "tables"


def write_data(folder: Path) -> None:
    """Write every file that the cases read into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for write in (_churn, _fraud, _prices, _energy, _tags, _counts, _shapes, _sensors, _words, _odd_tables, _small):
        write(folder)


def _table(path: Path, heading: Iterable[str], columns: Iterable[Any]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(list(heading))
        writer.writerows(zip(*columns, strict=True))


def _sigmoid(scores: Array) -> Array:
    return 1 / (1 + np.exp(-scores))


def _churn_columns(rng: np.random.Generator, rows: int) -> tuple[dict[str, Any], Array]:
    tenure = np.round(rng.gamma(2, 15, rows), 1)
    charge = np.round(rng.normal(65, 25, rows).clip(15), 2)
    calls = rng.poisson(1.5, rows)
    contract = rng.choice(["monthly", "yearly", "two years"], rows, p=[0.55, 0.25, 0.2])
    payment = rng.choice(["card", "transfer", "cheque"], rows)
    scores = 0.4 - 0.06 * tenure + 0.03 * (charge - 65) + 0.8 * calls + 1.2 * (contract == "monthly") - 0.8
    columns = {"tenure": tenure, "charge": charge, "calls": calls, "contract": contract, "payment": payment}
    return columns, 1.6 * scores


def _churn(folder: Path) -> None:
    rng = np.random.default_rng(1)
    columns, scores = _churn_columns(rng, 1600)
    left = np.where(rng.random(1600) < _sigmoid(scores), "yes", "no")
    _table(folder / "churn.csv", [*columns, "left"], [*columns.values(), left])
    numeric = (left == "yes").astype(int)
    _table(folder / "churn_number.csv", [*columns, "left"], [*columns.values(), numeric])
    # A field that is filled in only once a customer has gone: the classic leak.
    reason = np.where(left == "yes", rng.choice(["price", "moved", "service"], 1600), "active")
    _table(folder / "churn_leak.csv", [*columns, "reason", "left"], [*columns.values(), reason, left])
    fee = np.where(left == "yes", 25 + rng.normal(0, 1, 1600), rng.normal(0, 1, 1600)).round(2)
    _table(folder / "churn_fee.csv", [*columns, "closing_fee", "left"], [*columns.values(), fee, left])
    # Each customer exported four times.
    few = [np.repeat(values[:400], 4) for values in [*columns.values(), left]]
    _table(folder / "churn_repeated.csv", [*columns, "left"], few)
    # The same with a jitter of rounding: near duplicates.
    near = [np.repeat(values[:400], 4) for values in columns.values()]
    near[0] = (near[0] + rng.normal(0, 0.02, 1600)).round(3)
    near[1] = (near[1] + rng.normal(0, 0.02, 1600)).round(3)
    _table(folder / "churn_near.csv", [*columns, "left"], [*near, np.repeat(left[:400], 4)])
    # Labels that slipped by a row in sorting: they have nothing to do with the rows.
    _table(folder / "churn_shuffled.csv", [*columns, "left"], [*columns.values(), rng.permutation(left)])
    # Two annotators who disagreed: half of the rows twice, with either label.
    twice = [np.concatenate([values, values[:800]]) for values in columns.values()]
    other = np.where(left[:800] == "yes", "no", "yes")
    _table(folder / "churn_disputed.csv", [*columns, "left"], [*twice, np.concatenate([left, other])])


def _fraud(folder: Path) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4000, 8)).round(4)
    scores = 1.2 * x[:, 0] + x[:, 1] - 0.8 * x[:, 2] + 0.5 * x[:, 3] * x[:, 4]
    fraud = np.zeros(4000, int)
    fraud[np.argsort(scores + rng.normal(0, 1.2, 4000))[-120:]] = 1
    heading = [f"v{i}" for i in range(8)]
    _table(folder / "fraud.csv", [*heading, "fraud"], [*x.T, fraud])
    even = np.zeros(4000, int)
    even[np.argsort(scores + rng.normal(0, 0.8, 4000))[-2000:]] = 1
    _table(folder / "even.csv", [*heading, "fraud"], [*x.T, even])
    # Four classes of quality, the last ones rare.
    order = np.argsort(np.argsort(scores + rng.normal(0, 0.5, 4000)))
    quality = np.select([order < 3680, order < 3880, order < 3960], ["fine", "scratched", "bent"], "broken")
    _table(folder / "quality.csv", [*heading, "quality"], [*x.T, quality])


def _prices(folder: Path) -> None:
    rng = np.random.default_rng(3)
    area = rng.gamma(6, 18, 1500).round(1)
    rooms = np.clip((area / 28 + rng.normal(0, 0.8, 1500)).round(), 1, 9).astype(int)
    year = rng.integers(1900, 2022, 1500)
    income = rng.normal(42000, 11000, 1500).round()
    distance = rng.gamma(2, 4, 1500).round(2)
    town = rng.choice(["north", "south", "harbour"], 1500)
    price = area * (1500 + 0.04 * income) + 900 * (year - 1960) - 6000 * distance + 60000 * (town == "harbour")
    price = (price * np.exp(rng.normal(0, 0.08, 1500)) + 40000).round()
    columns = {"area": area, "rooms": rooms, "year": year, "income": income, "distance": distance, "town": town}
    _table(folder / "prices.csv", [*columns, "price"], [*columns.values(), price])
    tax = (price * 0.012 + rng.normal(0, 5, 1500)).round(1)
    _table(folder / "prices_leak.csv", [*columns, "tax", "price"], [*columns.values(), tax, price])
    centred = ((price - price.mean()) / price.std()).round(4)
    _table(folder / "prices_centred.csv", [*columns, "price"], [*columns.values(), centred])
    shuffled = rng.permutation(price)
    _table(folder / "prices_shuffled.csv", [*columns, "price"], [*columns.values(), shuffled])
    repeated = [np.repeat(values[:300], 5) for values in [*columns.values(), price]]
    _table(folder / "prices_repeated.csv", [*columns, "price"], repeated)


def _energy(folder: Path) -> None:
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, size=(1200, 6)).round(4)
    heating = 20 + 8 * x[:, 0] + 5 * np.sin(3 * x[:, 1]) + 4 * x[:, 2] * x[:, 3] + rng.normal(0, 0.6, 1200)
    cooling = 3000 + 900 * x[:, 0] - 700 * x[:, 4] ** 2 + 400 * x[:, 5] + rng.normal(0, 60, 1200)
    heading = [*(f"x{i}" for i in range(6)), "heating", "cooling"]
    _table(folder / "energy.csv", heading, [*x.T, heating.round(3), cooling.round(1)])


def _tags(folder: Path) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1500, 12)).round(4)
    weights = rng.normal(size=(12, 4))
    tags = (x @ weights + 0.8 * np.tanh(2 * x[:, :4]) + rng.normal(0, 0.7, (1500, 4)) > 1.0).astype(int)
    heading = [*(f"x{i}" for i in range(12)), "sport", "money", "film", "food"]
    _table(folder / "tags.csv", heading, [*x.T, *tags.T])


def _counts(folder: Path) -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(1500, 5)).round(4)
    counts = rng.poisson(np.exp(1.0 + 0.6 * x[:, 0] - 0.4 * x[:, 1] + 0.3 * x[:, 2] * x[:, 3]))
    _table(folder / "counts.csv", [*(f"x{i}" for i in range(5)), "visits"], [*x.T, counts])


def _shape_pictures(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    images = rng.integers(0, 50, size=(count, 12, 12, 1)).astype(np.uint8)
    labels = rng.integers(0, 4, count)
    for image, label in zip(images, labels, strict=True):
        row, column = rng.integers(3, 9, 2)
        bright = rng.integers(120, 255)
        if label in (0, 2):
            image[row, column - 3 : column + 3] = bright
        if label in (1, 2):
            image[row - 3 : row + 3, column] = bright
        if label == 3:
            image[row - 2 : row + 2, column - 2 : column + 2] = bright
    return images, labels


def _shapes(folder: Path) -> None:
    rng = np.random.default_rng(7)
    images, labels = _shape_pictures(rng, 1200)
    np.savez(folder / "shapes.npz", x=images, y=labels)
    wrong = labels.copy()
    swapped = rng.random(1200) < 0.4
    wrong[swapped] = rng.integers(0, 4, swapped.sum())
    np.savez(folder / "shapes_wrong.npz", x=images, y=wrong)
    np.savez(folder / "shapes_repeated.npz", x=np.repeat(images[:300], 4, 0), y=np.repeat(labels[:300], 4))
    colour = np.concatenate([images, images // 2, 255 - images], axis=3)
    np.savez(folder / "colour.npz", x=colour, y=labels)
    rare = np.flatnonzero((labels == 0) | (rng.random(1200) < 0.04))
    np.savez(folder / "shapes_rare.npz", x=images[rare], y=labels[rare])


def _sensors(folder: Path) -> None:
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 3, 900)
    time = np.arange(30)
    speed = np.array([0.3, 0.55, 0.8])[labels][:, None]
    phase = rng.uniform(0, 6.28, (900, 1))
    first = np.sin(speed * time + phase) + rng.normal(0, 0.3, (900, 30))
    second = np.cos(speed * time + phase) * rng.uniform(0.5, 1.5, (900, 1)) + rng.normal(0, 0.3, (900, 30))
    drift = rng.normal(0, 1, (900, 1)) + 0.02 * time
    x = np.stack([first, second, drift], axis=2).astype(np.float32)
    np.savez(folder / "sensors.npz", x=x, y=labels)
    np.savez(folder / "sensors_raw.npz", x=x * np.float32(4000) + np.float32(20000), y=labels)
    # The label of what came at the very beginning of a long sequence.
    start = rng.integers(0, 2, 800)
    long = rng.normal(0, 0.3, (800, 100, 1)).astype(np.float32)
    long[:, :5, 0] += (2 * start - 1)[:, None]
    np.savez(folder / "long.npz", x=long, y=start)


def _words(folder: Path) -> None:
    rng = np.random.default_rng(9)
    labels = rng.integers(0, 2, 1200)
    words = np.clip(rng.zipf(1.3, (1200, 30)), 1, 1999) % 2000
    for row, label in zip(words, labels, strict=True):
        places = rng.choice(30, 3, replace=False)
        row[places] = rng.integers(100, 140, 3) + 60 * (label if rng.random() < 0.95 else 1 - label)
    np.savez(folder / "words.npz", x=words.astype(np.int32), y=labels)


def _odd_tables(folder: Path) -> None:
    rng = np.random.default_rng(10)
    # An identifier that was sorted by the label.
    columns, scores = _churn_columns(rng, 1200)
    left = np.sort(rng.random(1200) < _sigmoid(scores))
    _table(folder / "sorted_id.csv", ["id", *columns, "left"], [np.arange(1200), *columns.values(), left.astype(int)])
    # A coin that is only slightly loaded: 70 % is all there is.
    x = rng.normal(size=(1500, 6)).round(4)
    loaded = (rng.random(1500) < np.where(x[:, 0] > 0, 0.7, 0.3)).astype(int)
    _table(folder / "loaded.csv", [*(f"x{i}" for i in range(6)), "up"], [*x.T, loaded])
    weak = 0.5 * x[:, 0] + 0.4 * np.sin(x[:, 1]) + rng.normal(0, 1, 1500)
    _table(folder / "weak.csv", [*(f"x{i}" for i in range(6)), "y"], [*x.T, weak.round(4)])
    # Amounts over five orders of magnitude.
    amount = np.exp(8 + 2 * x[:, 0] + x[:, 1] + rng.normal(0, 0.2, 1500)).round(2)
    _table(folder / "amounts.csv", [*(f"x{i}" for i in range(6)), "amount"], [*x.T, amount])
    clean = 3 * x[:, 0] - 2 * x[:, 1] + x[:, 2] + 7
    _table(folder / "formula.csv", [*(f"x{i}" for i in range(6)), "y"], [*x.T, clean.round(5)])


def _small(folder: Path) -> None:
    rng = np.random.default_rng(11)
    x = rng.normal(size=(60, 4)).round(3)
    grade = np.where(x[:, 0] - 0.7 * x[:, 1] + rng.normal(0, 0.4, 60) > 0, "good", "bad")
    _table(folder / "sixty.csv", ["a", "b", "c", "d", "grade"], [*x.T, grade])
    line = 2 * x[:40, 0] - x[:40, 1] + rng.normal(0, 0.5, 40)
    _table(folder / "forty.csv", ["a", "b", "c", "d", "y"], [*x[:40].T, line.round(3)])
    survey = rng.integers(1, 6, size=(800, 6))  # few answers: rows repeat by themselves
    happy = np.where(survey[:, :3].sum(1) + rng.normal(0, 1.5, 800) > 9, "happy", "not")
    _table(folder / "survey.csv", [*"abcdef", "mood"], [*survey.T, happy])
    wide = rng.normal(size=(150, 60)).round(3)
    kind = np.where(wide[:, 0] + wide[:, 1] - wide[:, 2] + rng.normal(0, 0.3, 150) > 0, "p", "q")
    _table(folder / "wide.csv", [*(f"g{i}" for i in range(60)), "kind"], [*wide.T, kind])


def table(path: str, target: Any, **keys: Any) -> Recipe:
    """Return the data section of a table."""
    return {"name": "table", "path": path, "target": target, **keys}


def adam(rate: float) -> Recipe:
    """Return Adam at a rate."""
    return {"name": "adam", "learning_rate": rate}


def sgd(rate: float, momentum: float = 0.9) -> Recipe:
    """Return gradient descent at a rate, with momentum."""
    return {"name": "sgd", "learning_rate": rate, "momentum": momentum}


def mlp(*units: int) -> Recipe:
    """Return a dense stack."""
    return {"name": "mlp", "units": list(units)}


def cnn(*filters: int, dense: tuple[int, ...] = ()) -> Recipe:
    """Return a stack of convolutions."""
    return {"name": "cnn", "filters": list(filters), "dense": list(dense)}


def recipe(data: Any, model: Any, optimizer: Any, epochs: int, batch_size: int = 32, **keys: Any) -> Recipe:
    """Return a recipe; `keys` are its other sections."""
    training = {"epochs": epochs, "batch_size": batch_size, **keys.pop("training", {})}
    return {"data": data, "model": model, "optimizer": optimizer, "training": training, **keys}


CALIFORNIA = table(str(TABLES / "california_housing.csv"), "median_house_value", limit=2000)
ADULT_COLUMNS = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain"
    " capital_loss hours_per_week native_country income"
)
ADULT = table(str(TABLES / "adult.csv"), "income", heading=ADULT_COLUMNS.split(), limit=2000)
FASHION_NET = [
    {"name": "conv2d", "filters": 12, "kernel_size": 3},
    "max_pooling2d",
    {"name": "conv2d", "filters": 24, "kernel_size": 3},
    "global_average_pooling2d",
    {"name": "dense", "units": 32},
]
BAG_NET = [{"name": "embedding", "input_dim": 2000, "output_dim": 16}, "global_average_pooling1d", "flatten"]

# What each healthy base is; an ill case changes some of its keys.
BASES: dict[str, Recipe] = {
    "churn": recipe(table("churn.csv", "left"), mlp(16), adam(0.003), 20),
    "even": recipe(table("even.csv", "fraud"), mlp(24), adam(0.003), 12),
    "fraud": recipe(
        table("fraud.csv", "fraud"), mlp(16), adam(0.003), 12,
        training={"metrics": ["auc", "recall", "precision"], "class_weights": "balanced"},
    ),
    "quality": recipe(
        table("quality.csv", "quality"), mlp(24), adam(0.003), 15,
        training={"metrics": ["accuracy", "f1_score"], "class_weights": "balanced"},
    ),
    "prices": recipe(table("prices.csv", "price"), mlp(48, 24), adam(0.003), 40),
    "centred": recipe(table("prices_centred.csv", "price"), mlp(32), adam(0.003), 30),
    "energy": recipe(table("energy.csv", ["heating", "cooling"]), mlp(32, 32), adam(0.005), 40, activation="elu"),
    "tags": recipe(table("tags.csv", ["sport", "money", "film", "food"]), mlp(32), adam(0.003), 20),
    "counts": recipe(
        table("counts.csv", "visits"), mlp(24), adam(0.003), 25,
        head={"activation": "exponential", "loss": "poisson"},
    ),
    "wine": recipe("wine", mlp(16), adam(0.01), 25),
    "cancer": recipe("breast_cancer", mlp(16), sgd(0.02), 20),
    "shapes": recipe({"name": "npz", "path": "shapes.npz"}, cnn(8, 16), adam(0.003), 15),
    "residual": recipe(
        {"name": "npz", "path": "colour.npz"}, {"name": "residual_cnn", "filters": [8, 16], "blocks": 1},
        adam(0.003), 10, normalization={"name": "batch_normalization", "momentum": 0.9},
    ),
    "sensors": recipe(
        {"name": "npz", "path": "sensors.npz"}, {"name": "rnn", "cell": "gru", "units": [24]}, adam(0.01), 20,
    ),
    "long": recipe(
        {"name": "npz", "path": "long.npz"}, {"name": "rnn", "cell": "gru", "units": [24]}, adam(0.01), 15,
    ),
    "words": recipe(
        {"name": "npz", "path": "words.npz", "input_kind": "tokens"}, {"name": "layers", "layers": BAG_NET},
        adam(0.02), 8,
    ),
    "mnist": recipe({"name": "mnist", "limit": 3000}, mlp(64), adam(0.002), 10),
    "fashion": recipe(
        {"name": "fashion_mnist", "limit": 2000}, {"name": "layers", "layers": FASHION_NET}, adam(0.005), 15,
    ),
    "california": recipe(CALIFORNIA, mlp(48, 48), adam(0.003), 25),
    "adult": recipe(ADULT, mlp(24), adam(0.003), 10, regularization={"dropout": 0.2}),
    "deep": recipe(
        "digits", {"name": "mlp", "units": 48, "depth": 8}, sgd(0.02), 20, activation="elu",
        normalization="batch_normalization",
    ),
    "thirty": recipe({"name": "blobs", "centers": 30, "features": 8, "examples": 2400}, mlp(48), adam(0.005), 20),
    "spirals": recipe({"name": "spirals", "examples": 1500}, mlp(48, 48), adam(0.01), 40),
    "moons": recipe({"name": "moons", "noise": 0.3, "examples": 1200}, mlp(24), adam(0.01), 25),
    "cubic": recipe(
        {"name": "regression", "function": "cubic", "features": 2, "noise": 1.0}, mlp(48, 24), adam(0.01), 40,
    ),
    "waves": recipe(
        {"name": "waves", "examples": 1200, "steps": 25}, {"name": "rnn", "cell": "simple", "units": [16]},
        adam(0.005), 12,
    ),
}  # fmt: skip

RATE_HIGH = ("lr_too_high", "diverged")
RATE_LOW = ("lr_too_low", "too_few_epochs")
OVERFIT = ("overfitting", "missing_regularization")
IMBALANCE = ("class_imbalance", "wrong_metric")
REGULARIZED = ("too_much_regularization",)
SIGMOIDS = ("vanishing_gradient", "wrong_activation_hidden", "saturated")
LEAK = ("label_leak",)
DUPLICATES = ("duplicates_between_splits",)
FEW_UNITS = ("underfitting_capacity",)
BATCH_NORM = ("batch_norm_mismatch", "batch_size")

# name → (base, what is changed, the faults that name it rightly)
ILL: dict[str, tuple[str, Recipe, tuple[str, ...]]] = {
    # the rate
    "rate-churn-adam-1": ("churn", {"optimizer": adam(1.0)}, RATE_HIGH),
    "rate-mnist-sgd-5": ("mnist", {"optimizer": sgd(5.0)}, (*RATE_HIGH, "dying_relu", "exploding_gradient")),
    "rate-shapes-adam-0.3": ("shapes", {"optimizer": adam(0.3)}, (*RATE_HIGH, "dying_relu")),
    "rate-sensors-adam-1": ("sensors", {"optimizer": adam(1.0)}, (*RATE_HIGH, "saturated")),
    "rate-energy-sgd-3": ("energy", {"optimizer": sgd(3.0)}, (*RATE_HIGH, "exploding_gradient")),
    "rate-words-adam-5": ("words", {"optimizer": adam(5.0)}, RATE_HIGH),
    "rate-mnist-adam-1e-7": ("mnist", {"optimizer": adam(1e-7)}, RATE_LOW),
    "rate-sensors-sgd-1e-5": ("sensors", {"optimizer": sgd(1e-5)}, RATE_LOW),
    "rate-california-adam-2e-6": ("california", {"optimizer": adam(2e-6)}, RATE_LOW),
    "rate-tags-sgd-1e-4": ("tags", {"optimizer": sgd(1e-4, 0.0)}, RATE_LOW),
    "rate-words-adam-1e-5": ("words", {"optimizer": adam(1e-5)}, RATE_LOW),
    # activations and heads
    "linear-spirals": ("spirals", {"activation": "linear"}, ("wrong_activation_hidden", "underfitting_capacity")),
    "linear-cubic": ("cubic", {"activation": "linear"}, ("wrong_activation_hidden", "underfitting_capacity")),
    "softmax-hidden-mnist": (
        "mnist", {"activation": "softmax", "model": mlp(64, 64)}, (*SIGMOIDS, "lr_too_low"),
    ),
    "sigmoid-deep-digits": (
        "deep", {"activation": "sigmoid", "normalization": "none", "optimizer": sgd(0.02)}, SIGMOIDS,
    ),
    "exponential-prices": (
        "prices", {"activation": "exponential", "model": mlp(48, 48, 24)},
        ("wrong_activation_hidden", "exploding_gradient", "diverged"),
    ),
    "sigmoid-head-prices": (
        "prices", {"head": {"activation": "sigmoid", "standardize_targets": False}},
        ("wrong_head_activation", "target_scale"),
    ),
    "relu-head-centred": (
        "centred", {"head": {"activation": "relu", "standardize_targets": False}}, ("wrong_head_activation",),
    ),
    "tanh-head-cubic": (
        "cubic", {"head": {"activation": "tanh", "standardize_targets": False}},
        ("wrong_head_activation", "target_scale"),
    ),
    "tanh-head-energy": (
        "energy", {"head": {"activation": "tanh", "standardize_targets": False}},
        ("wrong_head_activation", "target_scale"),
    ),
    # losses
    "mse-churn": (
        "churn", {"head": {"loss": "mean_squared_error"}, "optimizer": sgd(0.01, 0.0)},
        ("wrong_loss", "lr_too_low", "too_few_epochs"),
    ),
    "number-churn": (
        "churn", {"data": table("churn_number.csv", "left"), "task": "regression"}, ("wrong_loss",),
    ),
    "number-wine": ("wine", {"task": "regression"}, ("wrong_loss", "wrong_head_activation")),
    "percentage-centred": (
        "centred", {"head": {"loss": "mean_absolute_percentage_error"}}, ("wrong_loss",),
    ),
    "logarithmic-centred": (
        "centred", {"head": {"loss": "mean_squared_logarithmic_error"}}, ("wrong_loss", "diverged"),
    ),
    "poisson-centred": (
        "centred", {"head": {"activation": "exponential", "loss": "poisson"}},
        ("wrong_loss", "wrong_head_activation", "diverged"),
    ),
    "cosine-prices": ("prices", {"head": {"loss": "cosine_similarity"}}, ("wrong_loss",)),
    "hinge-fraud": (
        "fraud", {"head": {"activation": "linear", "loss": "hinge"}, "training": {"class_weights": None}},
        ("wrong_loss", *IMBALANCE),
    ),
    # where weights begin
    "zeros-mnist": (
        "mnist", {"initializer": "zeros", "model": mlp(64, 32)},
        ("bad_initializer", "dying_relu", "vanishing_gradient"),
    ),
    "constant-fashion": (
        "fashion", {"initializer": {"name": "constant", "value": 0.1}}, ("bad_initializer",),
    ),
    "wide-normal-shapes": (
        "shapes", {"initializer": {"name": "random_normal", "stddev": 3.0}, "optimizer": sgd(0.01)},
        ("bad_initializer", "exploding_gradient"),
    ),
    "tiny-normal-deep": (
        "deep", {"initializer": {"name": "random_normal", "stddev": 1e-3}, "normalization": "none"},
        ("bad_initializer", "vanishing_gradient"),
    ),
    "wide-normal-sensors": (
        "sensors", {"initializer": {"name": "random_normal", "stddev": 10.0}},
        ("bad_initializer", "saturated"),
    ),
    "wide-tanh-mnist": (
        "mnist",
        {"initializer": {"name": "random_normal", "stddev": 2.0}, "activation": "tanh", "model": mlp(64, 64),
         "optimizer": sgd(0.01)},
        ("bad_initializer", "saturated", "exploding_gradient"),
    ),
    # gradients and units
    "tanh-very-deep-digits": (
        "deep",
        {"activation": "tanh", "normalization": "none", "model": {"name": "mlp", "units": 32, "depth": 20},
         "initializer": {"name": "random_normal", "stddev": 0.05}},
        ("vanishing_gradient", "bad_initializer"),
    ),
    "simple-rnn-long": (
        "long", {"model": {"name": "rnn", "cell": "simple", "units": [24]}, "activation": "sigmoid"},
        ("vanishing_gradient", "wrong_activation_hidden", "saturated"),
    ),
    "relu-rnn-long": (
        "long",
        {"model": {"name": "rnn", "cell": "simple", "units": [48]}, "activation": "relu",
         "initializer": {"name": "random_normal", "stddev": 1.0}, "optimizer": sgd(0.05)},
        ("exploding_gradient", "diverged", "lr_too_high", "bad_initializer", "wrong_activation_hidden"),
    ),
    "wide-deep-digits": (
        "deep",
        {"activation": "relu", "normalization": "none", "initializer": {"name": "random_normal", "stddev": 0.6}},
        ("exploding_gradient", "bad_initializer", "diverged"),
    ),
    "negative-bias-mnist": (
        "mnist",
        {"initializer": {"name": "he_normal", "bias": {"name": "constant", "value": -6.0}}, "model": mlp(64, 64)},
        ("dying_relu", "bad_initializer", "vanishing_gradient"),
    ),
    "dead-adult": (
        "adult", {"optimizer": sgd(1.5), "regularization": {}, "model": mlp(48, 48, 48)},
        ("dying_relu", *RATE_HIGH),
    ),
    # inputs and targets
    "raw-prices": ("prices", {"data.standardize": False}, ("not_normalized_inputs",)),
    "raw-wine": ("wine", {"data.standardize": False, "optimizer": sgd(0.01)}, ("not_normalized_inputs", "dying_relu")),
    "raw-mnist": (
        "mnist", {"data.scale": False, "data.standardize": False, "optimizer": sgd(0.01)},
        ("not_normalized_inputs", "dying_relu"),
    ),
    "raw-sensors": (
        "sensors", {"data": {"name": "npz", "path": "sensors_raw.npz", "standardize": False}},
        ("not_normalized_inputs", "saturated"),
    ),
    "raw-adult": ("adult", {"data.standardize": False}, ("not_normalized_inputs",)),
    "unit-prices": (
        "prices", {"head": {"standardize_targets": False}}, ("target_scale", "lr_too_low", "too_few_epochs"),
    ),
    "unit-california": (
        "california", {"head": {"standardize_targets": False}, "optimizer": sgd(0.01)},
        ("target_scale", "diverged", "lr_too_high", "exploding_gradient"),
    ),
    "unit-energy": ("energy", {"head": {"standardize_targets": False}}, ("target_scale",)),
    # length, batches, steps
    "short-mnist": (
        "mnist", {"training.epochs": 1, "optimizer": sgd(0.003, 0.0)}, RATE_LOW,
    ),
    "short-california": ("california", {"training.epochs": 2, "optimizer": adam(0.0005)}, RATE_LOW),
    "short-shapes": ("shapes", {"training.epochs": 2, "optimizer": adam(0.001)}, RATE_LOW),
    "batch-all-mnist": (
        "mnist", {"training.batch_size": 2700}, ("batch_size", *RATE_LOW),
    ),
    "batch-all-spirals": ("spirals", {"training.batch_size": 1080}, ("batch_size", *RATE_LOW)),
    "batch-one-churn": (
        "churn", {"training.batch_size": 1, "optimizer": adam(0.05), "training.epochs": 6},
        ("batch_size", "lr_too_high"),
    ),
    "adadelta-mnist": (
        "mnist", {"optimizer": {"name": "adadelta", "learning_rate": 0.001}}, ("wrong_optimizer", *RATE_LOW),
    ),
    "adagrad-spirals": (
        "spirals", {"optimizer": {"name": "adagrad", "learning_rate": 0.001}}, ("wrong_optimizer", *RATE_LOW),
    ),
    "plain-sgd-waves": (
        "waves", {"optimizer": sgd(0.0005, 0.0)}, ("wrong_optimizer", *RATE_LOW),
    ),
    "decay-at-once-fashion": (
        "fashion", {"schedule": {"name": "exponential", "decay_rate": 0.01, "decay_steps": "5%"}},
        ("schedule", *RATE_LOW),
    ),
    "warmup-for-ever-shapes": (
        "shapes", {"schedule": {"name": "polynomial", "warmup": {"duration": "98%"}}, "optimizer": adam(0.0003)},
        ("schedule", *RATE_LOW),
    ),
    "power-per-step-prices": (
        "prices", {"schedule": {"name": "power", "decay_steps": 1}}, ("schedule", *RATE_LOW),
    ),
    "clipped-away-mnist": (
        "mnist",
        {"optimizer": sgd(0.05), "training": {"gradient_clipping": {"by": "global_norm", "threshold": 1e-4}}},
        ("clipping", *RATE_LOW),
    ),
    "clipped-value-churn": (
        "churn",
        {"optimizer": sgd(0.02), "training": {"gradient_clipping": {"by": "value", "threshold": 1e-6}}},
        ("clipping", *RATE_LOW),
    ),
    # fit
    "overfit-moons": (
        "moons", {"data.examples": 100, "model": mlp(256, 256), "training.epochs": 200}, OVERFIT,
    ),
    "overfit-fashion": ("fashion", {"data.limit": 250, "model": mlp(256, 256), "training.epochs": 60}, OVERFIT),
    "overfit-diabetes": ("diabetes", {}, OVERFIT),
    "overfit-tags": ("tags", {"data.limit": 150, "model": mlp(256, 256), "training.epochs": 100}, OVERFIT),
    "overfit-words": ("words", {"data.limit": 200, "training.epochs": 60}, OVERFIT),
    "narrow-spirals": ("spirals", {"model": mlp(2)}, FEW_UNITS),
    "narrow-thirty": ("thirty", {"model": mlp(1)}, FEW_UNITS),
    "straight-cubic": ("cubic", {"model": mlp()}, FEW_UNITS),
    "narrow-fashion": (
        "fashion",
        {"model.layers": [{"name": "conv2d", "filters": 1, "kernel_size": 3, "strides": 4},
                          "global_average_pooling2d", {"name": "dense", "units": 2}]},
        FEW_UNITS,
    ),
    "dropout-mnist": ("mnist", {"regularization": {"dropout": 0.95}}, ("too_much_dropout",)),
    "dropout-prices": ("prices", {"regularization": {"dropout": 0.8}}, ("too_much_dropout",)),
    "input-dropout-churn": ("churn", {"regularization": {"input_dropout": 0.9}}, ("too_much_dropout",)),
    "l2-mnist": ("mnist", {"regularization": {"l2": 1.0}}, REGULARIZED),
    "l1-cancer": ("cancer", {"regularization": {"l1": 0.3}}, REGULARIZED),
    "decay-energy": (
        "energy", {"optimizer": {"name": "adamw", "learning_rate": 0.005, "weight_decay": {"rate": 100.0}}},
        REGULARIZED,
    ),
    "max-norm-fashion": ("fashion", {"regularization": {"max_norm": 0.01}}, REGULARIZED),
    "noise-spirals": (
        "spirals", {"regularization": {"gaussian_noise": 10.0}}, ("too_much_regularization", "too_much_dropout"),
    ),
    # examples
    "imbalance-fraud": (
        "fraud", {"training": {"class_weights": None, "metrics": ["accuracy"]}}, IMBALANCE,
    ),
    "imbalance-quality": (
        "quality", {"training": {"class_weights": None, "metrics": ["accuracy"]}}, IMBALANCE,
    ),
    "imbalance-shapes": ("shapes", {"data.path": "shapes_rare.npz"}, IMBALANCE),
    "imbalance-digits": ("digits_eight", {"training": {"class_weights": None, "metrics": ["accuracy"]}}, IMBALANCE),
    "leak-reason-churn": ("churn", {"data.path": "churn_leak.csv"}, LEAK),
    "leak-fee-churn": ("churn", {"data.path": "churn_fee.csv"}, LEAK),
    "leak-tax-prices": ("prices", {"data.path": "prices_leak.csv"}, LEAK),
    "leak-identifier": ("churn", {"data.path": "sorted_id.csv"}, LEAK),
    "repeated-churn": ("churn", {"data.path": "churn_repeated.csv"}, DUPLICATES),
    "near-churn": ("churn", {"data.path": "churn_near.csv"}, DUPLICATES),
    "repeated-shapes": ("shapes", {"data.path": "shapes_repeated.npz"}, DUPLICATES),
    "repeated-prices": ("prices", {"data.path": "prices_repeated.csv"}, DUPLICATES),
    "shuffled-churn": ("churn", {"data.path": "churn_shuffled.csv"}, ("wrong_labels", "plateau")),
    "shuffled-prices": ("prices", {"data.path": "prices_shuffled.csv"}, ("wrong_labels", *OVERFIT)),
    "disputed-churn": ("churn", {"data.path": "churn_disputed.csv"}, ("wrong_labels", *DUPLICATES)),
    "wrong-shapes": ("shapes", {"data.path": "shapes_wrong.npz"}, ("wrong_labels", *OVERFIT)),
    # frozen and normalized
    "frozen-fashion": (
        "fashion",
        {"model.layers": [{**layer, "trainable": False} if isinstance(layer, dict) else layer for layer in FASHION_NET]},
        ("frozen_too_much",),
    ),
    "frozen-words": (
        "words", {"model.layers": [{**BAG_NET[0], "trainable": False, "output_dim": 2}, *BAG_NET[1:]]},
        ("frozen_too_much", "underfitting_capacity"),
    ),
    "batch-norm-two-shapes": (
        "shapes", {"normalization": "batch_normalization", "training.batch_size": 2, "training.epochs": 4}, BATCH_NORM,
    ),
    "batch-norm-slow-residual": (
        "residual", {"normalization": {"name": "batch_normalization", "momentum": 0.9999}}, BATCH_NORM,
    ),
    "step-spirals": (
        "spirals", {"activation": "step"}, ("wrong_activation_hidden", "vanishing_gradient", "plateau"),
    ),
    "diverged-cubic": (
        "cubic", {"optimizer": sgd(50.0), "head": {"standardize_targets": False}}, (*RATE_HIGH, "exploding_gradient"),
    ),
    # two at once
    "raw-and-fast-wine": (
        "wine", {"data.standardize": False, "optimizer": adam(0.5)},
        ("not_normalized_inputs", *RATE_HIGH, "dying_relu"),
    ),
    "dropout-and-slow-mnist": (
        "mnist", {"regularization": {"dropout": 0.9}, "optimizer": adam(1e-5)}, ("too_much_dropout", *RATE_LOW),
    ),
    "leak-and-imbalance-fraud": (
        "fraud", {"data": table("fraud.csv", "fraud"), "training": {"class_weights": None, "metrics": ["accuracy"]},
                  "optimizer": adam(1e-5)},
        (*IMBALANCE, *RATE_LOW),
    ),
    "zeros-and-sigmoid-churn": (
        "churn", {"initializer": "zeros", "activation": "sigmoid", "model": mlp(16, 16)},
        ("bad_initializer", "wrong_activation_hidden", "vanishing_gradient"),
    ),
    "overfit-and-leak-prices": (
        "prices", {"data": table("prices_leak.csv", "price", limit=80), "model": mlp(256, 256)}, (*LEAK, *OVERFIT),
    ),
}  # fmt: skip

BASES["digits_eight"] = recipe(
    {"name": "digits", "relabel": {label: int(label == 8) for label in range(10)}}, mlp(16), adam(0.003), 10,
    training={"metrics": ["auc", "recall", "precision"], "class_weights": "balanced"},
)  # fmt: skip
BASES["diabetes"] = recipe(
    "diabetes", mlp(12), adam(0.005), 60, regularization={"l2": 0.02}, training={"early_stopping": {"patience": 8}}
)
ILL["overfit-diabetes"] = (
    "diabetes",
    {"model": mlp(256, 256), "regularization": {}, "training.epochs": 150, "training.early_stopping": None},
    OVERFIT,
)

# Sound runs of other kinds; what can be had is had, whatever the figures look like.
HEALTHY: dict[str, Recipe] = {
    "loaded-coin": recipe(table("loaded.csv", "up"), mlp(8), adam(0.003), 10),
    "weak-signal": recipe(table("weak.csv", "y"), mlp(8), adam(0.003), 12),
    "weak-signal-linear": recipe(table("weak.csv", "y"), mlp(), adam(0.01), 15),
    "formula": recipe(table("formula.csv", "y"), mlp(), adam(0.05), 30),
    "formula-deep": recipe(table("formula.csv", "y"), mlp(24, 24), adam(0.005), 30),
    "amounts-logarithmic": recipe(
        table("amounts.csv", "amount"), mlp(16), adam(0.01), 30,
        head={"activation": "exponential", "loss": "mean_squared_logarithmic_error"},
    ),
    "sixty-rows": recipe(table("sixty.csv", "grade"), mlp(6), adam(0.02), 20, 8),
    "sixty-rows-logistic": recipe(table("sixty.csv", "grade"), mlp(), adam(0.03), 25, 8),
    "forty-rows": recipe(table("forty.csv", "y"), mlp(4), adam(0.02), 40, 8),
    "survey-repeats-itself": recipe(table("survey.csv", "mood"), mlp(12), adam(0.005), 15),
    "wide-table": recipe(
        table("wide.csv", "kind"), mlp(8), adam(0.005), 40, 16, regularization={"l2": 0.02, "dropout": 0.3},
        training={"early_stopping": {"patience": 6}},
    ),
    "one-epoch-mnist": recipe({"name": "mnist", "limit": 10000}, mlp(64), adam(0.003), 1),
    "one-epoch-even": recipe(table("even.csv", "fraud"), mlp(16), adam(0.02), 1, 16),
    "two-epochs-blobs": recipe({"name": "blobs", "examples": 3000}, mlp(8), adam(0.02), 2),
    "early-stopped-moons": recipe(
        {"name": "moons", "noise": 0.35, "examples": 600}, mlp(64), adam(0.01), 100,
        training={"early_stopping": {"patience": 8}},
    ),
    "early-stopped-fashion": recipe(
        {"name": "fashion_mnist", "limit": 3000}, mlp(128), adam(0.001), 40,
        training={"early_stopping": {"patience": 3}}, regularization={"dropout": 0.3},
    ),
    "hundred-classes": recipe(
        {"name": "blobs", "centers": 100, "features": 12, "examples": 4000, "deviation": 0.6}, mlp(64), adam(0.005), 20,
        training={"metrics": ["accuracy", "top_k_accuracy"]},
    ),
    "two-thirds-blobs": recipe({"name": "blobs", "centers": 5, "deviation": 4.0}, mlp(12), adam(0.01), 15),
    "noisy-moons": recipe({"name": "moons", "noise": 0.8, "examples": 1500}, mlp(12), adam(0.01), 15),
    "noisy-sine": recipe(
        {"name": "regression", "function": "sine", "noise": 1.0, "examples": 1500}, mlp(32, 32), adam(0.005), 40,
    ),
    "noise-most-of-it": recipe(
        {"name": "regression", "function": "linear", "noise": 12.0, "examples": 1500}, mlp(), adam(0.02), 15,
    ),
    "iris-logistic": recipe("iris", mlp(), adam(0.05), 40, 16),
    "iris-network": recipe("iris", mlp(8), sgd(0.05), 40, 16, activation="tanh"),
    "wine-perfect": recipe("wine", mlp(12), adam(0.01), 30, 16, activation="tanh"),
    "cancer-dropout": recipe("breast_cancer", mlp(24), adam(0.002), 25, regularization={"dropout": 0.3}),
    "sigmoid-one-layer": recipe("digits", mlp(48), adam(0.01), 20, activation="sigmoid"),
    "selu-digits": recipe(
        "digits", mlp(48, 48, 48), sgd(0.02), 20, activation="selu", initializer="lecun_normal",
    ),
    "batch-of-eight": recipe(table("even.csv", "fraud"), mlp(16), sgd(0.005), 8, 8),
    "batch-of-256": recipe({"name": "mnist", "limit": 8000}, mlp(128), adam(0.005), 12, 256),
    "cosine-mnist": recipe({"name": "mnist", "limit": 4000}, mlp(96), adam(0.004), 10, schedule="cosine"),
    "one-cycle-shapes": recipe(
        {"name": "npz", "path": "shapes.npz"}, cnn(12, 24), sgd(0.05), 15, schedule="one_cycle",
    ),
    "augmented-digits": recipe(
        {"name": "digits", "augmentation": {"shift": 0.1}}, cnn(16, 32), adam(0.003), 12,
        regularization={"spatial_dropout": 0.1},
    ),
    "group-norm-colour": recipe(
        {"name": "npz", "path": "colour.npz"}, cnn(16, 32), adam(0.003), 12, 16, normalization="layer_normalization",
    ),
    "lstm-sensors": recipe(
        {"name": "npz", "path": "sensors.npz"}, {"name": "rnn", "cell": "lstm", "units": [20]}, adam(0.01), 20,
        regularization={"dropout": 0.1},
    ),
    "convolved-sensors": recipe(
        {"name": "npz", "path": "sensors.npz"},
        {"name": "layers", "layers": [{"name": "conv1d", "filters": 16, "kernel_size": 5}, "global_max_pooling1d"]},
        adam(0.01), 15,
    ),
    "embedded-words": recipe(
        {"name": "npz", "path": "words.npz", "input_kind": "tokens"},
        {"name": "rnn", "cell": "gru", "units": [16], "embedding": 16}, adam(0.005), 4,
        training={"early_stopping": {"patience": 2}},
    ),
    "several-waves": recipe(
        {"name": "waves", "examples": 1000, "steps": 20, "horizon": 5}, mlp(32), adam(0.005), 20,
    ),
    "adult-logistic": recipe(ADULT, mlp(), adam(0.01), 10, training={"metrics": ["accuracy", "auc"]}),
    "adult-balanced": recipe(
        ADULT, mlp(16), adam(0.003), 8, training={"class_weights": "balanced", "metrics": ["auc", "recall"]},
    ),
    "california-huber": recipe(CALIFORNIA, mlp(32, 32), adam(0.003), 25, head={"loss": "huber"}, activation="elu"),
    "california-linear": recipe(CALIFORNIA, mlp(), adam(0.02), 20),
    "third-positive": recipe(
        {"name": "digits", "relabel": {label: int(label > 6) for label in range(10)}}, mlp(32), adam(0.003), 20,
    ),
    "tags-small": recipe(
        table("tags.csv", ["sport", "money", "film", "food"], limit=400), mlp(12), adam(0.005), 15,
        regularization={"l2": 0.002},
    ),
    "no-validation": recipe(
        {"name": "digits", "split": {"validation": 0}}, mlp(48), adam(0.003), 15,
    ),
    "ema-churn": recipe(
        table("churn.csv", "left"), mlp(12), {"name": "adam", "learning_rate": 0.005, "ema": {}}, 15,
    ),
    "clipped-soundly": recipe(
        {"name": "waves", "examples": 1000, "steps": 25}, {"name": "rnn", "cell": "gru", "units": [16]}, adam(0.01), 10,
        training={"gradient_clipping": {"by": "global_norm", "threshold": 1.0}},
    ),
}  # fmt: skip


def changed(base: Recipe, changes: Recipe) -> Recipe:
    """Return a base with keys changed: `a.b` sets a key within a section; a section of `training` is merged."""
    result: Recipe = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
    for path, value in changes.items():
        section, _, key = path.partition(".")
        if key:
            if not isinstance(result[section], dict):
                result[section] = {"name": result[section]}
            keys = {key: value}
        elif section == "training":
            keys = value
        else:
            result[section] = value
            continue
        result[section] = {k: v for k, v in {**result[section], **keys}.items() if v is not None}
    return result


def recipes() -> dict[str, Recipe]:
    """Return every recipe by its name, with its kind in front: `ill-`, `twin-` or `well-`."""
    ill = {f"ill-{name}": ill_recipe(name) for name in ILL}
    twins = {f"twin-{name}": base for name, base in BASES.items()}
    others = {f"well-{name}": other for name, other in HEALTHY.items()}
    return {name: {"name": name, **one} for name, one in {**ill, **twins, **others}.items()}


def is_set_aside(name: str) -> bool:
    """Return whether the doctor was not mended on a case, by its name with the kind in front."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def ill_recipe(name: str) -> Recipe:
    """Return the recipe of an ill case."""
    base, changes, _ = ILL[name]
    return changed(BASES[base], changes)
