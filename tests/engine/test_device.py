"""How arrays come to the device: in their own memory on a CPU, with the numbers that they hold."""

import numpy as np
import pytest

from hornbook.data.storage.rows import select


@pytest.fixture
def on_device(tensorflow):
    from hornbook.engine.device import has_gpu, on_device

    if has_gpu():
        pytest.skip("a GPU has memory of its own")
    return on_device


def seen_by(tensor):
    return np.asarray(memoryview(tensor))


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
@pytest.mark.parametrize("may_write", [True, False])
def test_runs_share_the_memory_of_what_a_split_holds(on_device, dtype, may_write):
    x = select(np.arange(1000 * 7).reshape(1000, 7).astype(dtype), np.random.default_rng(0).permutation(1000))
    x.flags.writeable = may_write
    first, second = on_device(x), on_device(x)
    assert np.shares_memory(seen_by(first), x)
    assert np.shares_memory(seen_by(second), x)
    np.testing.assert_array_equal(first.numpy(), x)


def test_the_memory_of_an_array_stays_as_long_as_its_tensor(on_device):
    x = select(np.full((1000, 1000), 7, np.float32), np.arange(1000))
    x.flags.writeable = False
    tensor = on_device(x)
    del x
    others = [np.zeros((1000, 1000), np.float32) for _ in range(4)]
    assert (tensor.numpy() == 7).all()
    assert not any(other.any() for other in others)


@pytest.mark.parametrize("cut", [np.s_[1:], np.s_[::2], np.s_[:, 1:]], ids=["later", "every other", "columns"])
def test_an_array_that_a_kernel_cannot_read_as_it_is_is_copied(on_device, cut):
    x = np.arange(999 * 5, dtype=np.float32).reshape(999, 5)[cut]
    np.testing.assert_array_equal(on_device(x).numpy(), x)


@pytest.mark.parametrize("rows", [[-1, 0], [0, 10]])
def test_rows_that_are_not_there_are_refused(rows):
    with pytest.raises(IndexError, match="of 10"):
        select(np.zeros((10, 2)), np.array(rows))
