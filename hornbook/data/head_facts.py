"""What is known of one of several heads: its targets among the columns of all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["HeadInfo", "HeadTask"]

HeadTask = Literal["multiclass", "binary", "multilabel", "regression"]


@dataclass(frozen=True)
class HeadInfo:
    """Facts about the targets of one of several heads; see `hornbook.data.source.DataInfo` for those of the same name.

    Attributes:
        name: The head's.
        columns: (first, end): which columns of the targets (N, K) of all heads are its own; class numbers take one.
        target_names: Names of its target columns, or None.
        targets: What losses ask of a regression's targets, or None.
    """

    name: str
    task: HeadTask
    num_classes: int
    target_size: int
    class_names: tuple[str, ...] | None
    class_counts: tuple[int, ...]
    columns: tuple[int, int]
    target_names: tuple[str, ...] | None = None
    targets: Mapping[str, Any] | None = None

    @property
    def units(self) -> int:
        """Numbers that come out of the head."""
        return {"binary": 1, "multiclass": self.num_classes}.get(self.task, self.target_size)

    @property
    def place(self) -> slice:
        """Its columns of the targets."""
        return slice(*self.columns)
