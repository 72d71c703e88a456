"""A table with a line per name and a column per run, in blocks that fit into 80 columns. No TensorFlow."""

from collections.abc import Sequence

from hornbook.display.text import COLUMNS, cut

__all__ = ["grid_lines"]

WIDEST_NAME, WIDEST_VALUE = 34, 22


def grid_lines(lines: Sequence[tuple[str, Sequence[str]]], letters: Sequence[str]) -> list[str]:
    """Return the table; what is too long is cut and ends in ``…``.

    Args:
        lines: (name, a text per column).
        letters: The columns' headings.
    """
    width = min(max((len(name) for name, _ in lines), default=0), WIDEST_NAME)
    widths = [
        min(max([len(letter), *(len(texts[place]) for _, texts in lines)]), WIDEST_VALUE)
        for place, letter in enumerate(letters)
    ]
    found: list[str] = []
    for block in _blocks(widths, COLUMNS - width):
        found += [""] if found else []
        found.append(f"{'':<{width}}" + "".join(f"  {letters[at]:>{widths[at]}}" for at in block))
        for name, texts in lines:
            cells = "".join(f"  {cut(texts[at], widths[at]):>{widths[at]}}" for at in block)
            found.append(f"{cut(name, width):<{width}}{cells}")
    return found


def _blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Return the columns that stand beside each other; a block has one at least."""
    blocks: list[list[int]] = []
    used = room + 1
    for place, width in enumerate(widths):
        if used + 2 + width > room:
            blocks.append([])
            used = 0
        blocks[-1].append(place)
        used += 2 + width
    return blocks
