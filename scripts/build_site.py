"""Builds the site of the documentation in site/: lays docs/ out in build/pages, which zensical makes pages of: `make site`.

The files in docs/ are written for GitHub. What differs is changed on the way: links that leave docs/, and what a fence says
to the tests. What a page links to and is no page, such as a recipe, gets a page that shows it. The gallery gets its cards
and pictures, and each lesson what its cells print and draw.

`python scripts/build_site.py [LESSON …]` runs all lessons whose outputs are not kept in build/lessons, or some of them.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from gallery.page import write_gallery
from notebooks.cells import CellError, can_run, kept, outputs_of
from notebooks.page import with_outputs

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build" / "pages"
SITE = ROOT / "site"
EXTRA = Path(__file__).with_name("site")
"""What only the site has: its style, and the page that is written from docstrings."""
PICTURES = {".png", ".svg"}
FENCE = re.compile(r"```(\w*)[^\n]*?( title=\"[^\"]*\")?[^\n]*")
CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\]\(([^)#\s]+)((?:#[^)]*)?)\)")


class BrokenLinkError(Exception):
    """A page links to a file that does not exist."""


def main() -> None:
    """Build the site, or end with what is wrong."""
    lessons = sorted(path.stem for path in (ROOT / "docs" / "notebooks").glob("*.md") if path.name != "README.md")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*", metavar="LESSON")
    asked = parser.parse_args().lessons
    if unknown := sorted({*asked} - {*lessons}):
        parser.error(f"no lesson: {', '.join(unknown)}. There are {', '.join(lessons)}.")
    try:
        lay_out(ROOT, PAGES)
        for name in lessons:
            write_lesson(name, ROOT, PAGES, may_run=not asked or name in asked)
    except (BrokenLinkError, CellError) as error:
        sys.exit(str(error))
    write_gallery(ROOT, PAGES)
    shutil.rmtree(SITE, ignore_errors=True)
    command = [Path(sys.executable).with_name("zensical"), "build", "--clean", "--strict"]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        sys.exit(code)
    for name in ("404.html", "sitemap.xml"):  # both need to know where the site stands
        (SITE / name).unlink()
    for page in SITE.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(
            text.replace("<th></th>", "<td></td>"), encoding="utf-8"
        )  # a header without a word heads nothing
    print(f"open {SITE.relative_to(ROOT) / 'index.html'}")


def write_lesson(name: str, root: Path, pages: Path, *, may_run: bool) -> None:
    """Put what the cells of a lesson give on its page, which was laid out.

    Args:
        name: The lesson's.
        root: The checkout.
        pages: The folder of the pages.
        may_run: Whether it is run where its outputs are not kept.

    Raises:
        CellError: If a cell fails.
    """
    lesson, folder = root / "docs" / "notebooks" / f"{name}.md", root / "build" / "lessons"
    outputs = kept(lesson, folder)
    if outputs is not None:
        print(f"lesson {name}: as it ran on {outputs.date}")
    elif may_run and can_run():
        start = time.monotonic()
        outputs = outputs_of(lesson, folder)
        print(f"lesson {name}: run in {time.monotonic() - start:.0f} s", flush=True)
    else:
        print(f"lesson {name}: without outputs" + ("" if can_run() else ": ipykernel or nbclient is missing"))
    page = pages / "notebooks" / f"{name}.md"
    page.write_text(
        with_outputs(page.read_text(encoding="utf-8"), outputs, pages / "notebooks" / name), encoding="utf-8"
    )


def lay_out(root: Path, pages: Path) -> None:
    """Write the pages of a checkout to a folder that holds nothing else, with all that they link to.

    Raises:
        BrokenLinkError: For links to files that do not exist, all at once.
    """
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(EXTRA, pages)
    waiting = [*sorted((root / "docs").rglob("*.md")), *sorted(root.glob("*.md"))]
    done: set[Path] = set()
    broken: list[str] = []
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        target = pages / place_of(path.relative_to(root))
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in PICTURES:
            shutil.copyfile(path, target)
        elif path.suffix != ".md":
            target.write_text(shown(path, path.relative_to(root)), encoding="utf-8")
        elif path.relative_to(root) != Path("README.md"):  # the site begins with docs/index.md
            text, linked = rewritten(path, root)
            missing = [link.relative_to(root) for link in linked if not link.is_file()]
            broken += [f"{path.relative_to(root)}: {link} does not exist" for link in missing]
            waiting += [link for link in linked if link.is_file()]
            target.write_text(text, encoding="utf-8")
    if broken:
        raise BrokenLinkError("\n".join(sorted(broken)))


def place_of(path: Path) -> Path:
    """Return where the page of a file stands, both relative: docs/ is the top, what is beside it gets a folder."""
    if path == Path("README.md"):
        return Path("index.md")
    if path.parts[0] == "docs" and path.suffix in {".md", *PICTURES}:
        return path.relative_to("docs")
    if path.suffix == ".md":
        return Path("project") / path
    return Path("files") / path.with_name(f"{path.name}.md")


def rewritten(path: Path, root: Path) -> tuple[str, list[Path]]:
    """Return a page's text as the site needs it, and the files that it links to."""
    lines, linked, is_code = [], [], False
    here = place_of(path.relative_to(root)).parent

    def moved(match: re.Match[str]) -> str:
        link, anchor = match.groups()
        if re.match(r"[a-z]+:", link):
            return match[0]
        file = Path(os.path.normpath(path.parent / link))
        linked.append(file)
        return f"]({Path(os.path.relpath(place_of(file.relative_to(root)), here)).as_posix()}{anchor})"

    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            is_code = not is_code
            line = FENCE.sub(r"```\1\2", line) if is_code else line
        elif not is_code:
            line = LINK.sub(moved, line)
            if line.startswith("|"):
                line = CODE.sub(
                    lambda code: code[0].replace(r"\|", "|"), line
                )  # which GitHub wants there, and nobody else
        lines.append(line)
    return "\n".join(lines) + "\n", linked


def shown(path: Path, name: Path) -> str:
    """Return a page that shows a text file."""
    language = {".py": "python", ".yaml": "yaml", ".toml": "toml"}.get(path.suffix, "text")
    return f"# `{name}`\n\n```{language}\n{path.read_text(encoding='utf-8').rstrip()}\n```\n"


if __name__ == "__main__":
    main()
