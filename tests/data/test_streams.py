"""Inputs above the memory budget stay on disk, in flat memory, and everything comes out as if they had been read."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hornbook.data import Rows, Source, from_arrays, load, prepare
from hornbook.errors import DataError
from hornbook.recipes.sources import Arrays, Digits, Npz, SplitSpec, Wine

RNG = np.random.default_rng(0)
LABELS = np.arange(300) % 3
KEEP_ALL = Arrays(split=SplitSpec(validation=0, test=0))
INPUTS = {
    "images": RNG.integers(0, 256, (300, 8, 8, 3), dtype=np.uint8),
    "grey images": RNG.integers(0, 256, (300, 8, 8), dtype=np.uint8),
    "wide images": RNG.integers(0, 256, (300, 8, 8, 1)),
    "deep images": RNG.integers(0, 60_000, (300, 8, 8, 1), dtype=np.uint16),
    "float images": RNG.random((300, 8, 8, 2)),
    "masks": RNG.random((300, 8, 8, 1)) > 0.5,
    "table": np.column_stack([RNG.normal(1e4, 1, (300, 7)), np.full(300, 0.1)]),
    "column": RNG.random(300),
    "sequences": RNG.normal(size=(300, 9, 4)).astype(np.float32),
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Many blocks, though the arrays are small."""
    monkeypatch.setattr("hornbook.data.storage.rows.VALUES_PER_BLOCK", 1000)


def npz(folder, **arrays):
    np.savez(folder / "data.npz", **arrays)
    return str(folder / "data.npz")


def assert_same(streamed, resident):
    for name in ("train", "validation", "test"):
        first, second = getattr(streamed, name), getattr(resident, name)
        assert isinstance(second.x, np.ndarray)
        np.testing.assert_array_equal(first.y, second.y)
        order = np.random.default_rng(1).permutation(len(second))
        np.testing.assert_array_equal(first.x[order], second.x[order])
        assert (first.x.dtype, first.x.shape) == (second.x.dtype, second.x.shape)
    assert streamed.preprocessing == resident.preprocessing
    assert streamed.info.extra["streams"] is True
    extra = {key: value for key, value in streamed.info.extra.items() if key != "streams"}
    assert replace(streamed.info, extra=extra) == resident.info


@pytest.mark.parametrize("options", [{}, {"classes": (2, 0), "limit": 100, "standardize": True}], ids=["plain", "keys"])
@pytest.mark.parametrize("kind", INPUTS)
def test_a_file_gives_the_same_splits_streamed_and_in_memory(tmp_path, kind, options):
    spec = Npz(path=npz(tmp_path, x=INPUTS[kind], y=LABELS), **options)
    streamed = load(spec, seed=1, memory_budget=400)
    assert isinstance(streamed.train.x, Rows)
    assert_same(streamed, load(spec, seed=1))


@pytest.mark.parametrize("kind", [kind for kind in INPUTS if kind.endswith("images")])
def test_each_pixels_mean_and_deviation_are_the_same_streamed_and_in_memory(tmp_path, kind):
    spec = Npz(path=npz(tmp_path, x=INPUTS[kind], y=LABELS), standardize="per_feature")
    streamed = load(spec, seed=1, memory_budget=400)
    assert len(streamed.preprocessing.mean) == np.prod(INPUTS[kind].shape[1:])
    assert isinstance(streamed.train.x, Rows)
    assert_same(streamed, load(spec, seed=1))


def test_tokens_and_their_vocabulary_too(tmp_path, generator):
    path = npz(
        tmp_path, x=generator.integers(0, 900, (300, 7)), y=LABELS, x_test=np.full((20, 7), 950), y_test=LABELS[:20]
    )
    spec = Npz(path=path, input_kind="tokens")
    streamed = load(spec, seed=1, memory_budget=400)
    assert streamed.info.vocabulary_size == 951
    assert_same(streamed, load(spec, seed=1))


@pytest.mark.parametrize("method", ["random", "first", "last", "group", "time"])
def test_every_split_method_works_on_files(tmp_path, method, generator):
    column = "visit" if method in {"group", "time"} else None
    path = npz(tmp_path, x=INPUTS["table"], y=generator.random(300), visit=generator.permutation(300) // 5)
    spec = Npz(path=path, split=SplitSpec(method=method, column=column))
    assert_same(load(spec, seed=1, memory_budget=400), load(spec, seed=1))


def test_a_mapped_array_from_python_is_treated_alike(tmp_path, generator):
    np.save(tmp_path / "x.npy", INPUTS["sequences"])
    np.save(tmp_path / "y.npy", generator.random(300).astype(np.float32))
    data = [np.load(tmp_path / name, mmap_mode="r") for name in ("x.npy", "y.npy")]
    streamed, resident = from_arrays(data, memory_budget=400), from_arrays(data)
    assert_same(streamed, resident)
    for splits in (streamed, resident):
        assert not isinstance(splits.train.y.base, np.memmap)
    assert resident.train.x.flags.writeable


def test_rows_and_large_arrays_from_python_stay_where_they_are():
    for x in (Rows(INPUTS["table"]), INPUTS["table"]):
        assert_same(from_arrays((x, LABELS), memory_budget=400), from_arrays((INPUTS["table"], LABELS)))


def test_a_source_of_your_own_may_return_a_mapped_array(tmp_path):
    np.save(tmp_path / "x.npy", INPUTS["sequences"])
    source = Source(np.load(tmp_path / "x.npy", mmap_mode="r"), LABELS, "sequence")
    assert_same(prepare(source, Arrays(), seed=1, memory_budget=400), prepare(source, Arrays(), seed=1))


def test_shipped_data_streams_from_memory_when_the_budget_says_so():
    assert_same(load(Digits(), seed=42, memory_budget=1000), load(Digits(), seed=42))


def test_tables_with_named_columns_are_always_in_memory():
    assert load(Wine(), seed=42, memory_budget=10).info == load(Wine(), seed=42).info


def test_within_the_budget_everything_is_in_memory(tmp_path):
    spec = Npz(path=npz(tmp_path, x=INPUTS["images"], y=LABELS))
    splits = load(spec, seed=1, memory_budget=INPUTS["images"].nbytes)
    assert all(isinstance(split.x, np.ndarray) for split in (splits.train, splits.validation, splits.test))
    assert "streams" not in splits.info.extra


def test_small_splits_of_large_data_are_in_memory():
    x = np.zeros((300, 100), np.uint8).reshape(300, 10, 10, 1)
    spec = Arrays(split=SplitSpec(validation=20, test=50))
    splits = from_arrays((x, LABELS), spec=spec, memory_budget=25_000)
    assert [type(split.x) for split in (splits.train, splits.validation, splits.test)] == [Rows, np.ndarray, Rows]


def test_a_limit_brings_large_data_into_memory():
    splits = from_arrays((INPUTS["table"], LABELS), spec=Arrays(split=SplitSpec(test=10), limit=20), memory_budget=2000)
    assert isinstance(splits.train.x, np.ndarray)
    assert "streams" not in splits.info.extra


@pytest.mark.parametrize("budget", [None, 400])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.nan, "x: 2 of 2,400 values are NaN or infinite, the first (nan) at [250, 2]. Repair or remove these examples."),
        (1e300, "x: 1e+300 at [250, 2] is too large for float32."),
    ],
)  # fmt: skip
def test_bad_values_are_placed_in_the_whole_array(budget, bad, message):
    x = INPUTS["table"].copy()
    x[250, 2] = x[290, 0] = bad
    with pytest.raises(DataError) as error:
        from_arrays((x, LABELS), memory_budget=budget)
    assert str(error.value) == message


def test_statistics_over_many_blocks_are_those_of_the_whole(generator):
    x = generator.normal(1e4, 1e-2, (300, 8))
    preprocessing = from_arrays((x, LABELS), spec=KEEP_ALL, memory_budget=400).preprocessing
    assert preprocessing.mean == pytest.approx(x.astype(np.float32).astype(float).mean(axis=0), rel=1e-14)
    assert preprocessing.variance == pytest.approx(x.astype(np.float32).astype(float).var(axis=0), rel=1e-9)


def test_statistics_over_many_blocks_leave_out_what_is_missing(generator):
    import polars as pl

    values = np.where(generator.random((300, 12)) < 0.3, np.nan, generator.random((300, 12))).astype(np.float32)
    values[:100, 0] = np.nan  # whole blocks without a value
    frame = pl.DataFrame({f"c{column}": values[:, column] for column in range(12)})
    preprocessing = from_arrays((frame, LABELS), spec=KEEP_ALL).preprocessing
    assert preprocessing.mean == pytest.approx(np.nanmean(values, axis=0, dtype=float))
    assert preprocessing.variance == pytest.approx(np.nanvar(values, axis=0, dtype=float))


FLAT = """
import sys, numpy as np
from hornbook.data import Rows, load
from hornbook.recipes.sources import Npy

def kilobytes(key):
    line = next(line for line in open("/proc/self/status") if line.startswith(key))
    return int(line.split()[1])

folder = sys.argv[1]
before = kilobytes("VmRSS")
splits = load(Npy(inputs=f"{folder}/x.npy", targets=f"{folder}/y.npy"), seed=1, memory_budget=50_000_000)
assert isinstance(splits.train.x, Rows), splits.train
order = np.random.default_rng(0).permutation(len(splits.train))[:20_000]
for start in range(0, len(order), 512):
    splits.train.x.take(order[start : start + 512])
print((kilobytes("VmHWM") - before) / 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc/self/status")
@pytest.mark.whole
def test_data_far_above_the_budget_takes_flat_memory(tmp_path):
    shape = (75_000, 20, 100)  # 600 MB of float32, none of them on the disk
    with (tmp_path / "x.npy").open("wb") as stream:
        heading = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, heading)
        stream.truncate(stream.tell() + 4 * int(np.prod(shape)))
    np.save(tmp_path / "y.npy", np.arange(shape[0]) % 2)
    command = [sys.executable, "-c", FLAT, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert float(result.stdout) < 100
