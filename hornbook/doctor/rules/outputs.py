"""Head, loss and targets."""

from collections.abc import Iterator

from hornbook.doctor.case import Case
from hornbook.doctor.finding import Finding
from hornbook.recipes.thresholds import HEAD_RANGES, TARGETS

__all__ = ["RULES"]

POSITIVE = frozenset({"poisson", "mean_squared_logarithmic_error"})


def head_range(case: Case) -> Iterator[Finding]:
    """A head that cannot return the targets."""
    head, examples = case.recipe.head, case.examples
    if not case.is_regression or head.activation is None or examples is None:
        return
    reach = HEAD_RANGES.get(head.activation.name)
    if reach is None:
        return
    low, high = examples.target_range
    beyond = max(reach[0] - low, high - reach[1], 0.0)
    if beyond > 0.05 * max(examples.target_deviation, 1e-12):
        upper = "" if reach[1] == float("inf") else f" to {reach[1]:g}"
        evidence = (
            f"'{head.activation.name}' returns {reach[0]:g}{upper or ' and above'}, and the targets go "
            f"from {low:.4g} to {high:.4g}"
        )
        yield Finding("wrong_head_activation", "issue", 0.95, evidence, ("head.activation=linear",))


def unfit_loss(case: Case) -> Iterator[Finding]:
    """A loss that cannot see the error, or is not defined for the targets."""
    loss, examples = case.recipe.head.loss, case.examples
    if loss is None:
        return
    repair = ("head.loss=mean_squared_error",)
    if case.is_regression and examples is not None and examples.target_values == 2 and not case.is_tiny:
        low, high = examples.target_range
        evidence = (
            f"the targets are {low:g} or {high:g} and nothing else: two classes, and '{loss.name}' is for numbers"
        )
        advice = "Leave out what the head says, and metrics of numbers."
        yield Finding("wrong_loss", "issue", 0.9, evidence, ("task=binary",), advice)
        return
    if case.is_regression and loss.name == "cosine_similarity" and case.data["target_size"] == 1:
        evidence = "'cosine_similarity' looks at the sign of a single number only, its size does not count"
        yield Finding("wrong_loss", "issue", 0.96, evidence, repair)
    elif case.is_regression and loss.name in POSITIVE and examples is not None and examples.target_range[0] < 0:
        evidence = f"'{loss.name}' is for targets of 0 and above, the smallest is {examples.target_range[0]:.4g}"
        yield Finding("wrong_loss", "issue", 0.97, evidence, (*repair, "head.activation=linear"))
    elif case.is_regression and loss.name == "mean_absolute_percentage_error" and examples is not None:
        low, high = examples.target_range
        if low <= 0 <= high:
            evidence = f"'{loss.name}' divides by the target, which goes from {low:.4g} to {high:.4g}"
            yield Finding("wrong_loss", "issue", 0.9, evidence, repair)
    elif not case.is_regression and loss.name in ("mean_squared_error", "mean_absolute_error"):
        evidence = f"'{loss.name}' gives hardly any gradient where a class is missed with confidence"
        better = "binary_crossentropy" if case.data["task"] != "multiclass" else "sparse_categorical_crossentropy"
        poor = (case.best_explained or 0.0) < 0.8
        yield Finding(
            "wrong_loss", "issue" if poor else "tip", 0.8 if poor else 0.3, evidence, (f"head.loss={better}",)
        )


def far_targets(case: Case) -> Iterator[Finding]:
    """Targets of another order of magnitude than what a fresh network returns."""
    head, examples = case.recipe.head, case.examples
    if not case.is_regression or head.standardize_targets or examples is None or case.is_tiny:
        return
    size = max(abs(examples.target_mean), examples.target_deviation)
    if TARGETS[0] < examples.target_deviation and size < TARGETS[1]:
        return
    explained = case.explained()
    evidence = (
        f"the targets have a mean of {examples.target_mean:.4g} and a deviation of {examples.target_deviation:.4g}, "
        "a fresh network returns numbers near 1"
    )
    poor = explained is None or explained < 0.9
    yield Finding(
        "target_scale", "issue" if poor else "tip", 0.86 if poor else 0.4, evidence, ("head.standardize_targets=true",)
    )


RULES = (head_range, unfit_loss, far_targets)
