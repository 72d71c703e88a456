"""Text files in folders of classes."""

import pytest

from hornbook.data import load
from hornbook.errors import DataError
from hornbook.recipes.sources import TextFolder


def written(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def many(count=10):
    return {f"{name}/{place}.txt": f"{name} text {place}" for name in ("bad", "good") for place in range(count)}


def test_folders_are_classes(tmp_path):
    splits = load(TextFolder(path=str(written(tmp_path, many()))), seed=1)
    assert (splits.info.kind, splits.info.task, splits.info.class_names) == ("tokens", "binary", ("bad", "good"))
    assert splits.info.counts == {"train": 14, "validation": 2, "test": 4}
    vocabulary = splits.info.extra["texts"]["text"]["vocabulary"]
    for row, label, name in zip(splits.train.x, splits.train.y, splits.train.names, strict=True):
        assert vocabulary[row[0] - 2] == ("bad", "good")[label] == name.split("/")[0]


def test_folders_of_splits_are_the_splits(tmp_path):
    files = {f"{split}/{name}": text for split in ("train", "test") for name, text in many(3).items()}
    splits = load(TextFolder(path=str(written(tmp_path, files)), split={"validation": 0}), seed=1)
    assert splits.info.counts == {"train": 6, "validation": 0, "test": 6}


def test_a_file_in_another_encoding_is_named_and_can_be_read(tmp_path):
    written(tmp_path, many() | {"good/x.txt": "très bon".encode("latin-1")})
    with pytest.raises(DataError, match=r"1 file is not written in utf-8 \(good/x\.txt\).*data\.encoding=cp1252"):
        load(TextFolder(path=str(tmp_path)), seed=1)
    splits = load(TextFolder(path=str(tmp_path), encoding="latin-1", split={"validation": 0, "test": 0}), seed=1)
    assert "très" in splits.info.extra["texts"]["text"]["vocabulary"]


def test_the_mark_in_front_of_a_file_is_no_part_of_its_first_word(tmp_path):
    files = {name: b"\xef\xbb\xbf" + text.encode() for name, text in many().items()}
    splits = load(TextFolder(path=str(written(tmp_path, files))), seed=1)
    assert {"bad", "good"} <= {*splits.info.extra["texts"]["text"]["vocabulary"]}


def test_what_is_no_text_is_left_out_and_said(tmp_path):
    splits = load(TextFolder(path=str(written(tmp_path, many() | {"good/a.pdf": b"x", "notes.txt": "x"}))), seed=1)
    said = " ".join(splits.info.warnings)
    assert "1 text is in no folder of a class and was left out (notes.txt)" in said
    assert "1 file of another kind was left out (good/a.pdf)" in said


@pytest.mark.parametrize(
    ("files", "message"),
    [({"a.md": "x"}, "there are no texts"), ({"a.txt": "x"}, "the texts are in no folder of a class")],
)
def test_a_folder_without_classes_is_refused(tmp_path, files, message):
    with pytest.raises(DataError, match=message):
        load(TextFolder(path=str(written(tmp_path, files))), seed=1)


@pytest.mark.parametrize(
    ("encoding", "advice"), [("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be")]
)
def test_a_folder_in_utf_16_gets_that_advice_and_can_be_read(tmp_path, encoding, advice):
    written(tmp_path, {name: text.encode(encoding) for name, text in many().items()})
    with pytest.raises(DataError, match=rf"20 files are not written in utf-8.*'data\.encoding={advice}'"):
        load(TextFolder(path=str(tmp_path)), seed=1)
    splits = load(TextFolder(path=str(tmp_path), encoding=advice, split={"validation": 0, "test": 0}), seed=1)
    assert {"bad", "good", "text"} <= {*splits.info.extra["texts"]["text"]["vocabulary"]}


@pytest.mark.parametrize("encoding", ["nonsense", "rot13", "base64", "a\0b"])
def test_what_is_no_encoding_of_text_is_refused(tmp_path, encoding):
    with pytest.raises(ValueError, match="there is no encoding"):
        TextFolder(path=str(tmp_path), encoding=encoding)
