"""The pictures of docs/teaching are those that one script draws, small, and legible on a light and a dark page."""

import importlib.util
import re
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "teaching").glob("*.md"))
IMAGES = ROOT / "docs" / "teaching" / "images"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("draw_demos", ROOT / "scripts" / "draw_demos.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_picture_is_drawn_by_the_script_and_shown_on_a_page(script):
    shown = {name for page in PAGES for name in re.findall(r"\(images/(\w+)\.svg\)", page.read_text(encoding="utf-8"))}
    assert shown == {*script.PICTURES} == {path.stem for path in IMAGES.iterdir()}
    assert script.TARGET == IMAGES


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "README.md"], ids=lambda page: page.stem)
def test_a_demo_has_a_picture_and_a_screen_of_text(page):
    text = page.read_text(encoding="utf-8")
    assert "](images/" in text
    prose = [line for line in re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL).splitlines() if line]
    assert len(prose) <= 30
    assert f"({page.name})" in (page.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(
    f"matplotlib=={matplotlib.__version__}" not in (ROOT / "constraints.txt").read_text(encoding="utf-8").split(),
    reason="another version of Matplotlib has drawn the pictures, which places texts elsewhere",
)
@pytest.mark.parametrize("name", ["sigmoid", "relu", "elu", "schedules", "one_cycle"])
def test_what_takes_no_training_is_drawn_again_with_the_same_bytes(name, script, tmp_path):
    assert name in script.CHEAP
    assert script.PICTURES[name](tmp_path) == (IMAGES / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(IMAGES.iterdir()), ids=lambda path: path.stem)
def test_a_picture_is_small_and_stands_on_a_ground_of_its_own(path):
    picture = path.read_text(encoding="utf-8")
    assert len(picture) < 100_000
    assert '<rect width="100%" height="100%" rx="6" fill="#ffffff" />' in picture
    assert re.search(r'aria-label="[^"]{20,}"', picture)
    assert re.findall(r"(?:href=|url\()[\"']?https?:", picture) == []
