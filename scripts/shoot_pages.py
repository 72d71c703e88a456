"""Makes docs/images/page_*.png: parts of the five kinds of pages as headless Chromium shows them, in light and in dark.

python scripts/shoot_pages.py
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

IMAGES = Path(__file__).parents[1] / "docs" / "images"
HORNBOOK = (sys.executable, "-m", "hornbook")
SIZE = (960, 1120)  # px of each half
UNPAINTED = 200  # px at the lower end of a window, which Chromium sometimes leaves empty


class Shot(NamedTuple):
    """A picture: the command that leaves the page, and the heading that the dark half begins with."""

    name: str
    command: str
    dark: str


SHOTS = (
    Shot(
        "classification",
        "train -c logistic_regression data=wine training.epochs=4",
        "predictions",
    ),
    Shot("regression", "train -c noisy_regression", "predictions"),
    Shot("image", "train -c he_elu_bn", "mistakes"),
    Shot("sweep", "sweep -c sweep_random", "keys"),
    Shot("ablation", "ablate -c he_elu_bn --vary activation=relu,tanh --seeds 4 training.epochs=8", "differences"),
)


def main(*names: str) -> None:
    """Train, write the pages, and take pictures of those that are named, or of all."""
    for shot in SHOTS:
        if names and shot.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            page = written(Path(folder), shot).read_text(encoding="utf-8")
            whole = Image.new("RGB", (2 * SIZE[0], SIZE[1]))
            whole.paste(shoot(Path(folder), page, is_dark=False), (0, 0))
            whole.paste(shoot(Path(folder), page, since=shot.dark, is_dark=True), (SIZE[0], 0))
        few_colors(whole).save(IMAGES / f"page_{shot.name}.png", optimize=True)


def few_colors(picture: Image.Image, count: int = 128) -> Image.Image:
    """Return the picture in those of its colours that are most frequent; averages of them would be dull."""
    pixels = np.asarray(picture).reshape(-1, 3).astype(int)
    colors, places, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    chosen = colors[np.argsort(-counts)[:count]]
    nearest = [((chosen - color) ** 2).sum(axis=1).argmin() for color in colors]
    small = Image.fromarray(np.array(nearest, np.uint8)[places].reshape(picture.height, picture.width))
    small.putpalette(chosen.astype(np.uint8).tobytes())
    return small


def written(folder: Path, shot: Shot) -> Path:
    """Return the page that a command leaves in a folder."""
    verb, *options = shot.command.split()
    more = ["--report", "--quiet"] if verb == "train" else []
    subprocess.run([*HORNBOOK, verb, *options, *more], cwd=folder, check=True, capture_output=True)
    pages = [path for path in (folder / "runs").rglob("report.html") if not path.parent.is_symlink()]
    return next(path for path in pages if "latest" not in str(path))


def shoot(folder: Path, page: str, *, since: str = "", is_dark: bool) -> Image.Image:
    """Return a picture of the page from a heading on."""
    if since:  # everything before it is not shown
        style = f"<style>main > *:not(#{since}, #{since} ~ *) {{ display: none }}</style></head>"
        page = re.sub("</head>", style, page, count=1)
    (folder / "part.html").write_text(page, encoding="utf-8")
    subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}", "--screenshot=part.png",
            f"--window-size={SIZE[0]},{SIZE[1] + UNPAINTED}",
            f"--blink-settings=preferredColorScheme={0 if is_dark else 1}", f"file://{folder / 'part.html'}",
        ],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    with Image.open(folder / "part.png") as picture:
        return picture.convert("RGB").crop((0, 0, *SIZE))


if __name__ == "__main__":
    main(*sys.argv[1:])
