"""Resampling between a head's own grid and that of a stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch.nn import functional

__all__ = ["native_planes", "place_on", "resample"]


def resample(array: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Return (channels, z, y, x) on a grid of another number of voxels over the same extent.

    Linear between voxel centres; where the new voxels are larger, the old ones are averaged with a
    triangle of their width, so that nothing aliases.

    Examples
    --------
    >>> resample(torch.tensor([[[[0.0, 2.0, 4.0, 6.0]]]]), (1, 1, 2)).tolist()[0][0][0][0] < 2
    True
    """
    depth, height, width = shape
    result = array
    if tuple(result.shape[2:]) != (height, width):
        result = functional.interpolate(
            result, (height, width), mode="bilinear", antialias=True, align_corners=False
        )
    if result.shape[1] != depth:
        flat = result.reshape(result.shape[0], 1, result.shape[1], height * width)
        flat = functional.interpolate(
            flat, (depth, height * width), mode="bilinear", antialias=True, align_corners=False
        )
        result = flat.reshape(result.shape[0], depth, height, width)
    return result


def place_on(index: int, size: int, other: int) -> tuple[int, int, float]:
    """Return where voxel ``index`` of ``size`` lies among ``other`` voxels over the same extent.

    Returns
    -------
    tuple
        The voxel before, the one after, and the share of the one after.

    Examples
    --------
    >>> place_on(0, 4, 2), place_on(1, 4, 2), place_on(3, 4, 2)
    ((0, 1, 0.0), (0, 1, 0.25), (1, 1, 0.0))
    """
    place = (index + 0.5) * other / size - 0.5
    place = min(max(place, 0.0), other - 1.0)
    before = int(place)
    after = min(before + 1, other - 1)
    return before, after, place - before if after > before else 0.0


def native_planes(
    planes: Iterable[torch.Tensor], count: int, shape: Sequence[int]
) -> Iterator[torch.Tensor]:
    """Turn a stage's planes into those of the head's own grid, as they come.

    No more than two planes are held at a time.

    Parameters
    ----------
    planes : iterable of tensor (channels, y, x)
        In order.
    count : int
        How many will come.
    shape : sequence of three ints
        The head's own voxels (z, y, x).

    Yields
    ------
    tensor, shape (channels, y, x)
        One for each of the head's slices.
    """
    depth, height, width = shape
    source = iter(planes)
    held: dict[int, torch.Tensor] = {}
    received = 0
    for index in range(depth):
        before, after, share = place_on(index, depth, count)
        while received <= after:
            held[received] = next(source)
            received += 1
        for old in [number for number in held if number < before]:
            del held[old]
        plane = held[before]
        if share:
            plane = torch.lerp(plane, held[after], share)
        if tuple(plane.shape[1:]) != (height, width):
            plane = functional.interpolate(
                plane[None], (height, width), mode="bilinear", align_corners=False
            )[0]
        yield plane
    for _ in source:  # let the producer end
        pass
