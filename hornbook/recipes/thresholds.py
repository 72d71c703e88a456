"""From where on something is too much or too little: what check, sanity and doctor have to agree on."""

__all__ = [
    "BATCHES",
    "CLIP",
    "DECAY",
    "DROPPED",
    "ENOUGH",
    "FAINT",
    "FLAT",
    "HEAD_RANGES",
    "INPUTS",
    "KEPT",
    "NARROW",
    "NOISE",
    "SIGMOIDS",
    "TARGETS",
    "UNBALANCED",
    "UNEVEN",
    "USUAL_BATCH",
]

INPUTS = (0.01, 10.0)
"""Size of what the first layer reads: initializers are made for about 1, and the largest rate at which gradient descent does
not diverge falls with its square, 100 times beyond these."""
TARGETS = (0.01, 100.0)
"""Size of targets, beyond which a network that begins near 0 learns slowly or not at all."""
FAINT = 1e-7
"""The smallest deviation that Keras's Normalization divides by or multiplies with; smaller ones count as this."""
HEAD_RANGES = {
    "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0), "hard_tanh": (-1.0, 1.0), "relu": (0.0, float("inf")), "softplus": (0.0, float("inf")),
    "exponential": (0.0, float("inf")), "relu6": (0.0, 6.0), "elu": (-1.0, float("inf")), "selu": (-1.7581, float("inf")),
}  # fmt: skip
"""Lowest and highest output of a head's activation."""
UNBALANCED, UNEVEN = 8.0, 4.0
"""Examples of the largest class for each of the smallest: where accuracy hides the small one, and where it may."""
NARROW = 2
"""Units of a hidden layer through which several classes or numbers hardly fit."""
SIGMOIDS = 3
"""Sigmoid layers in a row after which little is left of a gradient: the slope is at most a quarter."""
KEPT = 1e-3
"""Part of a signal or gradient that has to get through all layers; with less, first and last layers learn at paces that no
one rate suits, and figures near it drown in the rounding of float32 (1e-7 of a sum)."""
FLAT = 0.5
"""Share of outputs where an activation is flat; with weights of theory's size it is below 0.001."""
DROPPED = 0.8
"""Share of units that dropout takes, with which too little is left to learn from."""
DECAY = 0.1
"""Share of each weight that decay takes in a step, with which none can grow."""
NOISE = 2.0
"""Deviation of noise that drowns outputs of about 1."""
CLIP = 1e-4
"""Gradients cut down to it move no weight under an optimizer whose steps are as long as they are."""
BATCHES, ENOUGH, USUAL_BATCH = 2, 200, 32
"""Batches of an epoch that are too few, for as many examples as would make several of the usual size."""
