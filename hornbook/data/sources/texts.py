"""Text files as a source: folders of classes. The texts wait beside the inputs until the splits are made."""

import os
from typing import Any

import numpy as np

from hornbook.data.pictures.listing import list_files, listed, printable, require_folder
from hornbook.data.source import Array, Source
from hornbook.data.sources.folders import class_folders
from hornbook.data.storage.files import file_text, likely_encoding
from hornbook.errors import DataError
from hornbook.recipes.sources.texts import TextFolder

__all__ = ["TEXT", "load_text_folder", "text_source"]

TEXT = "text"
"""What a column of texts is called that has no name of its own."""
PROBED = 100  # letters


def text_source(texts: Array, y: Array, name: str = TEXT, **more: Any) -> Source:
    """Return a source of texts alone.

    Args:
        texts: (N,) texts.
        y: Their targets.
        name: What the column is called.
        more: Further fields of the `Source`.
    """
    return Source(unread(len(texts)), y, "tokens", texts={name: texts}, **more)


def unread(count: int) -> Array:
    """Return what stands for the token numbers of so many texts until the vocabulary is known: (N, 1) int32."""
    return np.zeros((count, 1), np.int32)


def load_text_folder(spec: TextFolder, *, seed: int) -> Source:
    """Return the text files of a folder as a source, all in memory.

    Raises:
        DataError: If there are none, the folders cannot be understood, or files cannot be read.
    """
    root = require_folder(spec.path, noun="texts")
    found = list_files(root, is_wanted=_is_text)
    if not found.names:
        left = " ".join(found.left_out())
        raise DataError(
            f"{root}: there are no texts. {left + ' ' if left else ''}Expected a folder for each class, with .txt files."
        )
    folders = class_folders(found, "text", advice="write them into a table with their targets (data: table)")
    names = [found.names[place] for place in folders.kept]
    texts = _texts(root, names, spec.encoding)
    shown = np.array([printable(name) for name in names], object)
    is_of = {split: _is_of(folders.split, split, len(names)) for split in ("train", "validation", "test")}
    if not is_of["train"].any():
        raise DataError(f"{root}: there are no texts to train on.")
    own: dict[str, Any] = {}
    for split in ("validation", "test"):
        if is_of[split].any():
            own[f"x_{split}"] = unread(int(is_of[split].sum()))
            own[f"y_{split}"] = folders.y[is_of[split]]
            own[f"texts_{split}"] = {TEXT: texts[is_of[split]]}
    return text_source(
        texts[is_of["train"]],
        folders.y[is_of["train"]],
        class_names=folders.class_names,
        names={split: shown[places] for split, places in is_of.items() if places.any()},
        warnings=folders.notes,
        extra={"encoding": spec.encoding},
        **own,
    )


def _is_of(split: Array | None, name: str, count: int) -> Array:
    return np.full(count, name == "train") if split is None else np.asarray(split == name)


def _is_text(entry: "os.DirEntry[str]") -> bool:
    return os.path.splitext(entry.name)[1].lower() == ".txt"


def _texts(root: Any, names: list[str], encoding: str) -> Array:
    """Return the contents of files, (N,).

    Raises:
        DataError: If files cannot be read; with their names.
    """
    texts = np.empty(len(names), object)
    wrong: list[str] = []
    for place, name in enumerate(names):
        try:
            texts[place] = file_text(root / name, encoding)
            if 3 * texts[place][:PROBED].count("\0") > len(texts[place][:PROBED]):  # UTF-16, byte by byte
                wrong.append(name)
        except UnicodeDecodeError:
            wrong.append(name)
        except OSError as error:
            raise DataError(f"{printable(str(root / name))}: cannot be read: {error.strerror}.") from error
    if wrong:
        files = "1 file is" if len(wrong) == 1 else f"{len(wrong):,} files are"
        raise DataError(
            f"{root}: {files} not written in {encoding} ({listed(wrong)}). Say how they are: "
            f"'data.encoding={likely_encoding((root / wrong[0]).read_bytes())}'."
        )
    return texts
