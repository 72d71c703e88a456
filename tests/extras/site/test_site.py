"""The built site: its links lead somewhere, it loads nothing from elsewhere, and it fits screens, paper and readers."""

import html
import os
import re
import unicodedata
from pathlib import Path

import pytest

import hornbook

ROOT = Path(__file__).parents[3]
PAGES = (
    "index.html", "quickstart.html", "tables.html", "teaching/index.html", "teaching/sigmoid.html", "notebooks/first_hour.html", "sweep.html",
    "studies/index.html", "recipes.html", "commands.html", "python_api.html", "coming_from/keras.html", "design.html",
    "performance.html", "project/CHANGELOG.html", "files/hornbook/configs/he_elu_bn.yaml.html", "gallery.html", "course.html",
    "glossary.html",
)  # fmt: skip
"""One of each kind; axe takes half a minute for the longest ones, which are looked at by themselves."""
LONG = ("reference.html", "errors.html")
TELEPHONE, A4 = 360, 718  # px; A4 without the margins that browsers leave
ADDRESS = re.compile(r"\s(href|src)=\"?([^\"\s>]*)")
OUTSIDE = """
const right = document.documentElement.clientWidth + 1;
return [...document.querySelectorAll("article *")]
  .filter(one => one.getBoundingClientRect().right > right)
  .filter(one => !(arguments[0] && one.closest(".md-typeset__scrollwrap, pre, p:has(> img), .cell-html")) && !one.closest("nav"))
  .map(one => one.outerHTML.slice(0, 120));
"""


@pytest.fixture(scope="module")
def texts(site):
    """The text of every page, by its file."""
    return {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_every_link_leads_to_a_file_and_an_anchor_that_exist(texts, site):
    anchors = {path: {*re.findall(r"\s(?:id|name)=\"?([^\"\s>]+)", text)} for path, text in texts.items()}
    broken = []
    for path, text in texts.items():
        for _, address in {*ADDRESS.findall(text)}:
            address, _, anchor = html.unescape(address).partition("#")
            if re.match(r"[a-z]+:", address):
                continue
            target = Path(os.path.normpath(path.parent / address)) if address else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (anchor and anchor not in anchors.get(target, ())):
                broken.append(f"{path.relative_to(site)}: {address}#{anchor}")
    assert broken == []


def test_pages_and_styles_load_nothing_from_elsewhere(texts, site):
    loaded = [
        (path.name, address)
        for path, text in texts.items()
        for tag in re.findall(r"<(?!a\s)[a-z]+\s[^>]*>", text)
        for _, address in ADDRESS.findall(tag)
        if re.match(r"(https?:)?//", address)
    ]
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    inside = [text for text in (*texts.values(), *styles) if re.search(r"url\([\"']?(https?:)?//|@import", text)]
    assert len(styles) > 2
    assert (loaded, len(inside)) == ([], 0)


def test_every_public_name_is_on_the_page_of_the_python_api(texts, site):
    described = {*re.findall(r'id="(?:hornbook\.)(?:\w+\.)*(\w+)"', texts[site / "python_api.html"])}
    assert {*hornbook.__all__} - described == set()


def test_every_shipped_recipe_has_a_page_that_shows_it(texts, site):
    shipped = {path.name for path in (ROOT / "hornbook" / "configs").glob("*.yaml")}
    assert shipped - {path.stem for path in texts} == set()
    assert "he_normal" in texts[site / "files/hornbook/configs/he_elu_bn.yaml.html"]


def test_no_table_shows_how_it_is_written(texts):
    assert [
        path.name for path, text in texts.items() if re.search(r"<p>\|[^<]*\||<td>[^<]*<code>[^<]*\\\|", text)
    ] == []


@pytest.mark.parametrize(("scheme", "width"), [("light", TELEPHONE), ("dark", 1280)])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_errors_loads_nothing_and_is_accessible(browser, site, page, scheme, width):
    browser.open(site / page, scheme=scheme, width=width)
    assert browser.complaints() == []
    assert [address for address in browser.requested() if not address.startswith(site.as_uri())] == []
    assert browser.violations() == []


@pytest.mark.parametrize("page", LONG)
def test_a_long_page_is_accessible_too(browser, site, page):
    browser.open(site / page, width=TELEPHONE)
    assert browser.complaints() == []
    assert browser.violations() == []


@pytest.mark.parametrize("page", PAGES)
def test_nothing_lies_outside_of_a_telephone(browser, site, page):
    browser.open(site / page, width=TELEPHONE)
    assert browser.run("return document.documentElement.scrollWidth") <= TELEPHONE
    assert browser.run(OUTSIDE, True) == [], "tables, code and pictures scroll in their own frames"


@pytest.mark.parametrize(
    "page", ["index.html", "tables.html", "commands.html", "python_api.html", "notebooks/first_hour.html"]
)
def test_print_has_every_section_and_cuts_nothing(browser, site, page):
    browser.open(site / page, width=A4, medium="print")
    assert browser.run(OUTSIDE, False) == []
    headings = browser.run("return [...document.querySelectorAll('h2, h3')].map(one => one.firstChild.textContent)")
    browser.open(site / page)
    printed = squeezed("".join(sheet.extract_text() for sheet in browser.pdf().pages))
    assert len(headings) > 3
    assert [heading for heading in headings if squeezed(heading) not in printed] == []


def squeezed(text):
    """Return a text without spaces and ligatures, which a PDF has where it likes."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def test_the_search_of_a_page_from_disk_finds_a_component(browser, site):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    browser.open(site / "quickstart.html", width=1280)
    browser.driver.find_element(By.CSS_SELECTOR, ".md-search__button").click()
    wait = WebDriverWait(browser.driver, 60)
    shadow = wait.until(
        lambda _: browser.run("return [...document.body.children].find(one => one.shadowRoot)?.shadowRoot")
    )
    shadow.find_element(By.CSS_SELECTOR, "input").send_keys("gradient_clipping")
    results = wait.until(lambda _: shadow.find_elements(By.CSS_SELECTOR, "ol a"))
    assert any("#traininggradient_clipping" in result.get_attribute("href") for result in results)


@pytest.mark.parametrize("page", ["index.html", "reference.html"])
@pytest.mark.parametrize("width", [TELEPHONE, 1280])
def test_a_page_is_readable_without_javascript(browser, site, page, width):
    browser.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(site / page, width=width)
        assert browser.run("return document.documentElement.classList.contains('no-js')")
        assert len(browser.run("return document.querySelector('article').innerText")) > 2000
        if width == TELEPHONE:
            browser.run("document.querySelector('label[for=__drawer]').click()")
        place = ".md-sidebar--primary" if width == TELEPHONE else ".md-tabs"
        links = browser.run(
            f"return [...document.querySelectorAll('{place} a')].filter(one => one.checkVisibility()).length"
        )
        assert links > 5
    finally:
        browser.tell("Emulation.setScriptExecutionDisabled", value=False)


SHOWN = "return [...document.querySelectorAll('.recipe')].filter(one => one.checkVisibility()).map(one => one.querySelector('h3').id)"


def test_every_picture_of_the_gallery_is_there(browser, site):
    browser.open(site / "gallery.html", width=1280)
    sources = browser.run("return [...document.querySelectorAll('.recipe img')].map(one => one.getAttribute('src'))")
    assert len(sources) > len({*(ROOT / "hornbook" / "configs").glob("*.yaml")})
    assert [source for source in sources if not (site / source).is_file()] == []
    assert len(sources) == len({*sources})


def test_the_gallery_shows_the_recipes_that_have_what_is_chosen(browser, site):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    browser.open(site / "gallery.html", width=TELEPHONE)
    everything = browser.run(SHOWN)
    assert len(everything) == len({*(ROOT / "hornbook" / "configs").glob("*.yaml")})

    def choose(kind, name):
        Select(browser.driver.find_element(By.CSS_SELECTOR, f".gallery-filter select[name={kind}]")).select_by_value(
            name
        )
        return browser.run(SHOWN)

    assert choose("optimizer", "lion") == ["lion"]
    assert browser.run("return document.querySelector('.gallery-filter output').textContent") == "1 recipe"
    headings = (
        "return [...document.querySelectorAll('article h2')].filter(one => one.checkVisibility()).map(one => one.id)"
    )
    assert browser.run(headings) == ["optimizers", "how-it-is-made"]
    assert choose("schedule", "one_cycle") == []
    browser.driver.find_element(By.CSS_SELECTOR, ".gallery-filter button").click()
    browser.driver.execute_async_script("setTimeout(arguments[0], 50)")
    assert browser.run(SHOWN) == everything
    assert {"he_elu_bn", "default_one_cycle"} <= {*choose("schedule", "one_cycle")}


def test_the_gallery_without_javascript_shows_every_recipe_and_an_index(browser, site):
    browser.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(site / "gallery.html", width=TELEPHONE)
        assert len(browser.run(SHOWN)) == len({*(ROOT / "hornbook" / "configs").glob("*.yaml")})
        assert not browser.run("return document.querySelector('.gallery-filter').checkVisibility()")
        browser.run("document.querySelector('.gallery-index').open = true")
        assert "lion" in browser.run("return document.querySelector('.gallery-index').innerText")
    finally:
        browser.tell("Emulation.setScriptExecutionDisabled", value=False)
