"""What evaluate says: the figures of one split, as JSON's types and as lines for a terminal."""

from dataclasses import dataclass, field
from typing import Any

from hornbook.display.forecasts import figure_lines, step_lines
from hornbook.display.intervals import few_examples
from hornbook.display.text import cut, figures_in_lines, path_text
from hornbook.errors import escaped
from hornbook.inference.importance import Importance
from hornbook.inference.mistakes import Mistakes
from hornbook.inference.timing import Cost
from hornbook.inference.trust.confidence import Confidence

__all__ = ["Report"]

MAX_MATRIX = 20  # classes or targets; a larger confusion matrix is unreadable


@dataclass(frozen=True)
class Report:
    """Figures of one split.

    Attributes:
        run: The run's folder.
        split: ``train``, ``validation`` or ``test``; None for a file of its own.
        count: Examples.
        weights: ``best`` or ``last``.
        metrics: Loss and the recipe's metrics.
        classes: scikit-learn's precision, recall and F1 per class; empty for regression.
        confusion: Rows are true classes, columns predicted ones, in examples or their weights; empty for regression and
            multilabel.
        confidence: Calibration and uncertainty, where they were asked for.
        notes: Sentences the user should read.
        baseline: Of a regression: metrics of the training targets' mean, predicted for every example.
        targets: Of a regression with several targets: the metrics of each, by name.
        input: The file that was evaluated in place of a split.
        threshold: Output above which a unit says yes; None where none decides.
        errors: What the run is most wrong about, where that was asked for.
        cost: The model's size, and how long a prediction takes, where that was asked for.
        importance: How much worse the run is without what a column says, where that was asked for.
        is_weighted: Whether the examples have weights, so that all figures are weighted.
        head: Which of several heads this is about; None: the whole run.
        heads: Of a run with several heads: the figures of each.
        forecast: Of windows: the errors of the forecasts and of baselines, as `engine.forecasts` has them.
    """

    run: str
    split: str | None
    count: int
    weights: str
    metrics: dict[str, float]
    classes: dict[str, dict[str, float]]
    confusion: list[list[float]]
    confidence: Confidence | None = None
    notes: tuple[str, ...] = ()
    baseline: dict[str, float] = field(default_factory=dict)
    targets: dict[str, dict[str, float]] = field(default_factory=dict)
    input: str | None = None
    threshold: float | None = None
    errors: Mistakes | None = None
    cost: Cost | None = None
    importance: Importance | None = None
    is_weighted: bool = False
    head: str | None = None
    heads: dict[str, "Report"] = field(default_factory=dict)
    forecast: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        record = {
            key: value
            for key, value in vars(self).items()
            if key not in {"notes", "confidence", "errors", "cost", "importance", "head", "heads"}
        }
        for key in ("errors", "cost", "importance"):
            part: Mistakes | Cost | Importance | None = getattr(self, key)
            record |= {key: part.record()} if part is not None else {}
        record |= {"head": self.head} if self.head is not None else {}
        record |= {"heads": {name: report.record() for name, report in self.heads.items()}} if self.heads else {}
        return record | (self.confidence.record() if self.confidence is not None else {})

    def text(self) -> str:
        """Return lines of at most 80 characters for up to ten classes."""
        shown = path_text(self.run)
        what = f"{self.split} split of {shown}" if self.input is None else f"{self.input} by {shown}"
        lines = [f"{what}, {self.count:,} examples, {self.weights} weights"]
        lines[0] += ", weighted" if self.is_weighted else ""
        lines[0] += f", head {self.head}" if self.head is not None else ""
        if self.heads:
            lines.append(f"loss {self.metrics['loss']:.4f}")
            for name, report in self.heads.items():
                lines += [
                    "",
                    f"head {name}",
                    *report.figures(),
                    *(report.errors.lines() if report.errors is not None else []),
                ]
        else:
            lines += self.figures()
        for part in (self.confidence, self.errors, self.importance, self.cost):
            lines += part.lines() if part is not None else []
        return "\n".join(lines)

    def figures(self) -> list[str]:
        """Return the lines about metrics and classes."""
        lines = figures_in_lines([f"{name} {value:.4f}" for name, value in self.metrics.items()])
        remark = few_examples(
            self.count, self.metrics.get("accuracy") if self.confusion and not self.is_weighted else None
        )
        lines += [remark] if remark else []
        if self.forecast:
            lines += ["", *figure_lines(self.forecast)]
            steps = step_lines(self.forecast)
            lines += ["", *steps] if steps else []
        elif self.baseline:
            means = [f"{name} {value:.4f}" for name, value in self.baseline.items()]
            lines += figures_in_lines([*means, "of the training mean, predicted everywhere"])
        if 0 < len(self.targets) <= MAX_MATRIX and not self.forecast:
            lines += ["", *_table(self.targets)]
        if self.classes:
            names = [escaped(name, one_line=True) for name in self.classes]
            width = max(len("class"), *(min(len(name), 24) for name in names))
            lines += [
                "",
                f"{'class':<{width}}  precision  recall      f1  {'weight' if self.is_weighted else 'examples':>8}",
            ]
            for name, row in zip(names, self.classes.values(), strict=True):
                support = f"{row['support']:,.2f}".removesuffix(".00")
                figures = f"{row['precision']:>9.4f}  {row['recall']:.4f}  {row['f1-score']:.4f}  {support:>8}"
                lines.append(f"{name[:24]:<{width}}  {figures}")
        if 0 < len(self.confusion) <= MAX_MATRIX:
            lines += ["", "confusion (rows: true class, columns: predicted)"]
            size = max(5, *(len(str(value)) + 1 for row in self.confusion for value in row))
            names = [escaped(name, one_line=True) for name in self.classes]
            if all(len(name) < size for name in names):
                lines.append(" " * 15 + "".join(f"{name:>{size}}" for name in names))
            for name, counts in zip(names, self.confusion, strict=False):
                lines.append(f"{name[:14]:<14} " + "".join(f"{value:>{size}}" for value in counts))
        return lines


def _table(targets: dict[str, dict[str, float]]) -> list[str]:
    """Return a line per target with its metrics below their names."""
    width = max(len("target"), *(min(len(name), 24) for name in targets))
    names = list(next(iter(targets.values())))
    lines = ["  ".join([f"{'target':<{width}}", *(f"{name:>10}" for name in names)])]
    for target, figures in targets.items():
        cells = [f"{figures[name]:>{max(len(name), 10)}.4f}" for name in names]
        lines.append("  ".join([f"{cut(target, 24):<{width}}", *cells]))
    return lines
