"""Draws sweep.svg: all trials of a real sweep_random. Run it from the repository: python docs/images/draw_sweep.py"""

import re
import tempfile
from pathlib import Path

import hornbook

TARGET = Path(__file__).resolve().with_name("sweep.svg")


def main() -> None:
    """Sweep in an empty folder and take the first picture out of the page, with the page's styles."""
    with tempfile.TemporaryDirectory() as runs:
        result = hornbook.run_sweep(hornbook.load_recipe("sweep_random"), runs=runs)
        page = (result.folder / "report.html").read_text(encoding="utf-8")
    picture = re.search(r"<svg[^>]*parallel coordinates.*?</svg>", page, re.DOTALL)[0]
    styles = re.search(r"^svg text.*$", page, re.MULTILINE)[0]
    start = '<svg xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" '
    rest = picture.removeprefix("<svg ").replace(
        ">", f'><style>{styles}</style><rect width="100%" height="100%" fill="white"/>', 1
    )
    TARGET.write_text(f"{start}{rest}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
