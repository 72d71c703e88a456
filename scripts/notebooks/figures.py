"""An extension of IPython that says in words what a figure of Matplotlib shows: the alternative text of its picture."""

from collections.abc import Iterator
from typing import Any

MOST = 8
"""So many lines, bars or titles are named."""


def load_ipython_extension(_: Any) -> None:
    """Let the plain text of figures be these words; what is registered with a formatter Matplotlib's backend takes away."""
    from matplotlib.figure import Figure

    Figure._repr_pretty_ = lambda figure, printer, _: printer.text(described(figure))


def described(figure: Any) -> str:
    """Return what stands in a figure: titles, axes, where lines begin and end, how high bars are."""
    drawn = [axes for axes in figure.axes if axes.get_label() != "<colorbar>" and _has_content(axes)]
    plots = [axes for axes in drawn if not axes.images]
    pictures = [axes for axes in drawn if axes.images]
    parts = [*map(_plot, plots), *_pictures(pictures)]
    title = getattr(figure, "_suptitle", None)
    head = f"{title.get_text()}: " if title is not None and title.get_text() else ""
    return head + ". ".join(" ".join(part.split()) for part in parts)


def _has_content(axes: Any) -> bool:
    return bool(axes.lines or axes.images or axes.collections or axes.containers or axes.patches)


def _pictures(drawn: list[Any]) -> list[str]:
    if not drawn:
        return []
    titles = [axes.get_title() for axes in drawn if axes.get_title()]
    more = ", …" if len(titles) > MOST else ""
    names = f": {', '.join(titles[:MOST])}{more}" if titles else ""
    return [f"{len(drawn)} pictures{names}" if len(drawn) > 1 else f"Picture{names}"]


def _plot(axes: Any) -> str:
    title, across, up = axes.get_title(), axes.get_xlabel(), axes.get_ylabel()
    what = " by ".join(label for label in (up, across) if label)
    head = ", ".join(label for label in (title, what) if label)
    return f"Plot of {head or 'numbers'}: {'; '.join([*_bars(axes), *_lines(axes), *_points(axes)])}".rstrip(": ")


def _lines(axes: Any) -> Iterator[str]:
    if len(axes.lines) > MOST:
        yield f"{len(axes.lines)} lines"
        return
    for line in axes.lines:
        places, values = (
            [float(value) for value in data] for data in (line.get_xdata(orig=False), line.get_ydata(orig=False))
        )
        name = "a line" if line.get_label().startswith("_") else line.get_label()
        if len({*places}) == 1 < len(places):
            yield f"{name} at {places[0]:.3g}"
        elif len({*values}) > 1:
            yield f"{name} from {values[0]:.3g} to {values[-1]:.3g}"


def _bars(axes: Any) -> Iterator[str]:
    for container in axes.containers:
        values = getattr(container, "datavalues", None)
        if values is None:
            continue
        axis = axes.yaxis if getattr(container, "orientation", "") == "horizontal" else axes.xaxis
        names = [text.get_text() for text in axis.get_ticklabels()]
        if len(values) > MOST:
            yield f"{len(values)} bars up to {max(values):.3g}"
        else:
            labels = names if len(names) == len(values) else [""] * len(values)
            yield "bars " + ", ".join(f"{name} {value:.3g}".strip() for name, value in zip(labels, values, strict=True))


def _points(axes: Any) -> Iterator[str]:
    for collection in axes.collections:
        count = len(collection.get_offsets()) if type(collection).__name__ == "PathCollection" else 0
        if count:
            yield f"{count} points"
