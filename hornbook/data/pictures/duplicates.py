"""Pictures that show the same: near duplicates, by small grey copies of all of them.

Two pictures are near duplicates where their copies of 16×16, each less its mean and divided by its length, are nearly the
same (a correlation of 0.985), and so are their colours and proportions. That finds a picture that was resized, compressed
again, brightened or cut a little at its edges. Two pictures of fewer than 64 pixels a side have to agree much more closely
(0.998): at that size different pictures of one thing look alike. Pictures with next to no contrast are left out.

Candidates are found in a k-d tree by a few low frequencies of a discrete cosine transform, as in perceptual hashes (Zauner
2010, "Implementation and benchmarking of perceptual image hash functions"): those by which these pictures differ most.
Leaving out the others only brings copies nearer, so that no pair is missed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hornbook.data.storage.readers import Array

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

__all__ = ["SIDE", "alike", "grey_copies"]

SIDE = 16  # of the small copies
SMALL = 64  # pixels
CORRELATION, SMALL_CORRELATION = 0.985, 0.998
LEAST_CONTRAST = 6.0  # standard deviation of a grey copy, of 255
MOST_TINT = 14.0  # difference of red or blue from green, of 255
MOST_STRETCH = 1.12  # ratio of proportions
FREQUENCIES, COMPONENTS, SAMPLE = 6, 8, 4000
MOST_PAIRS = 20_000_000
"""Of candidates; where more are expected, only pairs that agree more closely are looked at."""
BLOCK = 1 << 16
LUMINANCE = (np.float32(0.299), np.float32(0.587), np.float32(0.114))  # ITU-R BT.601


def grey_copies(thumbs: Array) -> tuple[Array, Array]:
    """Return small copies (N, 16, 16) uint8 and mean colours (N, 3) uint8 of thumbs (N, 16, 16, 3) uint8."""
    red, green, blue = (weight * thumbs[..., channel] for channel, weight in enumerate(LUMINANCE))
    return np.rint(red + green + blue).astype(np.uint8), np.rint(thumbs.mean(axis=(1, 2))).astype(np.uint8)


@dataclass(frozen=True)
class _Facts:
    """What pictures are compared by: copies (N, 16, 16), mean colours (N, 3), proportions, whether they are small."""

    copies: Array
    colours: Array
    proportions: Array
    is_small: Array

    def confirmed(self, pairs: Array) -> Array:
        """Return those of some pairs that are near duplicates."""
        kept = [self._confirmed(pairs[start : start + BLOCK]) for start in range(0, len(pairs), BLOCK)]
        return np.concatenate(kept) if kept else pairs

    def _confirmed(self, pairs: Array) -> Array:
        first, second = pairs[:, 0], pairs[:, 1]
        correlation = np.einsum("ij,ij->i", _directions(self.copies[first]), _directions(self.copies[second]))
        needed = np.where(self.is_small[first] & self.is_small[second], SMALL_CORRELATION, CORRELATION)
        tints = [(colour - colour[:, 1:2])[:, ::2] for colour in (self.colours[first], self.colours[second])]
        is_tinted = np.abs(tints[0] - tints[1]).max(axis=1) > MOST_TINT
        is_stretched = np.abs(self.proportions[first] - self.proportions[second]) > np.log(MOST_STRETCH)
        is_near = (correlation >= needed) & ~is_tinted & ~is_stretched
        return np.asarray(pairs[is_near])


def alike(copies: Array, colours: Array, widths: Array, heights: Array) -> Array:
    """Return for each picture the first one that it is a near duplicate of, directly or through others; else itself.

    Args:
        copies: (N, 16, 16) uint8, as of `grey_copies`.
        colours: (N, 3) uint8, the mean colours.
        widths: (N,) of the pictures as they are stored, upright.
        heights: (N,) likewise.
    """
    from scipy.sparse import coo_array  # a tenth of a second, and only where pictures are read for the first time
    from scipy.sparse.csgraph import connected_components

    groups = np.arange(len(copies))
    contrast = [copies[start : start + BLOCK].std(axis=(1, 2)) for start in range(0, len(copies), BLOCK)]
    clear = np.flatnonzero(np.concatenate([*contrast, np.empty(0)]) >= LEAST_CONTRAST)
    if len(clear) < 2:
        return groups
    proportions = np.log(widths[clear] / heights[clear])
    is_small = (np.minimum(widths, heights) < SMALL)[clear]
    facts = _Facts(copies[clear], colours[clear].astype(np.int16), proportions, is_small)
    pairs = np.concatenate([facts.confirmed(found) for found in _candidates(facts.copies, is_small)])
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(clear), len(clear)))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    groups[clear] = clear[first[component]]
    return groups


def _directions(copies: Array) -> Array:
    """Return copies (N, 16, 16) less their means as vectors (N, 256) of length 1, whose product is their correlation."""
    vectors = copies.reshape(len(copies), SIDE * SIDE).astype(np.float32)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _cosines() -> Array:
    """Return the lowest frequencies of a discrete cosine transform (DCT-II) of a copy, as orthonormal columns (256, K)."""
    places = np.arange(SIDE)
    one = np.cos(np.pi * np.arange(FREQUENCIES)[:, None] * (2 * places + 1) / (2 * SIDE))
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    both = np.einsum("ki,lj->klij", one, one).reshape(-1, SIDE * SIDE)
    return np.asarray(both[1:].T, np.float32)  # without the mean, which is 0


def _candidates(copies: Array, is_small: Array) -> Iterator[Array]:
    """Yield pairs (n, 2) of places of pictures that may be alike: of large ones, of small ones, of one of each."""
    from scipy.spatial import cKDTree

    sample = _directions(copies[:: max(1, len(copies) // SAMPLE)])
    waves = _cosines()
    axes = waves[:, np.argsort((sample @ waves).var(axis=0), kind="stable")[-COMPONENTS:]]
    points = np.concatenate(
        [_directions(copies[start : start + BLOCK]) @ axes for start in range(0, len(copies), BLOCK)]
    )
    places = [np.flatnonzero(~is_small), np.flatnonzero(is_small)]
    trees = [cKDTree(points[chosen], leafsize=24) if len(chosen) else None for chosen in places]
    for chosen, tree, needed in zip(places, trees, (CORRELATION, SMALL_CORRELATION), strict=True):
        if tree is not None:
            yield chosen[tree.query_pairs(_radius(tree, tree, needed), output_type="ndarray")].reshape(-1, 2)
    large, small = trees
    if large is not None and small is not None:
        found = large.sparse_distance_matrix(small, _radius(large, small, CORRELATION), output_type="ndarray")
        yield np.column_stack([places[0][found["i"]], places[1][found["j"]]])


def _radius(one: "cKDTree", other: "cKDTree", correlation: float) -> float:
    """Return how far apart unit vectors of this correlation are; less where far too many would be so near."""
    from scipy.spatial import cKDTree

    step = max(1, one.n // 2000)
    sample = cKDTree(one.data[::step])
    distance = float(np.sqrt(2 * (1 - correlation)))
    while sample.count_neighbors(other, distance) * step > MOST_PAIRS and distance > 1e-6:
        distance /= 2
    return distance
