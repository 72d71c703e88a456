"""Every page in a real browser: it complains about nothing, loads nothing, and fits screens, paper and readers."""

import re
import unicodedata

import pytest

PAGES = ("classification", "regression", "image", "comparison", "sweep", "ablation", "index")
TELEPHONE, A4 = 360, 718  # px; A4 without the margins that browsers leave
MEGABYTE = 1_000_000
OUTSIDE = """
const right = document.documentElement.clientWidth + 1;
return [...document.querySelectorAll("main *")]
  .filter(one => one.getBoundingClientRect().right > right && !(arguments[0] && one.closest(".scroll, pre, svg")))
  .map(one => one.outerHTML.slice(0, 120));
"""
COLUMN = "return [...document.querySelectorAll('table.sortable')[0].tBodies[0].rows].map(row => row.cells[0].textContent.trim())"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_has_no_errors_loads_nothing_and_is_accessible(browser, pages, page, scheme):
    browser.open(pages[page], scheme=scheme)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.complaints() == []
    assert browser.requested() == [pages[page].as_uri()]
    if page == "index":  # axe takes a minute for a thousand rows that are alike
        browser.run("for (const row of [...document.querySelectorAll('tbody tr')].slice(30)) row.remove()")
    assert browser.violations() == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_small_and_there_at_once(browser, pages, page):
    assert pages[page].stat().st_size < 3 * MEGABYTE
    browser.open(pages[page])
    quickest = min(browser.open(pages[page]) for _ in range(3))
    print(f"{page}: {pages[page].stat().st_size / 1000:.0f} kB, loaded in {quickest:.3f} s")
    assert quickest < 5, "about a tenth of it on a machine that does nothing else"


@pytest.mark.parametrize("page", PAGES)
def test_nothing_lies_outside_of_a_telephone(browser, pages, page):
    browser.open(pages[page], width=TELEPHONE)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.run("return document.documentElement.scrollWidth") <= TELEPHONE
    assert browser.run(OUTSIDE, True) == [], "tables and recipes scroll in their own frames"


@pytest.mark.parametrize("page", [page for page in PAGES if page != "index"])
def test_print_has_every_section_and_cuts_nothing(browser, pages, page):
    browser.open(pages[page], width=A4, medium="print")
    assert browser.run(OUTSIDE, False) == []
    headings = browser.run("return [...document.querySelectorAll('h2, h3')].map(one => one.textContent)")
    browser.open(pages[page])
    sheets = browser.pdf().pages
    assert [round(float(side) / 72 * 25.4) for side in sheets[0].mediabox[2:]] == [210, 297]
    printed = squeezed("".join(sheet.extract_text() for sheet in sheets))
    assert [heading for heading in headings if squeezed(heading) not in printed] == []


def squeezed(text):
    """Return a text without spaces and ligatures, which a PDF has where it likes."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize("page", [page for page in PAGES if page != "index"])
def test_tables_sort_by_click_and_by_keyboard(browser, pages, page):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.open(pages[page])
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    button = browser.driver.find_element(By.CSS_SELECTOR, "table.sortable thead button")
    before = browser.run(COLUMN)
    button.click()
    rising = browser.run(COLUMN)
    assert sorted(rising) == sorted(before)
    button.send_keys(Keys.ENTER)
    falling = browser.run(COLUMN)
    assert falling == rising[::-1]
    assert browser.run("return document.querySelector('table.sortable th').ariaSort") == "descending"
    button.send_keys(Keys.SPACE)
    assert browser.run(COLUMN) == rising


def test_a_keyboard_reaches_the_sections_and_every_frame_that_scrolls(browser, pages):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.open(pages["image"])
    browser.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    first = browser.driver.switch_to.active_element
    assert first.tag_name == "a"
    first.send_keys(Keys.ENTER)
    assert browser.run("return location.hash").startswith("#")
    assert (
        browser.run(
            "return [...document.querySelectorAll('*')].filter(one => one.scrollWidth > one.clientWidth + 1 &&"
            " getComputedStyle(one).overflowX === 'auto' && one.tabIndex < 0).map(one => one.outerHTML.slice(0, 99))"
        )
        == []
    )


def test_text_that_looks_like_html_is_text(browser, pages):
    browser.open(pages["classification"])
    shown = browser.run("return document.body.innerText")
    assert "<script>console.error(1)</script>" in shown
    assert "<i>sepal</i>" in shown
    assert browser.run("return document.querySelectorAll('td b b, main script, td i').length") == 0


def test_a_thousand_runs_are_searched_and_sorted(browser, pages):
    from selenium.webdriver.common.by import By

    browser.open(pages["index"])
    rows = "return [...document.querySelectorAll('tbody tr')].filter(row => !row.hidden).map(row => row.cells[{}].innerText)"
    assert len(browser.run(rows.format(0))) == 1000
    field = browser.driver.find_element(By.CSS_SELECTOR, "input[type=search]")
    field.send_keys("recipe_7/ 00007")
    assert browser.run(rows.format(0)) == ["recipe_7/20261126-000007-0000"]
    assert browser.driver.find_element(By.ID, "count").text == "1 of 1000"
    field.clear()
    field.send_keys("recipe_19/")
    assert len(browser.run(rows.format(0))) == 50
    browser.driver.find_elements(By.CSS_SELECTOR, "thead button")[3].click()
    figures = [float(text.split()[-1]) for text in browser.run(rows.format(3))]
    assert figures == sorted(figures)
