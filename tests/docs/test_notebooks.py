"""The lessons in docs/notebooks as texts: their cells compile and what they name exists. Running them is an extra's test."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
from lessons import FENCE, LESSONS, NAMES, REGION, as_python, commands, lesson

import hornbook

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
OPTION = re.compile(r"^\| `(?:(-\w), )?(--[\w-]+)[ `]", re.MULTILINE)


@pytest.fixture(scope="module")
def options():
    """The options of every command, from the page that is generated from them."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    sections = re.split(r"^##+ `hornbook ([\w -]+)`$", page, flags=re.MULTILINE)[1:]
    found = zip(sections[::2], sections[1::2], strict=True)
    return {name: {one for pair in OPTION.findall(text) for one in pair if one} for name, text in found}


def test_the_page_of_all_lessons_names_each_with_its_minutes_and_each_leads_to_the_next():
    page = (LESSONS / "README.md").read_text(encoding="utf-8")
    order = re.findall(r"^\| \d \| \[[^\]]+\]\((\w+)\.md\) \|.*\| 45 \|$", page, flags=re.MULTILINE)
    assert sorted(order) == NAMES
    for number, (name, following) in enumerate(zip(order, [*order[1:], None], strict=True), 1):
        text = (LESSONS / f"{name}.md").read_text(encoding="utf-8")
        assert f"*Lesson {number} of {len(order)}." in text
        assert following is None or f"({following}.md)" in text.splitlines()[-1]


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_a_page_and_a_notebook(name):
    text = (LESSONS / f"{name}.md").read_text(encoding="utf-8")
    header, _, body = text.partition("-->\n\n")
    assert header.startswith("<!--\n\n---\njupyter:\n")
    assert body.startswith("# ")
    assert [line for line in text.splitlines() if len(line) > 120] == []
    opened = re.findall(r"^```(.+)$", text, flags=re.MULTILINE)
    assert set(opened) == {"python"}, "Jupytext makes cells of other languages too, or none"
    assert text.count("```") == 2 * len(opened) == 2 * len(FENCE.findall(text))
    before, _, exercises = body.partition("\n## Exercises\n")
    assert "<details" not in before
    assert len(REGION.findall(exercises)) == exercises.count("<details") == exercises.count("</details>") >= 3
    assert len(re.findall(r"^\*\*\d\.\*\* ", exercises, flags=re.MULTILINE)) == exercises.count("<details")


@pytest.mark.parametrize("name", [*NAMES, "README"])
def test_links_lead_somewhere(name):
    text = (LESSONS / f"{name}.md").read_text(encoding="utf-8")
    targets = [target for target in LINK.findall(re.sub(FENCE, "", text)) if not target.startswith("http")]
    assert [target for target in targets if not (LESSONS / target).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_cells_compile_and_import_what_exists(name):
    read = lesson(name)
    for cell in [*read.cells, *read.solutions]:
        for node in ast.walk(ast.parse(as_python(cell))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hornbook"):
                names = {alias.name for alias in node.names}
                assert names <= public(node.module), (node.module, names)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hornbook":
                assert hasattr(hornbook, node.attr), node.attr


def public(module):
    """Return the names in a module's `__all__`, without importing it, which may need TensorFlow."""
    tree = ast.parse(Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8"))
    (names,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "__all__" for target in node.targets)
    ]
    return set(ast.literal_eval(names))


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_their_options_exist(name, options):
    read = lesson(name)
    for cell in [*read.cells, *read.solutions]:
        for words in commands(cell):
            command = next(one for one in (" ".join(words[1:3]), words[1]) if one in options)
            assert {word.partition("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)} <= options[command]


def test_what_a_lesson_may_get_wrong_is_noticed(options):
    (words,) = commands("x = 1\n!hornbook train --confg a.yaml 'data.drop=[a, b]' 2> log\n")
    assert words == ["hornbook", "train", "--confg", "a.yaml", "data.drop=[a, b]", "2"]
    assert "--confg" not in options["train"]
    assert {"--config", "-c", "--dry-run"} <= options["train"]
    assert as_python("x = 1\n!hornbook list\nfor a in b:\n    %time a\n") == "x = 1\npass\nfor a in b:\n    pass\n"
    assert {name for cell in lesson("own_table").cells for _, name, *_ in commands(cell)} >= {"new", "check", "predict"}
