"""Rules about `data.augmentation`: mixing that cannot be, and changes that leave nothing of an example, or another one."""

from collections.abc import Iterator

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe

MOST = {
    "shift": (0.4, "moves much of an image out of sight", "0.1"),
    "zoom": (0.6, "leaves of many images a corner or a speck", "0.1 to 0.3"),
    "brightness": (0.7, "turns many images black or white", "0.1 to 0.3"),
    "contrast": (0.95, "turns some images grey all over", "0.1 to 0.5"),
    "noise": (0.5, "drowns images, whose pixels lie between 0 and 1", "0.05 or so"),
    "cutout": (0.75, "blanks most of an image", "0.25 to 0.5"),
    "mixup": (
        4.0,
        "makes nearly every example half of one and half of another",
        "0.1 to 0.4 for images, 0.2 to 1 for others",
    ),
}
"""From where on something leaves too little, what it does there, and what is usual."""
WRITTEN = frozenset({"digits", "mnist"})
UPSIDE_DOWN = 60.0
"""Degrees from which on a turned 6 may be a 9, and a 7 no sign."""


def examples_can_be_mixed(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Mixup or cutmix with nothing to mix with, or under a loss that mixed targets break."""
    given = recipe.data.augmentation
    if given is None or not given.mixes:
        return
    key = "mixup" if given.mixup else "cutmix"
    path = ("data", "augmentation", key)
    if recipe.training.batch_size == 1:
        message = f"'{key}' mixes the examples of a batch, and batches have one."
        yield Problem(path, message, "Use a larger 'training.batch_size', or remove it.")
    loss = recipe.head.loss
    if loss is not None and loss.targets in {"nonzero", "vectors"} and facts.task in {None, "regression"}:
        message = f"'{key}' mixes targets, and mixed ones may be 0, for which '{loss.name}' is not made."
        yield Problem(path, message, "Remove it, or use 'mean_absolute_error'.")


def examples_stay_themselves(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Changes after which nobody could tell what an example was."""
    given = recipe.data.augmentation
    if given is None:
        return
    for key, (most, effect, usual) in MOST.items():
        amount = getattr(given, key)
        if amount is not None and amount >= most:
            path = ("data", "augmentation", key)
            yield Problem(path, f"{amount:g} {effect}.", f"Usual is {usual}.", severity="warning")
    if getattr(recipe.data, "name", "") not in WRITTEN:
        return
    if given.flip is not None:
        message = "digits that are mirrored are no digits, or others: a 2 looks like a 5."
        yield Problem(("data", "augmentation", "flip"), message, "Remove it.", severity="warning")
    if given.rotate is not None and given.rotate >= UPSIDE_DOWN:
        message = f"a digit that is turned by {given.rotate:g} degrees may be another: a 6 looks like a 9."
        yield Problem(("data", "augmentation", "rotate"), message, "Use 10 or 15.", severity="warning")


RULES = (
    ("mixing", ("data", "task", "head", "training"), examples_can_be_mixed),
    ("augmentation", ("data",), examples_stay_themselves),
)
