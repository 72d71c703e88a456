"""Draws the pictures of docs/teaching, all or some: `python scripts/draw_demos.py [--runs FOLDER] [PICTURE …]`.

Runs that are in the folder already are not trained again. All of it takes a quarter of an hour on two cores; what is in
`CHEAP` takes seconds.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hornbook import load_recipe, startup
from hornbook.display.chart import SERIES, on_paper
from hornbook.display.lines import Line, LineChart

TARGET = Path(__file__).resolve().parents[1] / "docs" / "teaching" / "images"
SIZE = (720, 380)
DEEP = """
data: digits
model: {name: mlp, units: 100, depth: 8}
activation: sigmoid
training: {epochs: 1 step}
"""
STACK = """
data: {name: digits, standardize: true}
model: {name: mlp, units: 100, depth: 10}
activation: tanh
"""
DYING = """
data: digits
model: {name: mlp, units: [100, 100, 100]}
activation: relu
optimizer: {name: sgd, learning_rate: 1.0}
training: {epochs: 10}
"""
SCHEDULES = (
    "power", "exponential", "piecewise_constant", "one_cycle", "cosine", "cosine_restarts", "polynomial", "inverse_time"
)  # fmt: skip
DRAWS = 1000
SEEDS = range(42, 52)
LINE = 2.2


def activation(name: str) -> Callable[[Path], str]:
    """Return what draws an activation as `hornbook show activation NAME --plot` does."""
    return lambda runs: _shown("activation", name)


def _shown(kind: str, name: str) -> str:
    from hornbook.explain.pictures import drawable

    return drawable(kind, name).draw().svg


def schedules(runs: Path) -> str:
    """Draw the rates of all schedules that are known before a run."""
    from hornbook.callbacks.rates import table_of

    lines = []
    for number, name in enumerate(SCHEDULES):
        recipe = load_recipe({"data": "digits", "model": {"name": "mlp", "units": [10]}, "schedule": name})
        table = table_of(
            recipe.schedule, peak=1.0, momentum=0.9, length=recipe.training.length(batches=30, accumulation=1)
        )
        epochs = [(step + 1) / 30 for step in range(len(table.rates))]
        lines.append(Line(epochs, table.rates.tolist(), SERIES[number], LINE, name, is_dashed=number >= 5))
    chart = LineChart(tuple(lines), "epoch", "part of the rate", (0, 1.05), ends=(0, lines[0].x[-1]), size=(860, 420))
    return _drawn(chart, "schedules", "learning rate over a run, of eight schedules")


def gradients(runs: Path) -> str:
    """Draw how large the gradient of each layer's kernel is at the start, as a part of the last one's: a logarithm."""
    from hornbook.study.cells import CellRunner

    runner, lines = CellRunner(runs), []
    kinds = (("sigmoid", []), ("tanh", ["activation=tanh"]), ("ReLU", ["activation=relu"]))
    for number, (label, overrides) in enumerate(kinds):
        sizes = [_first_gradients(runner, [*overrides, f"seed={seed}"]) for seed in SEEDS]
        logs = np.log10(np.array(sizes) / np.array(sizes)[:, -1:])
        band = (logs.min(axis=0).tolist(), logs.max(axis=0).tolist())
        mean = logs.mean(axis=0)
        print(f"{label}: gradients shrink by {10 ** ((mean[-1] - mean[0]) / (len(mean) - 1)):.2f} a layer")
        lines.append(Line(_layers(mean), mean.tolist(), SERIES[number + 1], LINE, label, band))
    chart = LineChart(tuple(lines), "hidden layer", "log10 of gradient / last layer's", (-5.5, 1.0), size=SIZE)
    return _drawn(chart, "gradients", "gradient per layer, of stacks of sigmoid, tanh and ReLU")


def _first_gradients(runner, overrides: Sequence[str]) -> list[float]:
    """Return the root mean square gradient of each hidden kernel before the first step, from a run's record of health."""
    from hornbook.runs.directory import Run

    recipe = load_recipe(DEEP, ["name=deep", *overrides])
    figures = runner.run(recipe, (DEEP, tuple(overrides)))
    first = Run(figures.path).health[0]["layers"]
    return [
        first[name]["gradient_rms"] for name in first if name.startswith("hidden_") and "gradient_rms" in first[name]
    ]


STACKS = {
    "Glorot, tanh": ["initializer=glorot_normal"],
    "He, ReLU": ["initializer=he_normal", "activation=relu"],
    "LeCun, SELU": ["initializer=lecun_normal", "activation=selu"],
    "normal(0, 1), tanh": ["initializer={name: random_normal, stddev: 1.0}"],
    "normal(0, 1), batch norm, tanh": [
        "initializer={name: random_normal, stddev: 1.0}", "normalization=batch_normalization",
    ],
}  # fmt: skip


def spread(runs: Path) -> str:
    """Draw the deviation of each layer's outputs over draws of the weights."""
    return _of_draws("spread", "deviation of a layer's outputs", (0, 1.3), 0)


def saturated(runs: Path) -> str:
    """Draw which share of each tanh layer's outputs is flat, over the same draws."""
    return _of_draws("saturated", "share of outputs that are flat, %", (-3, 100), 1, only="tanh")


_DRAWN: dict[str, np.ndarray] = {}


def _of_draws(name: str, y_label: str, limits: tuple[float, float], figure: int, *, only: str = "") -> str:
    lines = []
    for number, (label, overrides) in enumerate(STACKS.items()):
        if only not in label:
            continue
        if label not in _DRAWN:
            _DRAWN[label] = layers_over_draws(overrides, DRAWS)
        low, middle, high = np.percentile(_DRAWN[label][:, :, figure], [2.5, 50, 97.5], axis=0)
        print(f"{name}, {label}: {', '.join(f'{value:.3g}' for value in middle)}")
        lines.append(Line(_layers(middle), middle.tolist(), SERIES[number], LINE, label, (low.tolist(), high.tolist())))
    chart = LineChart(tuple(lines), "hidden layer", y_label, limits, size=(860, 400))
    return _drawn(chart, name, f"{y_label}, by layer, over {DRAWS:,} draws of the weights")


def layers_over_draws(overrides: Sequence[str], draws: int) -> np.ndarray:
    """Return (draws, layers, 2): deviation and flat share in percent of every hidden layer's outputs, for fresh weights."""
    import keras
    import tensorflow as tf

    import hornbook
    from hornbook.data import load_data

    recipe = load_recipe(STACK, ["name=stack", *overrides])
    model = hornbook.build(recipe)
    x = load_data(recipe).splits.train.x[:128]
    names = [f"hidden_{place}_activation" for place in range(1, 11)]
    dense = [model.get_layer(f"hidden_{place}") for place in range(1, 11)]
    taps = keras.Model(model.input, [model.get_layer(name).output for name in names])

    @tf.function
    def measured():
        outputs = taps(x, training=True)  # batch normalization by the batch's own statistics, as in training
        flat = [tf.reduce_mean(tf.cast(1 - tf.square(output) < 0.05, tf.float32)) for output in outputs]
        return tf.stack([tf.stack([tf.math.reduce_std(output) for output in outputs]), 100 * tf.stack(flat)], axis=-1)

    figures = []
    for draw in range(draws):
        for place, layer in enumerate(dense):
            initializer = layer.kernel_initializer
            fresh = type(initializer).from_config({**initializer.get_config(), "seed": draw * len(dense) + place})
            layer.kernel.assign(fresh(layer.kernel.shape))
        figures.append(measured().numpy())
    return np.array(figures)


def dying(runs: Path) -> str:
    """Draw which share of each layer's units is dead, over the epochs of a run at a high rate, from its record of health."""
    from hornbook.runs.directory import Run
    from hornbook.study.cells import CellRunner

    figures = CellRunner(runs).run(load_recipe(DYING, ["name=dying"]), (DYING, ()))
    moments = Run(figures.path).health
    names = [name for name in moments[0]["layers"] if "dead" in moments[0]["layers"][name]]
    lines = [
        Line(
            [moment["epoch"] for moment in moments],
            [100 * moment["layers"][name]["dead"] for moment in moments],
            SERIES[number + 1], LINE, name,
        )
        for number, name in enumerate(names)
    ]  # fmt: skip
    last = moments[-1]["epoch"]
    chart = LineChart(tuple(lines), "epoch", "dead units, %", (-2, 102), ends=(0, last), size=SIZE)
    return _drawn(chart, "dying", "share of dead units by epoch and layer")


def over_examples(runs: Path) -> str:
    """Draw training and validation over the number of examples, as the page of `hornbook learning-curve` does."""
    return _learning_curve(runs, "over-examples")


def over_capacity(runs: Path) -> str:
    """Draw the same over the units of the hidden layer."""
    return _learning_curve(runs, "over-capacity", vary={"model.units": [[2], [4], [8], [32], [128]]})


def _learning_curve(runs: Path, name: str, **options) -> str:
    import hornbook
    from hornbook.study.learning.page import pictures

    curve, _ = hornbook.learning_curve("leaky_relu", runs=runs, **options)
    ((_, picture),) = pictures(curve)
    own = picture.replace("curve-1", name).replace("curve-values", name)
    return on_paper(own)


REGULARIZED = {
    "no regularization": ("mnist_l1", ["~regularization"]),
    "l1": ("mnist_l1", []),
    "dropout": ("mnist_dropout", []),
}


def weights(runs: Path) -> str:
    """Draw how the weights of the first layer are distributed, for three runs on MNIST."""
    import keras

    lines = []
    for number, (label, path) in enumerate(_regularized(runs).items()):
        model = keras.models.load_model(path / "checkpoints" / "last.keras", compile=False)
        kernels = [variable.numpy().ravel() for variable in model.trainable_variables if variable.name == "kernel"]
        every = np.concatenate(kernels)
        print(f"{label}: {100 * np.mean(np.abs(every) < 1e-3):.1f} % of the weights are below 0.001")
        counts, edges = np.histogram(kernels[0], 100, (-0.25, 0.25))
        shares = np.log10(np.maximum(100 * counts / kernels[0].size, 1e-3))
        lines.append(Line(((edges[1:] + edges[:-1]) / 2).tolist(), shares.tolist(), SERIES[number], LINE, label))
    chart = LineChart(
        tuple(lines), "weight of the first layer", "log10 of % of the weights, in bins of 0.005", (-2.2, 2.2),
        ends=(-0.25, 0.25), size=SIZE,
    )  # fmt: skip
    return _drawn(
        chart, "weights", "distribution of the weights of the first layer, without regularization, l1, dropout"
    )


def fits(runs: Path) -> str:
    """Draw training and validation accuracy by epoch, for three runs on MNIST."""
    from hornbook.runs.directory import Run

    lines = []
    for number, (label, path) in enumerate(_regularized(runs).items()):
        rows = Run(path).history
        epochs = [float(row["epoch"]) for row in rows]
        for key, split in (("accuracy", "training"), ("val_accuracy", "validation")):
            values = [100 * row[key] for row in rows]
            lines.append(Line(epochs, values, SERIES[number], LINE, f"{label}, {split}", is_dashed=split == "training"))
    chart = LineChart(tuple(lines), "epoch", "accuracy, %", (96, 100.2), size=(860, 420))
    return _drawn(
        chart, "fits", "training and validation accuracy by epoch, without regularization, with l1, with dropout"
    )


def _regularized(runs: Path) -> dict[str, Path]:
    from hornbook.study.cells import CellRunner

    runner = CellRunner(runs)
    return {
        label: runner.run(load_recipe(name, overrides), (name, tuple(overrides))).path
        for label, (name, overrides) in REGULARIZED.items()
    }


def _layers(values: Sequence[float]) -> list[float]:
    return [float(place) for place in range(1, len(values) + 1)]


def _drawn(chart: LineChart, name: str, label: str) -> str:
    return on_paper(chart.svg(f"demo-{name}", label))


PICTURES: dict[str, Callable[[Path], str]] = {
    "sigmoid": activation("sigmoid"),
    "relu": activation("relu"),
    "elu": activation("elu"),
    "gradients": gradients,
    "spread": spread,
    "saturated": saturated,
    "dying": dying,
    "over_examples": over_examples,
    "over_capacity": over_capacity,
    "schedules": schedules,
    "one_cycle": lambda runs: _shown("schedule", "one_cycle"),
    "weights": weights,
    "fits": fits,
}
"""What draws each picture, by the name of its file."""
CHEAP = ("sigmoid", "relu", "elu", "schedules", "one_cycle")
"""Those that take no training; a test draws them again and compares the bytes."""


def main() -> None:
    """Draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="*", metavar="PICTURE")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are, and are made")
    asked = parser.parse_args()
    startup.import_tensorflow()
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in asked.pictures or PICTURES:
        (TARGET / f"{name}.svg").write_text(PICTURES[name](asked.runs), encoding="utf-8")
        print(TARGET / f"{name}.svg")


if __name__ == "__main__":
    main()
