"""Pictures that are read once, for a prediction: pixels in memory, or in a temporary file; nothing goes into the cache."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.pictures.cache import workers
from hornbook.data.pictures.decode import NOTES, Decoded, PictureError, decode
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.storage.readers import FileReader
from hornbook.data.storage.rows import Inputs, Rows
from hornbook.errors import DataError

__all__ = ["notes_about", "pixels_of"]

AHEAD = 64
"""So many pictures are decoded before the first of them is put away."""


def pixels_of(
    paths: Sequence[Path], settings: PictureSettings, budget: int | None
) -> tuple[Inputs, list[Decoded], dict[int, str]]:
    """Return the pixels of all pictures, facts of those that can be read, and {place: why} of those that cannot."""
    shape = (len(paths), *settings.shape)
    in_file = budget is not None and int(np.prod(shape)) > budget
    facts, faults = list[Decoded](), dict[int, str]()
    with tempfile.TemporaryDirectory() as folder:
        name = Path(folder) / "pixels"
        try:
            pixels: Any = np.memmap(name, np.uint8, "w+", shape=shape) if in_file else np.zeros(shape, np.uint8)
        except OSError as error:
            raise DataError(
                f"{folder}: the pixels of {len(paths):,} pictures cannot be written ({error.strerror})."
            ) from error
        for place, found in enumerate(_decoded(paths, settings)):
            if isinstance(found, Decoded):
                pixels[place] = found.pixels
                facts.append(
                    Decoded(found.pixels[:0], found.format, found.mode, found.width, found.height, found.notes)
                )
            else:
                faults[place] = str(found)
        if not in_file:
            return pixels, facts, faults
        pixels.flush()
        reader = FileReader(name, offset=0, shape=shape, dtype=np.dtype(np.uint8))  # keeps the file that is removed now
        return Rows(reader), facts, faults


def _decoded(paths: Sequence[Path], settings: PictureSettings) -> Iterator[Decoded | PictureError]:
    """Yield what became of each file, in order; Pillow lets go of Python's lock while it decodes."""

    def one(path: Path) -> Decoded | PictureError:
        try:
            return decode(path.read_bytes(), settings)
        except PictureError as error:
            return error
        except OSError as error:
            return PictureError(f"cannot be opened ({error.strerror})")

    with ThreadPoolExecutor(workers()) as threads:
        for start in range(0, len(paths), AHEAD):
            yield from threads.map(one, paths[start : start + AHEAD])


def notes_about(facts: Sequence[Decoded]) -> Iterator[str]:
    """Yield what was changed in how many pictures."""
    counts = Counter(note for each in facts for note in each.notes)
    changed = "; ".join(f"{counts[note]:,} {words}" for note, words in NOTES.items() if counts[note])
    if changed:
        yield f"{len(facts):,} picture{'' if len(facts) == 1 else 's'}: {changed}."
