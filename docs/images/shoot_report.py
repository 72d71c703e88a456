"""Makes docs/images/report.png: the top of a page and its layers, as headless Chromium shows them.

python docs/images/shoot_report.py
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
PARTS = ((None, 1150), ("layers", 1010))  # an anchor on the page, and how many px of what follows


def main() -> None:
    """Train, write the page, and take pictures of it, in light and in dark."""
    with tempfile.TemporaryDirectory() as folder:
        for command in ("train --config he_elu_bn.yaml --quiet", "report he_elu_bn -o page.html"):
            subprocess.run([sys.executable, "-m", "hornbook", *command.split()], cwd=folder, check=True)
        page = (Path(folder) / "page.html").read_text(encoding="utf-8")
        shots = [shoot(Path(folder), page, part, is_dark=place == 1) for place, part in enumerate(PARTS)]
        whole = Image.new("RGB", (sum(shot.width for shot in shots), max(shot.height for shot in shots)))
        for place, shot in enumerate(shots):
            whole.paste(shot, (place * shot.width, 0))
        whole.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            HERE / "report.png", optimize=True
        )


def shoot(folder: Path, page: str, part: tuple[str | None, int], *, is_dark: bool) -> Image.Image:
    """Return a picture of the page from an anchor on."""
    anchor, _ = part
    if anchor is not None:  # everything before it is not shown
        style = f"<style>main > *:not(#{anchor}, #{anchor} ~ *) {{ display: none }}</style></head>"
        page = page.replace("</head>", style)
    (folder / "part.html").write_text(page, encoding="utf-8")
    subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--screenshot=part.png",
            f"--blink-settings=preferredColorScheme={0 if is_dark else 1}", f"--window-size=1000,{max(p for _, p in PARTS)}",
            f"file://{folder / 'part.html'}",
        ],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return Image.open(folder / "part.png").convert("RGB")


if __name__ == "__main__":
    main()
