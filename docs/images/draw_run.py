"""Draws run.svg: the output of a real run of the first recipe. Run it from the repository: python docs/images/draw_run.py"""

import io
import os
import re
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from hornbook import load_recipe, startup

START = time.perf_counter()
TARGET = Path(__file__).resolve().with_name("run.svg")
COMMAND = "hornbook train --config he_elu_bn.yaml"


def main() -> None:
    """Train in an empty folder and save what was printed."""
    startup.import_tensorflow()
    from hornbook.trainer.progress import ConsoleProgress
    from hornbook.trainer.train import train

    console = Console(record=True, width=80, file=io.StringIO(), highlight=False)
    console.print(f"$ {COMMAND}")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        train(load_recipe("he_elu_bn"), listeners=[ConsoleProgress(console)], started=START)
    picture = console.export_svg(title=COMMAND, theme=MONOKAI)
    # Without the web fonts, which many viewers refuse to load, and without spaces at the ends of lines.
    picture = re.sub(r"@font-face \{.*?\}\n", "", picture, flags=re.DOTALL)
    picture = re.sub(r"[ \t]+$", "", picture.replace("Fira Code, ", "").replace("Fira Code,", ""), flags=re.MULTILINE)
    TARGET.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
