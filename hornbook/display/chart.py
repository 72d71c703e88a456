"""How every picture looks, and how a figure becomes SVG text. Matplotlib is imported when something is drawn, and only then.

The text is the same, byte for byte, for the same numbers: in another process, with other fonts, locales and settings of
Matplotlib. It holds no date, loads nothing, and may stand in one page with other pictures.
"""

import base64
import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = [
    "ACCENT",
    "AXIS",
    "CHAR",
    "FAINT",
    "GRID",
    "INK",
    "NUM_SOLID",
    "PAPER",
    "PLAIN",
    "QUIET",
    "SERIES",
    "axes_in",
    "data_uri",
    "drawn",
    "figure_in_style",
    "on_paper",
    "pixels",
    "shade",
    "spread",
    "write",
]

INK, QUIET, AXIS, GRID = "#1c2430", "#56606e", "#9aa4b1", "#e6e9ed"
PAPER = "#ffffff"
"""Under a picture that is a file of its own: whoever shows it may have a dark page."""
PLAIN, FAINT = "#1d4ed8", "#93b4f0"  # a curve on its own, and others like it behind it
ACCENT = "#c2410c"
"""The winner's, and what a search suggests."""
SERIES = ("#1b1b1b", "#0f6cbd", "#b4510b", "#00796b", "#a3308c", "#8a6100", "#5b4bb7", "#6b6b6b")
"""Of lines that are compared, the baseline's first; readable on white."""
NUM_SOLID = 5
"""So many of them differ for every eye; the others are dashed, because some eyes take them for one of these."""
WORST, BEST = (181, 189, 199), (8, 81, 156)  # the ends of `shade`, red, green and blue
CHAR = 0.6
"""Width of a character over the size of its font, on the safe side."""

SVG = "http://www.w3.org/2000/svg"
STYLE: dict[Any, Any] = {  # keys of Matplotlib's rcParams
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # Matplotlib's own, to measure with; pages show the reader's
    "font.size": 13.0,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": AXIS,
    "axes.facecolor": "none",
    "axes.labelcolor": QUIET,
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "lines.solid_joinstyle": "round",
    "lines.solid_capstyle": "round",
    "xtick.color": AXIS,
    "ytick.color": AXIS,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "xtick.major.pad": 6.0,
    "ytick.major.pad": 6.0,
}
HALO = "text{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}"


def drawn(paint: "Callable[[Figure], None]", size: tuple[int, int], *, name: str, label: str) -> str:
    """Return a picture as an ``<svg>`` element for a page or a file of its own.

    Artists with a URL get its text as what a hover says; they become no links.

    Args:
        paint: Draws into the empty figure, in which a point is a pixel.
        size: Width and height, px.
        name: Begins the ids in the picture: no two pictures of a page have the same.
        label: What the picture shows, for those who cannot see it.
    """
    text = io.StringIO()
    with figure_in_style(size, {"svg.hashsalt": name}) as figure:
        paint(figure)
        figure.savefig(text, format="svg", metadata={"Date": None})
    return _inlined(text.getvalue(), size, name, label)


@contextmanager
def figure_in_style(size: tuple[int, int], style: dict[Any, Any] | None = None) -> "Iterator[Figure]":
    """Yield an empty figure, in which a point is a pixel and which looks the same whatever the user's settings are.

    Args:
        size: Width and height, px.
        style: More of Matplotlib's parameters.
    """
    _import_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)  # the reader's font has it
        matplotlib.rcdefaults()  # whatever the user's matplotlibrc says
        matplotlib.rcParams.update({**STYLE, **(style or {})})
        figure = Figure(figsize=(size[0] / 72, size[1] / 72), dpi=72)
        FigureCanvasSVG(figure)
        yield figure


def data_uri(colors: "NDArray[Any]") -> str:
    """Return red, green and blue from 0 to 1 (height, width, 3) as a PNG that stands in a page, upright, without a date."""
    _import_matplotlib()
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, colors, format="png", origin="upper", metadata={"Software": ""})
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def on_paper(svg: str) -> str:
    """Return a picture that `drawn` made with a white ground, for a file of its own; pages have theirs."""
    head, style, rest = svg.partition("<style>")
    return f'{head}<rect width="100%" height="100%" rx="6" fill="{PAPER}" />\n{style}{rest}'


def axes_in(figure: "Figure", *, left: float, right: float, top: float, bottom: float) -> "Axes":
    """Return axes with margins in px, a line below and nothing else around them."""
    width, height = figure.bbox.width, figure.bbox.height
    box = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    axes = figure.add_axes(box)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    return axes


def pixels(axes: "Axes", x: float, y: float) -> tuple[float, float]:
    """Return where data lie in the picture, px from the lower left, once the axes have their limits."""
    place = axes.transData.transform((x, y))
    return float(place[0]), float(place[1])


def write(axes: "Axes", text: str, place: tuple[float, float], *, hover: str = "", **style: Any) -> None:
    """Write one line at a place in px from the lower left."""
    artist = axes.text(*place, text, transform=None, **{"va": "center_baseline", **style})
    if hover:
        artist.set_url(hover)


def spread(places: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Return places moved as little as needed to lie `gap` apart, in the same order, from `low` to `high` if there is room.

    The least squares under an order are an isotonic regression. Barlow et al. (1972), "Statistical inference under order
    restrictions".
    """
    from scipy.optimize import isotonic_regression

    if not places:
        return []
    order = sorted(range(len(places)), key=lambda index: places[index])
    wanted = [places[index] - rank * gap for rank, index in enumerate(order)]
    room = max(high - gap * (len(places) - 1), low)
    moved = [0.0] * len(places)
    for rank, (index, place) in enumerate(zip(order, isotonic_regression(wanted).x, strict=True)):
        moved[index] = min(max(float(place), low), room) + rank * gap
    return moved


def shade(quality: float) -> str:
    """Return a colour from grey (0, bad) to dark blue (1, good): its lightness says it, so no hue has to be told apart."""
    return "#" + "".join(f"{round(a + (b - a) * quality):02x}" for a, b in zip(WORST, BEST, strict=True))


def _import_matplotlib() -> None:
    """Import Matplotlib whatever MPLBACKEND says, and without its words about folders and fonts.

    It does not start with a backend that it does not know, and says on stderr that a home cannot be written.
    """
    if "matplotlib.backends.backend_svg" in sys.modules:
        return
    with _quiet("matplotlib"), _without("MPLBACKEND") as backend:
        import matplotlib
        import matplotlib.backends.backend_svg
    if backend:
        with suppress(ValueError):  # for pyplot, which the user may import later
            matplotlib.rcParams["backend"] = backend


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _without(variable: str) -> Iterator[str | None]:
    value = os.environ.pop(variable, None)
    try:
        yield value
    finally:
        if value is not None:
            os.environ[variable] = value


def _inlined(svg: str, size: tuple[int, int], name: str, label: str) -> str:
    """Return Matplotlib's SVG without what is for files alone, with ids of its own, hovers and a label."""
    root = ElementTree.fromstring(svg)
    for child in list(root):
        if child.tag == f"{{{SVG}}}metadata" or child.find(f"{{{SVG}}}style") is not None:  # that would style the page
            root.remove(child)
    used = set(re.findall(r"#([\w.-]+)", " ".join(value for one in root.iter() for value in one.attrib.values())))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {key.rpartition("}")[2]: _short(key, value) for key, value in element.attrib.items()}
        if element.attrib.get("id", "") not in used:
            element.attrib.pop("id", None)
        if element.attrib.get("transform", "").startswith("rotate(0 "):
            del element.attrib["transform"]
        for key, value in element.attrib.items():
            element.attrib[key] = value if key == "style" else _own(key, value, name)
    for element in root.iter("a"):
        title = ElementTree.Element("title")
        title.text = element.attrib["href"]
        element.tag, element.attrib = "g", {}
        element.insert(0, title)
    _flatten(root)
    width, height = size
    root.attrib = {
        "xmlns": SVG, "id": name, "class": "chart", "viewBox": f"0 0 {width} {height}", "width": str(width),
        "height": str(height), "role": "img", "aria-label": label, "font-family": "system-ui, sans-serif",
    }  # fmt: skip
    style = ElementTree.Element("style")
    style.text = f"#{name} {HALO}"
    root.insert(0, style)
    ElementTree.indent(root, space="")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _flatten(element: ElementTree.Element) -> None:
    """Take away groups that say nothing: most of what Matplotlib writes."""
    children: list[ElementTree.Element] = []
    for child in element:
        _flatten(child)
        says_nothing = child.tag == "g" and not child.attrib and child.find("title") is None
        children += list(child) if says_nothing else [child]
    element[:] = children


def _short(key: str, value: str) -> str:
    """Return an attribute with numbers of two decimals; a hundredth of a pixel is nothing to see."""
    if key == "style":
        return value.replace("'DejaVu Sans'", "system-ui")
    if key in {"d", "x", "y", "transform", "points"}:
        value = re.sub(r"-?\d+(\.\d+)?", lambda number: f"{round(float(number[0]), 2) + 0.0:.6g}", value)
        return " ".join(value.split())
    return value


def _own(key: str, value: str, name: str) -> str:
    """Return an attribute whose id is this picture's."""
    if key == "id":
        return f"{name}-{value}"
    if key == "href" and value.startswith("#"):
        return f"#{name}-{value[1:]}"
    return value.replace("url(#", f"url(#{name}-") if key == "clip-path" else value
