"""Runs pages of the docs the way a reader would, each top to bottom in a folder of its own, the current one at last.

`python run_page.py PAGE …` says what fails. Pages of one process share what TensorFlow has compiled: nothing of
it is forgotten.

The engine that Hornbook chooses by itself is TensorFlow's graph, which compiles faster, except in blocks that show `xla`.
Health is recorded on the pages that show it. Predictions are timed with few calls, and no clock ends a check of
`sanity`. `learning_rate: auto` searches with one seed.

```console      lines after `$ ` are commands; what is shown below one must be in its output, in order, up to numbers; a line `…` leaves some out
```python       is executed; blocks of a page share their names
```yaml         a whole recipe (with data and model) must pass the check
title="FILE"    in the fence: the block is written to that file first; Python with a title is written, not executed
exit=2          in the fence: the last command of the block ends with this code
no-run: reason  in the fence: the block cannot be run here
"""

import contextlib
import functools
import io
import os
import re
import shlex
import subprocess
import sys
import traceback
from pathlib import Path

SHOW_HEALTH = {"doctor.md", "report.md", "before_training.md", "vanishing_gradients.md", "dying_relu.md"}
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHANGING = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}|\d[\d,.]*(?:e[-+]?\d+)?|[▁▂▃▄▅▆▇█]+|★| {2,}|[.…]{3,}")


def main(page: str) -> int:
    """Run a page; return the number of blocks that fail, which are printed with their lines."""
    from hornbook import startup

    startup.import_tensorflow()
    from hornbook.engine import choice, programs
    from hornbook.inference import timing
    from hornbook.trainer import train
    from hornbook.trainer.lr_find import auto, search
    from hornbook.trainer.sanity import batch

    programs.KEPT, recorders = 1000, train.health_of
    timing.SECONDS, batch.LIMIT_S = 0.0, 600.0
    auto.search_rate = functools.partial(search.search_rate, seeds=1)
    if Path(page).name not in SHOW_HEALTH:
        train.health_of = lambda run, session: []

    text = Path(page).read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "page"}
    failures, gain_from_xla = 0, choice.XLA_LAYERS
    for match in FENCE.finditer(text):
        language, info, body = match.groups()
        if "no-run:" in info:
            continue
        choice.XLA_LAYERS = gain_from_xla if re.search(r"\bxla\b", body) else frozenset()
        try:
            run_block(language, info, body, names)
        except Exception:
            failures += 1
            line = text[: match.start()].count("\n") + 1
            print(f"{Path(page).name}:{line}\n{traceback.format_exc(limit=-3)}")
    choice.XLA_LAYERS, train.health_of = gain_from_xla, recorders
    return failures


def run_block(language: str, info: str, body: str, names: dict[str, object]) -> None:
    """Run one block, or write it to its file."""
    title = re.search(r'title="([^"]+)"', info)
    if title:
        Path(title[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(title[1]).write_text(body, encoding="utf-8")
    if language == "console":
        run_console(body, last_code=int((re.search(r"exit=(\d+)", info) or [0, 0])[1]))
    elif language == "python" and not title:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(body, "<block>", "exec"), names)
    elif language == "yaml" and is_recipe(body):
        check_yaml(body)


def is_recipe(body: str) -> bool:
    """Return whether a YAML block is a whole recipe, not a piece of one."""
    return all(re.search(rf"^{key}:", body, re.MULTILINE) for key in ("data", "model"))


def check_yaml(body: str) -> None:
    """Check a recipe; warnings count."""
    from hornbook.recipes import check_recipe

    problems = check_recipe(body).problems
    if problems:
        raise AssertionError([problem.sentence() for problem in problems])


def run_console(body: str, *, last_code: int) -> None:
    """Run the commands of a block and look for the shown output in the real one."""
    commands: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:].split("  #")[0], []))
        elif line.strip():
            commands[-1][1].append(line)
    for number, (command, shown) in enumerate(commands):
        code, output = run_command(command)
        wanted = last_code if number == len(commands) - 1 else 0
        if code != wanted:
            raise AssertionError(f"{command}: exit code {code}, expected {wanted}\n{output}")
        compare(command, shown, output)


def run_command(command: str) -> tuple[int, str]:
    """Run a Hornbook command in this process (TensorFlow takes seconds to import), anything else in a shell."""
    words = shlex.shlex(command, punctuation_chars=True)  # which keeps what is quoted
    if not command.startswith("hornbook ") or any(set(word) <= set("|>&<") for word in words):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr
    from hornbook import cli

    sys.argv, code, output = shlex.split(command), 0, io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return code, output.getvalue()


def compare(command: str, shown: list[str], output: str) -> None:
    """Find each shown line in the output, after the one before; numbers and run ids may differ, `…` says that lines are left out."""
    real = iter([CHANGING.sub(" ", line).split() for line in output.splitlines()])
    for line in shown:
        wanted = CHANGING.sub(" ", line).split() if line.strip() != "…" else []
        if wanted and not any(found == wanted for found in real):
            raise AssertionError(f"{command}: not in the output: {line!r}\n{output}")


if __name__ == "__main__":
    home, failed = Path.cwd(), 0
    for number, name in enumerate(sys.argv[1:]):
        folder = home / str(number)
        folder.mkdir()
        os.chdir(folder)
        sys.path.insert(1, str(folder))
        failed += main(name)
        sys.path.remove(str(folder))
    sys.exit(failed)
