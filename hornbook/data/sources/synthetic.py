"""Examples drawn from a seed. The same seed gives the same examples, on every machine."""

from collections.abc import Callable

import numpy as np

from hornbook.data.source import Array, Source
from hornbook.data.sources.texts import text_source
from hornbook.recipes.sources.synthetic import Blobs, Moons, Regression, Sentences, Spirals, Synthetic, Waves, Xor

__all__ = [
    "make_blobs", "make_moons", "make_regression", "make_sentences", "make_spirals", "make_waves", "make_xor",
]  # fmt: skip

EXAMPLES_STREAM = 2  # second word of the random seed; splitting uses another
XOR_POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)


def _generator(spec: Synthetic, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed if spec.seed is None else spec.seed, EXAMPLES_STREAM])


def _noisy(x: Array, noise: float, generator: np.random.Generator) -> Array:
    return (x + generator.normal(0, noise, x.shape)).astype(np.float32) if noise else x.astype(np.float32)


def _class_sizes(examples: int, num_classes: int) -> list[int]:
    """Return near-equal class sizes; the first classes get what is left over."""
    return [examples // num_classes + (number < examples % num_classes) for number in range(num_classes)]


def make_xor(spec: Xor, *, seed: int) -> Source:
    """Return the four points of exclusive or, `repeats` times: (N, 2), labels 0/1."""
    x_N2 = np.tile(XOR_POINTS, (spec.repeats, 1))
    labels = (x_N2[:, 0] != x_N2[:, 1]).astype(np.int32)
    return Source(_noisy(x_N2, spec.noise, _generator(spec, seed)), labels, "table", class_names=spec.known_classes)


def make_moons(spec: Moons, *, seed: int) -> Source:
    """Return two interleaving half circles: (N, 2), labels 0/1."""
    outer, inner = (np.linspace(0, np.pi, size) for size in _class_sizes(spec.examples, 2))
    upper = np.column_stack([np.cos(outer), np.sin(outer)])
    lower = np.column_stack([1 - np.cos(inner), 0.5 - np.sin(inner)])
    labels = np.repeat(np.arange(2), [len(upper), len(lower)])
    x_N2 = _noisy(np.concatenate([upper, lower]), spec.noise, _generator(spec, seed))
    return Source(x_N2, labels, "table", class_names=spec.known_classes)


def make_spirals(spec: Spirals, *, seed: int) -> Source:
    """Return spiral arms of radius 0 to 1: (N, 2), one class per arm."""
    arms, labels = [], []
    for arm, size in enumerate(_class_sizes(spec.examples, spec.arms)):
        radius = np.linspace(0.05, 1, size)
        angle = 2 * np.pi * (spec.turns * radius + arm / spec.arms)
        arms.append(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))
        labels.append(np.full(size, arm))
    x_N2 = _noisy(np.concatenate(arms), spec.noise, _generator(spec, seed))
    return Source(x_N2, np.concatenate(labels), "table", class_names=_numbered(spec.arms))


def make_blobs(spec: Blobs, *, seed: int) -> Source:
    """Return Gaussian clouds: (N, F), one class per cloud."""
    generator = _generator(spec, seed)
    centers_KF = generator.uniform(-10, 10, (spec.centers, spec.features))
    labels = np.repeat(np.arange(spec.centers), _class_sizes(spec.examples, spec.centers))
    x_NF = _noisy(centers_KF[labels], spec.deviation, generator)
    return Source(x_NF, labels, "table", class_names=_numbered(spec.centers))


def _numbered(num_classes: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(num_classes))


FUNCTIONS: dict[str, Callable[[Array], Array]] = {  # of x_NF
    "linear": lambda x: 4 + (3 * x).sum(axis=1),
    "quadratic": lambda x: 2 + (x + x**2 / 2).sum(axis=1),
    "cubic": lambda x: ((x**3 - 3 * x) / 2).sum(axis=1),
    "sine": lambda x: np.sin(2 * x).sum(axis=1),
}


def make_regression(spec: Regression, *, seed: int) -> Source:
    """Return uniform inputs (N, F) between -3 and 3, and a noisy function of them."""
    generator = _generator(spec, seed)
    x_NF = generator.uniform(-3, 3, (spec.examples, spec.features)).astype(np.float32)
    y_N = FUNCTIONS[spec.function](x_NF.astype(np.float64)) + generator.normal(0, 1, spec.examples) * spec.noise
    return Source(x_NF, y_N, "table")


def make_waves(spec: Waves, *, seed: int) -> Source:
    """Return series (N, steps, 1) and the `horizon` values that follow (N,) or (N, horizon)."""
    generator = _generator(spec, seed)
    slow, fast, slow_phase, fast_phase = generator.random((4, spec.examples, 1))
    time = np.linspace(0, 1, spec.steps + spec.horizon)
    series = 0.5 * np.sin((time - slow_phase) * (slow * 10 + 10))
    series += 0.2 * np.sin((time - fast_phase) * (fast * 20 + 20))
    series += spec.noise * (generator.random(series.shape) - 0.5)
    return Source(series[:, : spec.steps, np.newaxis].astype(np.float32), series[:, spec.steps :], "sequence")


OPENINGS = ("", "Honestly, ", "To be fair, ", "In short, ", "As I said before, ", "For what it is worth, ")
ENDINGS = (".", "!", ", we thought.", ", and that is all.", ", said everyone around me.", " once more.")
WORDS = {"praise": ("charming", "moving", "brilliant", "funny"), "blame": ("dull", "tedious", "clumsy", "shallow")}
TOLD = ("it was a {} film", "the story felt {}", "what a {} evening", "the dialogue is {}", "{} from start to finish")
BETTER, WORSE = ("the plot", "the music", "the camera"), ("the actors", "the jokes", "the effects")
TURNED = ("{} saved {}", "{} was better than {}", "{} made up for {}", "{} outshone {}")


def make_sentences(spec: Sentences, *, seed: int) -> Source:
    """Return sentences, half of which praise; half of each kind can be told only by the order of their words."""
    generator = _generator(spec, seed)
    labels = np.arange(spec.examples) % 2
    texts = np.empty(spec.examples, object)

    def one_of(choices: tuple[str, ...]) -> str:
        return choices[int(generator.integers(len(choices)))]

    for place, label in enumerate(labels.tolist()):
        if place // 2 % 2:
            middle = one_of(TOLD).format(one_of(WORDS["praise" if label else "blame"]))
        else:
            first, second = one_of(BETTER), one_of(WORSE)
            middle = one_of(TURNED).format(*((first, second) if label else (second, first)))
        text = f"{one_of(OPENINGS)}{middle}{one_of(ENDINGS)}"
        texts[place] = text[0].upper() + text[1:]
    drawn = generator.random(spec.examples) < spec.noise
    labels = np.where(drawn, generator.integers(0, 2, spec.examples), labels).astype(np.int32)
    order = generator.permutation(spec.examples)
    return text_source(texts[order], labels[order], class_names=spec.known_classes)
