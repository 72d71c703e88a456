"""The page of the gallery: the tables of docs/recipes.md as cards with pictures, and a filter by ingredient."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2

from hornbook import Recipe, __version__, load_recipe
from hornbook.recipes import shipped_recipes
from hornbook.recipes.describe.catalog import recipe_summary
from hornbook.recipes.language.spec import catalog, noun

from .expected import expected_of, figure_of, keeps, promise
from .ingredients import KINDS, ingredients
from .measured import Measured, mark, read
from .pictures import SIZE, Shown, ingredient, learning, rarities

PLACE = re.compile(r"<!-- gallery -->\n.*?<!-- end of gallery -->\n", re.DOTALL)
"""What is on the page in docs/, for those who read it there: the cards take its place."""
ROW = re.compile(r"^\| \[`(\w+)`\]\(")
WIDE = "---\nhide: [navigation, toc]\n---\n"
WITHOUT_COMPONENTS = {"regularization", "training"}
"""Kinds whose names are keys of a section."""
AGREES, DIFFERS, UNKNOWN, NOT_COMPARED = "agrees", "differs", "not measured", "not compared"


class Verdict(NamedTuple):
    """What a run says about one figure that a recipe promises.

    Attributes:
        state: `AGREES`, `DIFFERS`, `UNKNOWN` or `NOT_COMPARED`.
        text: The figure that was promised, and the one of the run.
    """

    state: str
    text: str


class Entry(NamedTuple):
    """What there is to show of a recipe.

    Attributes:
        name: The recipe's.
        text: Its file.
        recipe: What that says.
        measured: What its run gave; None where there was none of the recipe as it is now.
        was_changed: Whether there was one of the recipe as it was before.
    """

    name: str
    text: str
    recipe: Recipe
    measured: Measured | None
    was_changed: bool


class Card(NamedTuple):
    """A recipe as the page shows it: `named` are its ingredients by kind, `when` says when and with what it was run."""

    name: str
    summary: str
    expected: str
    command: str
    named: Mapping[str, Sequence[str]]
    verdicts: Sequence[Verdict]
    when: str
    pictures: Sequence[Shown]


def write_gallery(root: Path, pages: Path) -> None:
    """Put the cards in their place on a page that was laid out, and their pictures beside it. TensorFlow is imported.

    Args:
        root: The checkout.
        pages: The folder of the pages, gallery.md among them.

    Raises:
        ValueError: If the page has no place for them.
    """
    from hornbook import startup

    startup.import_tensorflow()  # quietly: activations are drawn by the layers that recipes get
    page = pages / "gallery.md"
    text = page.read_text(encoding="utf-8")
    if not PLACE.search(text):
        raise ValueError("docs/gallery.md has no place for the cards")
    sections = in_sections((root / "docs" / "recipes.md").read_text(encoding="utf-8"))
    cards, pictures = gallery(sections, entries(read(root / "docs" / "gallery.json")))
    (pages / "gallery").mkdir(exist_ok=True)
    for picture in pictures:
        (pages / "gallery" / picture.file).write_text(picture.svg, encoding="utf-8")
    page.write_text(WIDE + PLACE.sub(lambda _: cards, text), encoding="utf-8")


def entries(measured: Mapping[str, Measured]) -> dict[str, Entry]:
    """Return what there is of each shipped recipe."""
    found = {}
    for name, text in shipped_recipes().items():
        recipe, own = load_recipe(name, for_training=False), measured.get(name)
        is_own = own is not None and own.recipe == mark(recipe)
        found[name] = Entry(name, text, recipe, own if is_own else None, own is not None and not is_own)
    return found


def in_sections(text: str) -> dict[str, list[str]]:
    """Return the recipes below each heading of docs/recipes.md, each where it comes first."""
    sections: dict[str, list[str]] = {}
    heading, seen = "", set()
    for line in text.splitlines():
        heading = line.removeprefix("## ") if line.startswith("## ") else heading
        if (row := ROW.match(line)) and row[1] not in seen:
            seen.add(row[1])
            sections.setdefault(heading, []).append(row[1])
    return sections


def gallery(sections: Mapping[str, Sequence[str]], all_entries: Mapping[str, Entry]) -> tuple[str, list[Shown]]:
    """Return filter, index and cards as Markdown with HTML, and the pictures that they show.

    Args:
        sections: {heading: names of the recipes below it}.
        all_entries: What there is of each of them, by name.
    """
    rarity = rarities({name: entry.recipe for name, entry in all_entries.items()})
    cards = {name: _card(entry, rarity) for name, entry in all_entries.items()}
    folder = Path(__file__).parents[1] / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined
    )
    text = environment.get_template("gallery.html.jinja").render(
        sections=sections, cards=cards, choices=_choices(cards), anchors=_anchors(), width=SIZE[0], height=SIZE[1]
    )
    return text + "\n", [picture for names in sections.values() for name in names for picture in cards[name].pictures]


def verdicts(entry: Entry) -> list[Verdict]:
    """Return what the run of a recipe says about each figure that its `Expected` line promises; nothing without a run."""
    if entry.measured is None:
        return []
    promised = promise(expected_of(entry.text))
    found = []
    for claim in promised.claims:
        value = figure_of(claim, entry.measured.figures, [*(entry.recipe.heads or {})])
        if value is None:
            found.append(Verdict(UNKNOWN, claim.text))
        else:
            found.append(Verdict(AGREES if keeps(claim, value) else DIFFERS, f"{claim.text}; here {value:.6g}"))
    return found + [Verdict(NOT_COMPARED, other) for other in promised.others]


def _card(entry: Entry, rarity: Mapping[str, int]) -> Card:
    measured, pictures = entry.measured, []
    if measured is None:
        when = "Measured before the recipe was changed, and not since." if entry.was_changed else "Not measured yet."
    else:
        seed = "" if entry.recipe.sweep is not None else f"seed {entry.recipe.seed}, "
        when = f"{measured.date}: {seed}" + ", ".join(
            f"{name} {version}" for name, version in measured.versions.items()
        )
        if measured.versions.get("Hornbook") != __version__:
            when += f". Not run again with Hornbook {__version__}."
        pictures = [learning(entry.name, measured)]
        more = ingredient(entry.name, entry.recipe, measured, rarity)
        pictures += [] if more is None else [more]
    return Card(
        entry.name, recipe_summary(entry.text), expected_of(entry.text),
        "sweep" if entry.recipe.sweep is not None else "train", ingredients(entry.recipe), verdicts(entry), when, pictures,
    )  # fmt: skip


def _choices(cards: Mapping[str, Card]) -> dict[str, list[str]]:
    """Return the ingredients that some recipe has, by kind, in the order of the reference where it has one."""
    choices = {}
    for kind in KINDS:
        used = {name for card in cards.values() for name in card.named[kind]}
        order = [] if kind in WITHOUT_COMPONENTS else [*catalog(kind)]
        choices[kind] = sorted(used, key=lambda name: (order.index(name) if name in order else len(order), name))
    return choices


def _anchors() -> dict[tuple[str, str], str]:
    """Return where in the reference each component is explained."""
    kinds = [kind for kind in KINDS if kind not in WITHOUT_COMPONENTS]
    return {(kind, name): f"{noun(kind).replace(' ', '-')}-{name}" for kind in kinds for name in catalog(kind)}
