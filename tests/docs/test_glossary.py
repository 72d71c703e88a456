"""The glossary explains words that the pages use, in a sentence or two, and the pages lead to it."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "glossary.md").read_text(encoding="utf-8")
PAGES = {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")}
OURS, FIELD = (
    re.findall(r"^### (.+)\n\n((?:.+\n)+)", part, re.MULTILINE)
    for part in TEXT.partition("## Our own words")[2].split("\n## ")
)
WORDS = [*OURS, *FIELD]


def anchor(word):
    return word.lower().replace(" ", "-")


def test_the_words_are_in_order_and_each_is_there_once():
    for part in (OURS, FIELD):
        words = [word.lower() for word, _ in part]
        assert words == sorted(words)
    assert len(WORDS) == len(re.findall(r"^### ", TEXT, re.MULTILINE)) == len({word for word, _ in WORDS})


@pytest.mark.parametrize(("word", "text"), WORDS, ids=[word for word, _ in WORDS])
def test_a_word_is_used_on_another_page_and_explained_in_a_sentence_or_two(word, text):
    used = [
        name for name, page in PAGES.items() if name != "glossary.md" and re.search(rf"\b{re.escape(word)}", page, re.I)
    ]
    assert used
    assert 1 <= len(re.findall(r"[.!?](?=\s|$)", text)) <= 2


@pytest.mark.parametrize("word", [word for word, _ in OURS])
def test_a_word_of_our_own_is_linked_where_a_page_uses_it(word):
    assert any(f"glossary.md#{anchor(word)})" in page for page in PAGES.values())


def test_links_lead_to_a_word():
    anchors = {anchor(word) for word, _ in WORDS}
    linked = {link for page in PAGES.values() for link in re.findall(r"glossary\.md#([\w-]+)\)", page)}
    assert linked - anchors == set()


def test_links_of_the_glossary_lead_to_a_page_and_a_heading():
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        page, _, heading = link.partition("#")
        titles = re.findall(r"^#+ (.+)$", PAGES[page], re.MULTILINE)
        assert not heading or heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
