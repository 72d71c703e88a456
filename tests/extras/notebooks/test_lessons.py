"""Each lesson runs from top to bottom: its claims hold, it is quick, and what it leaves is small and readable."""

import json
import re
from datetime import datetime

import pytest
from lessons import NAMES, lesson

WITHOUT_SERVICE = """\
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = classmethod(
    lambda cls, name, *more: None if name in {"uvicorn", "fastapi", "fastapi_offline"} else find(name, *more)
)
"""


def printed(cells):
    """Return what cells have printed, in one text."""
    return "".join(part.text for cell in cells for part in cell.outputs if part.output_type == "stream")


def seconds(cell):
    """Return how long a cell took."""
    begin, end = (cell.metadata.execution[key] for key in ("iopub.execute_input", "shell.execute_reply"))
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_with_its_solutions_holds_what_it_claims_and_is_quick_and_small(name, execute):
    code = execute(name)  # which fails where a cell does
    cells = [cell for cell in code if "solution" not in cell.metadata.get("tags", ())]
    assert [cell.source for cell in cells] == [text.rstrip("\n") for text in lesson(name).cells]
    assert len(code) - len(cells) == len(lesson(name).solutions) >= 3
    assert sum(map(seconds, cells)) < 180
    size = sum(len(json.dumps(part)) for cell in cells for part in cell.outputs)
    assert size < 200_000, {cell.source[:40]: len(json.dumps(cell.outputs)) for cell in cells}
    text = printed(code)
    assert "Traceback" not in text
    assert re.findall(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text) == [], "control characters, which a notebook shows"
    said = [part.text for cell in code for part in cell.outputs if part.get("name") == "stderr"]
    assert said == []
    assert all(len(cell.outputs) < 5 for cell in code), "outputs that belong together"


def test_the_table_without_the_service_says_what_to_install_and_goes_on(execute, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_SERVICE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    text = printed(execute("own_table"))
    assert text.count("pip install 'hornbook[serve]'") == 1
    assert "answering" not in text
    assert "Traceback" not in text
