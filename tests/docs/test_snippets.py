"""Every command, Python snippet and recipe in the docs works, and what is shown of their output is what they print."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("run_page.py")
FIRST = ["README.md", "docs/quickstart.md"]
"""What a newcomer reads first."""
OTHERS = [
    "docs/index.md",
    "docs/before_training.md",
    "docs/python.md",
    "docs/tables.md",
    "docs/inputs.md",
    "docs/data.md",
    "docs/forecasts.md",
    "docs/pictures.md",
    "docs/layers.md",
    "docs/text.md",
    "docs/heads.md",
    "docs/resume.md",
    "docs/lr_find.md",
    "docs/uncertainty.md",
    "docs/report.md",
    "docs/export.md",
    "docs/shrink.md",
    "docs/pretraining.md",
    "docs/reuse.md",
    "docs/ablation.md",
    "docs/sweep.md",
    "docs/distributed.md",
    "docs/doctor.md",
    "docs/tracking.md",
    "docs/tabular_networks.md",
    "docs/textbook.md",
    "docs/coming_from/keras.md",
    "docs/coming_from/keras_tuner.md",
    "docs/coming_from/scikit_learn.md",
    "docs/coming_from/ludwig.md",
    "docs/coming_from/lightning.md",
    "docs/coming_from/fastai.md",
    "docs/teaching/sigmoid.md",
    "docs/teaching/vanishing_gradients.md",
    "docs/teaching/initialization.md",
    "docs/teaching/dying_relu.md",
    "docs/teaching/bias_and_variance.md",
    "docs/teaching/schedules.md",
    "docs/teaching/regularization.md",
]
"""The other pages, which go on with runs of the first ones."""
ALONE = ["docs/own_components.md"]
"""What it registers is for itself."""
PAGES = [*FIRST, *OTHERS, *ALONE]
PROSE = [
    "docs/design.md",
    "docs/dependencies.md",
    "docs/performance.md",
    "docs/studies/README.md",
    "docs/security.md",
    "docs/coming_from/README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/serve.md",
    "docs/reliability.md",
    "docs/teaching/README.md",
    "docs/course.md",
    "docs/gallery.md",
    "docs/glossary.md",
    "docs/notebooks/README.md",
]
ELSEWHERE = {f"docs/{name}.md" for name in ("reference", "errors", "commands", "recipes")}
"""Generated, or tested with what they describe."""
FENCE = re.compile(r"^```(\w*)([^\n]*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("pages", [
    pytest.param(FIRST, id="first"),
    pytest.param(ALONE, id="alone"),
    pytest.param([*FIRST, *OTHERS], id="all", marks=pytest.mark.whole),
])  # fmt: skip
def test_every_snippet_of_these_pages_runs(pages, tmp_path, warm):
    environment = {**os.environ, "COLUMNS": "80", "PATH": warm.path()}
    done = subprocess.run(
        [warm.python, RUNNER, *(ROOT / page for page in pages)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_page_is_tested_somewhere():
    pages = {
        path.relative_to(ROOT).as_posix()
        for place in ("*.md", "teaching/*.md", "coming_from/*.md")
        for path in (ROOT / "docs").glob(place)
    }
    assert pages - {*PAGES, *PROSE, *ELSEWHERE} == set()


@pytest.mark.parametrize("page", [*PAGES, *PROSE])
def test_every_fence_names_its_language_and_what_is_not_run_has_a_reason(page):
    fences = FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    for language, info in fences[::2]:
        assert language in {"console", "python", "yaml", "csv", "toml", "text"}, (language, info)
        assert "no-run" not in info or re.search(r"no-run: \S+ \S+", info), info


@pytest.mark.parametrize("page", [*PAGES, *PROSE])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target for target in LINK.findall(text) if not target.startswith("http")]
    assert [target for target in targets if not ((ROOT / page).parent / target).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, *PROSE])
def test_lines_are_at_most_120_columns(page):
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []  # tables cannot be wrapped


def test_the_picture_of_a_run_loads_nothing_from_elsewhere():
    picture = (ROOT / "docs/images/run.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert re.findall(r"(?:href=|url\()[\"']?https?:", picture) == []
    assert len(picture) < 50_000
