"""What components look like, drawn from what they build: curves of activations, rates of schedules, weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.callbacks.rates import table_of
from hornbook.data.source import Array
from hornbook.display.chart import ACCENT, PLAIN, QUIET, on_paper
from hornbook.display.lines import Line, LineChart, Mark
from hornbook.errors import UsageError
from hornbook.recipes.language.spec import component_class, noun
from hornbook.recipes.load import load_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.activation import ActivationSpec

__all__ = ["Drawable", "Drawing", "Picture", "drawable"]

DRAWN = ("activation", "initializer", "schedule")
REACH, POINTS = 6.0, 1201  # activations from -6 to 6, every hundredth
FLAT = 0.05
"""An activation is flat where its slope is below this part of its steepest, or of 1 where that is steeper."""
EPOCHS, STEPS = 30, 100
MOMENTUM = 0.95
KERNEL = (300, 100)
BINS = 41
SIZE = (640, 360)
BASE = {
    "data": "digits",
    "model": {"name": "mlp", "units": [10]},
    "optimizer": {"name": "sgd", "momentum": MOMENTUM},
    "training": {"epochs": EPOCHS},
}
"""The rest of a recipe that a component is checked in."""
ON_TOP = {"data": "breast_cancer", "model": "mlp"}
"""The same for activations that stand in the head alone."""


@dataclass(frozen=True)
class Picture:
    """A picture of a component, for a file of its own.

    Attributes:
        svg: The picture.
        text: What it shows, in a sentence.
    """

    svg: str
    text: str


@dataclass(frozen=True)
class Drawing:
    """A picture before it is drawn.

    Attributes:
        name: Begins the ids in the picture.
        chart: What is drawn.
        text: What it shows, in a sentence.
        label: The same for those who cannot see it.
    """

    name: str
    chart: LineChart
    text: str
    label: str


@dataclass(frozen=True)
class Drawable:
    """A component with its options, of which there is a picture.

    Attributes:
        kind: One of `DRAWN`.
        title: What it is called in the picture.
        recipe: A recipe that has it.
    """

    kind: str
    title: str
    recipe: Recipe

    def draw(self) -> Picture:
        """Return the picture; see `drawing`."""
        drawing = self.drawing()
        return Picture(on_paper(drawing.chart.svg(drawing.name, drawing.label)), drawing.text)

    def drawing(self) -> Drawing:
        """Return what the picture shows; TensorFlow is imported, but for schedules.

        Raises:
            UsageError: If an activation turns out to have no curve.
        """
        paint = {"activation": _activation, "initializer": _initializer, "schedule": _schedule}[self.kind]
        return paint(self.recipe, self.title)


def drawable(kind: str, name: str, options: Sequence[str] = ()) -> Drawable:
    """Return an activation, an initializer or a schedule that can be drawn. No TensorFlow.

    Args:
        kind: Of the component.
        name: Of the component.
        options: ``alpha=0.5`` …, as below the component's key in a recipe.

    Raises:
        RecipeError: If the options do not fit.
        UsageError: If there is no picture of it.
    """
    if kind not in DRAWN:
        message = f"--plot: there is no picture of {noun(kind)} '{name}'."
        raise UsageError(f"{message} Activations, initializers and schedules have one.")
    recipe = _recipe_with(kind, name, options)
    if kind == "initializer" and recipe.initializer.builds is None:
        what = f"--plot: '{name}' is the initializer that suits the activation"
        raise UsageError(f"{what}. Draw that one: he_normal for ReLU, glorot_uniform for tanh, lecun_normal for SELU.")
    if kind == "initializer" and not recipe.initializer.random:
        raise UsageError(f"--plot: {name} draws no numbers, so there is no distribution to show.")
    if kind == "schedule" and recipe.schedule.watched_value() is not None:
        raise UsageError(
            f"--plot: {name} follows a figure of the run, so its curve is known after it: 'hornbook report RUN'."
        )
    return Drawable(kind, f"{name}({', '.join(options)})" if options else name, recipe)


def _recipe_with(kind: str, name: str, options: Sequence[str]) -> Recipe:
    """Return a recipe with a component, checked like any other."""
    cls = component_class(kind, name)
    if cls is not None and issubclass(cls, ActivationSpec) and not cls.hidden:
        head = {"units": 1, "activation": {"name": name}, "loss": "perceptron"}
        return load_recipe({**BASE, **ON_TOP, "head": head}, [f"head.activation.{option}" for option in options])
    return load_recipe({**BASE, kind: {"name": name}}, [f"{kind}.{option}" for option in options])


def _activation(recipe: Recipe, title: str) -> Drawing:
    spec = recipe.head.activation if recipe.activation is None else recipe.activation
    if spec is None:
        raise TypeError("a recipe without activation")
    z = np.linspace(-REACH, REACH, POINTS, dtype=np.float32)
    values, slopes = activation_curve(spec, z)
    flat = flat_regions(z, slopes)
    low, high = float(min(values.min(), slopes.min())), float(max(values.max(), slopes.max()))
    low, high = max(low, -REACH), min(high, REACH)
    room = 0.08 * (high - low)
    lines = (
        Line(z.tolist(), slopes.tolist(), ACCENT, label="derivative", is_dashed=True),
        Line(z.tolist(), values.tolist(), PLAIN, width=2.6, label="value"),
    )
    steepest = float(np.abs(slopes).max())
    bound = f"a slope below {FLAT * min(steepest, 1.0):.3g}" if steepest else "a slope of 0"
    note = (
        f"tinted, flat: {bound}, {FLAT:.0%} of {'the steepest' if steepest <= 1 else '1'}" if flat else "flat nowhere"
    )
    chart = LineChart(
        lines, "weighted sum z", "", (low - room, high + room), title=title, note=note, spans=tuple(flat),
        ends=(-REACH, REACH), size=SIZE,
    )  # fmt: skip
    where = " and ".join(_interval(*region) for region in flat)
    text = f"{title}: steepest slope {steepest:.3g}; " + (f"flat, with {bound}, {where}" if flat else "flat nowhere")
    return Drawing(f"activation-{spec.name}", chart, text, f"{text}, from -6 to 6")


def activation_curve(spec: Any, z: Array) -> tuple[Array, Array]:
    """Return an activation's values and its derivative, from the layer that recipes get.

    Raises:
        UsageError: If it looks at several numbers at once, so that it has no curve.
    """
    import tensorflow as tf

    def of(beside: float) -> tuple[Array, Array]:
        """Return values and slopes where a layer's second unit gets this number all the time."""
        inputs = tf.constant(np.stack([z, np.full_like(z, beside)], axis=1))
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = spec.build(dtype="float32")(inputs)
        slopes = tape.gradient(outputs, inputs, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return outputs.numpy()[:, 0], slopes.numpy()[:, 0]

    values, slopes = of(0.0)
    if not np.array_equal(values, of(3.0)[0]):
        raise UsageError(f"--plot: {spec.name} looks at all units of a layer at once, so no curve shows it.")
    return values, slopes


def flat_regions(z: Array, slopes: Array) -> list[tuple[float, float]]:
    """Return the intervals, from the ends of the axis inwards, in which an activation is flat."""
    bound = FLAT * min(float(np.abs(slopes).max()), 1.0)
    is_flat = np.abs(slopes) < bound if bound else np.ones(len(z), bool)
    left, right = (len(z) if is_flat.all() else int(np.argmin(side)) for side in (is_flat, is_flat[::-1]))
    if left == len(z):
        return [(float(z[0]), float(z[-1]))]
    ends = [(0, left - 1), (len(z) - right, len(z) - 1)]
    return [(float(z[first]), float(z[last])) for first, last in ends if first < last]


def _interval(low: float, high: float) -> str:
    if low <= -REACH and high >= REACH:
        return "everywhere"
    return f"below {high:.3g}" if low <= -REACH else f"above {low:.3g}"


def _schedule(recipe: Recipe, title: str) -> Drawing:
    schedule = recipe.schedule
    table = table_of(
        schedule, peak=1.0, momentum=MOMENTUM, length=recipe.training.length(batches=STEPS, accumulation=1)
    )
    factors, momenta = table.rates.tolist(), table.momenta.tolist()
    epochs = [(step + 1) / STEPS for step in range(len(factors))]
    lines = [Line(epochs, factors, PLAIN, width=2.4, label="rate")]
    if table.moves_momentum:
        lines.insert(0, Line(epochs, momenta, ACCENT, label="momentum", is_dashed=True))
    moves = f"; momentum from {momenta[0]:.3g} to {min(momenta):.3g} and back" if table.moves_momentum else ""
    text = f"{title}: from {factors[0]:.3g} of the rate to {factors[-1]:.3g}, at most {max(factors):.3g}{moves}"
    note = f"a run of {EPOCHS} epochs of {STEPS} steps; 1 is optimizer.learning_rate"
    high = max(1.0, *factors, *momenta) if table.moves_momentum else max(1.0, *factors)
    chart = LineChart(
        tuple(lines),
        "epoch",
        "part of the rate",
        (0.0, 1.05 * high),
        title=title,
        note=note,
        ends=(0, EPOCHS),
        size=SIZE,
    )
    return Drawing(f"schedule-{schedule.name}", chart, text, text)


def _initializer(recipe: Recipe, title: str) -> Drawing:
    from hornbook.builder.signals import weight_variance

    spec = recipe.initializer
    keras_initializer = spec.build(seed=recipe.seed)
    weights = np.asarray(keras_initializer(KERNEL), np.float64).ravel()
    variance = weight_variance(keras_initializer, KERNEL)
    counts, edges = np.histogram(weights, BINS)
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    deviation, center = float(weights.std()), float(weights.mean())
    theory = f", expected {np.sqrt(max(variance - center**2, 0.0)):.4f}" if variance is not None else ""
    shape = " × ".join(map(str, KERNEL))
    text = f"{title}: {weights.size:,} weights of a kernel of {shape}, deviation {deviation:.4f}{theory}"
    marks = (Mark(center - deviation, "", QUIET), Mark(center + deviation, "", QUIET))
    line = Line(middles, counts.tolist(), PLAIN, width=2.4)
    chart = LineChart(
        (line,), "weight", "weights", (0.0, 1.08 * float(counts.max())), title=title,
        note=f"kernel of {shape}; dashed, the standard deviation: {deviation:.4f}{theory}", marks=marks,
        ends=(float(edges[0]), float(edges[-1])), size=SIZE,
    )  # fmt: skip
    return Drawing(f"initializer-{spec.name}", chart, text, text)
