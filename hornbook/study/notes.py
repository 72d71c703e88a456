"""What a reader of a study must know to believe its table no more than it deserves. No TensorFlow."""

from collections.abc import Iterator, Sequence

from hornbook.recipes.losses import holds_penalties
from hornbook.study.measure import Measure
from hornbook.study.outcome import Group
from hornbook.study.plan import Plan

__all__ = ["notes_of"]

JUDGED_BY = (
    "data.classes", "data.frequency", "data.horizon", "data.name", "data.path", "data.relabel", "data.split", "data.stride",
    "data.target", "data.window",
)  # fmt: skip
"""Keys that decide which examples a cell is judged on, and what of them is predicted."""


def notes_of(
    plan: Plan, measure: Measure, groups: Sequence[Group], *, parallel: int, is_far: bool = False
) -> list[str]:
    """Return it in sentences; `parallel` runs were trained at once, or a cluster trained them (`is_far`)."""
    compared = sum(not group.failures for group in groups[1:])
    repeated = (
        "A seed draws split, initial weights, order and dropout, and cells share it: differences are paired by seed. ± is a "
        "95 % t interval"
    )
    if plan.folds is not None:
        repeated = (
            f"Each of the {plan.folds} folds is the test set once, with one seed; differences are paired by fold. Training "
            "sets overlap, so the 95 % t intervals (±) are widened (Nadeau and Bengio 2003)"
        )
    notes = [
        f"Compared on {measure.name} of the final weights. {repeated}; p is corrected for {compared} "
        f"comparison{'s' if compared != 1 else ''} (Holm). What the {plan.repeats().word} would have shown, they would "
        "with probability 0.8, if differences spread as they did here."
    ]
    if measure.name.startswith("test_"):
        notes.append("This is the test split: a cell that is chosen by it looks better than it is.")
    notes += _on_what_differs(plan, measure)
    if is_far:
        notes.append("A cluster trained the runs, so that seconds depend on the machine and on what else it did.")
    elif parallel > 1:
        notes.append(f"Runs were trained {parallel} at once, so that seconds are longer than those of a run alone.")
    if plan.tune is None:
        notes.append(
            "The learning rate was not tuned: each cell has the one in its recipe, which may suit some better than "
            "others. --tune optimizer.learning_rate gives every cell the same small search first."
        )
        return notes
    notes.append(
        f"Each cell chose its {plan.tune} among {len(plan.cells[0].grid)} values on the validation split with seed "
        f"{plan.seeds[0] - 1}, which is not among the seeds compared:"
    )
    for group in groups:
        if group.tuned is not None:
            edge = ", the edge of what was tried" if group.tuned["at_edge"] else ""
            notes.append(f"    {group.label}: {group.tuned['chosen'].partition('=')[2]}{edge}")
    return notes


def _on_what_differs(plan: Plan, measure: Measure) -> Iterator[str]:
    """Yield what keeps cells from being compared by their networks alone."""
    keys = dict.fromkeys(
        override.lstrip("~").partition("=")[0] for planned in plan.cells for override in planned.cell.overrides
    )
    if any(key.startswith(("data", "training.batch_size", "pretraining")) for key in keys):
        yield "Cells differ in data or batches, so what they share is the seed, not the order."
    judged = [key for key in keys if key == "data" or key.startswith(JUDGED_BY)]
    if judged:
        yield f"Cells are judged on other examples or targets ({', '.join(judged)}): differences may be theirs."
    if holds_penalties(measure.name, [planned.recipe for planned in plan.cells]):
        yield f"{measure.name} holds the penalties: where they are smaller, it is lower for that alone."
