"""A network over an image that is larger than its patch, plane by plane.

Tiles overlap and are weighed with a Gaussian, so that a tile's border, where the network sees
least, counts least. Sums are held for the planes that tiles still reach, no more: a plane is given
away as soon as the last tile that covers it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import torch
from monai.data.utils import compute_importance_map
from torch.nn import functional

__all__ = ["predict_planes", "tile_starts", "with_neighbours"]

Predict = Callable[[torch.Tensor], torch.Tensor]
_LEAST_WEIGHT = 1e-3


def tile_starts(size: int, patch: int, overlap: float) -> list[int]:
    """Return where tiles of a length begin along an axis, evenly spread.

    Examples
    --------
    >>> tile_starts(100, 64, 0.5)
    [0, 18, 36]
    >>> tile_starts(50, 64, 0.5)
    [0]
    """
    if size <= patch:
        return [0]
    step = max(1, int(patch * (1 - overlap)))
    count = -(-(size - patch) // step) + 1
    return [round(number * (size - patch) / (count - 1)) for number in range(count)]


def with_neighbours(image: torch.Tensor, plane: int, neighbours: int) -> torch.Tensor:
    """Return a slice with those around it as channels: (S, z, y, x) to (S * (2n + 1), y, x).

    Beyond the first and the last slice these stand in.
    """
    depth = image.shape[1]
    places = [min(max(plane + step, 0), depth - 1) for step in range(-neighbours, neighbours + 1)]
    return image[:, places].flatten(0, 1)


def predict_planes(
    predict: Predict,
    image: torch.Tensor,
    *,
    patch: Sequence[int],
    channels: int,
    neighbours: int = 0,
    overlap: float = 0.5,
    flips: Sequence[tuple[int, ...]] = ((),),
    batch_size: int = 8,
) -> Iterator[torch.Tensor]:
    """Yield the probabilities of each plane, in order.

    Parameters
    ----------
    predict : callable
        A batch of images to their probabilities, same spatial size.
    image : tensor, shape (sequences, z, y, x)
    patch : sequence of int
        (y, x) for a network of slices, (z, y, x) for one of volumes.
    channels : int
        Of the probabilities.
    neighbours : int
        Slices on each side that a network of slices sees.
    overlap : float
        Of neighbouring tiles.
    flips : sequence of tuples of int
        Axes to mirror (negative), one tuple a pass; ``()`` is the image as it is.
    batch_size : int
        Slices at once.

    Yields
    ------
    tensor of float32, shape (channels, y, x)
    """
    if len(patch) == 2:
        yield from _slices(predict, image, patch, channels, neighbours, overlap, flips, batch_size)
    else:
        yield from _volumes(predict, image, patch, channels, overlap, flips)


def _mirrored(
    predict: Predict, batch: torch.Tensor, flips: Sequence[tuple[int, ...]]
) -> torch.Tensor:
    """Return the mean over the passes, each turned back."""
    total = None
    for axes in flips:
        found = predict(torch.flip(batch, axes) if axes else batch)
        found = torch.flip(found, axes) if axes else found
        total = found if total is None else total + found
    assert total is not None
    return total / len(flips)


def _weights(patch: Sequence[int]) -> torch.Tensor:
    found = compute_importance_map(tuple(patch), mode="gaussian", sigma_scale=0.125)
    return torch.as_tensor(found).clamp_min(_LEAST_WEIGHT)


def _padded(image: torch.Tensor, patch: Sequence[int]) -> torch.Tensor:
    """Return the image with zeros behind its end, at least as large as the patch."""
    missing = [max(0, p - s) for p, s in zip(patch, image.shape[-len(patch) :])]
    widths = [width for pad in reversed(missing) for width in (0, pad)]
    return functional.pad(image, widths) if any(missing) else image


def _slices(
    predict: Predict,
    image: torch.Tensor,
    patch: Sequence[int],
    channels: int,
    neighbours: int,
    overlap: float,
    flips: Sequence[tuple[int, ...]],
    batch_size: int,
) -> Iterator[torch.Tensor]:
    height, width = image.shape[2:]
    image = _padded(image, patch)
    size = image.shape[2:]
    corners = list(product(*(tile_starts(s, p, overlap) for s, p in zip(size, patch))))
    weight = _weights(patch) if len(corners) > 1 else None
    for first in range(0, image.shape[1], batch_size):
        planes = range(first, min(first + batch_size, image.shape[1]))
        batch = torch.stack([with_neighbours(image, plane, neighbours) for plane in planes])
        if weight is None:
            found = _mirrored(predict, batch, flips)
        else:
            found = torch.zeros(len(batch), channels, *size)
            total = torch.zeros(size)
            for y, x in corners:
                part = (slice(y, y + patch[0]), slice(x, x + patch[1]))
                found[:, :, *part] += weight * _mirrored(predict, batch[:, :, *part], flips).cpu()
                total[part] += weight
            found /= total
        yield from found[:, :, :height, :width].cpu()


def _volumes(
    predict: Predict,
    image: torch.Tensor,
    patch: Sequence[int],
    channels: int,
    overlap: float,
    flips: Sequence[tuple[int, ...]],
) -> Iterator[torch.Tensor]:
    depth, height, width = image.shape[1:]
    image = _padded(image, patch)
    size = image.shape[1:]
    starts = [tile_starts(s, p, overlap) for s, p in zip(size, patch)]
    weight = _weights(patch)
    held = torch.zeros(patch[0], channels, *size[1:])  # planes that tiles still reach
    total = torch.zeros(patch[0], *size[1:])
    base = 0  # the plane that ``held[0]`` is
    for number, z in enumerate(starts[0]):
        if z > base:
            held, total = _moved(held, z - base), _moved(total, z - base)
            base = z
        for y, x in product(*starts[1:]):
            place = (slice(y, y + patch[1]), slice(x, x + patch[2]))
            tile = image[:, z : z + patch[0], *place]
            found = _mirrored(predict, tile[None], flips)[0].cpu()
            held[:, :, *place] += (weight * found).transpose(0, 1)
            total[:, *place] += weight
        following = starts[0][number + 1] if number + 1 < len(starts[0]) else size[0]
        for plane in range(z, min(following, depth)):
            yield held[plane - base, :, :height, :width] / total[plane - base, :height, :width]


def _moved(held: torch.Tensor, steps: int) -> torch.Tensor:
    """Return the planes moved forward, empty ones behind."""
    empty = torch.zeros_like(held[:steps])
    return torch.cat([held[steps:], empty])
