"""A run that several tests export."""

import pytest

import hornbook

RECIPE = """data: {name: digits, classes: [0, 1, 2]}
model: {name: mlp, units: [8]}
activation: relu
regularization: {dropout: 0.2}
training: {epochs: 6, batch_size: 100, engine: graph}
"""


@pytest.fixture(scope="module")
def run(tensorflow, tmp_path_factory):
    """The folder of a finished run on three kinds of digits."""
    folder = tmp_path_factory.mktemp("exports")
    (folder / "three.yaml").write_text(RECIPE)
    return hornbook.train(folder / "three.yaml", runs=str(folder / "runs"), progress=False).run
