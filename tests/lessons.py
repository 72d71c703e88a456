"""The lessons in docs/notebooks as cells, read in two ways: by a few lines without Jupytext, and by Jupytext.

A fence of Python is a cell. Those in a region are solutions: in a notebook they stand in a folded text, to be copied.
"""

import re
from pathlib import Path
from typing import NamedTuple

LESSONS = Path(__file__).parents[1] / "docs" / "notebooks"
NAMES = sorted(path.stem for path in LESSONS.glob("*.md") if path.name != "README.md")
REGION = re.compile(r"^<!-- #region -->$.*?^<!-- #endregion -->$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Lesson(NamedTuple):
    """The code of a lesson."""

    cells: list[str]
    solutions: list[str]


def lesson(name):
    """Return the cells and solutions of a lesson."""
    text = (LESSONS / f"{name}.md").read_text(encoding="utf-8")
    solutions = [cell for region in REGION.findall(text) for cell in FENCE.findall(region)]
    return Lesson(FENCE.findall(REGION.sub("", text)), solutions)


def as_python(cell):
    """Return a cell as Python alone: without what it writes to a file, commands and magic lines."""
    if cell.startswith("%%"):
        return ""
    return re.sub(r"^( *)[!%].*$", r"\1pass", cell, flags=re.MULTILINE)


def commands(cell):
    """Return the words of each Hornbook command that a cell starts with `!`, up to the first pipe or redirection."""
    import shlex

    for line in re.findall(r"^ *!(hornbook .*)$", cell, flags=re.MULTILINE):
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        end = []
        for word in words:
            if set(word) <= set("|>&<;"):
                break
            end.append(word)
        yield end


def as_notebook(name):
    """Return a lesson as Jupytext reads it, with its solutions as cells behind the text that they are folded in."""
    import jupytext
    import nbformat

    notebook = jupytext.read(LESSONS / f"{name}.md")
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            for code in FENCE.findall(cell.source):
                cells.append(nbformat.v4.new_code_cell(code, metadata={"tags": ["solution"]}))
    notebook.cells = cells
    return notebook
