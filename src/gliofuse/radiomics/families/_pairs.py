"""Pairs of neighbouring grey levels, counted along each direction."""

from __future__ import annotations

import numpy as np

from gliofuse.radiomics._kernel import kernel

__all__ = ["count_pairs", "normalised_pairs"]


@kernel
def count_pairs(rank: np.ndarray, positions: np.ndarray, steps: np.ndarray, k: int) -> np.ndarray:
    """Count the pairs (angles, k + 1, k + 1); row and column 0 gather what lies outside."""
    # flat and unsigned: a signed index would be tested for counting from the end
    width = np.uint64(k + 1)
    table = width * width
    out = np.zeros(len(steps) * (k + 1) * (k + 1), np.int32)
    for v in positions:
        here = np.uint64(rank[v]) * width
        for a in range(len(steps)):
            out[np.uint64(a) * table + here + np.uint64(rank[v + steps[a]])] += 1
    return out.reshape(len(steps), k + 1, k + 1)


@kernel
def normalised_pairs(counts: np.ndarray, symmetrical: bool) -> np.ndarray:
    """Return the shares of pairs of one direction; all 0 if there is no pair."""
    k = len(counts) - 1
    p = np.empty((k, k))
    for i in range(k):
        for j in range(k):
            p[i, j] = counts[i + 1, j + 1]
    if symmetrical:
        for i in range(k):
            for j in range(i + 1):
                both = p[i, j] + p[j, i]
                p[i, j] = both
                p[j, i] = both
    return p
