"""NumPy files are opened in place: any name, offset, type and order; damaged ones are refused."""

import zipfile

import numpy as np
import pytest

from hornbook.data import Rows, load
from hornbook.data.storage.stored import open_npy, open_npz
from hornbook.errors import DataError
from hornbook.recipes.sources import Npy, Npz, SplitSpec
from hornbook.recipes.sources.checks import section_problems

X = np.random.default_rng(0).random((40, 30))
Y = np.arange(40) % 2
KEEP_ALL = SplitSpec(validation=0, test=0)


def save(folder, saver=np.savez, **arrays):
    path = folder / "data.npz"
    saver(path, **arrays)
    return path


ARRAYS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "bytes": np.arange(96, dtype=np.uint8).reshape(6, 4, 4),
    "bool": X > 0.5,
    "big_endian": X.astype(">f4"),
    "one_dimension": Y,
    "column_order": np.asfortranarray(X),
    "one_column": np.asfortranarray(X[:, :1]),
    "text": np.array(["a", "bc"]),
    "ä name with spaces/and a slash": X[:3],
    "empty": X[:0],
    "single": np.float64(3),
}


@pytest.mark.parametrize("saver", [np.savez, np.savez_compressed])
def test_every_array_of_an_archive_is_found_at_its_place(tmp_path, saver):
    opened = open_npz(save(tmp_path, saver, **ARRAYS))
    assert list(opened) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert isinstance(opened[name], Rows) == (array.ndim > 0)
        assert opened[name].dtype == array.dtype
        np.testing.assert_array_equal(opened[name].load() if array.ndim else opened[name], array)
    np.testing.assert_array_equal(opened["float64"].take([7, 2]), X[[7, 2]])
    np.testing.assert_array_equal(opened["column_order"][3:5], X[3:5])
    np.testing.assert_array_equal(opened["bool"].take([30]), X[[30]] > 0.5)


@pytest.mark.parametrize("array", list(ARRAYS.values())[:-1])
def test_a_npy_file_is_read_in_place(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    np.testing.assert_array_equal(open_npy(tmp_path / "x.npy").load(), array)


def test_only_what_must_be_read_as_a_whole_says_so(tmp_path):
    path = save(tmp_path, **ARRAYS)
    refusals = {name: x.refusal for name, x in open_npz(path).items() if isinstance(x, Rows) and x.refusal}
    assert refusals == {"column_order": f"{path}: array 'column_order' is stored column by column (Fortran order)"}
    packed = open_npz(save(tmp_path, np.savez_compressed, x=X))["x"]
    assert packed.refusal == f"{path}: array 'x' is compressed"


def test_an_archive_behind_other_bytes_is_found(tmp_path):
    path = save(tmp_path, x=X, y=Y)
    path.write_bytes(b"PK some heading " + path.read_bytes())
    np.testing.assert_array_equal(open_npz(path)["x"].take([1]), X[[1]])


def test_a_compressed_archive_above_the_budget_says_how_to_save_it(tmp_path):
    path = save(tmp_path, np.savez_compressed, x=np.zeros((500, 500)), y=np.arange(500) % 2)
    with pytest.raises(DataError) as error:
        load(Npz(path=str(path)), seed=1, memory_budget=1_000_000)
    assert str(error.value) == (
        f"{path}: array 'x' is compressed, so that it can only be read as a whole, which takes 2 MB; the memory budget is "
        "1 MB. Save it in row order with numpy.savez (uncompressed), or as .npy."
    )
    assert "streams" not in load(Npz(path=str(path)), seed=1, memory_budget=2_000_000).info.extra
    assert "streams" not in load(Npz(path=str(path)), seed=1).info.extra


def test_column_order_above_the_budget_is_refused_too(tmp_path):
    np.save(tmp_path / "x.npy", np.asfortranarray(X))
    np.save(tmp_path / "y.npy", Y)
    spec = Npy(inputs=str(tmp_path / "x.npy"), targets=str(tmp_path / "y.npy"))
    with pytest.raises(DataError, match=r"x\.npy is stored column by column \(Fortran order\), so that it can only be"):
        load(spec, seed=1, memory_budget=1000)
    assert load(spec, seed=1).info.counts["train"] == 28


@pytest.mark.parametrize("budget", [None, 1000])
def test_a_shortened_npy_is_refused_at_once(tmp_path, budget):
    path = tmp_path / "x.npy"
    np.save(path, X)
    np.save(tmp_path / "y.npy", Y)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError) as error:
        load(Npy(inputs=str(path), targets=str(tmp_path / "y.npy")), seed=1, memory_budget=budget)
    assert str(error.value) == f"{path}: is incomplete: 9,720 bytes, its heading promises 9,728."


@pytest.mark.parametrize("budget", [None, 1000])
def test_a_shortened_archive_is_refused(tmp_path, budget):
    path = save(tmp_path, x=X, y=Y)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"data\.npz: cannot be read: "):
        load(Npz(path=str(path)), seed=1, memory_budget=budget)


@pytest.mark.parametrize("budget", [None, 1000])
def test_a_flipped_byte_in_an_archive_is_found(tmp_path, budget):
    path = save(tmp_path, x=X, y=Y)
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.npz: cannot be read: Bad CRC-32"):
        load(Npz(path=str(path)), seed=1, memory_budget=budget)


def test_files_that_are_no_numpy_files_are_refused(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(b"something else")
    for read in (open_npy, open_npz):
        with pytest.raises(DataError, match=r"x\.npy: is no NumPy file, or holds Python objects"):
            read(path)
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects, which may run code when read"):
        open_npy(path)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"no array")
    with pytest.raises(DataError, match=r"a\.npz: cannot be read"):
        open_npz(tmp_path / "a.npz")


def test_npy_reads_inputs_targets_and_test_set(tmp_path):
    for name, array in {"x": X, "y": Y, "x_test": X[:5], "y_test": Y[:5]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    files = {name: str(tmp_path / f"{file}.npy") for name, file in (("inputs", "x"), ("targets", "y"))}
    assert load(Npy(**files), seed=1).info.counts == {"train": 28, "validation": 4, "test": 8}
    tests = {"test_inputs": str(tmp_path / "x_test.npy"), "test_targets": str(tmp_path / "y_test.npy")}
    splits = load(Npy(**files, **tests, class_names=("off", "on")), seed=1)
    assert splits.info.counts == {"train": 36, "validation": 4, "test": 5}
    assert (splits.info.name, splits.info.class_names) == ("npy", ("off", "on"))
    tokens = tmp_path / "t.npy"
    np.save(tokens, np.arange(80).reshape(40, 2))
    info = load(Npy(inputs=str(tokens), targets=files["targets"], input_kind="tokens"), seed=1).info
    assert (info.kind, info.vocabulary_size) == ("tokens", 80)


def test_half_a_test_set_of_files_is_a_problem():
    problems = [
        problem.sentence() for problem in section_problems(Npy(inputs="x.npy", targets="y.npy", test_targets="t.npy"))
    ]
    assert problems == ["data.test_targets: 'test_inputs' is missing. Name both or neither."]


def test_a_missing_npy_names_the_nearest(tmp_path):
    np.save(tmp_path / "inputs.npy", X)
    with pytest.raises(DataError) as error:
        load(Npy(inputs=str(tmp_path / "input.npy"), targets="y.npy"), seed=1)
    assert str(error.value) == f"{tmp_path / 'input.npy'}: no such file. Did you mean '{tmp_path / 'inputs.npy'}'?"
