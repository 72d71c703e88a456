"""Every page has a place in the site, and is laid out for it so that its links go on working."""

import tomllib
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
