"""The course names recipes, commands and pages that exist, and figures that stand on the pages it links to."""

import os
import re
import shlex
from pathlib import Path

import pytest

from hornbook.recipes import catalog, check_recipe

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"`(hornbook [^`]+)`", " ".join(PAGE.split()))
LINK = re.compile(r"\]\(([^)#]+\.md)(?:#[^)]*)?\)")
TAKE_A_VALUE = {"--vary", "--drop", "--tune", "--seeds", "--mc-samples"}
BY_ITSELF = {"doctor", "evaluate", "reuse-report"}
"""Commands on a run of a recipe."""


def sections():
    """Yield (heading, text) of each section."""
    parts = re.split(r"^#{2,3} (.+)$", PAGE, flags=re.MULTILINE)
    return [*zip(parts[1::2], parts[2::2], strict=True)]


@pytest.mark.parametrize("heading", [
    "Glorot and He initialization", "Better activation functions", "Batch normalization", "Gradient clipping",
    "Transfer learning with Keras", "Unsupervised pretraining", "Pretraining on an auxiliary task", "Faster optimizers",
    "Learning-rate scheduling", "ℓ1 and ℓ2", "Dropout", "Monte Carlo dropout", "Max-norm",
    "Gradients that vanish or explode", "Summary and practical guidelines",
])  # fmt: skip
def test_a_section_has_a_recipe_a_command_a_page_and_what_is_published_beside_ours(heading):
    text = dict(sections())[heading]
    assert re.search(r"^- Command: .*`hornbook", text, re.MULTILINE)
    assert re.search(r"^- Recipe: |^\| section \| recipe \|", text, re.MULTILINE)
    assert re.search(r"^- Published", text, re.MULTILINE)
    assert re.search(r"^- Here: |^- Published and here", text, re.MULTILINE)
    assert LINK.search(text)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_would_do_what_it_says(command):
    words = shlex.split(command)
    if words[1] == "show":
        assert words[3] in catalog(words[2])
        return
    if words[1] in BY_ITSELF:
        assert check_recipe(words[2], for_training=False).errors == []
        return
    config, overrides, drops = words[words.index("-c") + 1], [], []
    rest = iter(words[words.index("-c") + 2 :])
    for word in rest:
        value = next(rest) if word in TAKE_A_VALUE else ""
        if word == "--vary":
            key, _, values = value.partition("=")
            drops += [f"{key}={one}" for one in values.split(",")]
        elif word == "--drop":
            drops.append(f"~{value}")
        elif not word.startswith("--"):
            overrides.append(word)
    for change in drops or [None]:
        changes = [*overrides, *([change] if change else [])]
        assert check_recipe(config, changes, for_training=False).errors == []


def written(figure):
    """Return how a figure of the course may stand on another page: itself, or as a fraction in place of percent."""
    value = float(figure) / 100
    return {figure, *(f"{value:.{digits}f}" for digits in (3, 4) if round(value, digits) == pytest.approx(value))}


@pytest.mark.parametrize(("heading", "text"), [pytest.param(*one, id=one[0]) for one in sections()])
def test_every_figure_stands_on_a_page_that_its_section_links_to(heading, text):
    linked = {Path(os.path.normpath(ROOT / "docs" / link)) for link in LINK.findall(text)}
    pages = "\n".join(path.read_text(encoding="utf-8") for path in sorted(linked))
    configs = re.findall(r"hornbook/configs/(\w+)\.yaml", text)
    pages += "\n".join((ROOT / "hornbook" / "configs" / f"{name}.yaml").read_text(encoding="utf-8") for name in configs)
    prose = re.sub(r"`[^`]*`", "", text)
    figures = re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)", prose)
    missing = [
        one
        for one in figures
        if not any(re.search(rf"(?<![\d.]){re.escape(how)}(?!\d)", pages) for how in written(one))
    ]
    assert missing == []
