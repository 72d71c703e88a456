"""Pictures to predict on: which files are meant, what their pixels become, what is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from hornbook.data.inputs.files import read_examples
from hornbook.data.readings import Reading
from hornbook.data.storage.rows import Rows, in_memory
from hornbook.errors import DataError, UsageError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
FILES = ["cat/b.png", "cat/a.bmp", "dog/10.png", "dog/9.png", "dog/old/8.png", "loose.png"]
SETTINGS = {"height": 5, "width": 4, "fit": "crop", "channels": 3, "background": "white"}


def info(*, task="multiclass", dtype="uint8", channels=3, trained_on_files=True, **extra):
    if trained_on_files:
        extra["pictures"] = {"settings": SETTINGS | {"channels": channels}}
    return SimpleNamespace(
        kind="image", input_shape=(5, 4, channels), input_dtype=dtype, extra=extra, features=None, task=task
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of pictures, each of its own colours, the current folder above it."""
    monkeypatch.chdir(tmp_path)
    for name, pixels in zip(FILES, PIXELS, strict=True):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    lines = ["file,kind,size", *(f"photos/{name},{name[:3]},{row}" for row, name in enumerate(FILES[:4]))]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    return tmp_path


def read(source, reading=None, *, budget=None, **facts):
    return read_examples(source, info(**facts), reading or Reading(scale=255.0), memory_budget=budget)


def expected(paths):
    return np.stack([PIXELS[FILES.index(str(path).removeprefix("photos/"))] for path in paths])


@pytest.mark.parametrize(
    ("source", "count"),
    [("photos", 6), ("photos/", 6), ("photos/dog", 3), ("photos/*/*.png", 3), ("photos/cat/a.bmp", 1), ("list.csv", 4),
     ("photos/**/[89].png", 2)],
)  # fmt: skip
def test_every_way_to_name_pictures_gives_their_pixels_and_paths(folder, source, count):
    found = read(source)
    assert len(found.x) == count
    np.testing.assert_array_equal(found.x, expected(found.kept["path"]) if source != "photos/dog" else found.x)
    assert all((folder / path).is_file() for path in found.kept["path"])
    assert found.x.dtype == np.uint8


def test_above_the_budget_the_same_pixels_lie_in_a_file_that_nobody_else_sees(folder):
    found = read("photos", budget=100)
    assert isinstance(found.x, Rows)
    np.testing.assert_array_equal(in_memory(found.x), expected(found.kept["path"]))


@pytest.mark.parametrize(
    ("dtype", "scale", "largest", "white"),
    [("uint8", 255.0, None, 255), ("uint8", 16.0, None, 16), ("uint8", None, 255, 255), ("float32", None, 1.0, 1.0),
     ("float32", 255.0, None, 255)],
)  # fmt: skip
def test_white_is_the_number_that_was_white_in_training(folder, dtype, scale, largest, white):
    Image.new("RGB", (4, 5), "white").save("white.png")
    facts = {"inputs": {"largest": largest}} if largest is not None else {}
    found = read("white.png", Reading(scale=scale), dtype=dtype, trained_on_files=False, **facts)
    assert found.x.dtype == dtype
    assert np.unique(found.x).tolist() == [white]


def test_a_run_that_learned_from_files_gets_their_bytes_whatever_it_does_with_them(folder):
    np.testing.assert_array_equal(read("photos/loose.png", Reading(scale=None), inputs={"largest": 97}).x, PIXELS[5:])


def test_an_unknown_white_is_refused(folder):
    with pytest.raises(DataError, match="it is not known which number is white"):
        read("photos", Reading(), dtype="float32", trained_on_files=False, inputs={"largest": 3.7})


def test_folders_name_the_targets_of_their_pictures(folder):
    (folder / "photos" / "loose.png").unlink()
    found = read("photos", Reading(targets=()))
    assert found.y.tolist() == [path.split("/")[1] for path in found.kept["path"]]


def test_a_list_has_targets_and_columns_to_keep(folder):
    found = read("list.csv", Reading(targets=("kind",), keep=("size",)))
    assert found.y.tolist() == ["cat", "cat", "dog", "dog"]
    assert found.kept["size"].to_list() == ["0", "1", "2", "3"]
    sizes = read_examples("list.csv", info(task="regression"), Reading(targets=("size", "size")))
    assert sizes.y.tolist() == [[row, row] for row in range(4)]


def test_what_cannot_be_read_is_named_all_at_once_or_left_out_when_asked(folder):
    (folder / "photos" / "cat" / "cut.png").write_bytes((folder / "photos" / "cat" / "b.png").read_bytes()[:60])
    (folder / "photos" / "dog" / "empty.jpg").touch()
    with pytest.raises(DataError, match=r"photos/cat/cut\.png is .*; photos/dog/empty\.jpg is empty .*--missing skip"):
        read("photos")
    found = read("photos", Reading(scale=255.0, missing="skip", targets=None))
    assert len(found.x) == 6
    np.testing.assert_array_equal(found.x, expected(found.kept["path"]))
    assert "cut.png" in " ".join(found.notes)


def test_what_was_changed_is_said(folder):
    Image.fromarray(PIXELS[0]).convert("L").save("grey.png")
    assert read("grey.png").notes == ("1 picture: 1 grey, the same in all channels.",)


@pytest.mark.parametrize(
    ("source", "reading", "error", "message"),
    [
        ("photos", Reading(array="x"), UsageError, "photos: pictures have no array 'x'"),
        ("photos", Reading(missing="fill"), UsageError, "there is nothing to fill in a picture"),
        ("photos", Reading(keep=("size",)), UsageError, "--keep size: pictures have no columns"),
        ("list.csv", Reading(keep=("sizes",)), DataError, "list.csv: no column 'sizes'. Did you mean 'size'?"),
        ("list.csv", Reading(targets=("kinds",)), DataError, "no column 'kinds', the target. Did you mean 'kind'?"),
        ("list.csv", Reading(file_column="picture"), DataError, "no column 'picture' that names the picture files"),
        ("photos", Reading(targets=()), DataError, "loose.png is in none below photos"),
        ("photos/*.gif", Reading(), DataError, "photos/*.gif: no picture is here."),
        ("none.png", Reading(), DataError, "none.png: no such file."),
        ("-", Reading(), UsageError, "pictures, which do not come from standard input"),
    ],
)
def test_what_cannot_be_meant_is_said(folder, source, reading, error, message):
    with pytest.raises(error) as raised:
        read(source, reading)
    assert message in str(raised.value)
