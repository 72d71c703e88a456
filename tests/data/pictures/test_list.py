"""Tables that list pictures give them targets of any kind."""

import numpy as np
import pytest
from pictures import digit, encoded

from hornbook.data import load
from hornbook.data.storage.rows import in_memory
from hornbook.errors import DataError, RecipeError
from hornbook.recipes.sources import ImageList, SplitSpec

ROWS = 20


@pytest.fixture
def folder(tmp_path):
    """Twenty digits in a folder below that of the list."""
    (tmp_path / "photos").mkdir()
    for number in range(ROWS):
        (tmp_path / "photos" / f"{number}.png").write_bytes(encoded(digit(number)))
    return tmp_path


def write(folder, columns, row, name="list.csv"):
    lines = [columns, *(row(number) for number in range(ROWS))]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / name


def read(folder, task=None, **keys):
    split = keys.pop("split", SplitSpec(validation=0, test=0))
    spec = ImageList(
        path=str(folder / "list.csv"), **{"size": 24, "channels": 1, "target": "y", "split": split, **keys}
    )
    return load(spec, seed=1, task=task)


@pytest.mark.parametrize(
    ("columns", "row", "keys", "task", "y"),
    [
        ("file,y", lambda n: f"photos/{n}.png,{'ab'[n % 2]}", {}, "binary", [0, 1]),
        ("file,y", lambda n: f"photos/{n}.png,{n % 3}", {}, "multiclass", [0, 1]),
        ("file,y", lambda n: f"photos/{n}.png,{n + 0.5}", {}, "regression", [0.5, 1.5]),
        ("path,u,v", lambda n: f"photos/{n}.png,{n % 2},1", {"file": "path", "target": ["u", "v"]}, "multilabel", [[0, 1], [1, 1]]),
        ("path,u,v", lambda n: f"photos/{n}.png,{n + 0.5},-1", {"file": "path", "target": ["u", "v"]}, "regression", [[0.5, -1], [1.5, -1]]),
    ],
)  # fmt: skip
def test_targets_are_what_the_columns_hold(folder, columns, row, keys, task, y):
    write(folder, columns, row)
    splits = read(folder, **keys)
    assert splits.info.task == task
    np.testing.assert_array_equal(splits.train.y[:2], y)
    np.testing.assert_array_equal(in_memory(splits.train.x)[7, ..., 0], np.asarray(digit(7)))
    if len(keys):
        assert splits.info.extra.get("target_names", ["u", "v"]) == ["u", "v"]


def test_groups_stay_in_one_split_and_time_orders(folder):
    write(folder, "file,y,who,day", lambda n: f"photos/{n}.png,{n % 2},p{n // 4},2024-01-{20 - n % 20:02}")
    grouped = read(folder, split=SplitSpec(method="group", column="who", test=4, validation=4))
    assert grouped.info.counts == {"train": 12, "validation": 4, "test": 4}
    shown = in_memory(grouped.test.x)[..., 0]
    assert len({int(np.argmax([np.array_equal(row, digit(n)) for n in range(ROWS)])) // 4 for row in shown}) == 1
    timed = read(folder, split=SplitSpec(method="time", column="day", test=2, validation=0))
    np.testing.assert_array_equal(in_memory(timed.test.x)[-1, ..., 0], np.asarray(digit(0)))  # the latest


def test_a_column_may_say_which_split_a_picture_is_of(folder):
    write(folder, "file,y,part", lambda n: f"photos/{n}.png,{n % 2},{['train', 'train', 'val', 'TEST'][n % 4]}")
    assert read(folder, splits="part", split=None).info.counts == {"train": 10, "validation": 5, "test": 5}
    write(folder, "file,y,part", lambda n: f"photos/{n}.png,{n % 2},{'train' if n else 'dev'}")
    with pytest.raises(DataError, match="column 'part' holds dev; expected train, validation or test"):
        read(folder, splits="part")


def test_a_file_in_two_rows_is_read_twice_and_said(folder):
    write(folder, "file,y", lambda n: f"photos/{max(n, 1)}.png,{n % 2}")
    splits = read(folder)
    np.testing.assert_array_equal(in_memory(splits.train.x)[0], in_memory(splits.train.x)[1])
    assert "1 file is listed more than once (photos/1.png)." in splits.info.warnings
    assert "1 picture is in two classes: photos/1.png (1) = photos/1.png (0)." in splits.info.warnings


def test_paths_that_are_missing_or_lead_out_of_the_folder_are_all_named(folder):
    (folder / "photos" / "link.png").symlink_to("/etc/hostname")
    bad = {0: "../secret.png", 1: "/etc/passwd", 2: "", 3: "photos/../../x.png", 4: "photos/link.png"}
    write(folder, "file,y", lambda n: f"{bad.get(n, f'photos/{n}.png')},{n % 2}")
    with pytest.raises(DataError) as caught:
        read(folder)
    text = str(caught.value)
    assert "5 paths of column 'file' cannot be used" in text
    for line in ("row 1: '../secret.png' leads out", "row 2: '/etc/passwd' leads out", "row 3: there is no path",
                 "row 4: '../x.png' leads out", "row 5: 'photos/link.png' is a link that leads out"):  # fmt: skip
        assert line in text


def test_files_that_are_not_there_cannot_be_read(folder):
    write(folder, "file,y", lambda n: f"photos/{n + 2}.png,{n % 2}")
    with pytest.raises(DataError) as caught:
        read(folder)
    assert "2 of 20 pictures cannot be read." in str(caught.value)
    assert "\n  photos/20.png there is no such file" not in str(caught.value)
    assert "\n  photos/20.png is not there" in str(caught.value)
    assert sum(read(folder, unreadable="skip").info.counts.values()) == 18


def test_columns_that_are_missing_or_have_two_roles_are_refused(folder):
    from hornbook import load_recipe

    write(folder, "file,y", lambda n: f"photos/{n}.png,{n % 2}")
    with pytest.raises(DataError, match="no column 'path'"):
        read(folder, file="path")
    with pytest.raises(
        RecipeError, match="column 'y' is the column of 'target' already|column 'y' is the column of 'splits' already"
    ):
        load_recipe(
            {"data": {"name": "image_list", "path": "x.csv", "target": "y", "size": 8, "splits": "y"}, "model": "cnn"}
        )
