"""The name that was probably meant, for errors. Nothing here is ever accepted in its place."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path as FilePath

from hornbook.errors import Path, format_path
from hornbook.recipes.language.key_spellings import KEYS, KEYS_IN, NOT_IN_RECIPES
from hornbook.recipes.language.spellings import NAMES

__all__ = ["did_you_mean", "fold", "is_same", "key_hint", "nearest", "nearest_file", "what_it_is"]

SPLIT = re.compile("(?:val|test)_", re.IGNORECASE)


def fold(name: object) -> str:
    """Return a name without case, signs and the module in front: ``nn.LeakyReLU`` and ``leaky_relu`` are one."""
    text = str(name)[:100]
    if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", text):
        text = text.rpartition(".")[2]
    return re.sub(r"[^a-z0-9]", "", text.lower())


def nearest(name: object, known: Iterable[str], *, kind: str = "") -> str | None:
    """Return the known name that `name` was probably meant to be, or None.

    Args:
        name: What was written.
        known: What would have been right.
        kind: Of which kind of component, or for which key, the name is: other libraries' names mean different things for an
            optimizer and for a loss.
    """
    names, text = [str(candidate) for candidate in known], str(name)[:100]
    exact = _same(text, names, NAMES.get(kind, {}))
    if exact is not None:
        return exact
    plain = re.sub(r"[\s-]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)).lower()
    matches = difflib.get_close_matches(plain, names, n=1, cutoff=0.6)
    return matches[0] if matches else None


def nearest_file(path: FilePath, pattern: str = "*") -> str:
    """Return `Did you mean '…'?` with a file of the same folder whose name is nearly this one, or ""."""
    names = {entry.name.lower(): entry.name for entry in path.parent.glob(pattern)}
    near = difflib.get_close_matches(path.name.lower(), names, n=1, cutoff=0.75)  # endings alone are alike to 0.6
    return f"Did you mean '{path.parent / names[near[0]]}'?" if near else ""


def did_you_mean(name: object, known: Iterable[str], *, kind: str = "") -> str:
    """Return a hint with the nearest name, or with all names where none is near; arguments as those of `nearest`."""
    names = sorted(known)
    elsewhere = NAMES.get(kind, {}).get(fold(name), "")
    if ":" in elsewhere:
        return f"Write '{elsewhere}'."
    best = nearest(name, names, kind=kind)
    if best is not None:
        return f"Did you mean '{best}'?"
    return f"Known: {', '.join(names)}." if names else ""


def what_it_is(text: str, *, known: Iterable[str] = ()) -> str:
    """Return what a text is that was written where a name or a file belongs, and what to write; "" for other texts.

    Args:
        text: What was written.
        known: The names that could be meant, without the sign at its end.
    """
    if re.match(r"[a-z][a-z0-9+.-]+:/{1,3}[^/]", text, re.IGNORECASE):
        return "This is a URL, and nothing is downloaded from it. Download it, and name the file."
    if ";" in text and known:
        first = text.partition(";")[0].strip()
        if first in known and text.rstrip().endswith(";"):
            return f"A line of YAML ends without a semicolon: write '{first}'."
        return "YAML has no semicolons: items of a list are separated by commas, and keys stand on lines of their own."
    if re.match(r"[A-Za-z_]+: ", text):
        return "This is a recipe's text, not its name. Write it to a file, or end its lines with line breaks."
    return ""


def is_same(name: object, known: Iterable[str], *, kind: str) -> bool:
    """Return whether a name is a known one in another spelling, or another library's word for something."""
    return fold(name) in NAMES.get(kind, {}) or _same(str(name), list(known), {}) is not None


def key_hint(key: str, path: Path, fields: Collection[str], *, section: str) -> str:
    """Return what a key of another library is called here, or "".

    Args:
        key: What was written.
        path: Where: that of the mapping it stands in.
        fields: The keys that this mapping takes.
        section: The kind of component, or the key, that the mapping belongs to; "" for the recipe itself.
    """
    spelling = fold(key)
    inside = KEYS_IN.get(section, {}).get(spelling, "")
    if inside in fields:
        return f"Did you mean '{inside}'?"
    if spelling in NOT_IN_RECIPES and _same(key, fields, {}) is None:
        return NOT_IN_RECIPES[spelling]
    target = inside if "." in inside or ":" in inside else KEYS.get(spelling, "")
    if not target or _same(key, fields, {}) is not None:
        return ""
    place, _, value = target.partition(":")
    above, _, leaf = place.rpartition(".")
    if value:
        return f"Write '{target}'."
    if leaf in fields and (above == format_path(path) or above == section != ""):
        return f"Did you mean '{leaf}'?"
    return f"Did you mean '{place}'?" if "." in place or not path else f"Did you mean '{place}', a key of the recipe?"


def _same(name: str, names: Collection[str], synonyms: Mapping[str, str]) -> str | None:
    """Return the name of which `name` is another spelling, with the split in front of a metric as it was written."""
    match = SPLIT.match(name)
    if match is not None and (rest := synonyms.get(fold(name[match.end() :]))) is not None:
        metric = match[0].lower() + rest
        return metric if metric in names else None
    synonym = synonyms.get(fold(name))
    if synonym in names:
        return synonym
    return next((candidate for candidate in names if fold(candidate) == fold(name) != ""), None)
