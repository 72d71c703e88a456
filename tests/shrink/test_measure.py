"""What a point is, and how sizes and times are taken."""

import numpy as np
import pytest

from hornbook.shrinking.measure import latencies, points, size_of


@pytest.mark.parametrize(("task", "scores", "y", "found"), [
    ("multiclass", [[0.1, 0.9], [0.8, 0.2]], [1, 1], [100, 0]),
    ("binary", [[0.7], [0.2]], [1, 1], [100, 0]),
    ("multilabel", [[0.7, 0.2], [0.2, 0.7]], [[1, 1], [0, 1]], [50, 100]),
    ("regression", [[1.0], [4.0]], [1.0, 3.0], [100, 0]),  # the variance of the targets is 1
])  # fmt: skip
def test_each_example_has_its_points(task, scores, y, found):
    assert points(np.array(scores), np.array(y), task, 0.5).tolist() == found


def test_models_take_turns_and_sizes_count_zeros(network, tmp_path):
    from keras import layers

    model = network((3,), layers.Dense(4))
    model.get_layer(index=1).kernel.assign(np.eye(3, 4))
    rows = latencies({"before": model, "after": model}, np.ones((2, 3), np.float32))
    assert [row["batch"] for row in rows] == [1, 256]
    assert all(0 < row[name]["p50_ms"] <= row[name]["p95_ms"] for row in rows for name in ("before", "after"))
    model.save(tmp_path / "model.keras")
    size = size_of(tmp_path / "model.keras", model)
    assert (size["parameters"], size["zeros"]) == (16, 9)
    assert 0 < size["compressed"] < size["file"] == (tmp_path / "model.keras").stat().st_size
