"""Training on inputs that stay on disk: every example in the order of the epoch, and the same bits as from memory."""

import time

import numpy as np
import pytest

RNG = np.random.default_rng(3)
X = RNG.integers(0, 256, (210, 5, 4, 1), dtype=np.uint8)
Y = RNG.integers(0, 3, 210)
WEIGHTS = np.random.default_rng(4).exponential(size=210).astype(np.float32)
ROW_BYTES = 20
BATCH = 8
TREE = {
    "data": {"name": "arrays", "split": {"validation": 20, "test": 20}},
    "regularization": {"dropout": 0.2},
    "normalization": "batch_normalization",
    "schedule": "one_cycle",
    "training": {"epochs": 3, "batch_size": BATCH, "engine": "graph"},  # 170 examples: 21 batches of 8 and one of 2
}


@pytest.fixture(params=[1, 5, 1000], ids="{} batches a block".format)
def block_batches(request, monkeypatch):
    """So many batches in a block; 1000 are the whole epoch."""
    monkeypatch.setattr("hornbook.engine.feed.BLOCK_BYTES", request.param * BATCH * ROW_BYTES)
    return request.param


@pytest.fixture(params=["rows", "memory map"])
def inputs(request, tmp_path, tensorflow):
    """The first 170 inputs on disk, as the two things that a split may hold."""
    from hornbook.data import Rows

    np.save(tmp_path / "x.npy", X[:170])
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    return mapped if request.param == "memory map" else Rows(mapped)


@pytest.fixture
def feed(inputs, block_batches):
    from hornbook.data.source import Split
    from hornbook.engine.feed import Streamed, make_feed

    made = make_feed(Split(inputs, Y[:170], WEIGHTS[:170]), Y[:170], BATCH)
    assert isinstance(made, Streamed)
    return made


@pytest.mark.parametrize("start", [0, 3, 20])
def test_blocks_hold_each_batch_of_the_order_from_the_start_on(feed, block_batches, start):
    order = np.random.default_rng(5).permutation(170).astype(np.int32)
    seen, sizes = [], set()
    for block in feed.blocks(order, start):
        sizes.add(tuple(block.inputs.shape))
        for batch in range(max(block.base, start), block.end):
            index = block.order.numpy()[(batch - block.base) * BATCH :][:BATCH]
            rows = order[batch * BATCH : (batch + 1) * BATCH]
            np.testing.assert_array_equal(block.inputs.numpy()[index], X[rows])
            np.testing.assert_array_equal(block.targets.numpy()[index], Y[rows])
            np.testing.assert_array_equal(block.weights[0].numpy()[index], WEIGHTS[rows])
            seen.append(batch)
    assert seen == list(range(start, 21))
    assert sizes == {(min(block_batches, 21) * BATCH, 5, 4, 1)}  # one program fits all


def test_the_rest_is_the_last_batch_alone(feed):
    order = np.random.default_rng(5).permutation(170).astype(np.int32)
    inputs, targets, index, (weights,) = feed.rest(order)
    np.testing.assert_array_equal(inputs.numpy()[index.numpy()], X[order[168:]])
    np.testing.assert_array_equal(targets.numpy()[index.numpy()], Y[order[168:]])
    np.testing.assert_array_equal(weights.numpy()[index.numpy()], WEIGHTS[order[168:]])


def test_no_more_than_a_block_is_read_at_once(monkeypatch, tensorflow):
    from hornbook.engine.feed import Streamed

    class Watched:
        shape, dtype, nbytes, most = X.shape, X.dtype, X.nbytes, 0

        def __len__(self):
            return len(X)

        def __getitem__(self, rows):
            Watched.most = max(Watched.most, len(rows))
            return X[rows]

    feed = Streamed(Watched(), Y, BATCH, block_bytes=3 * BATCH * ROW_BYTES)
    assert len(list(feed.blocks(np.arange(210, dtype=np.int32), 0))) == 9  # 26 batches
    assert Watched.most == 3 * BATCH


def test_arrays_in_memory_stay_there(tensorflow):
    from hornbook.data.source import Split
    from hornbook.engine.feed import Resident, make_feed

    feed = make_feed(Split(X, Y), Y, BATCH)
    assert isinstance(feed, Resident)
    (block,) = feed.blocks(np.arange(210, dtype=np.int32), 5)
    assert (block.base, block.end) == (0, 26)


@pytest.mark.parametrize(
    ("engine", "batches", "examples"),
    [
        pytest.param("graph", 1, 210, id="graph"),
        pytest.param("xla", 5, 208, marks=pytest.mark.whole, id="xla"),
    ],
)
def test_a_streamed_run_equals_a_resident_one_bit_for_bit(
    train, alone, assert_same, monkeypatch, engine, batches, examples
):
    """Blocks of five are the next test's too, a block for all is the one with class weights."""
    tree = TREE | {"training": TREE["training"] | {"engine": engine}}
    data = X[:examples], Y[:examples]
    resident = alone(tree, data=data if engine == "xla" else (X, Y))
    monkeypatch.setattr("hornbook.engine.feed.BLOCK_BYTES", batches * BATCH * ROW_BYTES)
    streamed = train(tree, "training.memory_budget=0.001 MB", data=data)
    assert "data streams from disk" in (streamed.run / "log.txt").read_text()
    assert_same(streamed, resident, but=("recipe",))


@pytest.mark.parametrize("at", [(1, 14), pytest.param((2, 20), marks=pytest.mark.whole)])
def test_a_run_is_resumed_in_the_middle_of_a_block(alone, interrupted, resume, assert_same, monkeypatch, at):
    monkeypatch.setattr("hornbook.engine.feed.BLOCK_BYTES", 5 * BATCH * ROW_BYTES)
    stopped = interrupted(TREE, "training.memory_budget=0.001 MB", data=(X, Y), at=at)
    resumed = resume(stopped.run, data=(X, Y))
    assert_same(resumed, alone(TREE, data=(X, Y)), but=("recipe",))


def test_a_file_larger_than_the_budget_is_trained_on_as_if_it_were_in_memory(train, assert_same, tmp_path):
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    tree = TREE | {"data": {"name": "npz", "path": str(tmp_path / "data.npz"), "split": {"validation": 20, "test": 20}}}
    resident = train(tree, runs=tmp_path / "resident")
    streamed = train(tree, "training.memory_budget=0.001 MB")
    assert "data streams from disk" in (streamed.run / "log.txt").read_text()
    assert_same(streamed, resident, but=("recipe",))


def test_weights_of_classes_and_examples_and_options_reach_streamed_training(train, alone, assert_same):
    optimizer = {"name": "adam", "learning_rate": 0.01, "weight_decay": 0.1, "ema": {"momentum": 0.9}}
    tree = TREE | {"optimizer": optimizer, "training": {"epochs": 2, "batch_size": BATCH, "class_weights": {1: 3.0}}}
    data = {"x": X[:208], "y": Y[:208], "weights": WEIGHTS[:208]}  # 21 whole batches
    streamed = train(tree, "training.memory_budget=0.001 MB", data=data)
    assert_same(streamed, alone(tree, data=data), but=("recipe",))


def test_xla_compiles_once_for_all_blocks(prepare, run_epochs, monkeypatch):
    monkeypatch.setattr("hornbook.engine.feed.BLOCK_BYTES", BATCH * ROW_BYTES)
    data = {"name": "arrays", "split": {"validation": 0, "test": 0}}
    training = {"batch_size": BATCH, "engine": "xla", "memory_budget": "0.001 MB"}
    times = [time.perf_counter()]
    run_epochs(
        prepare({"data": data, "activation": "softsign", "training": training}, (X[:168], Y[:168])),
        on_chunk=lambda done: times.append(time.perf_counter()),
    )
    first, *others = np.diff(times)
    assert len(others) == 20
    assert sum(others) < first  # each block that compiled anew would take about as long as the first
