"""Rows are a view: nothing is read early, order and conversion are kept, and arrays and files behave alike."""

import threading

import numpy as np
import pytest

from hornbook.data import Rows
from hornbook.data.storage.readers import ArrayReader, FileReader, is_mapped, reader_of
from hornbook.data.storage.rows import blocks, in_file_order, in_memory, numbered_blocks, select
from hornbook.errors import DataError

VALUES = np.arange(60, dtype=np.float64).reshape(20, 3)
FORMS = ["array", "mapped", "file", "array-like"]


class Strict:
    """An array-like that only takes sorted, unique positions, as HDF5 files do."""

    shape, dtype = VALUES.shape, VALUES.dtype

    def __getitem__(self, rows):
        assert isinstance(rows, slice) or (np.diff(rows) > 0).all()
        return VALUES[rows]


@pytest.fixture(params=FORMS)
def base(request, tmp_path):
    """The same values in memory, mapped with changes of its own (mode c), in a file, and behind an interface."""
    np.save(tmp_path / "x.npy", VALUES)
    return {
        "array": VALUES,
        "mapped": np.load(tmp_path / "x.npy", mmap_mode="c"),
        "file": np.load(tmp_path / "x.npy", mmap_mode="r"),
        "array-like": Strict(),
    }[request.param]


def test_facts_are_those_of_the_converted_array(base):
    x = Rows(base, convert=lambda block: block.astype(np.float32)[..., np.newaxis])
    assert (x.shape, x.ndim, x.dtype, x.nbytes, len(x)) == ((20, 3, 1), 3, np.float32, 240, 20)
    assert repr(x) == "Rows(shape=(20, 3, 1), dtype=float32)"


@pytest.mark.parametrize("indices", [[5, 3, 5, 19, 0], [4, 5, 6], [-1, 0], []])
def test_take_keeps_the_order_asked_for(base, indices):
    taken = Rows(base).take(np.array(indices, dtype=int))
    np.testing.assert_array_equal(taken, VALUES[indices])
    assert type(taken) is np.ndarray
    assert taken.flags.c_contiguous
    assert taken.flags.owndata or taken.base.flags.owndata


@pytest.mark.parametrize("indices", [slice(None), slice(3, 7), slice(18, 30), slice(None, None, -3), np.array([2, 1])])
def test_brackets_read_slices_and_positions(base, indices):
    np.testing.assert_array_equal(Rows(base)[indices], VALUES[indices])


def test_subsets_of_subsets_refer_to_the_same_rows(base):
    x = Rows(base).subset(slice(4, 16)).subset(np.array([11, 0, 3, 3])).subset(slice(1, None))
    np.testing.assert_array_equal(x.load(), VALUES[[4, 7, 7]])
    np.testing.assert_array_equal(x.take([2, 0]), VALUES[[7, 4]])
    np.testing.assert_array_equal(x.in_file_order().load(), VALUES[[4, 7, 7]])


def test_rows_may_be_chosen_at_the_start(base):
    np.testing.assert_array_equal(Rows(base, np.array([9, 1])).load(), VALUES[[9, 1]])
    np.testing.assert_array_equal(Rows(base, slice(2, 4)).load(), VALUES[2:4])


def test_conversions_follow_each_other(base):
    x = Rows(base, convert=lambda block: block + 1).map(lambda block: block * 2).subset(np.array([3]))
    np.testing.assert_array_equal(x.load(), (VALUES[[3]] + 1) * 2)


def test_blocks_hold_all_rows_in_order(base):
    pieces = list(Rows(base).subset(np.arange(19, -1, -1)).blocks(8))
    assert [len(piece) for piece in pieces] == [8, 8, 4]
    np.testing.assert_array_equal(np.concatenate(pieces), VALUES[::-1])


def test_positions_outside_are_refused(base):
    with pytest.raises(IndexError, match="row 20 of 20 rows"):
        Rows(base).take([0, 20])
    with pytest.raises(IndexError, match="row -21 of 20 rows"):
        Rows(base).take([-21])


@pytest.mark.parametrize("indices", [3, np.array([0.5]), np.array([True]), (1, 2)])
def test_what_chooses_no_rows_is_refused(indices):
    with pytest.raises(TypeError, match="rows are chosen by a slice or a one-dimensional array of whole numbers"):
        Rows(VALUES)[indices]


def test_rows_do_not_become_an_array_by_accident(base):
    with pytest.raises(TypeError, match=r"stay on disk; read them with take\(\) or blocks\(\)"):
        np.asarray(Rows(base))


def test_what_was_read_can_be_changed_without_harm(tmp_path):
    values = VALUES.copy()
    for read in (lambda x: x[:2], lambda x: x.take([0, 1])):
        read(Rows(values))[:] = -1
        assert values[0, 0] == 0


def test_a_mapped_array_is_read_through_its_file(tmp_path):
    np.save(tmp_path / "x.npy", VALUES)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for view in (mapped, np.asarray(mapped), mapped[5:], mapped[5:].reshape(15, 3, 1), mapped.view("u8")):
        assert is_mapped(view)
        reader = reader_of(view)
        assert isinstance(reader, FileReader)
        np.testing.assert_array_equal(reader.load(), view)


def test_a_map_that_differs_from_its_file_is_read_itself(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, VALUES)
    changed = np.load(path, mmap_mode="c")
    changed[0] = -1
    assert Rows(changed)[:1].tolist() == [[-1, -1, -1]]
    strided = np.load(path, mmap_mode="r")[::2]
    np.testing.assert_array_equal(Rows(strided).take([1, 0]), VALUES[[2, 0]])
    replaced = np.load(path, mmap_mode="r")
    path.unlink()
    np.save(path, VALUES + 1)
    assert isinstance(reader_of(replaced), ArrayReader)
    assert Rows(replaced)[:1].tolist() == [[0, 1, 2]]


def test_a_file_that_becomes_shorter_is_an_error_and_not_a_crash(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, VALUES)
    x = Rows(np.load(path, mmap_mode="r"))
    with path.open("r+b") as stream:
        stream.truncate(200)
    with pytest.raises(DataError, match=r"x\.npy: ends at byte 200: it was shortened while in use\."):
        x.load()
    assert x[:1].tolist() == [[0, 1, 2]]


def test_threads_may_read_at_once(tmp_path):
    values = np.arange(40_000).reshape(2000, 20)
    np.save(tmp_path / "x.npy", values)
    x, wrong = Rows(np.load(tmp_path / "x.npy", mmap_mode="r")), []

    def read(seed):
        for _ in range(50):
            chosen = np.random.default_rng(seed).permutation(2000)[:64]
            if not np.array_equal(x.take(chosen), values[chosen]):
                wrong.append(seed)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_arrays_and_rows_are_cut_into_the_same_blocks(monkeypatch):
    monkeypatch.setattr("hornbook.data.storage.rows.VALUES_PER_BLOCK", 21)
    array, rows = np.asfortranarray(VALUES), Rows(VALUES)
    assert [start for start, _ in numbered_blocks(array)] == [0, 7, 14]
    for first, second in zip(blocks(array), blocks(rows), strict=True):
        np.testing.assert_array_equal(first, second)
        assert first.flags.c_contiguous


def test_helpers_leave_arrays_arrays():
    assert in_memory(VALUES) is VALUES
    assert in_file_order(VALUES) is VALUES
    assert isinstance(select(VALUES, slice(2)), np.ndarray)
    assert isinstance(select(Rows(VALUES), slice(2)), Rows)


@pytest.fixture
def windows(monkeypatch, tmp_path):
    """Two thousand rows in a file, of which windows of a hundred are mapped; 64 bytes stand in front of them."""
    monkeypatch.setattr("hornbook.data.storage.readers.WINDOW_BYTES", 100 * 84)
    values = np.random.default_rng(7).random((2000, 21), dtype=np.float32)
    path = tmp_path / "rows.bin"
    path.write_bytes(b"heading." * 8 + values.tobytes())
    return values, FileReader(path, offset=64, shape=values.shape, dtype=values.dtype)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(np.random.default_rng(8).permutation(2000), id="all"),
        pytest.param(np.random.default_rng(8).integers(0, 2000, 500), id="some of them twice"),
        pytest.param(np.sort(np.random.default_rng(8).integers(900, 2000, 500)), id="in the file's order"),
        pytest.param(np.concatenate([np.arange(80), np.arange(1900, 2000)]), id="first and last"),
    ],
)
def test_rows_that_lie_close_together_are_read_through_windows(windows, monkeypatch, rows):
    values, reader = windows
    monkeypatch.setattr(reader, "_fill", None)  # which reads row by row
    np.testing.assert_array_equal(reader.read(rows), values[rows])


def test_a_window_of_a_file_that_became_shorter_is_an_error_and_not_a_crash(windows):
    _, reader = windows
    with reader.path.open("r+b") as stream:
        stream.truncate(100_000)
    with pytest.raises(DataError, match=r"rows\.bin: ends at byte 100,000: it was shortened while in use\."):
        reader.read(np.arange(0, 2000, 2))


def test_gathered_rows_are_in_the_order_of_the_file(base):
    x = Rows(base).subset(np.array([4, 1, 9, 7]))
    values, places = x.gather(np.array([2, 0, 0, 1]))
    np.testing.assert_array_equal(values, VALUES[[1, 4, 4, 9]])
    np.testing.assert_array_equal(values[places], VALUES[[9, 4, 4, 1]])


def test_large_arrays_begin_where_tensorflow_takes_them_as_they_are(windows):
    _, reader = windows
    assert reader.read(range(5, 900)).ctypes.data % 64 == 0


def test_blocks_are_cut_alike_from_rows_and_arrays(windows, monkeypatch):
    monkeypatch.setattr("hornbook.data.storage.rows.VALUES_PER_BLOCK", 21 * 30)
    values, reader = windows
    order = np.random.default_rng(9).permutation(2000)
    pairs = list(zip(blocks(Rows(reader, order)), blocks(values[order]), strict=True))
    assert len(pairs) == 67
    assert all(np.array_equal(*pair) for pair in pairs)
