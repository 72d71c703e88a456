"""Folders of pictures become classes and splits; what is odd about them is said, and what cannot be understood refused."""

import os
import shutil

import numpy as np
import pytest
from pictures import bomb, digit, encoded, write_digits
from PIL import Image

from hornbook.data import load
from hornbook.data.storage.rows import in_memory
from hornbook.errors import DataError, RecipeError
from hornbook.recipes.sources import ImageFolder, SplitSpec

NOTHING_CUT = SplitSpec(validation=0, test=0)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Three classes of 14 digits each, in seven kinds of files and four sizes."""
    return write_digits(tmp_path_factory.mktemp("digits"), per_class=14)


@pytest.fixture
def folder(original, tmp_path):
    """A copy of it to change."""
    return shutil.copytree(original, tmp_path / "digits")


def read(folder, **keys):
    return load(ImageFolder(path=str(folder), **{"size": 16, "channels": 1, **keys}), seed=1)


def error(folder, **keys):
    with pytest.raises(DataError) as caught:
        read(folder, **keys)
    return str(caught.value)


def test_each_folder_is_a_class_and_each_picture_is_what_its_file_shows(folder):
    splits = read(folder, split=NOTHING_CUT, fit="stretch")
    assert splits.info.class_names == ("a", "b", "c")
    assert splits.info.class_counts == (14, 14, 14)
    assert (splits.info.input_shape, splits.info.input_dtype, splits.preprocessing.scale) == (
        (16, 16, 1),
        "uint8",
        255.0,
    )
    names = [path for label in "abc" for path in sorted((folder / label).iterdir())]
    rows = in_memory(splits.train.x)
    for row, path in zip(rows, names, strict=True):
        if path.suffix in {".png", ".bmp"}:  # nothing was lost in these
            shown = Image.open(path).convert("L").resize((16, 16), Image.Resampling.BILINEAR)
            assert np.abs(row[..., 0].astype(int) - np.asarray(shown)).max() <= 1


def test_what_was_read_is_recorded_and_said(folder):
    info = read(folder).info
    found = info.extra["pictures"]
    assert found["formats"] == {"JPEG": 12, "PNG": 12, "GIF": 6, "BMP": 6, "TIFF": 6}
    assert found["modes"] == {"RGB": 12, "L": 6, "RGBA": 6, "CMYK": 6, "P": 6, "I;16": 6}
    assert found["sizes"] == {"different": 4, "smallest": [24, 24], "largest": [48, 48]}
    assert found["changed"] == {"palette": 6, "cmyk": 6, "sixteen_bit": 6}
    assert found["classes"] == {"train": [9, 10, 10], "validation": [2, 1, 1], "test": [3, 3, 3]}
    lines = "\n".join(info.describe_pictures())
    assert "12 JPEG, 12 PNG, 6 GIF" in lines
    assert "6 CMYK" in lines
    assert "per class (train/validation/test): a 9/2/3" in lines


@pytest.mark.parametrize(
    "keys",
    [
        {"split": SplitSpec(method="random")},
        {"split": SplitSpec(method="first", test=4, validation=4)},
        {"split": SplitSpec(method="last")},
        {"split": SplitSpec(folds=3, fold=1)},
        {"classes": ("c", "a")},
        {"relabel": {"a": 0, "b": 1, "c": 0}},
        {"limit": 9},
        {"standardize": True},
        {"channels": 3, "standardize": True},
        {"duplicates": "together"},
    ],
)  # fmt: skip
def test_shared_keys_do_what_they_do_to_the_same_pictures_as_an_array(folder, keys):
    from hornbook.data import Source, prepare

    everything = read(folder, split=NOTHING_CUT, channels=keys.get("channels", 1))
    array = Source(in_memory(everything.train.x), everything.train.y, "image", class_names=everything.info.class_names)
    spec = ImageFolder(path=str(folder), **{"size": 16, "channels": 1, **keys})
    streamed = load(spec, seed=1, memory_budget=1000)
    for splits in (load(spec, seed=1), streamed):
        expected = prepare(array, spec, seed=1)
        for name in ("train", "validation", "test"):
            np.testing.assert_array_equal(in_memory(getattr(splits, name).x), getattr(expected, name).x)
            np.testing.assert_array_equal(getattr(splits, name).y, getattr(expected, name).y)
        assert splits.preprocessing == expected.preprocessing
        assert splits.info.fingerprint == expected.info.fingerprint
    assert streamed.info.extra["streams"]


def test_folders_of_splits_are_the_sources_own(folder, tmp_path):
    root = tmp_path / "divided"
    for split, first, last in (("train", 0, 8), ("val", 8, 10), ("Test", 10, 14)):
        for label in "abc":
            (root / split / label).mkdir(parents=True)
            for path in sorted((folder / label).iterdir())[first:last]:
                shutil.copy(path, root / split / label)
    info = read(root).info
    assert info.counts == {"train": 24, "validation": 6, "test": 12}
    assert "the folder 'val' is the validation split." in info.warnings
    assert read(root, split={"validation": 6, "test": 6}).info.counts == {"train": 12, "validation": 6, "test": 6}
    shutil.copytree(root / "val", root / "validation")
    assert "the folders val, validation are both the validation split. Keep one." in error(root)
    shutil.rmtree(root / "val")
    shutil.copytree(root / "validation", root / "others")
    assert "has folders of splits (Test, train, validation) and others (others)" in error(root)
    shutil.rmtree(root / "others")
    shutil.copytree(root / "test" if (root / "test").exists() else root / "Test" / "a", root / "Test" / "d")
    assert "no training picture of class d, of which other splits have some" in error(root)


def test_trains_may_be_a_class(folder):
    (folder / "a").rename(folder / "train")
    assert read(folder).info.class_names == ("b", "c", "train")


def test_classes_that_are_numbers_are_in_their_order(folder):
    for name, number in zip("abc", ("10", "2", "0"), strict=True):
        (folder / name).rename(folder / number)
    assert read(folder).info.class_names == ("0", "2", "10")


def test_what_is_left_out_is_said_once(folder, tmp_path):
    (folder / "a" / ".DS_Store").write_bytes(b"x")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "1.png").write_bytes(encoded(digit(0)))
    (folder / "a" / "notes.txt").write_text("x")
    (folder / "loose.png").write_bytes(encoded(digit(0)))
    (folder / "empty").mkdir()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder / "a", elsewhere)
    (folder / "b" / "out.png").symlink_to(elsewhere / "001.png")
    (folder / "b" / "away").symlink_to(elsewhere)
    (folder / "b" / "broken.png").symlink_to(elsewhere / "none.png")
    (folder / "c" / "in.png").symlink_to(folder / "c" / "001.png")
    (folder / "c" / "more").mkdir()
    shutil.copy(elsewhere / "002.png", folder / "c" / "more" / "002.png")
    splits = read(folder)
    assert sum(splits.info.counts.values()) == 44
    said = "\n".join(splits.info.warnings)
    for sentence in (
        "3 links were not followed, to other places or folders (b/away, b/broken.png, b/out.png). Copy the files",
        "2 hidden files were left out (.cache, a/.DS_Store)",
        "1 file of another kind was left out (a/notes.txt)",
        "1 picture is in no folder of a class and was left out (loose.png)",
        "1 picture in a folder of its class's folder is read too (c/more/002.png).",
        "no pictures in the folder empty",
    ):
        assert sentence in said


def test_a_file_is_what_it_holds_not_what_it_is_called(folder):
    (folder / "a" / "001.png").rename(folder / "a" / "001.jpg")
    (folder / "a" / "002.png").rename(folder / "a" / "without")
    splits = read(folder)
    assert sum(splits.info.counts.values()) == 42
    assert "1 is of another kind than the name says: a/001.jpg" in splits.info.describe_pictures()


def test_files_that_cannot_be_read_are_all_named_with_their_reason(folder):
    (folder / "a" / "000.jpg").write_bytes(b"")
    (folder / "b" / "001.png").write_bytes((folder / "b" / "001.png").read_bytes()[:60])
    (folder / "c" / "bomb.png").write_bytes(bomb())
    (folder / "c" / "page.jpg").write_bytes(b"<html>404</html>")
    text = error(folder)
    assert "4 of 44 pictures cannot be read." in text
    for line in (
        "a/000.jpg is empty (0 bytes)",
        "b/001.png is incomplete: the file ends too early",
        "c/bomb.png claims 400,000,000 pixels, at most 100,000,000 are read",
        "c/page.jpg is a web page; expected JPEG, PNG, GIF, BMP, WebP, TIFF or PPM",
    ):
        assert f"\n  {line}" in text
    assert text.endswith("Repair or remove them, or leave them out with 'unreadable: skip'.")
    splits = read(folder, unreadable="skip")
    assert sum(splits.info.counts.values()) == 40
    (note,) = [text for text in splits.info.warnings if "cannot be read" in text]
    assert note.startswith("4 of 44 pictures cannot be read and were left out: a/000.jpg is empty")
    assert splits.info.extra["pictures"]["unreadable"] == 4


def test_of_very_many_unreadable_files_the_first_are_named(folder):
    for number in range(30):
        (folder / "a" / f"x{number:02}.png").write_bytes(b"")
    text = error(folder)
    assert text.count("is empty") == 20
    assert "… and 10 more" in text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda root: shutil.rmtree(root), "no such folder"),
        (lambda root: [shutil.rmtree(root / name) for name in "abc"], "there are no pictures. Expected a folder for each class"),
        (lambda root: [shutil.rmtree(root / name) for name in "bc"], "there is only one class (a)"),
        (lambda root: [path.rename(root / f"{path.parent.name}{path.name}") for path in root.glob("*/*")], "the pictures are in no folder of a class (a000.jpg"),
        (lambda root: [(root / "x" / name).parent.mkdir(exist_ok=True) or (root / name).rename(root / "x" / name) for name in "abc"], "all pictures are in folders of folders (x/a/000.jpg)"),
        (lambda root: [path.write_bytes(b"") for path in root.glob("*/*")], "42 of 42 pictures cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_folder_of_classes_is_refused(folder, change, expected):
    change(folder)
    assert expected in error(folder)


def test_if_nothing_can_be_read_there_is_nothing_to_skip(folder):
    for path in folder.glob("*/*"):
        path.write_bytes(b"")
    assert "none of 42 pictures can be read" in error(folder, unreadable="skip")


def test_a_class_with_one_picture_trains_and_a_class_without_readable_ones_is_refused(folder):
    shutil.rmtree(folder / "c")
    (folder / "c").mkdir()
    (folder / "c" / "one.png").write_bytes(encoded(digit(2)))
    info = read(folder).info
    assert info.class_counts[2] == 1
    (folder / "c" / "one.png").write_bytes(b"")
    assert "no picture of class c can be read" in error(folder, unreadable="skip")


def test_pictures_of_one_pixel_and_of_odd_names_are_read(folder):
    (folder / "a" / "tiny ü 🐝.PNG").write_bytes(encoded(Image.new("RGB", (1, 1), "white")))
    with open(os.fsencode(folder / "a") + b"/\xff.png", "wb") as file:
        file.write(encoded(Image.new("RGB", (1, 3), "white")))
    info = read(folder, split=NOTHING_CUT).info
    assert info.extra["pictures"]["changed"]["enlarged"] == 2
    assert info.counts["train"] == 44


def test_the_same_or_nearly_the_same_picture_in_two_splits_is_named_or_kept_together(tmp_path):
    rng = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(20):
            image = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize(
                (96, 96), Image.Resampling.BICUBIC
            )
            (tmp_path / label / f"{number:02}.png").write_bytes(encoded(image))
            (tmp_path / label / f"{number:02}_small.jpg").write_bytes(encoded(image.resize((80, 80)), "JPEG"))
            if number == 7:
                (tmp_path / label / f"{number:02}_again.png").write_bytes(encoded(image))
    reported = "\n".join(read(tmp_path).info.warnings)
    assert "pictures of the test split look like pictures of the train split: " in reported
    assert "'duplicates: together' keeps them in one split." in reported
    splits = read(tmp_path, duplicates="together")
    assert not any("split" in text for text in splits.info.warnings)
    counts = splits.info.counts
    assert sum(counts.values()) == 82
    assert abs(counts["test"] - 0.2 * 82) <= 2
    folds = [
        read(tmp_path, duplicates="together", split=SplitSpec(folds=4, fold=fold, validation=0)) for fold in range(4)
    ]
    assert sum(fold.info.counts["test"] for fold in folds) == 82
    shutil.copy(tmp_path / "a" / "03.png", tmp_path / "b" / "other.png")
    assert "1 picture is in two classes: b/other.png (b) = a/03.png (a)." in read(tmp_path).info.warnings


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"background": "blu"}, "there is no colour 'blu'"),
        ({"size": [10, 20, 30]}, "size"),
        ({"size": 0}, "size"),
        ({"size": 100_000}, "more than a network takes"),
        ({"channels": 4}, "channels"),
        ({"fit": "squeeze"}, "fit"),
        ({"split": {"method": "group"}}, "has nothing to split by group"),
        ({"duplicates": "together", "split": {"method": "time"}}, "says already which pictures stay together"),
    ],
)
def test_keys_that_make_no_sense_are_refused_before_anything_is_read(keys, expected):
    from hornbook import load_recipe

    with pytest.raises(RecipeError, match=expected):
        load_recipe({"data": {"name": "image_folder", "path": "none", "size": 8, **keys}, "model": "cnn"})


def test_folders_are_no_targets_of_other_tasks():
    from hornbook import load_recipe

    data = {"name": "image_folder", "path": "none", "size": 8}
    with pytest.raises(
        RecipeError, match="data.name: folders are classes, but the task is regression. Use 'image_list'"
    ):
        load_recipe({"data": data, "task": "regression", "model": "cnn"})


def test_a_folder_that_may_not_be_entered_is_named(folder, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr("hornbook.data.pictures.listing.os.scandir", refuse)
    assert "b: cannot be read: Permission denied." in error(folder)


def test_runs_with_other_seeds_and_splits_share_what_was_read(folder, monkeypatch):
    from hornbook.data import Shelf
    from hornbook.data.pictures import reading

    spec, shelf = ImageFolder(path=str(folder), size=16, channels=1), Shelf()
    shelf.load(spec, seed=1)
    monkeypatch.setattr(reading, "decode", lambda *_: pytest.fail("decoded again"))
    expected = load(spec, seed=2)
    found = shelf.load(spec, seed=2)
    assert found.info == expected.info
    np.testing.assert_array_equal(found.test.x, expected.test.x)


def test_pretraining_sees_the_pictures_whose_labels_are_taken_away(folder):
    from hornbook import load_recipe
    from hornbook.data import load_data

    data = {"name": "image_folder", "path": str(folder), "size": 8, "channels": 1}
    recipe = {"data": data, "model": "cnn", "pretraining": {"name": "rotation", "labeled": 9}}
    found = load_data(load_recipe(recipe))
    assert len(found.splits.train) == 9
    assert found.unlabeled.shape == (29, 8, 8, 1)


def test_of_large_pictures_fewer_are_looked_at_so_that_memory_stays_small(monkeypatch):
    from hornbook.data import preprocessing

    looked, x = [], np.full((50, 10, 10, 3), 255, np.uint8)
    monkeypatch.setattr(preprocessing, "MOST_VALUES", 3000)
    monkeypatch.setattr(preprocessing.np, "nan_to_num", lambda values: looked.append(values.shape) or values)
    assert preprocessing.input_facts(x, 255.0) == {"largest": 1.0, "size": 1.0}
    assert looked == [(10, 10, 10, 3)]
