"""Draws sweep.svg: all trials of a real sweep_random. Run it from the repository: python docs/images/draw_sweep.py"""

import re
import tempfile
from pathlib import Path

import hornbook

TARGET = Path(__file__).resolve().with_name("sweep.svg")


def main() -> None:
    """Sweep in an empty folder and take the first picture out of the page; it stands for itself."""
    with tempfile.TemporaryDirectory() as runs:
        result = hornbook.run_sweep(hornbook.load_recipe("sweep_random"), runs=runs)
        page = (result.folder / "report.html").read_text(encoding="utf-8")
    TARGET.write_text(re.search(r"<svg .*?</svg>\n", page, re.DOTALL)[0], encoding="utf-8")


if __name__ == "__main__":
    main()
