"""Bounding boxes of arrays (z, y, x)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gliofuse.errors import RegionError

__all__ = ["Box", "bounding_box", "extent", "pad_box"]

Box = tuple[slice, slice, slice]


def extent(mask: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return where the voxels that are not zero begin and end, along each axis.

    Parameters
    ----------
    mask : ndarray, any number of dimensions

    Returns
    -------
    low, high : tuple of int
        The half-open box ``[low, high)``.

    Raises
    ------
    RegionError
        If the mask is empty.

    Examples
    --------
    >>> extent(np.array([[0, 0, 0, 0], [0, 1, 0, 1]]))
    ((1, 1), (2, 4))
    """
    rest = np.asarray(mask).astype(bool, copy=False)
    if not rest.any():
        raise RegionError("the mask has no voxel, so it has no bounding box")
    low: list[int] = []
    high: list[int] = []
    # one axis after another, each on what the last one left: a head takes under a millisecond
    for _ in range(rest.ndim):
        places = np.flatnonzero(rest.reshape(len(rest), -1).any(axis=1))
        low.append(int(places[0]))
        high.append(int(places[-1]) + 1)
        rest = np.asarray(rest[low[-1] : high[-1]].any(axis=0))
    return tuple(low), tuple(high)


def bounding_box(mask: np.ndarray, *, pad: int | Sequence[int] = 0) -> Box:
    """Return the smallest box around the voxels that are not zero.

    Parameters
    ----------
    mask : ndarray, shape (z, y, x)
    pad : int or three ints (z, y, x)
        Voxels to add on each side, as far as the array goes.

    Returns
    -------
    tuple of three slices (z, y, x)

    Raises
    ------
    RegionError
        If the mask is empty.

    Examples
    --------
    >>> mask = np.zeros((4, 5, 6), bool)
    >>> mask[1:3, 2, 4] = True
    >>> bounding_box(mask)
    (slice(1, 3, None), slice(2, 3, None), slice(4, 5, None))
    """
    if np.ndim(mask) != 3:
        raise RegionError(f"a bounding box needs a mask (z, y, x), got shape {np.shape(mask)}")
    z, y, x = (slice(first, last) for first, last in zip(*extent(mask)))
    return pad_box((z, y, x), np.shape(mask), pad)


def pad_box(box: Box, shape: Sequence[int], pad: int | Sequence[int]) -> Box:
    """Return ``box`` grown by ``pad`` voxels on each side, held inside ``shape``."""
    widths = [pad] * 3 if isinstance(pad, int) else list(pad)
    grown = [
        slice(max(0, part.start - width), min(int(size), part.stop + width))
        for part, size, width in zip(box, shape, widths, strict=True)
    ]
    return grown[0], grown[1], grown[2]
