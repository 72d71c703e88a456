"""Pictures side by side with a line or two below each, as one PNG."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hornbook.display.chart import INK, PAPER, QUIET, figure_in_style
from hornbook.display.text import cut_inside

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["Row", "contact_sheet"]

SIDE, GAP, LINE, TITLE, MARGIN = 84, 12, 13, 84, 12  # px
MOST_CHARACTERS = 18


@dataclass(frozen=True)
class Row:
    """A row of pictures.

    Attributes:
        title: Stands to the left.
        pictures: Each (H, W, 3), from 0 to 1.
        labels: A text below each; lines end where it says.
    """

    title: str
    pictures: Sequence["NDArray[Any]"]
    labels: Sequence[str]


def contact_sheet(rows: Sequence[Row], *, is_small: bool = False) -> bytes:
    """Return rows of pictures as a PNG, always the same bytes.

    Args:
        rows: From top to bottom.
        is_small: Whether it stands in a page that has to stay small; otherwise each point has four pixels.
    """
    lines = [max((label.count("\n") + 1 for label in row.labels), default=1) for row in rows]
    heights = [SIDE + count * LINE + GAP for count in lines]
    columns = max(len(row.pictures) for row in rows)
    size = (TITLE + columns * (SIDE + GAP) + MARGIN, sum(heights) + 2 * MARGIN)

    def paint(figure: "Figure") -> None:
        figure.patch.set_facecolor(PAPER)
        width, top = size[0], size[1] - MARGIN
        for row, height in zip(rows, heights, strict=True):
            figure.text(MARGIN / width, (top - SIDE / 2) / size[1], row.title, color=INK, fontsize=12, va="center")
            for column, (picture, label) in enumerate(zip(row.pictures, row.labels, strict=True)):
                left = TITLE + column * (SIDE + GAP)
                axes = figure.add_axes((left / width, (top - SIDE) / size[1], SIDE / width, SIDE / size[1]))
                axes.imshow(picture, interpolation="nearest" if max(picture.shape) < 2 * SIDE else "antialiased")
                axes.axis("off")
                text = "\n".join(cut_inside(line, MOST_CHARACTERS) for line in label.split("\n"))
                place = (left + SIDE / 2) / width, (top - SIDE - 3) / size[1]
                figure.text(*place, text, color=QUIET, fontsize=9, ha="center", va="top", linespacing=1.15)
            top -= height

    file = io.BytesIO()
    with figure_in_style(size) as figure:
        paint(figure)
        figure.savefig(file, format="png", dpi=72 if is_small else 144, metadata={"Software": ""})
    return file.getvalue()
