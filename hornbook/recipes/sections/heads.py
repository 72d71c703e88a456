"""Several heads by name: `heads` in a recipe. Each has a target, a task, metrics and a share of the loss of its own."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from hornbook.recipes.language.spec import NonNegative, as_tuple
from hornbook.recipes.sections.head import Head, Task
from hornbook.recipes.sections.metric import Metric
from hornbook.recipes.sections.training import ClassWeights

__all__ = ["HeadName", "Heads", "NamedHead", "TargetColumn"]

HeadName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
TargetColumn = Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)]
"""A target column by its name, or by its place from 0 where columns have no names."""


class NamedHead(Head):
    """One of several heads: what `head` takes, and what it predicts.

    A head with `from` is an auxiliary output: it reads what an earlier block of the network returns, so that the layers up
    to there learn from its loss too. Géron, ch. 10; Szegedy et al. (2015), arXiv:1409.4842, section 5.
    """

    target: (
        TargetColumn | Annotated[tuple[TargetColumn, ...], BeforeValidator(as_tuple), Field(min_length=1)] | None
    ) = None
    """Target column, or several; omitted: the one that is called like the head, or the only target there is."""
    task: Task | None = None
    """What is predicted; omitted: known from the target."""
    weight: NonNegative = 1.0
    """What its loss is multiplied with in the sum that training minimizes."""
    class_weights: ClassWeights = None
    """Weight of each of its classes in its loss, by name or number; `balanced`: inversely to how often it occurs."""
    metrics: Annotated[tuple[Metric, ...] | None, BeforeValidator(as_tuple)] = None
    """What is recorded beside its loss, `sold_accuracy` of a head `sold`; omitted: accuracy, or root mean squared error."""
    from_: Annotated[str | None, Field(alias="from", min_length=1)] = None
    """The block whose outputs it reads, such as `hidden_1`; omitted: the last."""

    def named_columns(self) -> tuple[int | str, ...]:
        """Return the target columns that the recipe names; none where it names none."""
        if self.target is None:
            return ()
        return self.target if isinstance(self.target, tuple) else (self.target,)


Heads = Annotated[dict[HeadName, NamedHead], Field(min_length=1)]
