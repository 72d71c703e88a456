"""Lessons on the site: what their cells print and draw stands below them, and is readable for everybody."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TELEPHONE = 360  # px
CELLS = """\
```python
import pathlib

pathlib.Path("runs").mkdir()
print(pathlib.Path("runs").resolve(), len([*pathlib.Path(".").iterdir()]))
```

```python
import matplotlib.pyplot as plt

plt.plot([1, 2, 4], label="loss")
plt.title("a curve")
plt.show()
```
"""


@pytest.fixture
def cells(monkeypatch):
    """What runs the cells of a lesson."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from notebooks import cells

    return cells


def test_cells_run_in_an_empty_folder_whose_name_is_not_shown_and_figures_get_words(cells, tmp_path):
    lesson = tmp_path / "lesson.md"
    lesson.write_text(CELLS, encoding="utf-8")
    (printed,), (figure,) = cells.outputs_of(lesson, tmp_path / "kept").cells
    assert printed["text"] == "runs 1\n"
    assert figure["data"]["text/plain"] == "Plot of a curve: loss from 1 to 4"
    assert figure["data"]["image/png"].startswith("iVBOR")
    assert cells.kept(lesson, tmp_path / "kept").cells == [[printed], [figure]]


def test_a_cell_that_fails_is_shown_with_its_lesson(cells, tmp_path):
    lesson = tmp_path / "lesson.md"
    lesson.write_text("```python\nx = 1\n```\n\n```python\nx.nothing\n```\n", encoding="utf-8")
    with pytest.raises(cells.CellError, match=r"(?s)^lesson\.md: .*x\.nothing.*AttributeError"):
        cells.outputs_of(lesson, tmp_path / "kept")
    assert cells.kept(lesson, tmp_path / "kept") is None


def test_a_lesson_that_is_not_there_ends_the_building_with_the_names_of_those_that_are():
    command = [sys.executable, ROOT / "scripts" / "build_site.py", "second_hour"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "no lesson: second_hour. There are first_hour, optimizers, " in done.stderr


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_lesson_shows_what_its_cells_gave(browser, site, scheme):
    browser.open(site / "notebooks/first_hour.html", scheme=scheme, width=TELEPHONE)
    texts = browser.run("return [...document.querySelectorAll('.cell-output')].map(one => one.textContent)")
    assert len(texts) > 14
    assert any("epoch     loss accuracy" in text for text in texts)
    assert not any("/tmp" in text or "Traceback" in text or "\x1b" in text for text in texts)
    pictures = browser.run(
        "return [...document.querySelectorAll('.cell-output img')].map(one => [one.alt, one.naturalWidth, one.width])"
    )
    assert len(pictures) == 3
    for words, pixels, width in pictures:
        assert words.startswith(("Plot of", "Picture", "20 pictures")) or "pictures: " in words
        assert pixels >= 1.9 * width, "sharp on a telephone"
    assert browser.run("return document.querySelectorAll('.cell-html svg[aria-label]').length") == 3
    assert browser.run("return document.querySelectorAll('.cell-html tbody td').length") == 15
    assert browser.run("return document.querySelectorAll('details .cell-output').length") == 3


def test_a_long_output_scrolls_with_the_keyboard_and_is_whole_on_paper(browser, site):
    page = site / "notebooks/first_hour.html"
    longest = "[...document.querySelectorAll('.cell-output pre')].sort((a, b) => b.scrollHeight - a.scrollHeight)[0]"
    browser.open(page, width=TELEPHONE)
    assert browser.run(f"const one = {longest}; return one.scrollHeight > one.clientHeight && one.tabIndex === 0")
    browser.open(page, medium="print")
    assert browser.run(f"const one = {longest}; return one.scrollHeight <= one.clientHeight + 1")


def test_a_lesson_says_when_and_with_what_it_ran_or_that_it_did_not(site):
    def begin(name):
        return (site / "notebooks" / f"{name}.html").read_text(encoding="utf-8").partition("<pre")[0]

    assert "Below each cell stands what it gave on 20" in begin("first_hour")
    for name in ("transfer", "uncertainty"):
        text = begin(name)
        assert ("Below each cell stands" in text) != ("This page was made without running the cells" in text)
