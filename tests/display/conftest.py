"""Reading pictures the way a viewer does."""

import xml.etree.ElementTree as ElementTree

import pytest

SVG = "{http://www.w3.org/2000/svg}"


class Picture:
    """An SVG: its texts, hovers and ids."""

    def __init__(self, svg):
        self.svg = svg
        self.root = ElementTree.fromstring(svg)

    def all(self, tag):
        return list(self.root.iter(f"{SVG}{tag}"))

    @property
    def texts(self):
        return [element.text for element in self.all("text")]

    @property
    def hovers(self):
        """Every group with a title, in the order of drawing: (what a hover says, its parts)."""
        groups = [group for group in self.all("g") if group.find(f"{SVG}title") is not None]
        return [
            (group.find(f"{SVG}title").text, [part for part in group if part.tag != f"{SVG}title"]) for group in groups
        ]

    @property
    def lines(self):
        """(what a hover says, style) of each path with a hover."""
        return [
            (title, part.get("style")) for title, parts in self.hovers for part in parts if part.tag == f"{SVG}path"
        ]

    @property
    def ids(self):
        return {element.get("id") for element in self.root.iter()} - {None}

    def boxes(self):
        """(left, right, baseline, text) of each text that is not rotated, 0.6 of the font's size for a character."""
        found = []
        for element in self.all("text"):
            size = float(element.get("style").partition("font")[2].partition("px")[0].split()[-1])
            width, x = 0.6 * size * len(element.text), float(element.get("x"))
            anchor = next(
                (word for word in ("middle", "end") if f"text-anchor: {word}" in element.get("style")), "start"
            )
            left = x - {"start": 0, "middle": width / 2, "end": width}[anchor]
            found.append((left, left + width, float(element.get("y")), element.text))
        return found

    def overlaps(self):
        """Pairs of texts that lie on each other."""
        boxes = self.boxes()
        return [
            (one[3], other[3])
            for place, one in enumerate(boxes)
            for other in boxes[:place]
            if one[0] < other[1] and other[0] < one[1] and abs(one[2] - other[2]) < 9
        ]


@pytest.fixture(scope="session")
def read():
    return Picture
