"""What the benchmarks train: the same network in Hornbook, plain Keras, PyTorch and JAX."""

import gzip
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

__all__ = ["CASES", "Case", "fashion_mnist"]


@dataclass(frozen=True)
class Case:
    """One network and how it is trained.

    Attributes:
        network: ``mlp``, ``deep``, ``cnn`` or ``lstm``.
        examples: Training images.
        dropout: Rate after each hidden layer.
        clip: Largest joint norm of the gradients, or 0.
        optimizer: ``nesterov`` (SGD 0.01, momentum 0.9) or ``adam``.
        overrides: The same for Hornbook, on top of he_elu_bn.
    """

    network: str
    examples: int = 60_000
    dropout: float = 0.0
    clip: float = 0.0
    optimizer: str = "nesterov"
    overrides: tuple[str, ...] = field(default=())


SMALL = 6_400
ADAM = "optimizer={name: adam, learning_rate: 0.001}"
DEEP = "model={name: mlp, funnel: {from: 100, to: 100, layers: 20}}"
CNN = "model={name: cnn, filters: [32, 64], dense: [128]}"
LSTM = ("model={name: rnn, units: [64, 64]}", "activation=tanh", "initializer=default", "normalization=none")
CASES = {
    "mlp": Case("mlp"),
    "mlp_dropout": Case("mlp", dropout=0.2),
    "mlp_dropout_clip": Case("mlp", dropout=0.2, clip=1.0),
    "cnn": Case("cnn", SMALL, optimizer="adam", overrides=(CNN, ADAM)),
    "cnn_graph": Case("cnn", SMALL, optimizer="adam", overrides=(CNN, ADAM, "training.engine=graph")),
    "cnn_half": Case("cnn", SMALL, optimizer="adam", overrides=(CNN, ADAM, "training.precision=mixed_float16")),
    "deep": Case("deep", SMALL, optimizer="adam", overrides=(DEEP, ADAM)),
    "lstm": Case("lstm", SMALL, optimizer="adam", overrides=(*LSTM, ADAM)),
}


def fashion_mnist(examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (images (N, 28, 28) uint8, labels (N,) int32) from the folder HORNBOOK_DATA."""
    folder = Path(os.environ["HORNBOOK_DATA"]) / "fashion-mnist"
    images = np.frombuffer(gzip.open(folder / "train-images-idx3-ubyte.gz").read()[16:], np.uint8)
    labels = np.frombuffer(gzip.open(folder / "train-labels-idx1-ubyte.gz").read()[8:], np.uint8)
    return images.reshape(-1, 28, 28)[:examples], labels.astype("int32")[:examples]
