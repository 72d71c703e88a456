"""What every random draw of a run follows from: pure functions of the recipe's seed and a name, an epoch or a step."""

import hashlib

import numpy as np

from hornbook.data.source import Array

__all__ = ["derive_seed", "permutation"]


def derive_seed(seed: int, *names: str) -> int:
    """Return a seed in [0, 2^31) of something with a name, so that adding a layer changes no other layer's draws."""
    digest = hashlib.sha256("/".join((str(seed), *names)).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def permutation(seed: int, epoch: int, size: int) -> Array:
    """Return the order of examples (size,) int32 of one epoch: a pure function of its arguments."""
    order = np.random.default_rng((seed, epoch)).permutation(size)
    return order.astype(np.int32)
