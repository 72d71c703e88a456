"""The generated pages are those that the generator writes now, and say everything there is."""

import re
from pathlib import Path

import pytest

from hornbook.recipes import catalog
from hornbook.recipes.language.spec import KINDS, noun
from hornbook.recipes.rules.check import RULES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def pages():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        import generate_docs

        return generate_docs.pages()


@pytest.mark.parametrize("name", ["reference.md", "errors.md", "commands.md"])
def test_the_page_is_up_to_date(pages, name):
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == pages[name], f"docs/{name} is out of date: run 'make docs'"


def test_every_component_is_in_the_reference(pages):
    missing = [
        f"{kind} {name}"
        for kind in KINDS
        for name in catalog(kind)
        if f"### {noun(kind)} `{name}`" not in pages["reference.md"]
    ]
    assert missing == []


def test_every_command_that_help_names_is_described(pages, capsys):
    from hornbook.cli import app

    app(["--help"], standalone_mode=False)
    named = re.findall(
        r"^  ([a-z][a-z-]+) {2,}\S", capsys.readouterr().out.partition("Write a recipe:")[2], re.MULTILINE
    )
    described = {title.split()[0] for title in re.findall(r"^### `hornbook (.+)`$", pages["commands.md"], re.MULTILINE)}
    assert len(described) > 20
    assert {*named} == described


def test_every_component_has_its_source_in_the_reference(pages):
    assert re.findall(r"^Source: *$", pages["reference.md"], re.MULTILINE) == []


def test_every_code_that_the_source_uses_is_explained(pages):
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "hornbook").rglob("*.py"))
    used = {code for source in sources for code in re.findall(r'\bcode="([a-z-]+)"', source)}
    explained = set(re.findall(r"^## (\S+)$", pages["errors.md"], re.MULTILINE))
    assert (used | {rule.code for rule in RULES} | {"unknown-name"}) - {"data"} - explained == set()


def test_links_within_the_pages_lead_somewhere(pages):
    for text in pages.values():
        anchors = {
            re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.M)
        }
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) - anchors == set()
