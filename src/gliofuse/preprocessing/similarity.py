"""How much two images tell of each other, and how much they would by chance."""

from __future__ import annotations

import numpy as np

__all__ = ["mutual_information", "shuffled_information"]

_BINS = 24
_BLOCK = 8  # voxels: wide enough to keep an image's texture, narrow enough to break the anatomy
_SHUFFLES = 12


def mutual_information(fixed: np.ndarray, moving: np.ndarray, inside: np.ndarray) -> float:
    """Return the mutual information of two images in nats.

    Parameters
    ----------
    fixed, moving : ndarray, shape (z, y, x)
        On one grid.
    inside : ndarray of bool, shape (z, y, x)
        The voxels to look at.
    """
    return _information(_levels(fixed[inside]), _levels(moving[inside]))


def shuffled_information(
    fixed: np.ndarray, moving: np.ndarray, inside: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """Return mean and standard deviation of the information that is there by chance.

    The moving image's blocks are dealt out anew within the mask, so that both images keep their
    grey values and their texture, and lose what one says of the other.
    """
    where = np.argwhere(inside)
    blocks = where // _BLOCK
    order = np.lexsort(blocks.T)
    edges = np.flatnonzero(np.any(np.diff(blocks[order], axis=0), axis=1)) + 1
    groups = np.split(order, edges)
    one, other = _levels(fixed[inside]), _levels(moving[inside])
    values = []
    for _ in range(_SHUFFLES):
        dealt = np.concatenate([groups[place] for place in rng.permutation(len(groups))])
        mixed = np.empty_like(other)
        mixed[np.concatenate(groups)] = other[dealt]
        values.append(_information(one, mixed))
    return float(np.mean(values)), float(np.std(values))


def _levels(values: np.ndarray) -> np.ndarray:
    low, high = np.percentile(values, (0.5, 99.5)) if values.size else (0.0, 0.0)
    if not high > low:
        return np.zeros(values.shape, dtype=np.intp)
    return np.clip((values - low) / (high - low) * _BINS, 0, _BINS - 1).astype(np.intp)


def _information(one: np.ndarray, other: np.ndarray) -> float:
    if not one.size:
        return 0.0
    joint = np.bincount(one * _BINS + other, minlength=_BINS**2).reshape(_BINS, _BINS)
    share = joint / joint.sum()
    by_chance = share.sum(axis=1, keepdims=True) * share.sum(axis=0, keepdims=True)
    filled = share > 0
    return float((share[filled] * np.log(share[filled] / by_chance[filled])).sum())
