"""A study as one HTML page that loads nothing from elsewhere. No TensorFlow."""

from collections.abc import Sequence
from importlib import resources

from hornbook.report.text import p_text
from hornbook.study.curves import Chart, chart_of
from hornbook.study.outcome import Group, Study
from hornbook.study.table import verdict_lines

__all__ = ["as_html"]

MOST_CURVES = 8


def as_html(study: Study) -> str:
    """Return the page: verdicts, tables, learning curves with bands, and every run."""
    import jinja2  # a tenth of a second that other commands do not need

    text = (resources.files("hornbook") / "study" / "page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text).render(
        study=study,
        measure=study.measure,
        unit=" (%)" if study.measure.is_fraction else "",
        charts=charts(study),
        p=p_text,
        verdicts=verdict_lines(study.rows),
    )


def charts(study: Study) -> list[Chart]:
    """Return a chart per factor: its cells and the baseline, eight curves at most in one."""
    baseline = study.rows[0].group
    factors: dict[str, list[Group]] = {}
    for row in study.rows[1:]:
        factors.setdefault(row.group.factor, []).append(row.group)
    found = []
    for factor, groups in factors.items():
        for start in range(0, len(groups), MOST_CURVES - 1):
            some: Sequence[Group] = [baseline, *groups[start : start + MOST_CURVES - 1]]
            found.append(chart_of(factor, some, study.measure))
    return [chart for chart in found if chart is not None]
