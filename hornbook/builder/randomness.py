"""Seeds that follow from the recipe's seed and a name, so that adding a layer changes no other layer's draws."""

import hashlib

__all__ = ["derive_seed"]


def derive_seed(seed: int, *names: str) -> int:
    """Return a seed in [0, 2^31) that is a pure function of the recipe's seed and the names."""
    digest = hashlib.sha256("/".join((str(seed), *names)).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
