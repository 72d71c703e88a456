"""The plan of the house in docs/design.md is that of the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TREE = re.search(r"File by file.*?```text\n(.*?)```", (ROOT / "docs" / "design.md").read_text(encoding="utf-8"), re.S)[
    1
]


def drawn():
    """Return the files and folders of the tree: those deeper in stand below the last folder that is less so."""
    places, above = [], []
    for line in TREE.splitlines():
        depth, name = (len(line) - len(line.lstrip())) // 2, line.split()[0]
        above = above[:depth]
        places.append("/".join([*above, name.rstrip("/")]) + ("/" if name.endswith("/") else ""))
        if name.endswith("/"):
            above.append(name.rstrip("/"))
    return places


def test_the_tree_shows_every_file_and_folder_and_nothing_else():
    package = ROOT / "hornbook"
    modules = {path.relative_to(package).with_suffix("").as_posix() for path in package.rglob("*.py")}
    files = {name for name in modules if not name.endswith(("__init__", "__main__"))}
    folders = {f"{Path(name).parent.as_posix()}/" for name in modules if name.endswith("/__init__")} | {"configs/"}
    assert set(drawn()) == files | folders


def test_every_file_has_a_line_of_its_own():
    assert len(set(drawn())) == len(drawn())
    assert all(len(line.split(maxsplit=1)) == 2 for line in TREE.splitlines())
