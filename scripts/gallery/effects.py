"""What an ingredient does, computed from what the builder makes of it, without training."""

from collections.abc import Callable, Sequence
from math import log10
from typing import Any, NamedTuple

import numpy as np

from hornbook import Component, Recipe, build, load_recipe
from hornbook.display.chart import ACCENT, FAINT, PLAIN, QUIET
from hornbook.display.lines import Line, LineChart
from hornbook.recipes.sections.optimizer import OptimizerSpec
from hornbook.recipes.sections.regularization import Regularization

SIZE = (400, 250)
"""px: of letters that are legible on a telephone."""
DEPTH, UNITS, EXAMPLES = 10, 128, 512
TOO_WIDE = 2.0
"""So many times wider than they should be are the weights that a normalization is shown with."""
DRAWS = 200_000
BINS = 61
REACH = 4.0
FLOOR = -2.0
"""log10 of a share in percent, below which bins are drawn as empty."""
STEPS = 50
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
START, STEEPNESS = (-4.3, 1.7), (1.0, 10.0)
NOISES = ("dropout", "alpha_dropout", "spatial_dropout", "gaussian_dropout", "gaussian_noise")


class Effect(NamedTuple):
    """A picture before it is drawn.

    Attributes:
        chart: What is drawn.
        label: What it shows, for those who cannot see it.
        caption: What stands below it.
    """

    chart: LineChart
    label: str
    caption: str


def by_depth(recipe: Recipe) -> Effect:
    """Return how far each layer's outputs spread before the first step, with an initializer and with Keras's default."""
    own = recipe.initializer.name
    lines = [_depths(own, recipe, PLAIN)]
    if own != "glorot_uniform":
        lines.insert(0, _depths("glorot_uniform", recipe, QUIET, initializer={"name": "glorot_uniform"}))
    activation = recipe.activation.name if recipe.activation is not None else "the default activation"
    caption = f"initializer: {own}, how far outputs spread in {DEPTH} layers of {activation} before training"
    return _of_lines(lines, caption)


def with_normalization(recipe: Recipe) -> Effect:
    """Return how far the outputs of each layer spread where weights are too large, with a normalization and without."""
    own = recipe.normalization.name
    without = _depths("without", recipe, QUIET, scale=TOO_WIDE, normalization={"name": "none"})
    lines = [without, _depths("with it", recipe, PLAIN, scale=TOO_WIDE)]
    caption = f"normalization: {own}, how far outputs spread in {DEPTH} layers whose weights are twice too large"
    return _of_lines(lines, caption)


def _of_lines(lines: Sequence[Line], caption: str) -> Effect:
    values = [value for line in lines for value in line.y]
    middle, reach = (max(values) + min(values)) / 2, max(0.6 * (max(values) - min(values)), 0.5)
    limits = (middle - reach, middle + reach)
    chart = LineChart(tuple(lines), "layer", "log10 of the deviation", limits, size=SIZE)
    ends = "; ".join(f"{line.label} from {10 ** line.y[0]:.2g} to {10 ** line.y[-1]:.2g}" for line in lines)
    return Effect(chart, f"standard deviation of the outputs from layer 1 to {DEPTH}: {ends}", caption)


def _depths(label: str, recipe: Recipe, color: str, *, scale: float = 1.0, **changes: dict[str, Any]) -> Line:
    """Return the spread of each layer's outputs on digits, in a plain network with a recipe's ingredients.

    Args:
        label: Of the line.
        recipe: Whose initializer, activation and normalization are taken.
        color: Of the line.
        scale: What its weights are multiplied with.
        changes: Ingredients in place of the recipe's, by kind.
    """
    import keras
    from sklearn.datasets import load_digits

    given = {"initializer": recipe.initializer, "activation": recipe.activation, "normalization": recipe.normalization}
    tree = {
        "data": {"name": "digits", "standardize": "per_feature"},
        "model": {"name": "mlp", "units": UNITS, "depth": DEPTH},
        **{kind: plain(component) for kind, component in given.items() if component is not None},
        **changes,
    }
    model = build(load_recipe(tree))
    names, last = {layer.name for layer in model.layers}, []
    for number in range(1, DEPTH + 1):
        kernel = model.get_layer(f"hidden_{number}").kernel
        kernel.assign(scale * kernel)
        ends = (f"hidden_{number}_activation", f"hidden_{number}")
        last.append(model.get_layer(next(name for name in ends if name in names)).output)
    images = load_digits().images[:EXAMPLES, :, :, None].astype(np.float32)
    outputs = keras.Model(model.inputs, last)([images], training=True)
    deviations = [max(float(np.std(output)), 1e-12) for output in outputs]
    return Line([*map(float, range(1, DEPTH + 1))], [log10(value) for value in deviations], color, label=label)


def noise(recipe: Recipe) -> Effect:
    """Return what dropout or noise makes of normally distributed outputs while training."""
    import keras

    from hornbook.builder.features.blocks import Ingredients

    keys = [key for key in NOISES if getattr(recipe.regularization, key)]
    key = next((one for one in keys if one != "dropout"), "dropout")
    amount = getattr(recipe.regularization, key) or recipe.regularization.input_dropout
    kept = Regularization.model_validate({key: amount})
    shape = (10, 10, 20) if key == "spatial_dropout" else (2000,)
    before = np.random.default_rng(0).normal(size=(DRAWS // int(np.prod(shape)), *shape)).astype(np.float32)
    inputs = keras.Input(shape)
    layer = Ingredients.of(recipe).replaced(regularization=kept)
    after = np.asarray(keras.Model(inputs, layer.regularize(inputs, "hidden_1"))(before, training=True))
    lines = (_histogram(before, QUIET, "before"), _histogram(after, PLAIN, "after"))
    chart = LineChart(
        lines, "output of a unit", "log10 of % of the outputs", (FLOOR, 2.2), ends=(-REACH, REACH), size=SIZE
    )
    mean, deviation, empty = after.mean(), after.std(), 100 * np.mean(after == 0)
    text = f"{key} {amount:g}: outputs of mean 0 and deviation 1 get mean {mean:.2f} and deviation {deviation:.2f}"
    more = f", {empty:.0f} % of them 0" if empty > 0.5 else ""
    return Effect(
        chart, text + more, f"regularization: {key} {amount:g}, how a layer's outputs spread before and after it"
    )


def _histogram(values: Any, color: str, label: str) -> Line:
    counts, edges = np.histogram(values, BINS, (-REACH, REACH))
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    shares = 100 * counts / values.size
    heights = [max(log10(share), FLOOR) if share else FLOOR for share in shares]
    return Line(middles, heights, color, width=2.4, label=label)


def penalty(recipe: Recipe) -> Effect:
    """Return how a penalty pulls at a weight, by the weight's size."""
    import tensorflow as tf

    from hornbook.builder.features.blocks import Ingredients

    regularization = recipe.regularization
    l1, l2 = regularization.l1 or 0.0, regularization.l2 or 0.0
    weights = tf.Variable(np.linspace(-1, 1, 201, dtype=np.float32))
    regularizer = Ingredients.of(recipe).weights("hidden_1")["kernel_regularizer"]
    with tf.GradientTape() as tape:
        total = regularizer(weights)
    pull = [-float(value) for value in np.asarray(tape.gradient(total, weights))]
    high = max(pull)
    line = Line(np.asarray(weights).tolist(), pull, PLAIN, width=2.4)
    chart = LineChart((line,), "weight", "pull on it", (-1.2 * high, 1.2 * high), ends=(-1.0, 1.0), size=SIZE)
    what = ", ".join(f"{key} {amount:g}" for key, amount in (("l1", l1), ("l2", l2)) if amount)
    text = f"{what}: a weight of 1 is pulled towards 0 by {high:.3g}, one of 0.1 by {-pull[110]:.3g}"
    return Effect(chart, text, f"regularization: {what}, how hard it pulls a weight towards 0")


def max_norm(recipe: Recipe) -> Effect:
    """Return which norm a unit's incoming weights have after max-norm, by the norm before it."""
    from hornbook.builder.features.blocks import Ingredients

    constraint = Ingredients.of(recipe).weights("hidden_1")["kernel_constraint"]
    bound = recipe.regularization.max_norm or 0.0
    norms = np.linspace(0.0, 3 * bound, 61, dtype=np.float32)
    kernels = np.tile(norms / 10, (100, 1))  # each column has this norm
    after = np.linalg.norm(np.asarray(constraint(kernels)), axis=0).tolist()
    line = Line(norms.tolist(), after, PLAIN, width=2.4)
    chart = LineChart((line,), "norm before", "norm after", (0.0, 1.5 * bound), ends=(0.0, 3 * bound), size=SIZE)
    text = f"max_norm {bound:g}: a norm of {norms[-1]:g} becomes {after[-1]:.3g}, one of {norms[10]:g} stays {after[10]:.3g}"
    return Effect(
        chart, text, f"regularization: max_norm {bound:g}, the length of a unit's incoming weights after each step"
    )


def descent(recipe: Recipe) -> Effect:
    """Return the way of an optimizer down a narrow bowl, at the best of a few rates."""
    spec = recipe.optimizer
    paths = {rate: _path(spec, rate) for rate in RATES}
    rate = min(paths, key=lambda one: _height(paths[one][-1]))
    path = paths[rate]
    across, up = (np.clip(path[:, axis], -6, 6).tolist() for axis in (0, 1))
    angles = np.linspace(0, 2 * np.pi, 181)
    rings = [
        Line((size * np.cos(angles)).tolist(), (size * np.sin(angles) / STEEPNESS[1] ** 0.5).tolist(), FAINT, width=1.0)
        for size in (1.5, 3.0, 4.5, 6.0)
    ]
    chart = LineChart(
        (*rings, Line(across, up, ACCENT)), "one weight", "another weight", (-2.2, 2.2), ends=(-5.0, 5.0), size=SIZE
    )
    end, momentum = _height(path[-1]), getattr(spec, "momentum", 0.0)
    what = spec.name + (f" with momentum {momentum:g}" if momentum else "")
    what += ", Nesterov's" if getattr(spec, "nesterov", False) else ""
    text = f"{what} at rate {rate:g} on a bowl ten times steeper one way: loss from {_height(path[0]):.3g} to {end:.2g}"
    return Effect(
        chart, f"{text} in {STEPS} steps", f"optimizer: {what}, {STEPS} steps down a narrow bowl, at rate {rate:g}"
    )


def _path(spec: OptimizerSpec, rate: float) -> Any:
    """Return the points (step, weight) that an optimizer comes to; from where it diverges on, the last one."""
    import keras

    from hornbook.builder.optimizers import build_optimizer

    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False, name="hidden_1")(inputs))
    kernel = model.trainable_variables[0]
    kernel.assign([START])
    plain_spec = spec.model_copy(
        update={"learning_rate": rate, "weight_decay": None, "ema": None, "accumulation": 1, "factors": None}
    )
    optimizer = build_optimizer(plain_spec, None, model)
    points = [np.array(START)]
    for _ in range(STEPS):
        optimizer.apply([kernel * np.array([STEEPNESS], np.float32)])
        point = np.asarray(kernel)[0]
        points.append(point if np.isfinite(point).all() and np.abs(point).max() < 1e6 else points[-1])
    return np.array(points)


def _height(point: Any) -> float:
    return float(np.dot(STEEPNESS, np.square(point)) / 2)


class Part(NamedTuple):
    """An ingredient of a recipe that can be shown.

    Attributes:
        key: What tells it from those of other recipes.
        kind: Of the ingredient.
        name: Of the component, or the key in `regularization`.
        draw: Draws what it does.
    """

    key: str
    kind: str
    name: str
    draw: Callable[[Recipe], Effect]


def effects(recipe: Recipe) -> list[Part]:
    """Return the ingredients of a recipe that can be shown."""
    found: list[Part] = []
    regularization = recipe.regularization
    if regularization.max_norm:
        found.append(Part("max_norm", "regularization", "max_norm", max_norm))
    noises = [key for key in (*NOISES, "input_dropout") if getattr(regularization, key)]
    if noises:
        rare = next((key for key in noises if key not in {"dropout", "input_dropout"}), "dropout")
        found.append(Part(rare, "regularization", rare, noise))
    if regularization.l1 or regularization.l2:
        key = "l1" if regularization.l1 else "l2"
        found.append(Part(key, "regularization", key, penalty))
    if recipe.normalization.name != "none":
        name = recipe.normalization.name
        found.append(Part(f"normalization {name}", "normalization", name, with_normalization))
    optimizer = recipe.optimizer
    if recipe.reuse is None and recipe.pretraining is None and optimizer.ema is None:  # else it is not what matters
        options = optimizer.model_dump_json(exclude_defaults=True, include={"momentum", "nesterov"})
        found.append(Part(f"optimizer {optimizer.name} {options}", "optimizer", optimizer.name, descent))
    if recipe.initializer.builds is not None and recipe.initializer.random:
        initializer = recipe.initializer
        found.append(Part(f"initializer {plain(initializer)}", "initializer", initializer.name, by_depth))
    return found


def plain(component: Component) -> dict[str, Any]:
    """Return a component as it stands in a recipe, without what it leaves out."""
    return {"name": component.name, **component.model_dump(mode="json", exclude_defaults=True)}
