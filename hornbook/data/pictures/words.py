"""What is said about picture files that were read: which kinds and sizes they have, and what was converted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hornbook.data.pictures.decode import NOTES
from hornbook.data.pictures.listing import printable
from hornbook.data.pictures.settings import PictureSettings

__all__ = ["found_in", "lines_about", "unreadable_sentences"]

MOST_CLASSES = 6  # that a heading names
MOST_UNREADABLE = 20
WORDS = {"WEBP": "WebP", "PPM": "PPM/PGM"}
MODES = {
    "RGB": "RGB", "L": "grey", "RGBA": "RGBA", "P": "palette", "CMYK": "CMYK", "1": "black and white",
    "LA": "grey with transparency", "I;16": "grey of 16 bits", "I": "grey of 16 bits", "I;16B": "grey of 16 bits",
}  # fmt: skip


def found_in(names: Sequence[str], facts: Any, settings: PictureSettings) -> dict[str, Any]:
    """Return what a run records of the pictures that it was trained on, of JSON's types.

    Args:
        names: Files that were read.
        facts: (N,) of type `cache.FACTS`: theirs.
        settings: How they were read.
    """
    sizes = Counter(zip(facts["width"].tolist(), facts["height"].tolist(), strict=True))
    formats = [value.decode() for value in facts["format"].tolist()]
    changed = {
        note: int((facts["notes"] >> bit & 1).sum())
        for bit, note in enumerate(NOTES)
        if (facts["notes"] >> bit & 1).any()
    }
    misnamed = [name for name, kind in zip(names, formats, strict=True) if _is_misnamed(name, kind)]
    by_area = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    return {
        "settings": settings.to_json(),
        "files": len(names),
        "formats": dict(Counter(formats).most_common()),
        "modes": dict(Counter(value.decode() for value in facts["mode"].tolist()).most_common()),
        "sizes": {
            "different": len(sizes),
            "smallest": list(by_area[0]) if by_area else None,
            "largest": list(by_area[-1]) if by_area else None,
        },
        "changed": changed,
        "misnamed": {"count": len(misnamed), "first": [printable(name) for name in misnamed[:5]]},
    }


def _is_misnamed(name: str, kind: str) -> bool:
    from hornbook.data.pictures.listing import SUFFIXES

    suffix = "." + name.rpartition(".")[2].lower() if "." in name.rpartition("/")[2] else ""
    return suffix in SUFFIXES and SUFFIXES[suffix][:4] != kind


def lines_about(found: Mapping[str, Any], class_names: Sequence[str] | None, *, every_class: bool = False) -> list[str]:
    """Return lines for people about what `found_in` returned.

    Args:
        found: What was found; `classes` gives examples per class of each split.
        class_names: Names in label order.
        every_class: Whether to name each class, whatever their number.
    """
    settings = PictureSettings.from_json(found["settings"])
    sizes = found["sizes"]
    kinds = _counted({WORDS.get(name, name): count for name, count in found["formats"].items()})
    modes: Counter[str] = Counter()
    for name, count in found["modes"].items():
        modes[MODES.get(name, name)] += count
    size = ""
    if sizes["smallest"] is not None:
        smallest, largest = (f"{width}×{height}" for width, height in (sizes["smallest"], sizes["largest"]))
        size = f"all {smallest}" if sizes["different"] == 1 else f"{smallest} to {largest}"
    lines = [f"files: {kinds}; {_counted(modes)}; width×height {size}"]
    fit = {
        "crop": "the middle cut out", "pad": f"padded with {settings.background}", "stretch": "stretched"
    }[settings.fit]  # fmt: skip
    colours = "grey" if settings.channels == 1 else "RGB"
    changed = "; ".join(f"{count:,} {NOTES[note]}" for note, count in found["changed"].items())
    lines.append(
        f"read as {settings.height}×{settings.width} (height×width) {colours}, {fit}"
        + (f": {changed}" if changed else "")
    )
    misnamed = found["misnamed"]
    if misnamed["count"]:
        verb = "is" if misnamed["count"] == 1 else "are"
        lines.append(f"{misnamed['count']:,} {verb} of another kind than the name says: {', '.join(misnamed['first'])}")
    if found.get("unreadable"):
        lines.append(f"{found['unreadable']:,} left out that cannot be read")
    if found.get("classes") and class_names is not None:
        lines.append(_per_class(found["classes"], class_names, every_class=every_class))
    return lines


def _per_class(counts: Mapping[str, Sequence[int]], class_names: Sequence[str], *, every_class: bool) -> str:
    splits = "/".join(counts)
    texts = [
        f"{printable(name)} {'/'.join(f'{part[number]:,}' for part in counts.values())}"
        for number, name in enumerate(class_names)
    ]
    most = len(texts) if every_class else MOST_CLASSES
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return f"per class ({splits}): {', '.join(texts[:most])}{more}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def unreadable_sentences(reasons: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each of the first files that cannot be read, and how many more there are."""
    lines = [f"{printable(name)} {reason}." for name, reason in reasons[:MOST_UNREADABLE]]
    more = len(reasons) - MOST_UNREADABLE
    return [*lines, f"… and {more:,} more"] if more > 0 else lines
