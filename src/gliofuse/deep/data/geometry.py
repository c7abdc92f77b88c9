"""Where an item's image lies in its patient's volume: cutting out, resampling, putting back.

Pixel centres follow the convention of ``align_corners=False``: an image of ``n`` pixels over the
voxels ``[start, stop)`` has pixel ``j`` at voxel ``start + (j + 0.5) * (stop - start) / n - 0.5``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["ItemGeometry", "cut", "middle", "put_back", "resample", "square_box"]


@dataclass(frozen=True)
class ItemGeometry:
    """The box of voxels that an item's image covers.

    Parameters
    ----------
    case_id : str
    start_zyx, stop_zyx : tuple of float
        Half-open box in voxels of the patient's volume. It may reach past the border, where the
        image was padded. A slice has ``stop_z - start_z == 1``.
    size : tuple of int
        Pixels of the image: ``(height, width)`` of a slice, ``(depth, height, width)`` of a patch.
    volume_shape : tuple of int
        ``(z, y, x)``.
    spacing_mm : tuple of float
        ``(z, y, x)``.
    """

    case_id: str
    start_zyx: tuple[float, float, float]
    stop_zyx: tuple[float, float, float]
    size: tuple[int, ...]
    volume_shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]

    @property
    def slice_index(self) -> int:
        """The axial slice, for a slice; the first slice of a patch."""
        return int(self.start_zyx[0])

    def central(self, size: Sequence[int]) -> ItemGeometry:
        """Return the geometry of the image's middle ``size`` pixels (see :func:`middle`)."""
        start, stop = list(self.start_zyx), list(self.stop_zyx)
        first = 3 - len(self.size)
        for axis, (old, new) in enumerate(zip(self.size, size)):
            step = (stop[first + axis] - start[first + axis]) / old
            begin = start[first + axis] + ((old - new) // 2) * step
            start[first + axis], stop[first + axis] = begin, begin + new * step
        return replace(
            self,
            start_zyx=(start[0], start[1], start[2]),
            stop_zyx=(stop[0], stop[1], stop[2]),
            size=tuple(size),
        )


def square_box(
    low: Sequence[int], high: Sequence[int], *, margin: float = 0.0, minimum: int = 1
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the smallest box with equal sides around ``[low, high)``, grown by a margin.

    Parameters
    ----------
    low, high : sequence of int
        Half-open box, one entry an axis.
    margin : float
        Share of the side that is added on each side.
    minimum : int
        Least side in voxels.

    Returns
    -------
    start, stop : tuple of int
        May reach past the image's border.

    Examples
    --------
    >>> square_box((10, 20), (20, 24))
    ((10, 17), (20, 27))
    """
    side = max(b - a for a, b in zip(low, high))
    side = max(int(np.ceil(side * (1 + 2 * margin))), minimum)
    start = tuple((a + b - side) // 2 for a, b in zip(low, high))
    return start, tuple(a + side for a in start)


def cut(array: np.ndarray, start: Sequence[int], stop: Sequence[int], fill: float) -> np.ndarray:
    """Return ``array[start:stop]`` over the last axes, padded with ``fill`` outside the array.

    Examples
    --------
    >>> cut(np.array([1, 2, 3]), (-1,), (2,), fill=0).tolist()
    [0, 1, 2]
    """
    lead = array.ndim - len(start)
    shape = array.shape[:lead] + tuple(b - a for a, b in zip(start, stop))
    result = np.full(shape, fill, dtype=array.dtype)
    source, target = [slice(None)] * lead, [slice(None)] * lead
    for a, b, length in zip(start, stop, array.shape[lead:]):
        low, high = max(a, 0), max(min(b, length), max(a, 0))
        source.append(slice(low, high))
        target.append(slice(low - a, high - a))
    result[tuple(target)] = array[tuple(source)]
    return result


def middle(array: np.ndarray, size: Sequence[int], fill: float = 0.0) -> np.ndarray:
    """Return the middle ``size`` pixels over the last axes, padded where the array is smaller."""
    lengths = array.shape[array.ndim - len(size) :]
    start = [(old - new) // 2 for old, new in zip(lengths, size)]
    return cut(array, start, [a + new for a, new in zip(start, size)], fill)


def resample(array: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Resample the last axes of ``array`` to ``size`` linearly.

    What is made smaller is smoothed first (antialiasing), along each axis by its own factor.

    Parameters
    ----------
    array : numpy.ndarray of shape (channels, height, width) or (channels, depth, height, width)
    size : sequence of int

    Returns
    -------
    numpy.ndarray of float32
    """
    values = np.ascontiguousarray(array, dtype=np.float32)
    if values.shape[1:] == tuple(size):
        return values
    import torch
    from torch.nn.functional import interpolate

    def planes(batch: torch.Tensor, wanted: Sequence[int]) -> torch.Tensor:
        return interpolate(batch, tuple(wanted), mode="bilinear", antialias=True)

    if len(size) == 2:
        return planes(torch.from_numpy(values)[None], size)[0].numpy()
    # torch smooths planes alone: first those of y and x, then z against all of a plane's pixels
    flat = planes(torch.from_numpy(values), size[1:]).flatten(2)[:, None]
    return planes(flat, (size[0], flat.shape[-1])).reshape(len(values), *size).numpy()


def put_back(
    values: np.ndarray, geometry: ItemGeometry, target: np.ndarray | None = None
) -> np.ndarray:
    """Write a map over an item's image into the patient's volume.

    Parameters
    ----------
    values : numpy.ndarray
        Map over the item's box, of any size: ``(height, width)`` for a slice, ``(depth, height,
        width)`` for a patch. Sampled linearly.
    geometry : ItemGeometry
    target : numpy.ndarray of shape ``geometry.volume_shape``, optional
        Volume to write into, so that several slices gather in one; where items overlap the larger
        value stays. ``None`` makes one of zeros.

    Returns
    -------
    numpy.ndarray of float32, (z, y, x)

    Examples
    --------
    >>> box = ItemGeometry("a", (1, 2, 2), (2, 4, 4), (8, 8), (3, 5, 5), (1.0, 1.0, 1.0))
    >>> put_back(np.ones((8, 8)), box).sum()
    np.float32(4.0)
    """
    from scipy.ndimage import map_coordinates

    volume = np.zeros(geometry.volume_shape, dtype=np.float32) if target is None else target
    image = values[None] if values.ndim == 2 else values
    ranges, positions = [], []
    for start, stop, pixels, length in zip(
        geometry.start_zyx, geometry.stop_zyx, image.shape, volume.shape
    ):
        voxels = np.arange(max(int(np.ceil(start - 0.5)), 0), length)
        voxels = voxels[voxels + 0.5 <= stop]
        ranges.append(slice(int(voxels[0]), int(voxels[-1]) + 1) if len(voxels) else slice(0, 0))
        positions.append((voxels + 0.5 - start) * pixels / (stop - start) - 0.5)
    grid = np.meshgrid(*positions, indexing="ij")
    found = map_coordinates(image.astype(np.float32), grid, order=1, mode="nearest")
    place = volume[tuple(ranges)]
    np.maximum(place, found, out=place)
    return volume
