"""A study as one HTML page that loads nothing from elsewhere. No TensorFlow."""

from hornbook.display.page import render
from hornbook.display.text import p_text
from hornbook.study.curves import MOST_CURVES, chart_of
from hornbook.study.outcome import Group
from hornbook.study.table import Study

__all__ = ["as_html"]


def as_html(study: Study) -> str:
    """Return the page: verdicts, tables, learning curves with bands, and every run."""
    return render(
        "hornbook.study/page.html.jinja",
        study=study,
        measure=study.measure,
        unit=_unit(study),
        pictures=pictures(study),
        p=p_text,
    )


def _unit(study: Study) -> str:
    return " (%)" if study.measure.is_fraction else ""


def pictures(study: Study) -> list[tuple[str, str]]:
    """Return (factor, picture) of each factor: its cells and the baseline, eight curves at most in one."""
    baseline = study.rows[0].group
    factors: dict[str, list[Group]] = {}
    for row in study.rows[1:]:
        factors.setdefault(row.group.factor, []).append(row.group)
    name = study.target.name if study.target is not None else study.measure.name
    found: list[tuple[str, str]] = []
    for factor, groups in factors.items():
        for start in range(0, len(groups), MOST_CURVES - 1):
            some = [baseline, *groups[start : start + MOST_CURVES - 1]]
            chart = chart_of(some, study.measure, name + _unit(study))
            if chart is not None:
                found.append((factor, chart.svg(f"curves-{len(found) + 1}", f"{name} by epoch, {factor}")))
    return found
