"""Draws ablation.svg from the page that the study of optimizers in docs/studies/README.md left.

Run it from the repository: python docs/images/draw_ablation.py runs/optimizers_ablation/latest/report.html
"""

import re
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().with_name("ablation.svg")


def main(report: str) -> None:
    """Take the first picture out of the page; it stands for itself."""
    page = Path(report).read_text(encoding="utf-8")
    TARGET.write_text(re.search(r"<svg .*?</svg>\n", page, re.DOTALL)[0], encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
