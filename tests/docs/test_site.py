"""Every page has a place in the site, and is laid out for it so that its links go on working."""

import base64
import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

import hornbook

ROOT = Path(__file__).parents[2]


@pytest.fixture
def build_site(monkeypatch):
    """The script that builds the site."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import build_site

    return build_site


def listed(entries):
    """Return the pages of a navigation, in its order."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from listed([below] if isinstance(below, str) else below)


def test_the_navigation_names_every_page_once_and_no_other():
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    docs = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    beside = {f"project/{path.name}" for path in ROOT.glob("*.md") if path.name != "README.md"}
    pages = [*listed(navigation)]
    without = sorted((docs | beside | {"python_api.md"}) - {*pages})
    assert without == [], f"give each a place in the navigation, zensical.toml: {', '.join(without)}"
    assert sorted(pages) == sorted(docs | beside | {"python_api.md"})


def test_the_page_of_the_python_api_names_everything_public():
    page = (ROOT / "scripts" / "site" / "python_api.md").read_text(encoding="utf-8")
    assert [name for name in hornbook.__all__ if f"::: hornbook.{name}\n" not in page] == []


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_page_keeps_its_links_and_what_it_links_to_gets_a_page(build_site, tmp_path):
    write(tmp_path / "hornbook/a.yaml", "data: digits\n")
    write(tmp_path / "NOTES.md", "[start](README.md) [deep](docs/sub/README.md#x)\n")
    write(tmp_path / "README.md", "# Start\n")
    write(tmp_path / "docs/sub/other.md", "# Other\n")
    lines = [
        "[a recipe](../../hornbook/a.yaml), [notes](../../NOTES.md#one), [beside](other.md#two), [far](https://x.org/y.md)",
        '```console title="b.yaml" no-run: "no" reason',
        "$ echo [text](../of/code.md)",
        "```",
        r"| `a\|b` | c\|d |",
    ]
    write(tmp_path / "docs/sub/README.md", "\n".join(lines) + "\n")
    build_site.lay_out(tmp_path, tmp_path / "pages")
    assert (tmp_path / "pages/sub/README.md").read_text(encoding="utf-8").splitlines() == [
        "[a recipe](../files/hornbook/a.yaml.md), [notes](../project/NOTES.md#one), [beside](other.md#two), [far](https://x.org/y.md)",
        '```console title="b.yaml"',
        "$ echo [text](../of/code.md)",
        "```",
        r"| `a|b` | c\|d |",
    ]
    assert (tmp_path / "pages/files/hornbook/a.yaml.md").read_text(encoding="utf-8") == (
        "# `hornbook/a.yaml`\n\n```yaml\ndata: digits\n```\n"
    )
    assert (tmp_path / "pages/project/NOTES.md").read_text(encoding="utf-8") == (
        "[start](../index.md) [deep](../sub/README.md#x)\n"
    )


def test_links_that_lead_nowhere_are_said_all_at_once(build_site, tmp_path):
    write(tmp_path / "docs/a.md", "[one](b.md) and ![two](c.png)\n")
    with pytest.raises(build_site.BrokenLinkError) as raised:
        build_site.lay_out(tmp_path, tmp_path / "pages")
    assert str(raised.value) == "docs/a.md: docs/b.md does not exist\ndocs/a.md: docs/c.png does not exist"


LESSON = """\
# A lesson

*Lesson 1 of 1. You know
Keras.*

```python
print("a < b")
```

<details markdown="1">
<summary>Solution</summary>

```python
draw()
```

</details>

```python
x = 1
```
"""


def given(cells):
    """What cells gave, as it is kept."""
    from notebooks.cells import Outputs

    return Outputs("2026-11-27", {"Hornbook": "0.2.0", "Keras": "3.15.1"}, cells)


def test_a_lesson_shows_below_each_cell_what_it_gave(build_site, tmp_path):
    printed = {"output_type": "stream", "name": "stdout", "text": "\x1b[31ma < b\x1b[0m\n"}
    picture = {"image/png": base64.b64encode(b"pixels").decode(), "text/plain": 'Plot of "loss"'}
    drawn = {"output_type": "display_data", "data": picture, "metadata": {"image/png": {"width": 300, "height": 200}}}
    shown = {"text/html": '<a href="runs/x.html" target="_blank">runs/x.html</a>', "text/plain": "Page"}
    page = {"output_type": "execute_result", "data": shown, "metadata": {}}
    text = build_site.with_outputs(LESSON, given([[printed], [drawn, page], []]), tmp_path / "first")
    (before, first), (_, second), (_, third) = (part.split("\n```", 1) for part in text.split("```python\n")[1:])
    assert before == 'print("a < b")'
    assert first.startswith(
        '\n\n<div class="cell-output" role="group" aria-label="output">\n<pre>a &lt; b</pre>\n</div>\n'
    )
    assert '<img src="first/2-1.png" alt="Plot of &quot;loss&quot;" width="300" height="200">' in second
    assert second.index("</details>") > second.index('<div class="cell-html">runs/x.html</div>')
    assert third == "\n"
    assert (tmp_path / "first" / "2-1.png").read_bytes() == b"pixels"
    assert "on 2026-11-27, with Hornbook 0.2.0, Keras 3.15.1." in text.partition("```")[0]


def test_a_lesson_that_was_not_run_says_so_and_is_as_it_was(build_site, tmp_path):
    text = build_site.with_outputs(LESSON, None, tmp_path)
    said = "\nThis page was made without running the cells, so it has no outputs.\n"
    assert said in text.partition("```")[0]
    assert text.replace(said, "", 1) == LESSON


def test_outputs_are_kept_until_the_lesson_changes(build_site, tmp_path):
    from notebooks import cells

    lesson, folder = tmp_path / "lesson.md", tmp_path / "kept"
    write(lesson, LESSON)
    write(cells._file(lesson, folder), json.dumps(asdict(given([[]]))))
    assert cells.kept(lesson, folder) == given([[]])
    write(lesson, LESSON.replace("x = 1", "x = 2"))
    assert cells.kept(lesson, folder) is None


def test_a_figure_is_described_by_what_stands_in_it(build_site):
    from matplotlib.figure import Figure
    from notebooks.figures import described

    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot([0, 1, 2], [0.5, 0.2, 0.125], label="training")
    left.axhline(0.3)
    left.axvline(2, label="best epoch")
    left.set(title="a run", xlabel="epoch", ylabel="loss")
    right.barh(["age", "contract"], [0.1, 0.25])
    assert described(figure) == (
        "Plot of a run, loss by epoch: training from 0.5 to 0.125; best epoch at 2. Plot of numbers: bars age 0.1, contract 0.25"
    )
    pictures = Figure()
    for axes, title in zip(pictures.subplots(1, 3), ("three", "", "a\nfive"), strict=True):
        axes.imshow([[0, 1]])
        axes.set_title(title)
    pictures.suptitle("digits")
    assert described(pictures) == "digits: 3 pictures: three, a five"
