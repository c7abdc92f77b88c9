"""Index arithmetic for filtering a neighbourhood of the region instead of the volume."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Box", "padded_box"]

Box = tuple[slice, slice, slice]


def padded_box(box: Box, pads: Sequence[int], shape: Sequence[int]) -> Box:
    """Widen ``box`` by ``pads`` voxels on each side of each axis, without leaving the volume.

    Examples
    --------
    >>> padded_box((slice(5, 8), slice(0, 4), slice(9, 10)), (2, 2, 2), (20, 20, 10))
    (slice(3, 10, None), slice(0, 6, None), slice(7, 10, None))
    """
    z, y, x = (
        slice(max(0, extent.start - pad), min(size, extent.stop + pad))
        for extent, pad, size in zip(box, pads, shape)
    )
    return z, y, x
