"""Pages of HTML that load nothing from elsewhere: one environment, one base template. No TensorFlow.

A page begins with ``{% extends "hornbook.display/page.html.jinja" %}`` and fills the blocks title, heading and content; it
may add a style and a script. Pages are light or dark as the reader's system is, and dark pictures are inverted.
"""

from importlib import resources
from typing import Any

from hornbook.display import chart
from hornbook.errors import escaped

__all__ = ["render"]


def render(template: str, **facts: Any) -> str:
    """Return a page.

    Args:
        template: ``PACKAGE/FILE``, as templates name each other.
        facts: What the template shows; a name it does not get is an error. Text is escaped, control characters
            too; pictures are marked safe there.
    """
    import jinja2  # a tenth of a second that other commands do not need

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if hasattr(value, "__html__") or not isinstance(value, str) else escaped(value),
    )
    colors = {"ink": chart.INK, "quiet": chart.QUIET, "axis": chart.AXIS, "grid": chart.GRID, "bar": chart.shade(0.8)}
    text = environment.get_template(template).render(colors=colors, **facts) + "\n"
    return text.encode("utf-8", "replace").decode("utf-8")  # halves of characters, which no file can hold


def _read(template: str) -> str:
    package, _, name = template.partition("/")
    return (resources.files(package) / name).read_text(encoding="utf-8")
